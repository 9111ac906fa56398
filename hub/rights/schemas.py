"""Shapes of persons, statements and zaken on the wire (objects: the gate's rules; names: the API)."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validates_schema

from consent.facts import Choice, ObjectionOutcome, Speaker, StatementStatus
from contracts import instants
from contracts.identity import Category, LegalBasis, LegalFramework, Purpose, SecrecySubject, is_bsn
from hub.intake.problems import Reason, invalid
from hub.intake.schemas import Instant, code_field, free_text, no_bsn, oin_field, ref_field, text_field, word_field
from hub.rights.cases.answering import CORRECTED, NOTICE_ANSWERS, STOP_ANSWERS
from hub.rights.erasure.whole import ERASED, KEPT
from hub.store.persons import erasure_requests

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
GIVEN_BY: Final = tuple(one.value for one in Speaker)
MANNERS: Final = ("zelf", "gesprek", "schriftelijk", "telefonisch")


_ANSWERED: Final = ("keuze", "gegevenOp", "wijze", "gegevenDoor")
_NEEDED: Final = Reason("VERPLICHT", "dit veld is verplicht")
_NOT_YET: Final = Reason("NIET_PASSEND", "dit staat er nog niet: er is alleen gevraagd")
OBJECTION_ANSWERS: Final = (ObjectionOutcome.UPHELD.value, ObjectionOutcome.REJECTED.value)
CASE_KINDS: Final = (
    *("stopverzoek", "intrekking", "bezwaar", "beperking", "splitsing"),
    *("grondslag.vervallen", "rectificatie.kennisgeving", "verwijdering.gevraagd"),
    *(erasure_requests.AT_POINT, erasure_requests.ASKED),
)


class Moment(Instant):
    """An instant, or a date of a form: then 00:00 in Europe/Amsterdam."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                return instants.start_of(date.fromisoformat(value)).astimezone(UTC)
            except (ValueError, OverflowError):
                raise invalid("GEEN_DATUM", "hier hoort een bestaande datum") from None
        return super()._deserialize(value, attr, data, **kwargs)


class Day(fields.Field[date]):
    """A day of a form, that begins at 00:00 in Europe/Amsterdam."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date"}, **kwargs)

    def _serialize(self, value: date | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        try:
            if isinstance(value, str) and _DAY.fullmatch(value):
                day = date.fromisoformat(value)
                instants.start_of(day)  # that there is such an instant
                return day
        except (ValueError, OverflowError):
            pass  # told below like any other
        raise invalid("GEEN_DATUM", "hier hoort een bestaande datum")


def flag(**kwargs: Any) -> fields.Boolean:
    """`true` or `false` in a body, and nothing that merely looks like it."""
    return fields.Boolean(truthy={True}, falsy={False}, load_default=False, **kwargs)


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
        no_bsn(value)

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


class Uitspraak(Schema):
    """When and how somebody said it, and in which capacity.

    `zestienOp` (the day on which the person turns 16) belongs to what a parent or guardian says, and only to that.
    """

    gegevenOp = Instant(required=True)
    wijze = word_field(*MANNERS, required=True)
    gegevenDoor = word_field(*GIVEN_BY, required=True)
    bevoegdheid = free_text(500)
    zestienOp = Day()


class NieuweToestemming(Uitspraak):
    """A statement as it was given; with `gevraagd: true` one that is only asked for.

    What was given bears `keuze`, `gegevenOp`, `wijze` and `gegevenDoor`; what is asked for bears none of these.
    """

    gevraagd = flag()
    kandidaatRef = ref_field(required=True)
    grondslag = word_field(LegalBasis.CONSENT.value, LegalBasis.EXPLICIT_CONSENT.value, required=True)
    keuze = code_field(Choice)
    doelen = fields.List(code_field(Purpose), validate=_distinct)
    categorieen = fields.List(code_field(Category), validate=_distinct)
    verstrekkers = fields.List(oin_field(), validate=_distinct)
    ontvangers = fields.List(oin_field(), validate=_distinct)
    gegevenOp = Instant()
    geldigVan = Moment()
    geldigTot = Moment()
    verklaring = fields.Nested(Verklaring, required=True)
    wijze = word_field(*MANNERS)
    gegevenDoor = word_field(*GIVEN_BY)
    gevraagdDoor = oin_field()

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _whole(self, data: Mapping[str, Any], original: object, **_: Any) -> None:
        if "gevraagd" not in data or not isinstance(original, Mapping):
            return  # it is told already that this cannot be read
        asked = data["gevraagd"]
        wrong = [name for name in _ANSWERED if (name in original) == asked]
        wrong += [name for name in ("bevoegdheid", "zestienOp") if asked and name in original]
        if wrong:
            raise ValidationError({name: [_NOT_YET if asked else _NEEDED] for name in wrong})


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


class Sluiting(Schema):
    """What else was said and closes a `ja` that stands, wholly or in part: a `nee`, how another one ended, or of what
    the caller gives itself a `stopverzoek`, which is no statement."""

    toestemmingId = fields.String(required=True, allow_none=True)
    hoe = fields.String(required=True)
    op = Instant(required=True)


class Toestemming(Schema):
    """A statement as its recorder and its verstrekkers see it."""

    id = fields.String(required=True)
    kandidaatRef = ref_field(required=True)
    status = code_field(StatementStatus, required=True)
    grondslag = fields.String(required=True)
    keuze = code_field(Choice)  # this and how it was said: not of what is only asked for
    doelen = fields.List(fields.String())
    categorieen = fields.List(fields.String())
    verstrekkers = fields.List(oin_field())
    ontvangers = fields.List(oin_field())
    gevraagdOp = Instant(allow_none=True)
    gegevenOp = Instant()
    geldigVan = Instant(required=True)
    geldigTot = Instant(allow_none=True)
    vastgelegdDoor = oin_field(required=True)
    vastgelegdOp = Instant(required=True)
    verklaring = fields.Nested(Verklaring, required=True)
    wijze = fields.String()
    gegevenDoor = fields.String()
    zestienOp = Day(allow_none=True)
    zelfBevestigdOp = Instant(allow_none=True)
    vernieuwt = fields.String(allow_none=True)
    gevraagdDoor = oin_field(allow_none=True)
    bevestigd = fields.List(fields.Nested(BevestigdDeel), required=True)
    beeindigdOp = Instant(allow_none=True)
    ongeldigOp = Instant(allow_none=True)
    geslotenDoor = fields.List(fields.Nested(Sluiting))  # when it is shown or listed


class VastgelegdeToestemming(Toestemming):
    """The answer to recording: for a `ja` its proof (null until the checkpoint is there), for a `nee` what followed."""

    bewijs = fields.String(allow_none=True)
    tijdstip = fields.String(metadata={"format": "date-time"})
    gestopt = fields.Integer()
    verstrekt = fields.List(fields.Nested(Gegeven))
    kennisgevingen = fields.Integer()
    handtekening = fields.String()


class Beantwoording(Uitspraak):
    """What was answered to a request."""

    keuze = code_field(Choice, required=True)


class Verlenging(Uitspraak):
    """The same again for a new term, on the text of today."""

    geldigVan = Moment()
    geldigTot = Moment(required=True)
    verklaring = fields.Nested(Verklaring, required=True)


class EigenBevestiging(Schema):
    """That the person, 16 by then, confirmed what a parent or guardian said. Without a body: a verstrekker its part."""

    gegevenDoor = word_field("betrokkene", required=True)
    op = Instant(required=True)


class Redenering(Schema):
    """Why something that was recorded does not hold."""

    reden = free_text(500, required=True)


class Intrekking(Schema):
    """In whose name a statement is withdrawn, and why."""

    gegevenDoor = word_field(*GIVEN_BY, required=True)
    reden = free_text(500)


class NieuweOntheffing(Schema):
    """A release from professional secrecy, as the person gave it."""

    kandidaatRef = ref_field(required=True)
    ontvanger = oin_field(required=True)
    onderwerpen = fields.List(code_field(SecrecySubject), required=True, validate=_distinct)
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


class BezwaarInZaak(Schema):
    """What must be weighed: the flow, and the person's own reasons (not any more once the person was erased)."""

    verstrekkers = fields.List(oin_field(), required=True)
    ontvangers = fields.List(oin_field())
    doel = code_field(Purpose)
    grond = fields.String(allow_none=True)


class StroomInZaak(Schema):
    """The flow that a stopverzoek stopped and that the answer is about; what is left out: all of the verstrekker's."""

    verstrekker = oin_field(required=True)
    ontvanger = oin_field()
    doel = code_field(Purpose)


class Zaak(Schema):
    """Something that the organisation is asked to answer, or is told."""

    id = fields.String(required=True)
    soort = word_field(*CASE_KINDS, required=True)
    kandidaatRef = ref_field(allow_none=True)
    kandidaatRefReden = word_field("gewist", "niet-bekend", allow_none=True)  # why there is none
    verstrekker = oin_field(required=True)
    gevraagd = oin_field(required=True)
    oorzaak = fields.String(required=True, allow_none=True)
    berichten = fields.List(fields.Nested(Gegeven), required=True)
    geopendOp = Instant(required=True)
    uiterlijkOp = Instant(allow_none=True)
    geslotenOp = Instant(allow_none=True)
    antwoord = fields.String(allow_none=True)
    toelichting = fields.String(allow_none=True)
    bezwaar = fields.Nested(BezwaarInZaak, allow_none=True)
    stroom = fields.Nested(StroomInZaak, allow_none=True)


class Antwoord(Schema):
    """The answer to a zaak."""

    antwoord = word_field(*(*STOP_ANSWERS, *NOTICE_ANSWERS, CORRECTED, *OBJECTION_ANSWERS, ERASED, KEPT), required=True)
    grond = free_text(200)
    motivering = free_text(2000)


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """A page of these: ``{items, volgende}``."""
    return Schema.from_dict(
        {"items": fields.List(fields.Nested(item), required=True), "volgende": fields.String(allow_none=True)},
        name=name,
    )
