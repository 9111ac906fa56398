"""Shapes of persons, statements and zaken on the wire (objects: the gate's rules; names: the API)."""

import re
from datetime import UTC, date, datetime
from typing import Any, Final

from marshmallow import Schema, fields

from consent.facts import Choice, StatementStatus
from contracts import instants
from contracts.identity import Category, LegalBasis, LegalFramework, Purpose, is_bsn
from hub.intake.problems import invalid
from hub.intake.schemas import Instant, code_field, oin_field, ref_field, text_field, word_field
from hub.rights.cases import NOTICE_ANSWERS, STOP_ANSWERS

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
GIVEN_BY: Final = ("betrokkene", "ouder-met-gezag", "voogd", "curator", "mentor", "gemachtigde")
MANNERS: Final = ("zelf", "gesprek", "schriftelijk", "telefonisch")
SUBJECTS: Final = ("gezondheid", "begeleiding", "dagbesteding", "deelname")


CASE_KINDS: Final = ("stopverzoek", "intrekking", "grondslag.vervallen")


class Moment(Instant):
    """An instant, or a date of a form: then 00:00 in Europe/Amsterdam."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                return instants.start_of(date.fromisoformat(value)).astimezone(UTC)
            except (ValueError, OverflowError):
                raise invalid("GEEN_DATUM", "hier hoort een bestaande datum") from None
        return super()._deserialize(value, attr, data, **kwargs)


def _bsn(value: str) -> None:
    if not is_bsn(value):
        raise invalid("BSN_ONGELDIG", "dit is geen geldig burgerservicenummer (11-proef)")


def _distinct(values: list[Any]) -> None:
    if not 1 <= len(values) <= 50 or len(set(values)) < len(values):
        raise invalid("AANTAL", "hier horen 1 tot 50 verschillende waarden")


class Kandidaat(Schema):
    """Whom to register: by BSN, by the organisation's own number, by both, or anew by neither."""

    bsn = fields.String(validate=_bsn, metadata={"pattern": "^[0-9]{9}$"})
    lokaalNummer = text_field(64)
    vergewist = word_field("document", "BRP")


class KandidaatRef(Schema):
    """The organisation's own ref for a person."""

    kandidaatRef = ref_field(required=True)


class LokaalNummer(Schema):
    """The organisation's own number for a person."""

    lokaalNummer = text_field(64, required=True)


class Traject(Schema):
    """A traject to open."""

    opdrachtgever = oin_field(required=True)
    wettelijkKader = code_field(LegalFramework, required=True)
    van = Moment(required=True)
    tot = Moment()


class TrajectId(Schema):
    """The random id of a traject."""

    trajectId = fields.String(required=True)


def _identifier(most: int) -> fields.String:
    """Letters, digits, dot, dash and underscore: a name of a text, in which nothing of a person fits."""
    pattern = f"[A-Za-z0-9][A-Za-z0-9._-]{{0,{most - 1}}}"

    def check(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise invalid("PATROON", "hier horen letters, cijfers, punten en streepjes")

    return fields.String(required=True, validate=check, metadata={"pattern": f"^{pattern}$"})


class Verklaring(Schema):
    """The notice that the person was shown, word for word by its hash."""

    id = _identifier(64)
    versie = _identifier(20)
    sha256 = fields.String(
        required=True,
        validate=lambda v: None if re.fullmatch("[0-9a-f]{64}", v) else _no_hash(),
        metadata={"pattern": "^[0-9a-f]{64}$"},
    )
    taal = fields.String(
        required=True,
        validate=lambda v: None if re.fullmatch("[a-z]{2}", v) else _no_language(),
        metadata={"pattern": "^[a-z]{2}$"},
    )


def _no_hash() -> None:
    raise invalid("PATROON", "hier hoort een SHA-256 in 64 hexadecimale tekens")


def _no_language() -> None:
    raise invalid("PATROON", "hier hoort een taalcode van twee letters")


class NieuweToestemming(Schema):
    """A statement as it was given."""

    kandidaatRef = ref_field(required=True)
    grondslag = word_field(LegalBasis.CONSENT.value, LegalBasis.EXPLICIT_CONSENT.value, required=True)
    keuze = code_field(Choice, required=True)
    doelen = fields.List(code_field(Purpose), validate=_distinct)
    categorieen = fields.List(code_field(Category), validate=_distinct)
    verstrekkers = fields.List(oin_field(), validate=_distinct)
    ontvangers = fields.List(oin_field(), validate=_distinct)
    gegevenOp = Instant(required=True)
    geldigVan = Moment()
    geldigTot = Moment()
    verklaring = fields.Nested(Verklaring, required=True)
    wijze = word_field(*MANNERS, required=True)
    gegevenDoor = word_field(*GIVEN_BY, required=True)
    bevoegdheid = text_field(500)
    gevraagdDoor = oin_field()


class BevestigdDeel(Schema):
    """That a verstrekker confirmed its own part."""

    verstrekker = oin_field(required=True)
    op = Instant(required=True)


class Gegeven(Schema):
    """A message that had already gone, and where."""

    berichtId = fields.String(required=True)
    ontvanger = oin_field(required=True)
    tijdstip = fields.String(required=True, metadata={"format": "date-time"})


class Gevolg(Schema):
    """What followed from a withdrawal, a refusal or a stop: the caller's own part, signed."""

    tijdstip = fields.String(required=True, metadata={"format": "date-time"})
    gestopt = fields.Integer(required=True)
    verstrekt = fields.List(fields.Nested(Gegeven), required=True)
    kennisgevingen = fields.Integer(required=True)
    stopId = fields.String()
    handtekening = fields.String(required=True)


class Toestemming(Schema):
    """A statement as its recorder and its verstrekkers see it."""

    id = fields.String(required=True)
    kandidaatRef = ref_field(required=True)
    status = code_field(StatementStatus, required=True)
    grondslag = fields.String(required=True)
    keuze = code_field(Choice, required=True)
    doelen = fields.List(fields.String())
    categorieen = fields.List(fields.String())
    verstrekkers = fields.List(oin_field())
    ontvangers = fields.List(oin_field())
    gegevenOp = Instant(required=True)
    geldigVan = Instant(required=True)
    geldigTot = Instant(allow_none=True)
    vastgelegdDoor = oin_field(required=True)
    vastgelegdOp = Instant(required=True)
    verklaring = fields.Nested(Verklaring, required=True)
    wijze = fields.String(required=True)
    gegevenDoor = fields.String(required=True)
    gevraagdDoor = oin_field(allow_none=True)
    bevestigd = fields.List(fields.Nested(BevestigdDeel), required=True)
    beeindigdOp = Instant(allow_none=True)


class VastgelegdeToestemming(Toestemming):
    """The answer to recording: for a `ja` its proof (null until the checkpoint is there), for a `nee` what followed."""

    bewijs = fields.String(allow_none=True)
    tijdstip = fields.String(metadata={"format": "date-time"})
    gestopt = fields.Integer()
    verstrekt = fields.List(fields.Nested(Gegeven))
    kennisgevingen = fields.Integer()
    handtekening = fields.String()


class Intrekking(Schema):
    """In whose name a statement is withdrawn, and why."""

    gegevenDoor = word_field(*GIVEN_BY, required=True)
    reden = text_field(500)


class NieuweOntheffing(Schema):
    """A release from professional secrecy, as the person gave it."""

    kandidaatRef = ref_field(required=True)
    ontvanger = oin_field(required=True)
    onderwerpen = fields.List(word_field(*SUBJECTS), required=True, validate=_distinct)
    op = Instant(required=True)
    wijze = word_field(*MANNERS, required=True)


class Ontheffing(Schema):
    """A release from professional secrecy."""

    id = fields.String(required=True)
    kandidaatRef = ref_field(required=True)
    geheimhouder = oin_field(required=True)
    ontvanger = oin_field(required=True)
    onderwerpen = fields.List(fields.String(), required=True)
    op = Instant(required=True)
    wijze = fields.String(required=True)
    ingetrokkenOp = Instant(allow_none=True)


class OntheffingId(Schema):
    """The id of a release from secrecy."""

    id = fields.String(required=True)


class Zaak(Schema):
    """Something that the organisation is asked to answer, or is told."""

    id = fields.String(required=True)
    soort = word_field(*CASE_KINDS, required=True)
    kandidaatRef = ref_field(allow_none=True)
    verstrekker = oin_field(required=True)
    oorzaak = fields.String(required=True, allow_none=True)
    berichten = fields.List(fields.Nested(Gegeven), required=True)
    geopendOp = Instant(required=True)
    geslotenOp = Instant(allow_none=True)
    antwoord = fields.String(allow_none=True)


class Antwoord(Schema):
    """The answer to a zaak."""

    antwoord = word_field(*STOP_ANSWERS, *NOTICE_ANSWERS, required=True)
    grond = text_field(200)
    motivering = text_field(2000)


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """A page of these: ``{items, volgende}``."""
    return Schema.from_dict(
        {"items": fields.List(fields.Nested(item), required=True), "volgende": fields.String(allow_none=True)},
        name=name,
    )
