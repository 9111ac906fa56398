"""Shapes of joining and splitting on the wire."""

from typing import Any

from marshmallow import Schema, fields

from contracts.identity import Purpose
from hub.intake.problems import invalid
from hub.intake.schemas import Instant, code_field, free_text, oin_field, ref_field, word_field
from hub.keys import codes
from hub.rights.identity import crossed
from hub.rights.limits.schemas import employee_field
from hub.rights.schemas import flag

ASKED, DONE, LAPSED = "gevraagd", "uitgevoerd", "verlopen"


def _code_field() -> fields.String:
    def check(value: str) -> None:
        if not codes.READ.fullmatch(value):
            raise invalid("PATROON", "hier hoort een code van drie keer vier letters en cijfers, met streepjes")

    return fields.String(required=True, validate=check, metadata={"pattern": f"^{codes.PATTERN}$"})


class _Verzoek(Schema):
    medewerker = employee_field(required=True)
    reden = free_text(2000, required=True)


class NieuweSamenvoeging(_Verzoek):
    """Who asks that this person and another are taken for one, and why.

    ``kandidaatRef``: where the own organisation knows both, its ref of the other; only that one can be confirmed then.
    """

    kandidaatRef = ref_field()


class NieuweSplitsing(_Verzoek):
    """Who asks that the person of this ref is split off from those with whom it was joined, and why."""


class _Bevestiging(Schema):
    medewerker = employee_field(required=True)
    code = _code_field()
    proef = flag()


class SamenvoegingBevestiging(_Bevestiging):
    """The second officer and the code that the first one told; ``proef``: only tell what would follow."""


class SplitsingBevestiging(_Bevestiging):
    """The second officer and the code that the first one told; ``proef``: only tell what would follow."""


class SamenvoegingGevraagd(Schema):
    """What was asked. ``code``: for the second officer; told by telephone, shown this once."""

    samenvoegingId = fields.String(required=True)
    code = fields.String(required=True)
    geldigTot = Instant(required=True)


class SplitsingGevraagd(Schema):
    """What was asked. ``code``: for the second officer; told by telephone, shown this once."""

    splitsingId = fields.String(required=True)
    code = fields.String(required=True)
    geldigTot = Instant(required=True)


class GestoptBericht(Schema):
    """An own message that waited and goes no more."""

    berichtId = fields.String(required=True)
    ontvanger = oin_field(required=True)


class EigenStroom(Schema):
    """An own flow that is open. ``stopt``: something that may go now may not any more."""

    kandidaatRef = ref_field(required=True)
    verstrekker = oin_field(required=True)
    ontvanger = oin_field(required=True)
    doel = code_field(Purpose, required=True)
    stopt = fields.Boolean(required=True)


class _Gevolg(Schema):
    proef = fields.Boolean(required=True)
    tijdstip = fields.String(required=True, metadata={"format": "date-time"})
    gestopt = fields.List(fields.Nested(GestoptBericht), required=True)
    stromen = fields.List(fields.Nested(EigenStroom), required=True)
    handtekening = fields.String(required=True)


class SamenvoegingGevolg(_Gevolg):
    """What followed, or would follow: the own part, signed. ``kandidaatRefs``: own refs that name this one person.

    ``bsnVerschilt``: the officers' organisations registered two different BSNs. Then they are most likely two persons.
    """

    samenvoegingId = fields.String(required=True)
    kandidaatRefs = fields.List(ref_field(), required=True)
    bsnVerschilt = fields.Boolean(required=True)


class RefNaSplitsing(Schema):
    """An own ref, and whom it names after the split."""

    kandidaatRef = ref_field(required=True)
    afgesplitst = fields.Boolean(required=True)


class OvergegaanBericht(Schema):
    """An own sending or receipt that crossed from one person to the other, and how."""

    berichtId = fields.String(required=True)
    ontvanger = oin_field(required=True)
    tijdstip = fields.String(required=True, metadata={"format": "date-time"})
    reden = word_field(crossed.UNDER_REF, crossed.ON_FACTS, required=True)


class SplitsingGevolg(_Gevolg):
    """What followed, or would follow: the own part, signed. ``verstrekt``: what had gone by the other person's facts or
    under the ref of the other. ``meldenVoor``: if that is a breach, by when it is notified (AVG art. 33)."""

    splitsingId = fields.String(required=True)
    kandidaatRefs = fields.List(fields.Nested(RefNaSplitsing), required=True)
    verstrekt = fields.List(fields.Nested(OvergegaanBericht), required=True)
    kennisgevingen = fields.Integer(required=True)
    meldenVoor = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class _Stand(Schema):
    status = word_field(ASKED, DONE, LAPSED, required=True)
    gevraagdOp = Instant(required=True)
    geldigTot = Instant(required=True)
    uitgevoerdOp = Instant(required=True, allow_none=True)
    # Of the other organisation's officer nothing is told.
    medewerker = fields.String(required=True, allow_none=True)
    tweedeMedewerker = fields.String(required=True, allow_none=True)
    reden = fields.String(required=True, allow_none=True)


class SamenvoegingStand(_Stand):
    """A join that the own organisation asked or confirmed."""

    samenvoegingId = fields.String(required=True)


class Samenvoegingen(Schema):
    """The joins of somebody that the own organisation asked or confirmed, oldest first."""

    items = fields.List(fields.Nested(SamenvoegingStand), required=True)


class SplitsingStand(_Stand):
    """A split that the own organisation asked or confirmed, with what of its own had crossed."""

    splitsingId = fields.String(required=True)
    verstrekt = fields.List(fields.Nested(OvergegaanBericht), required=True)
    meldenVoor = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class Splitsingen(Schema):
    """The splits of somebody that the own organisation asked or confirmed, oldest first."""

    items = fields.List(fields.Nested(SplitsingStand), required=True)


def status_of(row: Any, at: Any) -> str:
    """How a request stands at an instant."""
    if row.done_at is not None:
        return DONE
    return ASKED if at < row.valid_until else LAPSED
