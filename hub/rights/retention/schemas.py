"""Shapes of the vernietigingsverklaring of a month on the wire."""

from typing import Any

from marshmallow import Schema, fields

from hub.intake.paging import PageQuery
from hub.intake.schemas import oin_field, word_field
from hub.rights.schemas import Day


def _moment() -> fields.String:
    """An instant that is part of what is signed."""
    more: dict[str, Any] = {"format": "date-time"}
    return fields.String(required=True, metadata=more)


class MaandenQuery(PageQuery):
    """Which months: those that lie, or begin, from `van` to `tot` (days in the Netherlands; left out: all)."""

    van = Day()
    tot = Day()


class VernietigdNaTermijn(Schema):
    """How many messages were emptied and how many of those never arrived; keys; persons whose evidence went."""

    berichten = fields.Integer(required=True)
    onbestelbaar = fields.Integer(required=True)
    sleutels = fields.Integer(required=True)
    bewijzen = fields.Integer(required=True)


class Maand(VernietigdNaTermijn):
    """A month in which something of the caller's was destroyed; `periode` names it (`2026-11`)."""

    periode = fields.String(required=True, metadata={"pattern": "^[0-9]{4}-[0-9]{2}$"})
    van = _moment()
    tot = _moment()


class Maanden(Schema):
    """A page of months, oldest first."""

    items = fields.List(fields.Nested(Maand), required=True)
    volgende = fields.String(required=True, allow_none=True)


class SoortVernietigd(Schema):
    """Messages of one kind for one doel; `dagen`: how long they are kept after their last delivery ended."""

    soort = fields.String(required=True)
    doel = fields.String(required=True)
    berichten = fields.Integer(required=True)
    dagen = fields.Integer(required=True)


class Vermelding(Schema):
    """An entry of the log that says so."""

    vermelding = fields.String(required=True)
    bladHash = fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})


class Maandverklaring(Schema):
    """What of the caller's was destroyed in a month because its term was over; signed.

    `berichten`: their ids; `sleutels`: SHA-256 of the ids of destroyed keys; `tot`: as far as it has gone, while the
    month is not over (`afgesloten`).
    """

    verklaring = fields.String(required=True)
    periode = fields.String(required=True)
    van = _moment()
    tot = _moment()
    afgesloten = fields.Boolean(required=True)
    organisatie = oin_field(required=True)
    naam = fields.String(required=True, allow_none=True)
    reden = fields.String(required=True)
    vernietigd = fields.Nested(VernietigdNaTermijn, required=True)
    soorten = fields.List(fields.Nested(SoortVernietigd), required=True)
    berichten = fields.List(fields.String(), required=True)
    sleutels = fields.List(fields.String(), required=True)
    oorsprong = fields.String(required=True)
    vermeldingen = fields.List(fields.Nested(Vermelding), required=True)
    handtekening = fields.String(required=True)


class MaandverklaringQuery(Schema):
    """As JSON, or as a letter to print."""

    formaat = word_field("json", "brief", load_default="json")
