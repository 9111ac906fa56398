"""Shapes of a wissing and of its vernietigingsverklaring on the wire."""

from typing import Any

from marshmallow import Schema, fields

from hub.intake.schemas import no_bsn, oin_field, text_field, word_field
from hub.rights.erasure import whole
from hub.rights.erasure.erasures import REASONS, SCOPES

STATUSES = (whole.AT_POINT, whole.ASKED, whole.ERASED, whole.KEPT, whole.REFUSED)


def _moment(*, empty: bool = False) -> fields.String:
    """An instant that is part of what is signed."""
    more: dict[str, Any] = {"allow_none": True} if empty else {}
    return fields.String(required=True, metadata={"format": "date-time"}, **more)


class NieuweWissing(Schema):
    """What must be erased: the own content, or the person as a whole; why, and the own name of the request."""

    omvang = word_field(*SCOPES, required=True)
    reden = word_field(*REASONS, required=True)
    kenmerk = text_field(64, required=True, validate=no_bsn)


class Vernietigd(Schema):
    """How many messages became unreadable, and how many keys went."""

    berichten = fields.Integer(required=True)
    sleutels = fields.Integer(required=True)


class Gevraagd(Schema):
    """Whom the hub asked to delete what it got, the zaak in which the answer comes, and the answer."""

    ontvanger = oin_field(required=True)
    naam = fields.String(required=True, allow_none=True)
    soort = fields.String(required=True)
    zaakId = fields.String(required=True)
    antwoord = fields.String(required=True, allow_none=True)
    beantwoordOp = _moment(empty=True)


class Verantwoordelijke(Schema):
    """What one controller answered, and on which ground it keeps its own; for the contactpunt."""

    organisatie = oin_field(required=True)
    zaakId = fields.String(required=True)
    gevraagdOp = _moment()
    uiterlijkOp = _moment(empty=True)
    antwoord = word_field(whole.ERASED, whole.KEPT, required=True, allow_none=True)
    beantwoordOp = _moment(empty=True)
    grond = word_field(*whole.GROUNDS, required=True, allow_none=True)
    motivering = fields.String(required=True, allow_none=True)
    inhoudTot = _moment(empty=True)


class Wissing(Schema):
    """A wissing: what was destroyed, who was asked, until when content and evidence are there; signed.

    ``bewijsTot`` is null while it has no end yet: some years after the own involvement ended.
    """

    wissingId = fields.String(required=True)
    omvang = word_field(*SCOPES, required=True)
    reden = fields.String(required=True)
    kenmerk = fields.String(required=True, allow_none=True)
    status = word_field(*STATUSES, required=True)
    tijdstip = _moment()
    uiterlijkOp = _moment(empty=True)
    afgerondOp = _moment(empty=True)
    vernietigd = fields.Nested(Vernietigd, required=True)
    kennisgevingen = fields.Integer(required=True)
    gevraagd = fields.List(fields.Nested(Gevraagd), required=True)
    inhoudTot = _moment(empty=True)
    bewijsTot = _moment(empty=True)
    verwerkingsverantwoordelijken = fields.List(fields.Nested(Verantwoordelijke), required=True, allow_none=True)
    handtekening = fields.String(required=True)


class Logplaats(Schema):
    """The entry that proves it; its ``.tlog-proof`` is `…/bewijs`."""

    oorsprong = fields.String(required=True)
    vermelding = fields.String(required=True)
    bladHash = fields.String(required=True)


class Vernietigingsverklaring(Schema):
    """That content was destroyed: whose, when, under which keys (SHA-256 of their ids), by which entry; signed."""

    verklaring = fields.String(required=True)
    wissingId = fields.String(required=True)
    organisatie = oin_field(required=True, allow_none=True)
    naam = fields.String(required=True, allow_none=True)
    reden = fields.String(required=True)
    kenmerk = fields.String(required=True, allow_none=True)
    tijdstip = _moment()
    afgerondOp = _moment()
    vernietigd = fields.Nested(Vernietigd, required=True)
    sleutels = fields.List(fields.String(), required=True)
    gevraagd = fields.List(fields.Nested(Gevraagd), required=True)
    logboek = fields.Nested(Logplaats, required=True)
    inhoudTot = _moment()
    bewijsTot = _moment(empty=True)
    handtekening = fields.String(required=True)


class VerklaringQuery(Schema):
    """As JSON, or as a letter to print."""

    formaat = word_field("json", "brief", load_default="json")
