"""Shapes of beperking, bezwaar and afscherming on the wire."""

import re
from typing import Any, Final

from marshmallow import Schema, fields

from consent.facts import ObjectionOutcome
from contracts.identity import Purpose
from hub.intake.problems import invalid
from hub.intake.schemas import Instant, code_field, free_text, no_bsn, oin_field, word_field
from hub.rights.limits import restrictions, shields
from hub.rights.schemas import Gevolg

_EMPLOYEE: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_MOST: Final = 50


def some(values: list[Any]) -> None:
    """One or more, each once."""
    if not 1 <= len(values) <= _MOST or len(set(values)) < len(values):
        raise invalid("AANTAL", f"hier horen 1 tot {_MOST} verschillende waarden")


def _few(values: list[Any]) -> None:
    if len(values) > _MOST or len(set(values)) < len(values):
        raise invalid("AANTAL", f"hier horen ten hoogste {_MOST} verschillende waarden")


def employee_field(**kwargs: Any) -> fields.String:
    """The code of an employee: never a name."""
    return fields.String(validate=_employee, metadata={"pattern": f"^{_EMPLOYEE}$"}, **kwargs)


def _employee(value: str) -> None:
    if not re.fullmatch(_EMPLOYEE, value):
        raise invalid("PATROON", "hier horen letters, cijfers, punten en streepjes: een code, geen naam")
    no_bsn(value)


class _Stromen(Schema):
    verstrekkers = fields.List(oin_field(), required=True, validate=some)
    ontvangers = fields.List(oin_field(), validate=some)
    doel = code_field(Purpose)


class NieuweBeperking(_Stromen):
    """Which own flows must stand still, and why (AVG art. 18(1))."""

    grond = word_field(*restrictions.REASONS, required=True)


class NieuwBezwaar(_Stromen):
    """Against which own flows a person objects, and the person's reasons (AVG art. 21(1))."""

    grond = free_text(2000, required=True)


class BeperkingGevolg(Gevolg):
    """What followed from a beperking."""

    beperkingId = fields.String(required=True)


class Beperking(_Stromen):
    """A beperking that the own organisation recorded."""

    id = fields.String(required=True)
    grond = fields.String(required=True)
    op = Instant(required=True)
    opgehevenOp = Instant(required=True, allow_none=True)


class Beperkingen(Schema):
    """The beperkingen that the own organisation recorded for somebody, oldest first."""

    items = fields.List(fields.Nested(Beperking), required=True)


class BeperkingQuery(Schema):
    """Which one to lift; left out: all."""

    id = fields.String(validate=lambda v: None if re.fullmatch("[0-9a-f]{32}", v) else _no_id())


def _no_id() -> None:
    raise invalid("PATROON", "hier hoort het id van een beperking")


class GevraagdeWeging(Schema):
    """One verstrekker's part of a bezwaar: by when it must have weighed it."""

    bezwaarId = fields.String(required=True)
    verstrekker = oin_field(required=True)
    uiterlijkOp = fields.String(required=True, metadata={"format": "date-time"})


class BezwaarGevolg(Gevolg):
    """What followed from a bezwaar."""

    bezwaren = fields.List(fields.Nested(GevraagdeWeging), required=True)


class Bezwaar(_Stromen):
    """A bezwaar that the own organisation recorded, and how it was decided."""

    id = fields.String(required=True)
    op = Instant(required=True)
    uiterlijkOp = Instant(required=True)
    grond = fields.String(allow_none=True)
    uitkomst = code_field(ObjectionOutcome, required=True)
    beslotenOp = Instant(required=True, allow_none=True)
    motivering = fields.String(allow_none=True)


class Bezwaren(Schema):
    """The bezwaren that the own organisation recorded for somebody, oldest first."""

    items = fields.List(fields.Nested(Bezwaar), required=True)


class NieuweAfscherming(Schema):
    """Why somebody's whereabouts are kept, and who may have them all the same, one by one."""

    grond = word_field(*shields.REASONS, required=True)
    ontvangers = fields.List(oin_field(), required=True, validate=_few)


class AfschermingGevolg(Gevolg):
    """What followed from an afscherming; ``verstrekt``: who has the whereabouts already, though not named."""

    afschermingId = fields.String(required=True)


class Afscherming(Schema):
    """An afscherming that the own organisation recorded."""

    id = fields.String(required=True)
    grond = fields.String(required=True)
    ontvangers = fields.List(oin_field(), required=True)
    op = Instant(required=True)
    opheffingGevraagdOp = Instant(required=True, allow_none=True)
    opgehevenOp = Instant(required=True, allow_none=True)


class Afschermingen(Schema):
    """The afschermingen that the own organisation recorded for somebody, oldest first."""

    items = fields.List(fields.Nested(Afscherming), required=True)


class Opheffing(Schema):
    """The code of the employee who lifts it; with ``ontvangers``: only for these, who are then named too."""

    medewerker = employee_field(required=True)
    ontvangers = fields.List(oin_field(), validate=some)


class OpheffingStand(Schema):
    """``gevraagd``: a second employee must do the same; ``opgeheven``: it is done."""

    status = word_field("gevraagd", "opgeheven", required=True)
