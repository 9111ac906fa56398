"""Which keys nothing needs any more, decided on plain values: what holds each of them back, one at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from consent.facts import Involvement, PersonFacts
from consent.store.reading import PersonRecord
from contracts.identity import LegalFramework, Oin
from contracts.retention.terms import shipped, years_after
from hub.rights.retention.closing import evidence_over, finished
from hub.store.persons.remains import Remains

OWN, OTHER = Oin("00000099000000003000"), Oin("00000099000000005000")
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 6, 1, tzinfo=UTC)
IDLE = END + timedelta(days=30)
TERMS = shipped()


def row(**values: Any) -> Any:
    return SimpleNamespace(**values)


def involved(who: Oin, until: datetime | None) -> Involvement:
    return Involvement(who, "t", LegalFramework.PWET, START, until)


def left(*involvements: Involvement, **values: Any) -> Remains:
    record = PersonRecord(PersonFacts(known=True, involvements=involvements or (involved(OWN, END),)), START)
    made = Remains("p", frozenset({"p"}), record, (), (message(),), (), asked=False)
    return replace(made, **values)


def message(**values: Any) -> Any:
    return row(
        **({"organisation": OWN, "purpose": "opleiden", "notice": False, "holds": False, "last": START} | values)
    )


def waiting(sender: str, recipient: str, notice: bool = False) -> Any:
    return row(organisation=sender, recipient=recipient, notice=notice)


HOLD_BACK = {
    "content within its term": {"messages": (message(holds=True),)},
    "it sent something that waits": {"waiting": (waiting(OWN, OTHER),)},
    "something waits for it": {"waiting": (waiting(OTHER, OWN),)},
    "it registered the person since": {"refs": (row(organisation=OWN, registered_at=IDLE - timedelta(days=1)),)},
}
LET_GO = {
    "another's content": {"messages": (message(holds=True, organisation=OTHER),)},
    "a notice": {"messages": (message(holds=True, notice=True),), "waiting": (waiting(OWN, OTHER, notice=True),)},
    "an open zaak": {"asked": True},
}


def test_who_is_done_goes_after_its_last_involvement_and_not_before() -> None:
    assert finished(TERMS, left(), [OWN], IDLE - timedelta(milliseconds=1)) == []
    assert finished(TERMS, left(), [OWN, OTHER], IDLE) == [OWN, OTHER]  # the other was never involved
    assert finished(TERMS, left(involved(OWN, END), involved(OWN, None)), [OWN], IDLE) == []


@pytest.mark.parametrize("name", HOLD_BACK)
def test_what_holds_a_content_key_back(name: str) -> None:
    assert finished(TERMS, left(**HOLD_BACK[name]), [OWN], IDLE) == []


@pytest.mark.parametrize("name", LET_GO)
def test_what_does_not(name: str) -> None:
    assert finished(TERMS, left(**LET_GO[name]), [OWN], IDLE) == [OWN]


@pytest.mark.parametrize(("purpose", "years"), [("opleiden", 5), ("certificeren", 7)])
def test_evidence_goes_when_the_longest_of_its_terms_is_over(purpose: str, years: int) -> None:
    one = left(messages=(message(purpose=purpose),))
    assert not evidence_over(TERMS, one, years_after(END, years) - timedelta(milliseconds=1))
    assert evidence_over(TERMS, one, years_after(END, years))


@pytest.mark.parametrize(
    "held",
    [
        {"asked": True},
        {"waiting": (waiting(OWN, OTHER, notice=True),)},
        {"messages": (message(holds=True, notice=True),)},
    ],
)
def test_what_holds_evidence_back(held: dict[str, Any]) -> None:
    late = years_after(END, 50)
    assert not evidence_over(TERMS, left(**held), late) and evidence_over(TERMS, left(), late)
    assert not evidence_over(TERMS, left(involved(OWN, END), involved(OTHER, None)), late)


def test_a_zaak_that_nobody_answers_holds_evidence_for_its_own_term() -> None:
    asked = years_after(END, 2)
    one = left(asked_at=asked)
    assert not evidence_over(TERMS, one, years_after(asked, 5) - timedelta(milliseconds=1))
    assert evidence_over(TERMS, one, years_after(asked, 5))


def test_of_whom_nobody_was_involved_it_counts_from_the_last_thing_that_was_said() -> None:
    record = PersonRecord(PersonFacts(known=True), START)
    one = Remains("p", frozenset({"p"}), record, (row(organisation=OWN, registered_at=END),), (), (), asked=False)
    assert not evidence_over(TERMS, one, years_after(END, 5) - timedelta(milliseconds=1))
    assert evidence_over(TERMS, one, years_after(END, 5))


@pytest.mark.parametrize("what", ["sent", "answered"])
def test_a_traject_that_was_over_long_ago_takes_no_proof_of_yesterday_with_it(what: str) -> None:
    old = involved(OWN, START.replace(year=1991))
    more: dict[str, Any] = {"messages": (message(last=END),)} if what == "sent" else {"closed": END}
    assert not evidence_over(TERMS, left(old, **more), years_after(END, 5) - timedelta(milliseconds=1))
    assert evidence_over(TERMS, left(old, **more), years_after(END, 5))


def test_a_traject_until_the_end_of_the_calendar_holds_up_nobody() -> None:
    last = datetime(9999, 12, 30, 23, tzinfo=UTC)
    one = left(involved(OWN, last), involved(OTHER, END))
    assert finished(TERMS, one, [OWN, OTHER], IDLE) == [OTHER]
    assert not evidence_over(TERMS, one, years_after(END, 50))
    assert years_after(last, 5) == datetime.max.replace(tzinfo=UTC)
