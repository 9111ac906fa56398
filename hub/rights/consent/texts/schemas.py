"""Shapes of the texts of notices on the wire."""

from marshmallow import Schema, fields

from hub.intake.schemas import Instant, free_text
from hub.rights.schemas import Redenering, flag

#: The whole of a text must fit into one call.
MOST_TEXT = 40_000


class NieuweVerklaring(Schema):
    """The text of a notice, word for word: line feeds count."""

    tekst = free_text(MOST_TEXT, required=True)


class Verklaringstekst(Schema):
    """A published text, by what a statement names of it."""

    id = fields.String(required=True)
    versie = fields.String(required=True)
    taal = fields.String(required=True)
    sha256 = fields.String(required=True)
    gepubliceerdOp = Instant(required=True)
    ongeldigOp = Instant(required=True, allow_none=True)


class VerklaringMetTekst(Verklaringstekst):
    """The same with the text itself."""

    tekst = fields.String(required=True)


class Ongeldigverklaring(Redenering):
    """Why a version does not hold; `proef`: only tell what that would touch."""

    proef = flag()


class Geraakt(Schema):
    """What an invalidation touched, or would touch, signed. Messages: the caller's own sendings and receipts."""

    proef = fields.Boolean(required=True)
    tijdstip = fields.String(required=True, metadata={"format": "date-time"})
    toestemmingen = fields.Integer(required=True)
    wachtend = fields.Integer(required=True)
    verstrekt = fields.Integer(required=True)
    kennisgevingen = fields.Integer()
    handtekening = fields.String(required=True)
