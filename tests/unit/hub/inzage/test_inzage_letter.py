"""The letter of inzage: plain Dutch words for every code, repeats told once, nothing that is not escaped."""

import inspect
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import Enum
from html.parser import HTMLParser
from typing import Any

import pytest

from consent.facts import ObjectionOutcome, StatementStatus
from consent.gate import checks
from consent.receipt import terms
from contracts import catalogue
from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose, SecrecySubject
from contracts.kinds.kennisgeving import GrondslagVervallen
from contracts.retention.terms import shipped
from hub.delivery.release import INACTIVE, UNREADABLE
from hub.delivery.states import State
from hub.reference.retention import retention
from hub.rights.cases import answering as cases
from hub.rights.consent import ending
from hub.rights.erasure.whole import ERASED, KEPT
from hub.rights.inzage.basis import KINDS, LAPSED, LAPSES, Facts, Told, bases, cause, notice_basis
from hub.rights.inzage.letter import words
from hub.rights.inzage.letter.grouping import Groups
from hub.rights.inzage.letter.sheet import Sheet
from hub.rights.inzage.letter.write import STYLE, letter
from hub.rights.limits import restrictions, shields
from hub.rights.limits.objections import OBJECTION
from hub.rights.recall import recalls
from hub.rights.schemas import CASE_KINDS, GIVEN_BY, OBJECTION_ANSWERS

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
GEMEENTE, BEDRIJF = "00000099000000001000", "00000099000000003000"
NAMES = {GEMEENTE: "Gemeente Voorbeeld", BEDRIJF: "Ontwikkelbedrijf Voorbeeld"}


def without_words(codes: Collection[Any], table: Any) -> list[str]:
    """The codes that a letter would have to print as they are."""
    return sorted(str(code) for code in codes if not str(table.get(code, "")).strip())


TABLES = {
    "categorie": (list(Category), {c: t.words for c, t in terms.CATEGORIES.items()}),
    "doel": (list(Purpose), {p: t.words for p, t in terms.PURPOSES.items()}),
    "basis": (list(LegalBasis), words.BASES),
    "aflevering": (list(State), words.STATES),
    "toestemming": (list(StatementStatus), words.STATEMENTS),
    "bezwaar": (list(ObjectionOutcome), words.OUTCOMES),
    "kader": (list(LegalFramework), words.FRAMEWORKS),
    "bericht": ([kind.name for kind in catalogue.all_kinds()], words.KINDS),
    "beperking": (restrictions.REASONS, words.RESTRICTIONS),
    "afscherming": (shields.REASONS, words.SHIELDS),
    "ontheffing": ([one.value for one in SecrecySubject], words.SECRECY),
    "terugroeping": (recalls.REASONS, words.RECALLS),
    "zaak": (CASE_KINDS, words.CASES),
    "antwoord": (
        {*cases.STOP_ANSWERS, *cases.NOTICE_ANSWERS, cases.CORRECTED, *OBJECTION_ANSWERS, ERASED, KEPT},
        words.ANSWERS,
    ),
    "gegevenDoor": (GIVEN_BY, {g: t.words for g, t in terms.GIVEN_BY.items()}),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_code_has_words(name: str) -> None:
    codes, table = TABLES[name]
    assert len(codes) > 1 and without_words(codes, table) == []


def test_control_a_code_without_words_is_noticed() -> None:
    class New(Enum):
        KNOWN, OTHER = "wachtend", "nieuw"

    assert without_words([New.KNOWN.value, New.OTHER.value], words.STATES) == ["nieuw"]


def refusal_reasons() -> set[str]:
    """Every fixed word with which a check of the gate fails, as it stands in its source."""
    source = inspect.getsource(checks)
    failed = re.findall(r'Step\([A-Z_]+, False, [^"\n]*f?"([a-z]+[a-z-]*)', source)
    named = re.findall(r'reason = f?"([a-z]+-?[a-z-]*)', source)
    named += re.findall(r'known else "([a-z]+-[a-z-]*)"', source)
    return {*failed, *named}


def test_every_reason_has_words() -> None:
    """Of the gate, of what takes consent away, of what limits, and of the hub itself."""
    codes = {ending.WITHDRAWN, ending.REVOKED, ending.INVALID, restrictions.RESTRICTION, shields.SHIELD, OBJECTION}
    codes |= {"stopverzoek", "toestemming-geweigerd", "ontheffing-ingetrokken", INACTIVE, UNREADABLE}
    codes |= {"sleutel-vernietigd", "kandidaat-gewist", *recalls.REASONS}
    found = refusal_reasons() - {"log"}  # what cannot be logged is not refused: it is not there
    assert {"niet-gedekt", "afzender-niet-actief", "geen-afspraak", "doel-niet-in-afspraak"} <= found
    assert sorted(code for code in found | codes if words.why(code) is None) == []
    assert words.why("iets-nieuws") is None


def test_words_are_plain() -> None:
    """B1: short, and none of our own codes or names of tables among them."""
    every = [w for _, table in TABLES.values() for w in table.values()] + list(words.REASONS.values())
    assert [w for w in every if len(w.split()) > 17 or "_" in w] == []


def message(**extra: Any) -> dict[str, Any]:
    made = {
        "soort": "voortgang.gemeld",
        "doel": "trajectbegeleiding",
        "verstrekker": GEMEENTE,
        "ontvanger": BEDRIJF,
        "richting": "verstuurd",
        "kennisgeving": False,
        "status": "bevestigd",
        "aanvaardOp": NOON,
        "vrijgegevenOp": NOON,
        "geeindigdOp": None,
        "categorieen": ["leervoortgang"],
        "weggelaten": [],
        "grondslagen": [{"soort": "toestemming", "categorieen": ["leervoortgang"], "basis": "AVG-6-1-a"}],
    }
    return made | extra


def test_deliveries_that_differ_only_in_time_are_one_group() -> None:
    groups = Groups()
    for number in range(12):
        at = NOON + timedelta(days=number)
        groups.add({"berichten": [message(vrijgegevenOp=at, aanvaardOp=at, berichtId=str(number))]})
    (group,) = groups.given.values()
    assert (group.count, group.first, group.last) == (12, NOON, NOON + timedelta(days=11))


@pytest.mark.parametrize(
    "other",
    [
        {"ontvanger": "00000099000000009000"},
        {"verstrekker": "00000099000000009000"},
        {"doel": "opleiden"},
        {"soort": "werkproces.beoordeeld"},
        {"categorieen": []},
        {"weggelaten": ["contact"]},
        {"status": "gestopt"},
        {"grondslagen": [{"soort": "grondslag", "wet": "Pwet", "artikel": "7", "basis": "AVG-6-1-e"}]},
        {"grondslagen": [{"soort": "toestemming", "basis": "AVG-6-1-a", "gegevenOp": NOON}]},
    ],
)
def test_what_differs_in_more_is_told_apart(other: dict[str, Any]) -> None:
    groups = Groups()
    groups.add({"berichten": [message(), message(**other)]})
    assert [group.count for group in groups.given.values()] == [1, 1]


def test_memory_does_not_grow_with_repeats() -> None:
    groups = Groups()
    for _ in range(500):
        groups.add({"berichten": [message()], "weigeringen": [refusal()]})
    assert (len(groups.given), len(groups.refused)) == (1, 1)


def refusal() -> dict[str, Any]:
    decisions = [{"ontvanger": BEDRIJF, "reden": "niet-gedekt"}]
    return {
        "op": NOON,
        "verstrekker": GEMEENTE,
        "soort": "voortgang.gemeld",
        "doel": "opleiden",
        "besluiten": decisions,
    }


def sheet(found: dict[str, Any], *, whole: bool = True, shielded: bool = False) -> Sheet:
    made = Sheet("Gemeente Voorbeeld", whole, NOON, shielded)
    made.add(found, NAMES)
    return made


class Text(HTMLParser):
    """What somebody reads, and whether all that opens also closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.told: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.told.append(data.strip())


def read(page: bytes) -> str:
    parser = Text()
    parser.feed(page.decode())
    assert parser.open == []
    return " ".join(filter(None, parser.told))


def test_the_letter_says_who_what_when_what_for_and_why() -> None:
    law = {"soort": "grondslag", "basis": "AVG-6-1-e", "wet": "Participatiewet", "artikel": "7", "lid": "1"}
    items = [message(grondslagen=[law | {"categorieen": ["leervoortgang"]}]) for _ in range(12)]
    items[-1] |= {"vrijgegevenOp": NOON + timedelta(days=9)}
    told = read(letter(sheet({"berichten": items, "weigeringen": [refusal()]})))
    for part in (
        "Van Gemeente Voorbeeld",
        "aan Ontwikkelbedrijf Voorbeeld",
        "wat u leert en hoe ver u bent",
        "U helpen tijdens uw traject.",
        "12 keer, tussen 20 november 2026 en 29 november 2026.",
        "Het hoort bij een taak van de overheid: Participatiewet, artikel 7, lid 1.",
        "Niet aan Ontwikkelbedrijf Voorbeeld: er was geen wet en geen toestemming voor.",
    ):
        assert part in told


@pytest.mark.parametrize(
    "part",
    [
        "artikel 15",  # and of what it asks, 15(1)(a) to (h) and (2):
        "Waarvoor",
        "Welke gegevens",
        "Wie kreeg gegevens",
        "Hoe lang worden ze bewaard",
        "laten verbeteren",
        "gewist",
        "stilstaat",
        "bezwaar maken",
        "Autoriteit Persoonsgegevens",
        "Waar komen de gegevens vandaan",
        "Beslist een computer over u",
        "Gaan gegevens naar het buitenland",
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_the_letter_holds_what_the_law_asks(part: str, whole: bool) -> None:
    assert part in read(letter(sheet({"berichten": [message()]}, whole=whole)))


def test_of_other_countries_the_letter_says_only_what_the_hub_knows() -> None:
    """Where the computers of who receives are, nothing checks."""
    told = read(letter(sheet({"berichten": [message()]})))
    answer = told.split("Gaan gegevens naar het buitenland? ")[1].split(" Beslist een computer")[0]
    assert "Nee" not in answer and "geeft geen gegevens" not in answer
    for part in (
        "De hub geeft gegevens alleen aan organisaties met een Nederlands organisatienummer (OIN).",
        "Waar hun computers staan, weet de hub niet. Vraag dat aan de organisatie die de gegevens kreeg.",
        "(AVG, artikel 15, lid 2)",
    ):
        assert part in answer


def test_what_was_refused_at_once_is_not_kept_and_what_was_stopped_on_its_way_is() -> None:
    made = sheet({"berichten": [message(status="gestopt", vrijgegevenOp=None)], "weigeringen": [refusal()]})
    made.kept = retention(shipped())
    told = read(letter(made))
    assert "Meteen geweigerd: het mocht niet. Het bericht zelf is niet bewaard." in told
    assert "Tegengehouden. " in told and "Tegengehouden: het mocht niet" not in told
    assert "Een bericht dat meteen is geweigerd, wordt niet bewaard, alleen dat het is geweigerd." in told
    assert "nadat het is aangekomen of onderweg is tegengehouden." in told


def test_who_only_received_is_not_said_to_have_given() -> None:
    """The title and the count of an own letter fit both directions."""

    def told(*directions: str) -> str:
        turned = {"richting": "ontvangen", "verstrekker": BEDRIJF, "ontvanger": GEMEENTE}
        items = [message(**turned) if one == "ontvangen" else message() for one in directions]
        return read(letter(sheet({"berichten": items}, whole=False)))

    got = told("ontvangen", "ontvangen")
    assert got.startswith("Wat Gemeente Voorbeeld over u heeft gegeven of gekregen")
    assert "Gemeente Voorbeeld kreeg 2 keer iets over u." in got
    assert "gaf" not in got.split("Wie gaf")[0] and "keer iets over u gedeeld" not in got
    gave = told("verstuurd")
    assert "Gemeente Voorbeeld gaf 1 keer iets over u." in gave and "kreeg 1 keer" not in gave
    assert "Gemeente Voorbeeld gaf 1 keer iets over u. Gemeente Voorbeeld kreeg 2 keer iets over u." in told(
        "ontvangen", "verstuurd", "ontvangen"
    )
    assert "Gemeente Voorbeeld gaf en kreeg geen gegevens over u via de hub." in told()
    assert "Er is 1 keer iets over u gedeeld." in read(letter(sheet({"berichten": [message()]})))


def test_of_the_bsn_it_says_what_lies_where() -> None:
    """A keyed index beside the person; in a message that lies in the hub it may stand."""

    def told(linked: bool) -> str:
        one = {"organisatie": GEMEENTE, "geregistreerdOp": NOON, "bsnGekoppeld": linked}
        return read(letter(sheet({"registraties": [one, one]})))

    linked = told(True)
    assert "Gemeente Voorbeeld, sinds 20 november 2026. Gekoppeld aan uw burgerservicenummer." in linked
    assert "Het nummer zelf staat er niet" not in linked
    where = (
        "Bij uw gegevens bewaart de hub het burgerservicenummer zelf niet, alleen een kenmerk dat ervan is gemaakt. "
        "In een bericht dat nog in de hub ligt, kan het nummer wel staan. Dat bericht is versleuteld."
    )
    assert linked.count(where) == 1
    assert "burgerservicenummer" not in told(False)


def test_a_quotation_has_one_stop() -> None:
    def told(said: str) -> str:
        one = {"op": NOON, "verstrekkers": [GEMEENTE], "uitkomst": "afgewezen", "grond": said, "motivering": said}
        return read(letter(sheet({"bezwaren": [one]})))

    for said in ("Ik wil dit niet.", "Waarom?", "Nee!", "Nou…"):
        found = told(said)
        assert f"U schreef: “{said}” De uitkomst" in found and f"daarbij: “{said}” " in found
    found = told("Ik wil dit niet ")
    assert "U schreef: “Ik wil dit niet”. De uitkomst" in found and "daarbij: “Ik wil dit niet”. " in found


def test_what_is_of_staff_is_named_as_that() -> None:
    told = read(letter(sheet({"berichten": [message(categorieen=["medewerker"])]})))
    assert "naam en functie van medewerkers, zoals uw praktijkopleider" in told
    assert "medewerkers van organisaties" not in told


def test_a_letter_about_nothing_says_so() -> None:
    told = read(letter(sheet({})))
    assert "Er zijn geen gegevens over u gedeeld." in told and "Niemand." in told


def test_a_shielded_person_is_warned() -> None:
    assert "Neem hem alleen zelf aan" in read(letter(sheet({}, shielded=True)))
    assert "Neem hem alleen zelf aan" not in read(letter(sheet({})))


def test_sentences_are_short() -> None:
    """B1: of the fixed text no sentence has more than 20 words."""
    known = {"organisatie": GEMEENTE, "geregistreerdOp": NOON, "bsnGekoppeld": True}
    made = sheet({"registraties": [known]}, whole=False, shielded=True)
    made.kept = retention(shipped())
    told = read(letter(made)).replace("over u heeft gegeven of gekregen", ". ")  # the title has no stop
    long = [s for s in re.split(r"[.?!:] ", told) if len(s.split()) > 20]
    assert long == []


def test_every_value_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    made = Sheet(evil, True, NOON, False)
    objection = {
        "op": NOON,
        "verstrekkers": [GEMEENTE],
        "grond": evil,
        "uitkomst": "open",
        "motivering": evil,
    }
    made.add({"berichten": [message()], "bezwaren": [objection]}, {GEMEENTE: evil, BEDRIJF: evil})
    page = letter(made).decode()
    assert "<script" not in page and page.count("&lt;script&gt;") > 5


def test_the_letter_fetches_nothing() -> None:
    page = letter(sheet({"berichten": [message()]})).decode()
    assert re.findall(r"(?:src|href|url\(|@import|https?:)", page) == []
    assert "size: A4" in STYLE and '<html lang="nl">' in page


# -- limits -----------------------------------------------------------------------------------------------------------
LATER = NOON + timedelta(days=5)


def shield(receivers: list[str], ended: datetime | None = None) -> str:
    one = {"op": NOON, "grond": "dreiging", "ontvangers": receivers, "opgehevenOp": ended}
    return read(letter(sheet({"afschermingen": [one]})))


def test_a_shield_names_who_may_know_and_says_when_nobody_may() -> None:
    assert "Vanaf 20 november 2026 mag niemand weten waar u bent. De reden: u wordt bedreigd." in shield([])
    assert "mag alleen Gemeente Voorbeeld weten waar u bent." in shield([GEMEENTE])
    assert "Van 20 november 2026 tot 25 november 2026 mocht niemand weten waar u was." in shield([], LATER)
    assert "alleen niemand" not in shield([]) + shield([], LATER)


def restriction(**extra: Any) -> str:
    one = {"op": NOON, "grond": "onrechtmatig", "verstrekkers": [GEMEENTE], "opgehevenOp": None}
    return read(letter(sheet({"beperkingen": [one | extra]})))


def test_a_restriction_names_its_doel_and_speaks_of_the_past_once_it_is_over() -> None:
    told = restriction(doel="opleiden")
    assert "Vanaf 20 november 2026 staat het delen door Gemeente Voorbeeld aan alle organisaties stil." in told
    assert f"Het gaat alleen om dit doel: {terms.PURPOSES[Purpose('opleiden')].words}." in told
    assert "dit doel" not in restriction()
    ended = restriction(opgehevenOp=LATER)
    assert "Van 20 november 2026 tot 25 november 2026 stond het delen door" in ended
    assert " staat het delen" not in ended and "Dat geldt nog" not in ended


def statement(**extra: Any) -> str:
    one = {"keuze": "ja", "gegevenDoor": "betrokkene", "gegevenOp": NOON, "geldigTot": LATER, "vastgelegdDoor": BEDRIJF}
    ended = {"beeindigdOp": None, "ongeldigOp": None}
    return read(letter(sheet({"toestemmingen": [one | ended | extra]})))


def test_a_statement_that_ended_says_when_and_no_longer_promises_its_term() -> None:
    assert "U zei ja op 20 november 2026. Het geldt tot 25 november 2026." in statement(status="gegeven")
    ended = NOON + timedelta(days=2)
    for status, when in (("ingetrokken", "beeindigdOp"), ("herroepen", "beeindigdOp"), ("ongeldig", "ongeldigOp")):
        told = statement(status=status, **{when: ended})
        assert "Het geldt tot" not in told and ", op 22 november 2026." in told
    assert "Ingetrokken, op 22 november 2026." in statement(status="ingetrokken", beeindigdOp=ended)
    assert "Het gold tot 25 november 2026. " in statement(status="verlopen")


def test_a_ja_that_is_to_be_confirmed_does_not_hold_yet() -> None:
    told = statement(status="te-bevestigen")
    assert "Het geldt tot" not in told and "Moet nog worden bevestigd." in told
    assert "U zei ja op 20 november 2026. Wordt het bevestigd? Dan geldt het tot 25 november 2026." in told


def test_a_ja_that_another_word_closes_does_not_hold_now_and_says_why() -> None:
    assert "Geldt nu. " in statement(status="gegeven", gesloten=None)
    for how, why in words.CLOSED.items():
        shut = {"hoe": str(how), "op": NOON + timedelta(days=2), "geheel": True}
        told = statement(status="gegeven", gesloten=shut)
        assert f"Geldt nu niet: {why}, op 22 november 2026." in told
        assert "Geldt nu. " not in told and "Het geldt tot" not in told
        part = statement(status="gegeven", gesloten=shut | {"geheel": False})
        assert f"Geldt nu niet meer helemaal: {why}, op 22 november 2026." in part and "Het geldt tot" in part


def test_who_has_not_the_whole_picture_does_not_say_that_a_ja_holds() -> None:
    """A `nee` that another organisation keeps to itself closes it unseen."""
    one = {"keuze": "ja", "gegevenOp": NOON, "geldigTot": LATER, "vastgelegdDoor": BEDRIJF, "status": "gegeven"}
    own = read(letter(sheet({"toestemmingen": [one]}, whole=False)))
    assert "Geldt nu, voor zover Gemeente Voorbeeld weet." in own


def test_who_wrote_down_a_stop_says_that_and_whom_to_ask_instead_of_that_a_ja_holds() -> None:
    one = {"keuze": "ja", "gegevenOp": NOON, "geldigTot": LATER, "vastgelegdDoor": GEMEENTE, "status": "gegeven"}
    parts = {name: {"verstrekker": name} for name in (GEMEENTE, BEDRIJF)}

    def told(others: list[str], **extra: Any) -> str:
        stop = {"stopGevraagd": {"op": NOON + timedelta(days=2), "verstrekkers": others}}
        return read(letter(sheet({"toestemmingen": [one | stop | extra]}, whole=False)))

    of_other = told([BEDRIJF], bevestigd=[parts[BEDRIJF]])
    assert "Geldt nu" not in of_other and "Het geldt tot" not in of_other
    asks = (
        "Op 22 november 2026 is gevraagd om alles te stoppen. Of Ontwikkelbedrijf Voorbeeld nu gegevens mag geven, "
        "weet Gemeente Voorbeeld niet. Vraag dat aan Ontwikkelbedrijf Voorbeeld."
    )
    assert asks in of_other
    both = told([BEDRIJF], bevestigd=[*parts.values()])  # its own part it let go on itself
    assert f"Geldt nu voor wat Gemeente Voorbeeld geeft, voor zover Gemeente Voorbeeld weet. {asks}" in both
    waits = told([BEDRIJF], bevestigd=[], status="te-bevestigen")
    assert f"Moet nog worden bevestigd. {asks}" in waits
    shut = {"hoe": "nee", "op": NOON, "geheel": False}
    part = told([BEDRIJF], bevestigd=[*parts.values()], gesloten=shut)
    assert f"Geldt nu niet meer helemaal: er is nee gezegd, op 20 november 2026. {asks}" in part
    assert " nu gegevens mogen geven, weet " in told([BEDRIJF, GEMEENTE], bevestigd=[*parts.values()])


def test_a_no_of_somebody_else_is_not_put_in_the_mouth_of_the_person() -> None:
    told = statement(keuze="nee", gegevenDoor="ouder-met-gezag", status="geweigerd")
    assert "Namens u zei uw ouder nee op 20 november 2026." in told and "Er is nee gezegd. " in told
    assert "u zei nee" not in told.lower().replace("namens u zei", "")
    assert words.why("toestemming-geweigerd") == "er was nee gezegd"


# -- the basis --------------------------------------------------------------------------------------------------------
class Row:
    """A row of a table."""

    def __init__(self, **values: Any) -> None:
        self.__dict__ |= values


GROUND = Row(basis="AVG-6-1-e", law="Participatiewet", article="7", paragraph="1", uavg_article=None)
YES = Row(
    basis="AVG-6-1-a",
    given_at=NOON,
    given_by="betrokkene",
    recorder=GEMEENTE,
    senders=[GEMEENTE],
    categories=["contact"],
)
RELEASE = Row(release_id="r", at=NOON, holder=GEMEENTE)


def facts(own: str | None) -> Facts:
    return Facts({"g": GROUND}, {"s": YES, "t": YES}, {"r": RELEASE}, own)  # type: ignore[dict-item, arg-type]


def test_each_fact_is_told_with_the_categories_that_it_covers() -> None:
    told = Told(
        {"identiteit": "grondslag:g", "bsn": "grondslag:g", "contact": "toestemming:s", "medewerker": "afspraak:a"}
    )
    found = bases(told, ["r", "s", "t"], facts(None))
    assert {one["soort"] for one in found} <= set(KINDS)
    assert [(one["soort"], one["categorieen"]) for one in found] == [
        ("afspraak", ["medewerker"]),
        ("grondslag", ["bsn", "identiteit"]),
        ("toestemming", ["contact"]),
        ("ontheffing", []),
        ("toestemming", ["contact"]),
    ]
    assert (found[1]["wet"], found[1]["artikel"], found[1]["lid"]) == ("Participatiewet", "7", "1")
    assert [one.get("latereLevering", False) for one in found] == [False, False, False, False, True]


@pytest.mark.parametrize(("own", "sees"), [(None, True), (GEMEENTE, True), (BEDRIJF, False)])
def test_a_statement_shows_itself_to_its_recorder_and_verstrekkers_only(own: str | None, sees: bool) -> None:
    found = bases(Told({"contact": "toestemming:s"}), ["r"], facts(own))
    assert [{"id", "gegevenOp"} <= one.keys() for one in found] == [sees, sees]


@pytest.mark.parametrize(
    ("kind", "code", "place"),
    [
        (LAPSED, "toestemming-ingetrokken", ("7", "3")),
        (LAPSED, "toestemming-geweigerd", ("7", "3")),
        (LAPSED, "stopverzoek", ("7", "3")),
        (LAPSED, "beperking", ("18", None)),
        (LAPSED, "beperking-opgeheven", ("18", None)),
        (LAPSED, "bezwaar", ("21", None)),
        ("rectificatie.kennisgeving", "onjuist", ("19", None)),
        ("verwijdering.gevraagd", "wissing", ("19", None)),
    ],
)
def test_a_notice_rests_on_the_clause_of_its_cause(kind: str, code: str, place: tuple[str, str | None]) -> None:
    (found,) = notice_basis(kind, code)
    assert (found["wet"], found["artikel"], found["lid"]) == ("AVG", *place)


def test_every_cause_that_a_notice_can_name_has_its_clause() -> None:
    codes = GrondslagVervallen().fields["code"].codes  # type: ignore[attr-defined]
    assert set(codes) == set(LAPSES)


def notice(code: str, **extra: Any) -> dict[str, Any]:
    basis = notice_basis(LAPSED, code)
    return message(soort=LAPSED, kennisgeving=True, doel="rechten", code=code, grondslagen=basis, **extra)


def asked(code: str) -> dict[str, Any]:
    return {"gevraagd": BEDRIJF, "soort": LAPSED, "antwoord": None, "geslotenOp": NOON, "code": code}


def test_that_a_restriction_is_over_reads_as_may_again_in_the_table_and_in_the_list() -> None:
    codes = ("beperking-opgeheven", "toestemming-ingetrokken")
    lifted, gone = (read(letter(sheet({"berichten": [notice(c)], "zaken": [asked(c)]}))) for c in codes)
    assert "deze gegevens mogen weer worden gebruikt" in lifted and "niet meer" not in lifted.split("Uw rechten")[0]
    assert "Ontwikkelbedrijf Voorbeeld: verteld dat de gegevens weer mogen worden gebruikt." in lifted
    assert "deze gegevens mogen niet meer worden gebruikt" in gone and "weer" not in gone
    assert "Ontwikkelbedrijf Voorbeeld: gevraagd de gegevens niet meer te gebruiken." in gone


def test_told_is_what_arrived_and_what_waits_is_said_to_wait() -> None:
    """The count of who was told is that of the table of who got what."""
    code = "beperking-opgeheven"

    def told(*states: str, released: bool = False, **extra: Any) -> str:
        at = NOON if released else None
        items = [asked(code) | {"melding": {"status": one, "vrijgegevenOp": at}} | extra for one in states]
        return read(letter(sheet({"berichten": [notice(code)], "zaken": items})))

    said = "verteld dat de gegevens weer mogen worden gebruikt"
    one = told("bevestigd", "wachtend")
    assert f"Ontwikkelbedrijf Voorbeeld: {said}. Antwoord: geen antwoord nodig." in one
    waits = "Voor Ontwikkelbedrijf Voorbeeld wacht nog een melding: deze gegevens mogen weer worden gebruikt"
    assert f"{waits}." in one and "2 keer" not in one
    two = told("wachtend", "wachtend")
    assert f"{waits} (2 keer)." in two and said not in two
    lost = "Deze melding kwam niet aan bij Ontwikkelbedrijf Voorbeeld: deze gegevens mogen weer worden gebruikt."
    assert lost in told("begraven") and lost in told("gestopt") and lost in told("gewist")
    assert said not in told("begraven", released=True)
    for state in ("afgeleverd", "bevestigd", "onverwerkbaar", "gewist", "gestopt"):  # it was there once
        assert said in told(state, released=True)
    assert said in told("wachtend", antwoord="gestopt")  # who answers was told


def test_a_limit_and_its_end_are_told_apart() -> None:
    groups = Groups()
    groups.add({"berichten": [notice("beperking"), notice("beperking-opgeheven")]})
    assert [group.count for group in groups.given.values()] == [1, 1]


def test_the_cause_is_told_to_the_person_and_its_receiver_and_a_sender_learns_only_of_what_it_was_asked() -> None:
    code = "toestemming-ingetrokken"
    assert cause(code, BEDRIJF, None) == cause(code, BEDRIJF, Oin(BEDRIJF)) == {"code": code}
    assert cause(code, BEDRIJF, Oin(GEMEENTE)) == {} == cause(None, BEDRIJF, None)
    assert cause("beperking", BEDRIJF, Oin(GEMEENTE)) == {"code": "beperking"}
