"""Plain Dutch (B1) for every code that a letter of inzage can meet. Data, not logic.

Categories and doelen have theirs in ``consent.receipt.terms``. A code without words here fails a test; in a letter it
would stand as it is.
"""

from collections.abc import Mapping
from typing import Final

from consent.facts import ObjectionOutcome, StatementStatus
from consent.store.standing import STOPPED
from contracts.identity import LegalBasis, LegalFramework
from hub.delivery.states import State
from hub.rights.recall.recalls import INCORRECT, WRONG_PERSON, WRONG_RECEIVER

#: Kinds of message, after "een bericht dat …" or on their own.
KINDS: Final[Mapping[str, str]] = {
    "kandidaat.voorgedragen": "u bent voorgesteld voor een plek",
    "kandidaat.aanvaard": "antwoord of er plek voor u is",
    "zelf-intake.afgerond": "wat u over uzelf hebt ingevuld",
    "nulmeting.vastgesteld": "wat u kon toen u begon",
    "pop.vastgesteld": "uw plan: wat u wilt leren",
    "leerwerkplek.geplaatst": "uw plek om te werken en te leren",
    "voortgang.gemeld": "hoe het gaat op uw werkplek",
    "aanwezigheid.gemeld": "of u er was",
    "werkproces.beoordeeld": "hoe uw werk is beoordeeld",
    "inschrijving.bevestigd": "u bent ingeschreven bij een school",
    "praktijkverklaring.aangevraagd": "een praktijkverklaring is voor u aangevraagd",
    "praktijkverklaring.besloten": "of u een praktijkverklaring krijgt",
    "aanvulling.gevraagd": "een vraag om meer gegevens voor uw aanvraag",
    "aanvulling.gegeven": "meer gegevens voor uw aanvraag",
    "goed-werknemerschap.aangevraagd": "een certificaat is voor u aangevraagd",
    "goed-werknemerschap.uitgereikt": "of u een certificaat krijgt",
    "leefgebied.gewijzigd": "hoe het met u gaat in uw leven",
    "dagbesteding.deelname-gemeld": "u doet mee aan dagbesteding",
    "doorstroom.gemeld": "u gaat een stap verder, naar werk of een opleiding",
    "traject.beeindigd": "uw traject is gestopt",
    "vraag.gesteld": "een vraag over u",
    "vraag.beantwoord": "een antwoord op een vraag over u",
    "grondslag.vervallen": "melding: deze gegevens mogen niet meer worden gebruikt",
    "rectificatie.kennisgeving": "melding: er stond iets in dat niet klopt",
    "verwijdering.gevraagd": "melding: haal deze gegevens weg",
    "bericht.ingetrokken": "melding: dit bericht is ingetrokken",
}
#: The notice that a ground is gone, by its cause, where that makes it say something else.
LAPSES: Final[Mapping[str, str]] = {
    "beperking": "melding: deze gegevens mogen nu even niet worden gebruikt",
    "beperking-opgeheven": "melding: deze gegevens mogen weer worden gebruikt",
}
STATES: Final[Mapping[State, str]] = {
    State.WAITING: "wacht nog",
    State.RELEASED: "verstuurd",
    State.DELIVERED: "opgehaald",
    State.CONFIRMED: "ontvangen",
    State.UNPROCESSABLE: "ontvangen, maar niet te gebruiken",
    State.STOPPED: "tegengehouden",
    State.BURIED: "niet aangekomen",
    State.ERASED: "gewist",
}
#: Why data may be shared (AVG art. 6 and 9).
BASES: Final[Mapping[LegalBasis, str]] = {
    LegalBasis.CONSENT: "er is ja gezegd",
    LegalBasis.EXPLICIT_CONSENT: "er is heel duidelijk ja gezegd, ook voor gevoelige gegevens",
    LegalBasis.CONTRACT: "het is nodig voor een overeenkomst die u hebt getekend",
    LegalBasis.LEGAL_OBLIGATION: "het moet van de wet",
    LegalBasis.PUBLIC_TASK: "het hoort bij een taak van de overheid",
}
FRAMEWORKS: Final[Mapping[LegalFramework, str]] = {
    LegalFramework.PWET: "Participatiewet",
    LegalFramework.WSW: "Wet sociale werkvoorziening",
    LegalFramework.WMO: "Wet maatschappelijke ondersteuning",
    LegalFramework.UWV: "een regeling van het UWV",
    LegalFramework.OVERIG: "een andere regeling",
}
STATEMENTS: Final[Mapping[StatementStatus, str]] = {
    StatementStatus.REQUESTED: "aan u gevraagd, nog geen antwoord",
    StatementStatus.GIVEN: "geldt nu",
    StatementStatus.REFUSED: "er is nee gezegd",
    StatementStatus.TO_CONFIRM: "moet nog worden bevestigd",
    StatementStatus.WITHDRAWN: "ingetrokken",
    StatementStatus.REVOKED: "was verkeerd opgeschreven, geldt niet meer",
    StatementStatus.EXPIRED: "de tijd is om",
    StatementStatus.INVALID: "ongeldig verklaard",
}
#: What was said besides, and keeps a `ja` shut.
CLOSED: Final[Mapping[str, str]] = {
    "nee": "er is nee gezegd",
    STOPPED: "er is gevraagd om alles te stoppen",
    StatementStatus.WITHDRAWN: "iets anders over hetzelfde is ingetrokken",
    StatementStatus.REVOKED: "iets anders over hetzelfde was verkeerd opgeschreven",
}
OUTCOMES: Final[Mapping[ObjectionOutcome, str]] = {
    ObjectionOutcome.PENDING: "wordt nog bekeken",
    ObjectionOutcome.UPHELD: "u kreeg gelijk",
    ObjectionOutcome.REJECTED: "u kreeg geen gelijk",
}
RESTRICTIONS: Final[Mapping[str, str]] = {
    "juistheid-betwist": "u zegt dat iets niet klopt",
    "onrechtmatig": "het delen mocht niet",
    "rechtsvordering": "u hebt de gegevens nodig voor een rechtszaak",
    "bezwaar-in-behandeling": "uw bezwaar wordt nog bekeken",
}
SHIELDS: Final[Mapping[str, str]] = {"dreiging": "u wordt bedreigd", "geheim-adres": "uw adres is geheim"}
SECRECY: Final[Mapping[str, str]] = {
    "gezondheid": "uw gezondheid",
    "begeleiding": "de hulp die u krijgt",
    "dagbesteding": "uw dagbesteding",
    "deelname": "dat u meedoet",
}
CASES: Final[Mapping[str, str]] = {
    "stopverzoek": "u wilde dat alles stopt",
    "intrekking": "bericht dat een toestemming is gestopt",
    "bezwaar": "uw bezwaar",
    "beperking": "bericht dat delen stilstaat",
    "wissing": "u vroeg om gegevens te wissen",
    "wissing-verzoek": "u vroeg om alle gegevens te wissen",
    "splitsing": "gegevens van twee personen zijn uit elkaar gehaald",
    "grondslag.vervallen": "gevraagd de gegevens niet meer te gebruiken",
    "rectificatie.kennisgeving": "gevraagd iets te verbeteren",
    "verwijdering.gevraagd": "gevraagd gegevens weg te halen",
}
LAPSE_CASES: Final[Mapping[str, str]] = {
    "beperking": "gevraagd de gegevens nu even niet te gebruiken",
    "beperking-opgeheven": "verteld dat de gegevens weer mogen worden gebruikt",
}
ANSWERS: Final[Mapping[str, str]] = {
    "bevestigd": "het blijft gestopt",
    "opgeheven": "het mag weer",
    "gestopt": "gestopt met gebruiken",
    "verwijderd": "weggehaald",
    "behouden-eigen-grondslag": "bewaard, want er is een eigen reden in de wet",
    "onmogelijk": "weghalen kan niet",
    "gecorrigeerd": "verbeterd",
    "gehonoreerd": "u kreeg gelijk",
    "afgewezen": "u kreeg geen gelijk",
    "gewist": "gewist",
    "behouden": "bewaard",
}
RECALLS: Final[Mapping[str, str]] = {
    WRONG_PERSON: "het ging over de verkeerde persoon",
    WRONG_RECEIVER: "het ging naar de verkeerde organisatie",
    INCORRECT: "er stond iets in dat niet klopt",
}
#: How the reason of a stop or a refusal begins, and what it means to the person.
REASONS: Final[Mapping[str, str]] = {
    **RECALLS,
    "beperking": "het delen stond stil, omdat u dat vroeg",
    "bezwaar": "u had bezwaar gemaakt",
    "afscherming": "uw plek is afgeschermd",
    "toestemming-ingetrokken": "uw toestemming was ingetrokken",
    "toestemming-herroepen": "de toestemming was verkeerd opgeschreven",
    "toestemming-ongeldig": "de toestemming was niet geldig",
    "stopverzoek": "u had gevraagd alles te stoppen",
    "toestemming-geweigerd": "er was nee gezegd",
    "ontheffing-ingetrokken": "u wilde niet meer dat dit werd verteld",
    "niet-gedekt": "er was geen wet en geen toestemming voor",
    "niets-gedekt": "er was geen wet en geen toestemming voor",
    "afzender-": "de organisatie die stuurde, deed niet mee in uw traject of mocht dit niet sturen",
    "ontvanger-niet-actief": "de organisatie die het zou krijgen, doet niet meer mee",
    "ontvanger-": "de organisatie die het zou krijgen, deed niet mee in uw traject",
    "geen-afspraak": "de organisaties hadden hierover geen afspraak",
    "niet-van-kracht": "de afspraak tussen de organisaties gold niet",
    "doel-": "het was niet voor dit doel afgesproken",
    "soort-": "dit soort bericht was niet afgesproken",
    "bsn-": "uw burgerservicenummer mag niet naar deze organisatie",
    "machtiging-": "het systeem van de organisatie mocht dit niet",
    "abonnement-": "het systeem dat het zou krijgen, mocht dit niet",
    "sleutel-vernietigd": "de gegevens zijn gewist",
    "bewaartermijn": "niemand haalde het op, en na 90 dagen is het gewist",
    "onleesbaar": "het bericht was niet meer te lezen",
    "kandidaat-": "over u mocht niets meer worden gedeeld",
}


def kind(soort: str, code: str | None = None) -> str:
    """A kind of message; ``code``: what caused a notice."""
    return LAPSES.get(code or "") or KINDS.get(soort, soort)


def case(soort: str, code: str | None = None) -> str:
    """A zaak; ``code``: what caused the notice that it belongs to."""
    return LAPSE_CASES.get(code or "") or CASES.get(soort, soort)


def why(reason: str | None) -> str | None:
    """What stopped a message, for the person; of two beginnings the longer one says it. ``None``: nothing to add."""
    fits = [start for start in REASONS if reason is not None and reason.startswith(start)]
    return REASONS[max(fits, key=len)] if fits else None
