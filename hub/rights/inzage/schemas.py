"""Shapes of inzage on the wire. A page holds parts of several lists; a list that is empty on it is an empty list."""

from typing import Final

from marshmallow import Schema, fields

from consent.facts import ObjectionOutcome
from contracts.identity import Category, LegalBasis, Purpose
from hub.delivery.states import State
from hub.intake.paging import PageQuery
from hub.intake.schemas import Instant, Truth, code_field, oin_field, ref_field, word_field
from hub.rights.inzage.asking import JSON, LETTER, OWN, WHOLE
from hub.rights.inzage.basis import KINDS
from hub.rights.schemas import CASE_KINDS, Toestemming


class InzageQuery(PageQuery):
    """How much of the picture, in which form, and with the own messages themselves or not.

    ``volgende`` and ``limiet`` (rows of all lists together) are for `json` only: a letter is whole.
    """

    omvang = word_field(OWN, WHOLE, load_default=OWN)
    formaat = word_field(JSON, LETTER, load_default=JSON)
    inhoud = Truth(load_default=False)


class OrganisatieInInzage(Schema):
    """An organisation that this page names."""

    oin = oin_field(required=True)
    naam = fields.String(required=True)
    rol = fields.String(required=True)


class Registratie(Schema):
    """That an organisation knows the person. `bsnGekoppeld`: by a keyed index, not the number itself.

    Its own refs and numbers are told to that organisation only.
    """

    organisatie = oin_field(required=True)
    geregistreerdOp = Instant(required=True, allow_none=True)
    bsnGekoppeld = fields.Boolean(required=True)
    kandidaatRefs = fields.List(ref_field())
    lokaleNummers = fields.List(fields.String())


class Betrokkenheid(Schema):
    """That an organisation takes or took part. `ontstaanDoor`: the kind of message that began it; null: it did itself.

    The traject is told to who opened it or for whom it runs, and in the whole picture.
    """

    organisatie = oin_field(required=True)
    van = Instant(required=True)
    tot = Instant(required=True, allow_none=True)
    ontstaanDoor = fields.String(required=True, allow_none=True)
    trajectId = fields.String()
    opdrachtgever = oin_field(allow_none=True)
    wettelijkKader = fields.String()


class Gesloten(Schema):
    """What else was said and keeps a `ja` shut, `geheel` or not: a `nee`, a `stopverzoek`, or how another one ended.

    Of several words the first; where they close it wholly, the one by which nothing was open any more.
    """

    hoe = fields.String(required=True)
    op = Instant(required=True)
    geheel = fields.Boolean(required=True)


class StopGevraagd(Schema):
    """The newest stopverzoek that the organisation recorded itself: whether it still closes what these `verstrekkers`
    give, each of them alone knows."""

    op = Instant(required=True)
    verstrekkers = fields.List(oin_field(), required=True)


class ToestemmingInInzage(Toestemming):
    """A statement. `bevoegdheid`: by what right another spoke; `reden`: why it ended; told to who wrote it down."""

    class Meta:
        """Of one person all are about, no ref is needed, and none of another organisation is told."""

        exclude = ("kandidaatRef", "geslotenDoor")

    gesloten = fields.Nested(Gesloten, allow_none=True)
    stopGevraagd = fields.Nested(StopGevraagd, allow_none=True)
    bevoegdheid = fields.String(allow_none=True)
    reden = fields.String(allow_none=True)


class StopAntwoord(Schema):
    """What a verstrekker did with a stopverzoek for its own flows."""

    verstrekker = oin_field(required=True)
    antwoord = fields.String(required=True)
    op = Instant(required=True)


class StopInInzage(Schema):
    """A stopverzoek; the answers stand in the whole picture."""

    id = fields.String(required=True)
    vastgelegdDoor = oin_field(required=True)
    op = Instant(required=True)
    antwoorden = fields.List(fields.Nested(StopAntwoord))


class OntheffingInInzage(Schema):
    """A release from professional secrecy."""

    id = fields.String(required=True)
    geheimhouder = oin_field(required=True)
    ontvanger = oin_field(required=True)
    onderwerpen = fields.List(fields.String(), required=True)
    op = Instant(required=True)
    wijze = fields.String(required=True)
    ingetrokkenOp = Instant(required=True, allow_none=True)


class _Stromen(Schema):
    id = fields.String(required=True)
    vastgelegdDoor = oin_field(required=True)
    verstrekkers = fields.List(oin_field(), required=True)
    ontvangers = fields.List(oin_field())
    doel = code_field(Purpose)
    op = Instant(required=True)


class BeperkingInInzage(_Stromen):
    """A beperking (AVG art. 18)."""

    grond = fields.String(required=True)
    opgehevenOp = Instant(required=True, allow_none=True)


class BezwaarInInzage(_Stromen):
    """A bezwaar (AVG art. 21), and how it was decided."""

    uiterlijkOp = Instant(required=True)
    grond = fields.String(required=True, allow_none=True)
    uitkomst = code_field(ObjectionOutcome, required=True)
    beslotenOp = Instant(required=True, allow_none=True)
    motivering = fields.String(required=True, allow_none=True)


class AfschermingInInzage(Schema):
    """An afscherming."""

    id = fields.String(required=True)
    vastgelegdDoor = oin_field(required=True)
    grond = fields.String(required=True)
    ontvangers = fields.List(oin_field(), required=True)
    op = Instant(required=True)
    opgehevenOp = Instant(required=True, allow_none=True)


class MeldingInInzage(Schema):
    """How far a notice came."""

    status = code_field(State, required=True)
    vrijgegevenOp = Instant(required=True, allow_none=True)


class ZaakInInzage(Schema):
    """What an organisation was asked or told. `code`: the cause of a `grondslag.vervallen`; `melding`: of a notice."""

    id = fields.String(required=True)
    soort = word_field(*CASE_KINDS, required=True)
    verstrekker = oin_field(required=True)
    gevraagd = oin_field(required=True)
    geopendOp = Instant(required=True)
    uiterlijkOp = Instant(required=True, allow_none=True)
    geslotenOp = Instant(required=True, allow_none=True)
    antwoord = fields.String(required=True, allow_none=True)
    toelichting = fields.String(required=True, allow_none=True)
    code = fields.String()
    melding = fields.Nested(MeldingInInzage)


class TerugroepingInInzage(Schema):
    """A message that its sender took back."""

    id = fields.String(required=True)
    verstrekker = oin_field(required=True)
    berichtId = fields.String(required=True)
    bericht = fields.String(required=True)
    reden = fields.String(required=True)
    ontvangers = fields.List(oin_field(), required=True)
    op = Instant(required=True)


class GrondslagInInzage(Schema):
    """On what a release rested, and for which categories.

    `soort` `avg`: a notice that the AVG itself asks for. `latereLevering`: not the first release but a later attempt.
    """

    soort = word_field(*KINDS, required=True)
    categorieen = fields.List(code_field(Category), required=True)
    id = fields.String()
    basis = code_field(LegalBasis)
    wet = fields.String()
    artikel = fields.String()
    lid = fields.String(allow_none=True)
    uavgArtikel = fields.String(allow_none=True)
    gegevenOp = Instant()
    gegevenDoor = fields.String(allow_none=True)
    geheimhouder = oin_field()
    latereLevering = fields.Boolean()


class BerichtInInzage(Schema):
    """A message for one recipient. `categorieen`: what went; `weggelaten`: what did not, told to the sender; `code`:
    the cause of a notice.

    Of what was received only its categories are kept, not the form in which it came; of what was sent the message
    itself, which `inhoud=true` adds as long as its key lives (else null).
    """

    richting = word_field("verstuurd", "ontvangen")
    berichtId = fields.String()
    id = fields.String()
    source = fields.String()
    sequence = fields.String(allow_none=True)
    soort = fields.String(required=True)
    doel = code_field(Purpose, required=True)
    verstrekker = oin_field(required=True)
    ontvanger = oin_field(required=True)
    kennisgeving = fields.Boolean(required=True)
    code = fields.String()
    status = code_field(State, required=True)
    aanvaardOp = Instant()
    vrijgegevenOp = Instant(required=True, allow_none=True)
    afgehandeldOp = Instant(required=True, allow_none=True)
    geeindigdOp = Instant(required=True, allow_none=True)
    reden = fields.String(allow_none=True)
    categorieen = fields.List(code_field(Category), required=True)
    weggelaten = fields.List(code_field(Category))
    grondslagen = fields.List(fields.Nested(GrondslagInInzage), required=True)
    inhoud = fields.Dict(keys=fields.String(), allow_none=True)


class GeweigerdBesluit(Schema):
    """For whom a message was refused, and the precise reason."""

    ontvanger = oin_field(required=True)
    reden = fields.String(required=True, allow_none=True)


class Weigering(Schema):
    """A message that was refused at the door: nothing of it was kept but this. `besluiten`: in the whole picture."""

    op = Instant(required=True)
    verstrekker = oin_field(required=True)
    soort = fields.String(required=True)
    doel = fields.String(required=True)
    besluiten = fields.List(fields.Nested(GeweigerdBesluit))


class GedaneInzage(Schema):
    """That somebody looked, this time included."""

    op = Instant(required=True)
    organisatie = oin_field(required=True)
    omvang = word_field(OWN, WHOLE, required=True)
    formaat = word_field(JSON, LETTER, required=True)
    inhoud = fields.Boolean(required=True)


class Bewaartermijn(Schema):
    """How long what is kept: `dagen` after it arrived or was stopped, or `jaren` after the last one stopped."""

    wat = fields.String(required=True)
    dagen = fields.Integer(required=True, allow_none=True)
    jaren = fields.Integer(required=True, allow_none=True)
    toelichting = fields.String(required=True)


LISTS: Final[dict[str, type[Schema]]] = {
    "registraties": Registratie,
    "betrokkenheden": Betrokkenheid,
    "toestemmingen": ToestemmingInInzage,
    "stopverzoeken": StopInInzage,
    "ontheffingen": OntheffingInInzage,
    "beperkingen": BeperkingInInzage,
    "bezwaren": BezwaarInInzage,
    "afschermingen": AfschermingInInzage,
    "zaken": ZaakInInzage,
    "terugroepingen": TerugroepingInInzage,
    "berichten": BerichtInInzage,
    "weigeringen": Weigering,
    "inzagen": GedaneInzage,
}


class _Kop(Schema):
    omvang = word_field(OWN, WHOLE, required=True)
    opgesteldOp = Instant(required=True)
    organisatie = oin_field(required=True)
    afgeschermd = fields.Boolean(required=True)
    bewaartermijnen = fields.List(fields.Nested(Bewaartermijn), required=True)
    doorgifteBuitenEu = fields.Boolean(required=True, allow_none=True)
    geautomatiseerdeBesluiten = fields.Boolean(required=True)
    organisaties = fields.List(fields.Nested(OrganisatieInInzage), required=True)
    volgende = fields.String(required=True, allow_none=True)


Inzage: Final = type(
    "Inzage",
    (_Kop,),
    {name: fields.List(fields.Nested(item), required=True) for name, item in LISTS.items()}
    | {
        "__doc__": "A page of the picture, its lists in a fixed order; `volgende` goes on where it ended.\n\n"
        "`doorgifteBuitenEu`: null, for the hub does not know where the systems of an organisation are."
    },
)
