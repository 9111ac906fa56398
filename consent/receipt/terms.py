"""The tables: our codes, their concepts in the W3C Data Privacy Vocabulary, and the words of the letter.

Data, not logic. A code that DPV has no word for keeps an IRI of our own; ``dpv`` names the nearest broader concept, as
the DPV guide for ISO/IEC TS 27560 does (`skos:broader`). Words are Dutch at B1, and fit after "uw gegevens over".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consent.receipt.account import State
from contracts.identity import Category, LegalBasis, Purpose

#: Begins the IRI of every concept of our own: `urn:doorstroomhub:begrip:doel:opleiden`.
OWN: Final = "urn:doorstroomhub:begrip:"
#: Stands where a refusal leaves a scope out: it is about all.
ALL: Final = "hub:alles"
RECEIPT_PROFILE: Final = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
RECORD_PROFILE: Final = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"


@dataclass(frozen=True, slots=True)
class Term:
    """A concept: the nearest DPV concept, and the words for it."""

    dpv: str
    words: str


PURPOSES: Final[Mapping[Purpose, Term]] = {
    Purpose.TOELEIDING: Term("dpv:ServiceProvision", "een plek vinden waar u kunt werken en leren"),
    Purpose.TRAJECTBEGELEIDING: Term("dpv:ServiceProvision", "u helpen tijdens uw traject"),
    Purpose.OPLEIDEN: Term("dpv:ServiceProvision", "u laten leren op de werkplek"),
    Purpose.CERTIFICEREN: Term("dpv:ServiceProvision", "u een bewijs geven van wat u kunt"),
    Purpose.DOORSTROOM: Term("dpv:ServiceProvision", "u helpen naar werk of een opleiding"),
    Purpose.VERANTWOORDING: Term("dpv:RecordManagement", "laten zien wat er is gedaan in uw traject"),
    Purpose.DAGBESTEDING: Term("dpv:ServiceProvision", "dagbesteding voor u regelen"),
    Purpose.STUURINFORMATIE: Term("dpv:ServiceOptimisation", "cijfers maken over alle trajecten samen"),
    Purpose.RECHTEN: Term("dpv:Purpose", "doen wat moet als u gebruikmaakt van uw rechten"),
}
CATEGORIES: Final[Mapping[Category, Term]] = {
    Category.IDENTITEIT: Term("pd:Identifying", "wie u bent, zoals uw naam en geboortedatum"),
    Category.BSN: Term("pd:OfficialID", "uw burgerservicenummer"),
    Category.CONTACT: Term("pd:Contact", "hoe u te bereiken bent, zoals uw telefoonnummer"),
    Category.OPLEIDING: Term("pd:Education", "uw opleiding"),
    Category.LEERVOORTGANG: Term("pd:Education", "wat u leert en hoe ver u bent"),
    Category.BEOORDELING: Term("pd:ProfessionalEvaluation", "hoe uw werk wordt beoordeeld"),
    Category.INZETBAARHEID: Term("pd:Professional", "welk werk u kunt doen, en hoeveel"),
    Category.UITKERING: Term("pd:Income", "uw uitkering"),
    Category.BEGELEIDING: Term("dpv:PersonalData", "de hulp die u krijgt"),
    Category.GEZONDHEID: Term("pd:Health", "uw gezondheid"),
    Category.JUSTITIE: Term("pd:Criminal", "of u met politie of justitie te maken hebt"),
    Category.OVERIG_BIJZONDER: Term("dpv:SpecialCategoryPersonalData", "andere gevoelige dingen, zoals uw geloof"),
    Category.MEDEWERKER: Term("dpv:PersonalData", "naam en functie van medewerkers, zoals uw praktijkopleider"),
}
#: The same before version 5, where that said it otherwise.
_CATEGORIES_4: Final[Mapping[Category, Term]] = {
    Category.INZETBAARHEID: Term("pd:Professional", "welk werk u kunt doen, en hoe veel"),
    Category.MEDEWERKER: Term("dpv:PersonalData", "medewerkers van organisaties"),
}
BASES: Final[Mapping[LegalBasis, Term]] = {
    LegalBasis.CONSENT: Term("eu-gdpr:A6-1-a", "dpv:ExpressedConsent"),
    LegalBasis.EXPLICIT_CONSENT: Term("eu-gdpr:A9-2-a", "dpv:ExplicitlyExpressedConsent"),
}
STATES: Final[Mapping[State, Term]] = {
    State.REQUESTED: Term("dpv:ConsentRequested", "Aan u is een vraag gesteld."),
    State.GIVEN: Term("dpv:ConsentGiven", "U zei ja."),
    State.RENEWED: Term("dpv:RenewedConsentGiven", "U zei opnieuw ja."),
    State.REFUSED: Term("dpv:ConsentRefused", "U zei nee."),
    State.PART_CONFIRMED: Term("hub:toestand:deel-bevestigd", "Deze organisatie mag vanaf nu gegevens geven."),
    State.PART_LAPSED: Term("hub:toestand:deel-vervallen", "Deze organisatie moet dit opnieuw bevestigen."),
    State.PERSON_CONFIRMED: Term("hub:toestand:zelf-bevestigd", "U hebt dit zelf bevestigd."),
    State.WITHDRAWN: Term("dpv:ConsentWithdrawn", "Dit is ingetrokken namens u. Het geldt niet meer."),
    State.REVOKED: Term("dpv:ConsentRevoked", "Dit was verkeerd opgeschreven. Het geldt niet meer."),
    State.EXPIRED: Term("dpv:ConsentExpired", "De tijd is om. Het geldt dan niet meer."),
    State.INVALIDATED: Term("dpv:ConsentInvalidated", "Dit was niet geldig. Het geldt niet meer."),
}
GIVEN_BY: Final[Mapping[str, Term]] = {
    "betrokkene": Term("dpv:DataSubject", "u zelf"),
    "ouder-met-gezag": Term("dpv:ParentOfDataSubject", "uw ouder"),
    "voogd": Term("dpv:GuardianOfDataSubject", "uw voogd"),
    "curator": Term("dpv:Representative", "uw curator"),
    "mentor": Term("dpv:Representative", "uw mentor"),
    "gemachtigde": Term("dpv:Representative", "iemand die u hebt gevraagd voor u te spreken"),
}
MANNERS: Final[Mapping[str, str]] = {
    "zelf": "U hebt dit zelf ingevuld.",
    "gesprek": "Dit ging in een gesprek.",
    "schriftelijk": "Dit ging op papier.",
    "telefonisch": "Dit ging door de telefoon.",
}
#: The rights that go with consent (AVG art. 7, 13, 15 to 18, 20, 77). Objection (art. 21) is not one of them.
RIGHTS: Final = ("A7-3", "A13", "A15", "A16", "A17", "A18", "A20", "A77")
NO_CONSEQUENCE: Final = "Nee zeggen of stoppen heeft geen gevolgen voor uw uitkering of uw traject."


def category(code: Category, version: int) -> Term:
    """A category in the words of a version of the receipt."""
    return _CATEGORIES_4.get(code, CATEGORIES[code]) if version < 5 else CATEGORIES[code]
