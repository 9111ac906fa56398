"""Objects that several kinds share."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from contracts.identity import Category
from contracts.kinds.fields import (
    BirthDate,
    Choice,
    Day,
    Matched,
    Ref,
    RuleContext,
    Text,
    Trait,
    leerbedrijf_id,
    sha256,
)
from contracts.kinds.objects import DataSchema, Items, Part

BEHEERSING: Final = "nog-niet met-hulp zelfstandig kan-voordoen niet-beoordeeld"
DEEL: Final = "geheel deel"
EINDOORDEEL: Final = "behaald nog-niet niet-beoordeeld"
BEOORDELAAR: Final = "praktijkopleider werkleiding jobcoach trajectbegeleider consulent docent kandidaat"
LEERWEG: Final = "BOL BBL OVO"
# Written out, because "a letter" is not the same set in every pattern language.
_LETTER: Final = r"[A-Za-z\xc0-\xd6\xd8-\xf6\xf8-\u024f]"
VOORLETTERS: Final = rf"{_LETTER}{{1,3}}(?:\.? ?{_LETTER}{{1,3}}){{0,11}}\.?"

IDENTITEIT: Final = Trait(Category.IDENTITEIT)
CONTACT: Final = Trait(Category.CONTACT)
OPLEIDING: Final = Trait(Category.OPLEIDING)
LEERVOORTGANG: Final = Trait(Category.LEERVOORTGANG)
BEOORDELING: Final = Trait(Category.BEOORDELING)
INZETBAARHEID: Final = Trait(Category.INZETBAARHEID)
UITKERING: Final = Trait(Category.UITKERING)
MEDEWERKER: Final = Trait(Category.MEDEWERKER)


class Naam(DataSchema):
    """A person's name as the sender knows it."""

    at_least_one = True
    roepnaam = Text(60)
    voornamen = Text(120)
    voorletters = Matched(VOORLETTERS, 24, hint="Voorletters, zoals A.B.")
    voorvoegsel = Text(20)
    geslachtsnaam = Text(120)


class _Span(DataSchema):
    """``van`` up to and including ``tot``."""

    def rule(self, value: Mapping[str, Any], context: RuleContext) -> str | None:
        ordered = "tot" not in value or value["van"] <= value["tot"]
        return None if ordered else "PERIODE_OMGEKEERD|Het begin ligt na het einde"


class Periode(_Span):
    """A period that may be a plan and may be open."""

    van = Day(required=True, planned=True)
    tot = Day(planned=True)


class VerstrekenPeriode(_Span):
    """A period that is over."""

    van = Day(required=True)
    tot = Day(required=True)


class Kwalificatie(DataSchema):
    """A kwalificatie: with a werkproces code it makes a triple that is unique."""

    dossier = Matched("[0-9]{5}", 5, required=True, hint="Een dossiernummer: 5 cijfers")
    crebo = Matched("[0-9]{5}", 5, required=True, hint="Een crebo: 5 cijfers")
    naam = Text(120)


class Identiteit(DataSchema):
    """The candidate as a receiver must know the person: name and birth date, to compare."""

    kandidaatRef = Ref(required=True)
    naam = Part(Naam, required=True, trait=IDENTITEIT)
    geboortedatum = BirthDate(required=True, trait=IDENTITEIT)


class Onderdeel(DataSchema):
    """The three parts of the assessment form of a werkproces."""

    at_least_one = True
    kennis = Choice(EINDOORDEEL)
    vaardigheden = Choice(EINDOORDEEL)
    gedrag = Choice(EINDOORDEEL)


class Praktijkopleider(DataSchema):
    """Who assessed: staff, and the company where."""

    functie = Text(60, required=True)
    naam = Text(120)
    leerbedrijfId = leerbedrijf_id()


class Ondertekend(DataSchema):
    """When the assessment was signed, and the digest of what was signed."""

    datum = Day(required=True)
    hash = sha256(required=True)


class Bewijs(DataSchema):
    """A piece of evidence that stays with the sender; only its digest travels."""

    SOORTEN: ClassVar[str] = (
        "beoordelingsformulier werkopdracht product foto video aanwezigheid bpv-verklaring certificaat overig"
    )
    soort = Choice(SOORTEN, required=True)
    sha256 = sha256(required=True)


class Oordeel(DataSchema):
    """The judgement of one werkproces (WEB art. 7.4.6a): the company advises, the school decides."""

    onderdeel = Part(Onderdeel)
    eindoordeel = Choice(EINDOORDEEL, required=True)
    praktijkopleider = Part(Praktijkopleider, trait=Trait(Category.MEDEWERKER, workplace=True))
    ondertekend = Part(Ondertekend)
    bewijs = Items(Part(Bewijs), 50)
