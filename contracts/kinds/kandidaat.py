"""``kandidaat.voorgedragen``: somebody is presented to an ontwikkelbedrijf or a school. It opens involvement."""

from typing import Final

from contracts.identity import Category, Purpose, Role
from contracts.kinds.base import GEM, MBO, SOB, Flow, Kind
from contracts.kinds.fields import BirthDate, Bsn, Choice, Day, Ident, Ref, Text, Trait, oin_field, telephone
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.parts import CONTACT, IDENTITEIT, INZETBAARHEID, LEERWEG, MEDEWERKER, OPLEIDING, Naam

# GGM, Model Inburgering, enumeration Ontwikkelwens (EUPL-1.2).
ONTWIKKELWENS: Final = (
    "betaald-werken betaald-werken-naar-vermogen betaald-werken-met-een-opleiding werknemersvaardigheden-ontwikkelen "
    "werkervaring-opdoen taalvaardigheden-opdoen ondernemen opleiding-volgen vrijwilligerswerk "
    "passende-dagbesteding-hebben"
)

#: Fields that show that somebody has a benefit: never to a school.
_SHOWS_BENEFIT: Final = Trait(Category.INZETBAARHEID, frozenset({Role.ONTWIKKELBEDRIJF}))


class Kandidaat(DataSchema):
    """The person, as little as the receiver needs; a BSN only to an ontwikkelbedrijf (Wabb art. 10, P-wet art. 7)."""

    kandidaatRef = Ref(required=True)
    naam = Part(Naam, trait=IDENTITEIT)
    geboortedatum = BirthDate(trait=IDENTITEIT)
    bsn = Bsn(Trait(Category.BSN, frozenset({Role.ONTWIKKELBEDRIJF})))


class Traject(DataSchema):
    """The traject under which the person is presented."""

    trajectId = Ident(required=True)
    opdrachtgever = oin_field(trait=_SHOWS_BENEFIT)
    wettelijkKader = Choice("Pwet Wsw Wmo UWV overig", trait=_SHOWS_BENEFIT)


class Reintegratievoorziening(DataSchema):
    """GGM Reintegratievoorziening."""

    registratienummer = Ident(required=True)
    codeType = Ident()
    datumStart = Day(planned=True)


class Contactpersoon(DataSchema):
    """Whom to ask at the sender."""

    functie = Text(60, required=True, trait=MEDEWERKER)
    naam = Text(120, trait=MEDEWERKER)
    telefoon = telephone(CONTACT)


class Voordracht(DataSchema):
    """A presentation."""

    voordrachtId = Ident(required=True)
    kandidaat = Part(Kandidaat, required=True)
    traject = Part(Traject)
    reintegratievoorziening = Part(Reintegratievoorziening, trait=_SHOWS_BENEFIT)
    beoogdeLeerweg = Choice(LEERWEG, trait=OPLEIDING)
    ontwikkelwens = Items(Choice(ONTWIKKELWENS), 10, trait=INZETBAARHEID)
    contactpersoon = Part(Contactpersoon)


KINDS: Final = (
    Kind(
        name="kandidaat.voorgedragen",
        flows=(
            Flow(GEM, SOB, frozenset({Purpose.TOELEIDING})),
            Flow(SOB, MBO, frozenset({Purpose.TOELEIDING})),
        ),
        schema=Voordracht(),
        needs=frozenset({Category.IDENTITEIT}),
        opens=True,
    ),
)
