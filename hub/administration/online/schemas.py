"""Shapes of operators' acts on the wire; those of agreements and grounds are the forms of ``hub.administration``."""

from marshmallow import Schema

from hub.intake.schemas import oin_field


class NieuweAanvaarding(Schema):
    """For which party an operator writes down its acceptance; left out: for the own organisation."""

    organisatie = oin_field()
