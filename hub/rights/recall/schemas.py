"""Shapes of a terugroeping and its work sheet on the wire."""

from marshmallow import Schema, fields

from contracts.identity import Category
from hub.delivery.states import State
from hub.intake.schemas import Instant, code_field, oin_field, ref_field, word_field
from hub.rights.limits.schemas import some
from hub.rights.recall.recalls import REASONS
from hub.rights.schemas import Gegeven


class NieuweTerugroeping(Schema):
    """Why an own message is wrong; for all its receivers, or for those named."""

    reden = word_field(*REASONS, required=True)
    ontvangers = fields.List(oin_field(), validate=some)
    bedoeldVoor = ref_field()
    ontdektOp = Instant()


class GevraagdeVerwijdering(Schema):
    """Whom the hub asked to delete or to correct, and the zaak in which the answer comes."""

    ontvanger = oin_field(required=True)
    soort = fields.String(required=True)
    zaakId = fields.String(required=True)


class Terugroeping(Schema):
    """What was stopped, and who was asked; signed."""

    terugroepingId = fields.String(required=True)
    berichtId = fields.String(required=True)
    reden = word_field(*REASONS, required=True)
    tijdstip = fields.String(required=True, metadata={"format": "date-time"})
    gestopt = fields.Integer(required=True)
    gestoptBij = fields.List(oin_field(), required=True)
    verstrekt = fields.List(fields.Nested(Gegeven), required=True)
    kennisgevingen = fields.Integer(required=True)
    gevraagd = fields.List(fields.Nested(GevraagdeVerwijdering), required=True)
    handtekening = fields.String(required=True)


class Verstrekking(Schema):
    """Which categories went to which organisation and when, and what it answered."""

    ontvanger = oin_field(required=True)
    naam = fields.String(required=True)
    reden = word_field(*REASONS, required=True)
    status = code_field(State, required=True)
    verstrektOp = Instant(required=True)
    bevestigdOp = Instant(required=True, allow_none=True)
    categorieen = fields.List(code_field(Category), required=True)
    zaakId = fields.String(required=True, allow_none=True)
    antwoord = fields.String(required=True, allow_none=True)
    beantwoordOp = Instant(required=True, allow_none=True)
    toelichting = fields.String(required=True, allow_none=True)


class Betrokkene(Schema):
    """A person who is touched: by the own ref, and how."""

    kandidaatRef = ref_field(required=True)
    rol = word_field("gegevens-verstrekt", "bericht-gemist", required=True)


class Vraag(Schema):
    """Something that AVG art. 33 or 34 asks; ``bekend``: what the hub knows of it already."""

    vraag = fields.String(required=True)
    bekend = fields.String(required=True, allow_none=True)


class Datalek(Schema):
    """The clock of AVG art. 33 and what its notification and art. 34 ask."""

    ontdektOp = Instant(required=True)
    meldenVoor = Instant(required=True)
    resterendeUren = fields.Integer(required=True)
    verstreken = fields.Boolean(required=True)
    aantalBetrokkenen = fields.Integer(required=True)
    aantalOntvangers = fields.Integer(required=True)
    categorieen = fields.List(code_field(Category), required=True)
    bijzonder = fields.Boolean(required=True)
    artikel33 = fields.List(fields.Nested(Vraag), required=True)
    artikel34 = fields.List(fields.Nested(Vraag), required=True)


class Werkblad(Schema):
    """The work sheet of a recalled message. ``datalek`` is null where nothing went where it did not belong."""

    berichtId = fields.String(required=True)
    id = fields.String(required=True)
    soort = fields.String(required=True)
    doel = fields.String(required=True)
    teruggeroepenOp = Instant(required=True)
    gestoptBij = fields.List(oin_field(), required=True)
    betrokkenen = fields.List(fields.Nested(Betrokkene), required=True)
    verstrekt = fields.List(fields.Nested(Verstrekking), required=True)
    openstaand = fields.Integer(required=True)
    datalek = fields.Nested(Datalek, required=True, allow_none=True)


class WerkbladQuery(Schema):
    """As JSON, or as a letter to print."""

    formaat = word_field("json", "brief", load_default="json")
