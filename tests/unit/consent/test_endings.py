"""How a traject ends on the facts of a person: for whom, until when, and as if it never had when it was a mistake."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from consent.endings import Ended, close, cut, earlier, reopen, tell
from consent.facts import Involvement, PersonFacts
from contracts.identity import Oin
from tests.unit.consent.decision_cases import DAY, NOW, OTHER, RECEIVER, SENDER, ago, part, person

UNTIL = NOW + timedelta(hours=9)


def ended(receiver: Oin | None = None, **changes: object) -> Ended:
    return replace(Ended("m1", "t1", receiver, NOW, UNTIL), **changes)


def of(facts: PersonFacts, organisation: Oin) -> Involvement:
    (one,) = [i for i in facts.involvements if i.organisation == organisation]
    return one


def test_it_ends_for_everybody_in_that_traject_and_nowhere_else() -> None:
    apart = part(OTHER, "t2")
    facts = close(person(involvements=(part(), part(RECEIVER), apart)), ended())
    assert {of(facts, who).valid_until for who in (SENDER, RECEIVER)} == {UNTIL}
    assert of(facts, OTHER) == apart and not facts.deceased


def test_with_a_named_receiver_it_ends_for_that_one() -> None:
    facts = close(person(), ended(RECEIVER, died=True))
    assert of(facts, RECEIVER).valid_until == UNTIL and of(facts, SENDER) == part()
    assert facts.deceased and close(facts, ended()).deceased  # and no other end brings anybody back


@pytest.mark.parametrize("planned", [None, UNTIL + DAY, UNTIL - timedelta(hours=1), ago(3)])
def test_an_end_is_never_put_off_and_its_recall_gives_back_what_was_planned(planned: datetime | None) -> None:
    before = part(RECEIVER, valid_until=planned)
    facts = close(PersonFacts(involvements=(before,)), ended())
    assert of(facts, RECEIVER).valid_until == earlier(planned, UNTIL)
    told = tell(facts, "t1", RECEIVER, NOW + timedelta(hours=1))
    assert of(told, RECEIVER).valid_until == earlier(planned, NOW + timedelta(hours=1))
    for given in (facts, told):
        assert of(reopen(given, "m1", [RECEIVER]), RECEIVER) == before
        assert reopen(given, "m2", [RECEIVER]) == given == reopen(given, "m1", [SENDER])


def test_the_first_end_counts_and_so_does_the_first_telling() -> None:
    once = close(person(), ended())
    assert close(once, ended(message="m2", at=NOW + DAY, until=NOW + 2 * DAY)) == once
    told = tell(once, "t1", RECEIVER, NOW)
    assert tell(told, "t1", RECEIVER, NOW + DAY) == told != once
    assert tell(once, "t2", RECEIVER, NOW) == once == tell(once, "t1", OTHER, NOW)
    assert tell(person(), "t1", RECEIVER, NOW) == person()  # what no message ends, no telling ends


def test_who_is_awaited_has_nothing_to_end() -> None:
    waiting = person(involvements=(part(), part(RECEIVER, awaited=True)))
    assert of(close(waiting, ended()), RECEIVER) == part(RECEIVER, awaited=True)


def test_what_should_not_have_been_is_never_given_back() -> None:
    facts = close(person(), ended())
    wrong = cut(of(facts, RECEIVER), NOW)
    assert wrong.valid_until == NOW
    again = reopen(replace(facts, involvements=(wrong,)), "m1", [RECEIVER])
    assert of(again, RECEIVER).valid_until == NOW
    assert cut(part(), NOW).valid_until == NOW == cut(part(valid_until=NOW), NOW + DAY).valid_until
