"""The letter: readable by people and screen readers, in plain Dutch, one file that fetches nothing."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consent.receipt import document, terms
from consent.receipt.dutch import moment
from tests.unit.consent.receipt.receipt_room import (
    CONFIRMED,
    OTHER,
    OWN,
    REF,
    WITHDRAWN,
    case,
    event,
    eventful,
    plain,
    principal,
    statement,
)

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """The elements of a page, checked to be nested and closed as they should."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "title"} & set(self.open) and data.strip():
            self.shown.append(data.strip())

    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.shown))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def letter(made: Any) -> str:
    return document.write("brief", made.evidence).decode()


def page(made: Any) -> Page:
    return Page(letter(made))


REQUEST = statement(soort="toestemming-gevraagd", keuze=None, gegevenOp=None, wijze=None, gegevenDoor=None)
GENERAL = statement(
    keuze="nee", **dict.fromkeys(("doelen", "categorieen", "verstrekkers", "ontvangers", "bevestigd", "geldigTot"))
)


@pytest.mark.parametrize("payloads", [(statement(),), (statement(), CONFIRMED, WITHDRAWN), (REQUEST,), (GENERAL,)])
def test_it_is_a_sound_and_accessible_page(payloads: tuple[dict[str, Any], ...]) -> None:
    text = letter(case(*payloads))
    assert text.startswith('<!DOCTYPE html>\n<html lang="nl">')
    found = Page(text)
    assert found.attributes("html") == [{"lang": "nl"}]
    assert {"charset": "utf-8"} in found.attributes("meta")
    order = [tag for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert order[0] == "h1" and set(order[1:]) == {"h2"}
    assert len(found.attributes("title")) == len(found.attributes("main")) == 1
    assert "size: A4" in text and "@media print" in text


def test_it_fetches_nothing_and_runs_nothing() -> None:
    text = letter(eventful())
    found = Page(text)
    for tag, attributes in found.elements:
        assert not {"src", "href", "srcset", "style", "action"} & attributes.keys(), tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert found.attributes("script") == [{"type": "application/json", "id": "bewijs"}]
    assert not re.search(r"url\(|@import|https?:", text[: text.index("<script")])


def test_it_says_who_what_why_until_when_and_how_to_stop() -> None:
    told = page(plain()).text()
    for words in (
        "U zei ja op 22 november 2026, 14.50 uur. Dit ging in een gesprek.",
        "Ontwikkelbedrijf De Sluis schreef dit op.",
        'Woonzorg "Delta" <&> (moet dit eerst nog bevestigen)',
        "Kringloop Nieuw Leven",
        "wie u bent, zoals uw naam en geboortedatum",
        "u laten leren op de werkplek",
        "Dit geldt van 22 november 2026, 14.50 uur tot 22 juni 2027, 00.00 uur. Daarna stopt het vanzelf.",
        "U mag altijd stoppen. U hoeft niet te zeggen waarom. Het stopt meteen. Zeg het tegen",
        "Nee zeggen of stoppen heeft geen gevolgen voor uw uitkering of uw traject.",
        "Autoriteit Persoonsgegevens",
        "verklaring-b1, versie 2, taal nl",
        plain().evidence.entries[0].leaf.hex(),
        f"Uw nummer bij Ontwikkelbedrijf De Sluis: {REF}",
    ):
        assert words in told, words
    assert "Wat gebeurde er daarna?" not in told
    assert "Let op" not in told


def test_a_ja_says_of_which_moment_it_speaks_and_what_no_receipt_of_it_tells() -> None:
    """A `nee`, a stopverzoek and what became of another statement close it, and are entries about something else."""
    told = page(plain()).text()
    assert "Zo is het gezegd op 22 november 2026, 14.50 uur. Iets anders kan maken dat dit nu niet geldt." in told
    assert "Een nee, of een verzoek om alles te stoppen. Of iets anders over hetzelfde dat is ingetrokken." in told
    assert "Vraag aan Ontwikkelbedrijf De Sluis of dit nu nog geldt." in told
    assert "Wat verder is gezegd of ingetrokken, staat daar niet in." in told
    assert "Wat er daarna gebeurde, staat in een nieuw bewijs." not in told
    for other in (eventful(), case(GENERAL), case(REQUEST)):  # what is over, and what opens nothing
        assert "Zo is het gezegd op" not in page(other).text()
    assert "of het einde van een andere verklaring" in document.write("dpv", plain().evidence).decode()


def test_what_happened_since_is_told_and_an_end_first() -> None:
    found = page(eventful())
    told = found.text()
    assert told.index("Let op. U hebt dit ingetrokken.") < told.index("Wat is er gezegd?")
    assert "23 november 2026, 09.00 uur (Woonzorg" in told
    assert "1 februari 2027, 10.30 uur: U hebt dit ingetrokken. Het geldt niet meer." in told
    assert "moet dit eerst nog bevestigen" not in told  # it did
    assert "U mag later altijd alsnog ja zeggen." in told
    # Nothing in it speaks as if it still held.
    assert "Dit geldt niet meer. Het stopte op 1 februari 2027, 10.30 uur." in told
    assert "Wie mocht gegevens over u geven?" in told and "Wie mag" not in told
    assert "22 juni 2027" not in told and "Daarna stopt het vanzelf" not in told


LAPSED = event("bevestiging-vervallen", "2026-12-01T08:00:00.000Z", organisatie=OWN)


def test_a_ja_that_no_verstrekker_has_confirmed_any_more_says_first_that_it_does_not_hold() -> None:
    """As after a restore: it is held until a verstrekker confirms it anew."""
    held = case(statement(), LAPSED, who=principal())
    told = page(held).text()
    box = "Let op. Dit geldt nu niet. Wie gegevens wil geven, moet dit eerst opnieuw bevestigen."
    assert told.index(box) < told.index("Wat is er gezegd?")
    assert page(held).attributes("p")[0] == {"class": "let-op"}
    assert "Dit geldt van" not in told and "Dit geldt vanaf" not in told and "of dit nu nog geldt" not in told
    assert "Wordt het bevestigd? Dan geldt het tot 22 juni 2027, 00.00 uur. Daarna stopt het vanzelf." in told
    assert "Wie mag gegevens over u geven als dit is bevestigd?" in told
    assert "Ontwikkelbedrijf De Sluis (moet dit opnieuw bevestigen)" in told
    assert 'Woonzorg "Delta" <&> (moet dit eerst nog bevestigen)' in told
    assert "Vraag aan Ontwikkelbedrijf De Sluis of dit al is bevestigd." in told


def test_a_ja_that_no_verstrekker_has_confirmed_yet_says_so_too() -> None:
    told = page(case(statement(bevestigd=None))).text()
    assert "Let op. Dit geldt nu niet. Wie gegevens wil geven, moet dit eerst bevestigen." in told
    assert "Dit geldt van" not in told and "opnieuw" not in told
    later = page(case(statement(bevestigd=None, geldigVan="2027-01-01T00:00:00.000Z"))).text()
    assert "Dan geldt het vanaf 1 januari 2027, 01.00 uur tot 22 juni 2027, 00.00 uur." in later
    endless = page(case(statement(bevestigd=None, geldigTot=None))).text()
    assert "Wordt het bevestigd? Dan geldt het tot u iets anders zegt." in endless


@pytest.mark.parametrize("payloads", [(statement(),), (statement(), LAPSED, CONFIRMED), (GENERAL,), (REQUEST,)])
def test_control_what_somebody_confirmed_or_what_is_no_ja_has_no_box(payloads: tuple[dict[str, Any], ...]) -> None:
    told = page(case(*payloads)).text()
    assert "Let op" not in told and "als dit is bevestigd" not in told


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_what_was_given_out_in_other_words_keeps_those(version: int) -> None:
    categories = ["contact", "inzetbaarheid"]
    for form in ("brief", "dpv"):
        made = case(statement(categorieen=categories), LAPSED).evidence
        old = document.write(form, replace(made, version=version)).decode()
        new = document.write(form, made).decode()
        assert "en hoe veel" in old and "en hoeveel" in new and "hoe veel" not in new
        assert "Let op. " not in old and "Waar hun systemen staan" not in old
        assert document.read(old.encode()).evidence.version == version


def test_a_refusal_a_question_a_minor_and_a_renewal_have_their_own_words() -> None:
    told = page(case(GENERAL)).text()
    for words in ("Bewijs dat u nee zei", "Wie mag geen gegevens over u geven?", "alle organisaties", "al uw gegevens"):
        assert words in told
    assert "Het geldt tot u iets anders zegt." in told
    told = page(case(REQUEST | {"gevraagdDoor": OTHER})).text()
    for words in ("Bewijs van een vraag aan u", "U hebt nog geen antwoord gegeven.", "Wie wil gegevens over u geven?"):
        assert words in told
    assert 'Woonzorg "Delta" <&> had dit gevraagd.' in told
    told = page(case(statement(gegevenDoor="voogd", zestienOp="2027-02-28T23:00:00.000Z", vernieuwt="f" * 32))).text()
    assert "Namens u zei uw voogd opnieuw ja op" in told
    assert "U wordt 16 op 1 maart 2027. Vanaf dan geldt dit alleen als u het zelf bevestigt." in told
    told = page(case(statement(), event("herroeping", "2026-12-01T00:00:00.000Z", organisatie=OWN))).text()
    assert "Let op. Dit was verkeerd opgeschreven." in told


def test_names_are_words_and_never_markup() -> None:
    hostile = '</script><script>alert(1)</script><img src=x onerror="alert(1)">'
    made = case(statement(namen={OWN: hostile}))
    text = letter(made)
    assert Page(text).attributes("script") == [{"type": "application/json", "id": "bewijs"}]
    assert "<img" not in text
    assert hostile in page(made).text()
    assert document.read(text.encode()).account.names[OWN] == hostile


def test_sentences_are_short() -> None:
    """B1: what the hub itself writes has no sentence of more than 16 words."""
    names = ("Ontwikkelbedrijf De Sluis", 'Woonzorg "Delta" <&>', "Kringloop Nieuw Leven")
    held = case(statement(), LAPSED), case(statement(bevestigd=None, geldigVan="2027-01-01T00:00:00.000Z"))
    for made in (plain(), eventful(), case(REQUEST), case(GENERAL), *held):
        for block in page(made).shown:
            for name in names:
                block = block.replace(name, "X")
            for sentence in re.split(r"(?<=[.?!]) ", re.sub(r"\d+ [a-z]+ \d{4}, \d+\.\d\d uur", "toen", block)):
                assert len(sentence.split()) <= 16, sentence


def test_moments_are_those_of_the_dutch_clock() -> None:
    """The written-out rule against today's time zone table, over the changes of 25 years; the first is a control."""
    amsterdam = ZoneInfo("Europe/Amsterdam")
    assert moment(datetime(2026, 7, 1, 10, tzinfo=UTC)) == "1 juli 2026, 12.00 uur"
    months = ["januari", "februari", "maart", "april", "mei", "juni", "juli"]
    months += ["augustus", "september", "oktober", "november", "december"]
    at = datetime(2015, 1, 1, 0, 30, tzinfo=UTC)
    while at.year < 2040:
        local = at.astimezone(amsterdam)
        clock = f"{local.day} {months[local.month - 1]} {local.year}, {local.hour:02}.{local.minute:02} uur"
        assert moment(at) == clock
        at += timedelta(hours=11)
    for year in range(2015, 2040):
        for month in (3, 10):
            for day in range(24, 32):
                for minutes in (-1, 0, 1):
                    at = datetime(year, month, day, 1, tzinfo=UTC) + timedelta(minutes=minutes)
                    assert f", {at.astimezone(amsterdam).hour:02}." in moment(at)
    assert moment(datetime.max.replace(tzinfo=UTC)).endswith("9999, 23.59 uur")


def test_the_words_are_dutch_and_plain() -> None:
    words = [t.words for table in (terms.PURPOSES, terms.CATEGORIES, terms.STATES) for t in table.values()]
    hard = ("verwerking", "grondslag", "betrokkene", "verstrek", "AVG", "persoonsgegevens", "consent")
    assert not [one for one in words if any(word in one for word in hard)]
