"""The term of the evidence, the lines of the erasure list, and the letter that says that content was destroyed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from consent.facts import Involvement
from consent.keys import content_key, evidence_key
from contracts.identity import LegalFramework, Oin, PersonId
from hub.keys.erasing import keys_of, lines
from hub.keys.erasure_list import content_of, organisation_of, person_of
from hub.rights.erasure.letter import letter
from hub.rights.erasure.terms import evidence_until, years_after

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
GUIDE, WORKPLACE = Oin("00000099000000003000"), Oin("00000099000000005000")


def involved(until: datetime | None) -> Involvement:
    return Involvement(GUIDE, "t" * 32, LegalFramework.PWET, AT - timedelta(days=400), until)


def test_evidence_stays_five_years_after_the_last_involvement_ended() -> None:
    ends = [AT - timedelta(days=30), AT + timedelta(days=10), AT - timedelta(days=300)]
    assert evidence_until(map(involved, ends), AT, 5) == (AT + timedelta(days=10)).replace(year=2031)


def test_while_somebody_is_involved_there_is_no_end_to_it() -> None:
    assert evidence_until([involved(AT), involved(None)], AT, 5) is None


def test_of_who_never_was_involved_it_counts_from_the_erasure() -> None:
    assert evidence_until([], AT, 5) == AT.replace(year=2031)


def test_a_leap_day_ends_on_the_28th() -> None:
    leap = datetime(2028, 2, 29, 8, tzinfo=UTC)
    assert years_after(leap, 5) == datetime(2033, 2, 28, 8, tzinfo=UTC)
    assert years_after(leap, 4) == datetime(2032, 2, 29, 8, tzinfo=UTC)


class Store:
    """The keys of two persons."""

    def __init__(self) -> None:
        self.ids = {f(p) for p in ("a" * 32, "b" * 32) for f in (evidence_key, lambda p: content_key(p, GUIDE))}  # type: ignore[arg-type]

    def of_persons(self, persons: Any) -> set[str]:
        return {key_id for key_id in self.ids if key_id.split("/")[1] in set(persons)}


def test_a_line_of_the_list_stands_for_the_right_keys() -> None:
    one, other = PersonId("a" * 32), PersonId("b" * 32)
    store: Any = Store()
    content, evidence = content_key(one, GUIDE), evidence_key(one)
    assert keys_of(store, {one: AT}) == {content: AT, evidence: AT}
    assert keys_of(store, {content_of(one): AT}) == {content: AT}  # the evidence stays
    assert keys_of(store, {content_key(one, WORKPLACE): AT}) == {content_key(one, WORKPLACE): AT}
    later = AT + timedelta(days=1)
    both = keys_of(store, {content_of(one): AT, one: later})  # all of a person says more than all content
    assert both == keys_of(store, {one: later, content_of(one): AT}) == {content: later, evidence: later}
    assert keys_of(store, {evidence_key(other): AT}) == {evidence_key(other): AT}


def test_lines_and_what_they_say_agree() -> None:
    persons = ["b" * 32, "a" * 32]
    assert [organisation_of(line) for line in lines(persons, GUIDE, evidence=False)] == [
        ("a" * 32, GUIDE),
        ("b" * 32, GUIDE),
    ]
    for evidence in (True, False):
        found = lines(persons, None, evidence=evidence)
        assert [person_of(line) for line in found] == sorted(persons)
        assert [organisation_of(line) for line in found] == [None, None]
    assert person_of(evidence_key(PersonId("a" * 32))) is None


SAID: dict[str, Any] = {
    "wissingId": "w" * 32,
    "organisatie": GUIDE,
    "naam": 'Bedrijf <b>"Voorbeeld"</b>',
    "reden": "bezwaar",
    "kenmerk": "<script>W-1</script>",
    "tijdstip": "2026-11-26T12:00:00.000Z",
    "vernietigd": {"berichten": 1, "sleutels": 1},
    "sleutels": ["ab" * 32],
    "gevraagd": [
        {"ontvanger": WORKPLACE, "antwoord": None, "beantwoordOp": None},
        {"ontvanger": GUIDE, "antwoord": "verwijderd", "beantwoordOp": "2026-11-27T12:00:00.000Z"},
    ],
    "logboek": {"oorsprong": "hub.example/bewijslogboek", "vermelding": "17", "bladHash": "cd" * 32},
    "bewijsTot": "2031-11-26T12:00:00.000Z",
}


def test_the_letter_says_all_of_it_and_runs_nothing() -> None:
    page = letter(SAID)
    for words in (
        *("26 november 2026", "1 bericht.", "er is bezwaar gemaakt", "vermelding 17", "cd" * 32, "ab" * 32),
        *(f"{WORKPLACE}: nog geen antwoord", f"{GUIDE}: heeft ze verwijderd (27 november 2026)", "26 november 2031"),
    ):
        assert words in page, words
    assert "<script" not in page and "<b>" not in page and "&lt;script&gt;W-1" in page


def test_the_letter_knows_a_whole_person_and_a_term_without_end() -> None:
    page = letter(SAID | {"naam": None, "organisatie": None, "kenmerk": None, "gevraagd": [], "bewijsTot": None})
    assert (
        "van alle organisaties" in page
        and "Niemand." in page
        and "begint als de organisatie met deze persoon is gestopt" in page
    )
    assert "kenmerk" not in page
