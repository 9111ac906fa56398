"""Who is told that consent is gone is whoever the gate no longer lets through: the two agree, word for word."""

from dataclasses import replace
from itertools import product

import pytest

from consent.decision import Outcome, decide
from consent.facts import Speaker, Statement
from hub.rights.stopping import closed_by, outlived
from tests.unit.consent.decision_cases import NOW, ago, ask, facts, no, yes

SPEAKERS = (Speaker.PERSON, Speaker.PARENT, Speaker.GUARDIAN)


def passes(*said: Statement) -> bool:
    return decide(ask(), facts(*said), NOW).outcome is Outcome.ALLOWED


@pytest.mark.parametrize(("says_yes", "says_no"), list(product(SPEAKERS, SPEAKERS)))
@pytest.mark.parametrize("days", [40, 30, 10])  # the nee is older, at the same instant, later
@pytest.mark.parametrize("own", [None, 35, 20, 5])  # confirmed by the person itself, before and after the nee
def test_a_nee_closes_what_the_gate_closes(says_yes: Speaker, says_no: Speaker, days: int, own: int | None) -> None:
    given = yes(by=says_yes, own_at=None if own is None else ago(own))
    refusal = no(days=days, by=says_no)
    assert passes(given)
    assert (given.id in closed_by(refusal, [given], NOW)) is not passes(given, refusal)


@pytest.mark.parametrize("days", [40, 30, 10])  # of the ja that stands: before, with, and after the one that ended
@pytest.mark.parametrize("own", [None, 5])
@pytest.mark.parametrize("choice", ["ja", "nee"])
def test_an_end_closes_what_the_gate_closes(days: int, own: int | None, choice: str) -> None:
    given = yes(days=days, own_at=None if own is None else ago(own))
    other = yes("s2", 35) if choice == "ja" else no("s2", 35)
    ended = replace(other, ended_at=ago(20))
    closed = outlived(ended, [given, ended], ago(20))
    assert (given.id in closed) is not passes(given, ended)
    assert ended.id not in closed
