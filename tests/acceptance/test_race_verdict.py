"""The verdict on a race can fail: a leak is planted in an honest round, of each act and of each of the five kinds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.race_acts import ACTS
from tests.acceptance.race_heard import MOST_DELAY, Delays
from tests.acceptance.race_verdict import (
    FETCHED,
    LATE,
    LEAVE_WITHIN,
    LET_IN,
    RELEASED,
    TICK,
    UNTOLD,
    Accepted,
    Arrival,
    Leak,
    Result,
    Round,
    Taken,
    judge,
)

MAILBOX, HOOK = "00000099000000003000", "00000099000900108000"
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
OVER = 1_000.0  # monotonic seconds
BEFORE, AFTER = AT - timedelta(milliseconds=5), AT + TICK
NO_DELAY = 0.0
#: Acts whose answer, or what is read behind them, names what had left by then.
TELL = sorted(name for name, act in ACTS.items() if not act.by_time)


def honest(act: str) -> Round:
    """Two messages were accepted: the first went to both receivers before the act, the second was stopped."""
    told = frozenset({("m-1", MAILBOX), ("m-1", HOOK)})
    both = frozenset({MAILBOX, HOOK})
    taken = Taken(AT, OVER, both, None if ACTS[act].by_time else told)
    accepted = {e: Accepted(m, both, OVER - 0.5) for e, m in (("e-1", "m-1"), ("e-2", "m-2"))}
    attempts = [("e-1", MAILBOX, BEFORE), ("e-1", HOOK, BEFORE)]
    stopped = {("e-2", MAILBOX), ("e-2", HOOK)}
    return Round(act, "gewoon", accepted, {"e-3"}, taken, attempts=attempts, stopped=stopped)


def heard() -> list[Arrival]:
    """The first message arrived; at the webhook a little late, as it may."""
    return [Arrival("e-1", MAILBOX, OVER + 0.2, asked=OVER - 0.1), Arrival("e-1", HOOK, OVER + LEAVE_WITHIN - 0.1)]


def verdict(one: Round, arrivals: list[Arrival], delay: float = NO_DELAY) -> Result:
    return judge([one], arrivals, lambda _: delay)


def leak(act: str, why: str, event_id: str, who: str) -> Leak:
    return Leak(act, "gewoon", why, event_id, who)


@pytest.mark.parametrize("act", ACTS)
def test_an_honest_round_has_no_leak(act: str) -> None:
    result = verdict(honest(act), heard())
    assert result.leaks == () and result.void == []
    assert (result.rounds[act], result.mixed[act], result.arrived) == (1, 1, 2)


@pytest.mark.parametrize("act", TELL)
@pytest.mark.parametrize("event_id", ["e-2", "e-3"])
def test_what_arrived_and_was_not_told_is_a_leak(act: str, event_id: str) -> None:
    """Also of what was refused: its sender was told that it goes nowhere."""
    result = verdict(honest(act), [*heard(), Arrival(event_id, HOOK, OVER + 0.1)])
    assert result.leaks == (leak(act, UNTOLD, event_id, HOOK),)


@pytest.mark.parametrize("act", TELL)
def test_told_at_one_receiver_says_nothing_of_the_other(act: str) -> None:
    one = honest(act)
    assert one.taken is not None and one.taken.told is not None
    one.taken = replace(one.taken, told=one.taken.told - {("m-1", HOOK)})
    assert verdict(one, heard()).leaks == (leak(act, UNTOLD, "e-1", HOOK),)


@pytest.mark.parametrize("act", ACTS)
def test_what_arrives_later_than_it_may_leave_is_a_leak(act: str) -> None:
    late = [*heard(), Arrival("e-1", HOOK, OVER + LEAVE_WITHIN + 0.3)]
    assert verdict(honest(act), late).leaks == (leak(act, LATE, "e-1", HOOK),)
    assert verdict(honest(act), late, delay=0.4).leaks == ()


@pytest.mark.parametrize("act", ACTS)
def test_no_delay_of_the_machine_hides_a_retry(act: str) -> None:
    """The earliest retry of an attempt that had left just before the act leaves four seconds behind it."""
    retry = [*heard(), Arrival("e-1", HOOK, OVER + 4.0)]
    assert verdict(honest(act), retry, MOST_DELAY).leaks == (leak(act, LATE, "e-1", HOOK),)


@pytest.mark.parametrize("act", ACTS)
def test_a_fetch_that_began_when_it_was_over_gives_nothing(act: str) -> None:
    """However soon, and whatever delay is allowed: when it began, the hub knew."""
    again = [*heard(), Arrival("e-1", MAILBOX, OVER + 0.01, asked=OVER + 0.001)]
    assert verdict(honest(act), again, MOST_DELAY).leaks == (leak(act, FETCHED, "e-1", MAILBOX),)


@pytest.mark.parametrize("act", ACTS)
def test_a_request_that_began_when_it_was_over_is_not_accepted(act: str) -> None:
    one = honest(act)
    one.accepted["e-4"] = Accepted("m-4", frozenset({HOOK}), OVER + 0.001)
    assert verdict(one, heard(), MOST_DELAY).leaks == (leak(act, LET_IN, "e-4", HOOK),)


@pytest.mark.parametrize("act", ACTS)
def test_an_attempt_behind_the_instant_of_the_act_is_a_leak(act: str) -> None:
    one = honest(act)
    one.attempts.append(("e-1", HOOK, AFTER))
    assert verdict(one, heard(), MOST_DELAY).leaks == (leak(act, RELEASED, "e-1", HOOK),)


def test_an_agreement_with_one_receiver_says_nothing_of_the_other() -> None:
    one = honest("afspraak")
    assert one.taken is not None
    one.taken = replace(one.taken, receivers=frozenset({HOOK}))
    beyond = [*heard(), Arrival("e-2", MAILBOX, OVER + 9.0, asked=OVER + 8.0)]
    one.accepted["e-4"] = Accepted("m-4", frozenset({MAILBOX}), OVER + 1.0)
    one.attempts.append(("e-2", MAILBOX, AFTER))
    assert verdict(one, beyond).leaks == ()
    assert len(verdict(one, [*beyond, Arrival("e-2", HOOK, OVER + 9.0)]).leaks) == 2


@pytest.mark.parametrize("act", ACTS)
def test_the_same_round_as_if_the_act_had_been_earlier_leaks(act: str) -> None:
    """The control that each long run is measured with too: the clocks of act and arrival can be compared."""
    one = honest(act)
    assert one.taken is not None
    one.taken = one.taken.earlier(10.0)
    assert {each.why for each in verdict(one, heard()).leaks} == {LATE, FETCHED, LET_IN, RELEASED}


def test_a_round_in_which_nothing_was_stopped_or_nothing_arrived_is_not_mixed() -> None:
    one = honest("nee")
    assert verdict(one, []).mixed.total() == 0
    one.stopped = set()
    assert verdict(one, heard()).mixed.total() == 0
    one.stopped = {("e-1", HOOK), ("e-1", MAILBOX)}  # each arrived first, and was stopped when it was fetched again
    assert verdict(one, heard()).mixed.total() == 0


def test_a_run_is_void_by_its_whole_and_by_each_act() -> None:
    def run(act: str, mixed: int, plain: int) -> list[Round]:
        rounds = [honest(act) for _ in range(mixed + plain)]
        for one in rounds[mixed:]:
            one.stopped = set()
        return rounds

    def void(*rounds: Round) -> list[str]:
        return judge(rounds, heard(), lambda _: NO_DELAY).void

    assert void(*run("nee", 3, 7)) == []
    assert void(*run("nee", 2, 8)) == ["2 of 10 rounds are mixed"]
    assert void(*run("nee", 9, 1), *run("machtiging", 1, 11)) == ["machtiging: 1 of 12 rounds are mixed"]
    assert void(*run("nee", 9, 1), *run("machtiging", 1, 9)) == []


def test_a_run_is_void_in_which_no_retry_was_stopped_or_none_went() -> None:
    def run(went: int, held: int) -> Result:
        rounds = []
        for _ in range(went):
            one = honest("nee")
            one.failing, one.course = ("e-1", HOOK), "herkansing"
            rounds.append(one)
        for _ in range(held):
            one = honest("nee")
            one.failing, one.course, one.failures = ("e-2", HOOK), "herkansing", 1
            rounds.append(one)
        return judge(rounds, heard(), lambda _: NO_DELAY)

    assert run(1, 9).void == [] and run(9, 1).void == []
    assert run(0, 10).void == ["herkansing: 0 went and 10 were stopped"]
    assert run(10, 0).void == ["herkansing: 10 went and 0 were stopped"]
    assert "herkansing 10: 1 went, 9 stopped" in run(1, 9).text()


def test_what_the_mailbox_gave_again_and_took_back_is_counted() -> None:
    one = honest("nee")
    one.stopped.add(("e-1", MAILBOX))
    result = verdict(one, [*heard(), Arrival("e-1", MAILBOX, OVER - 0.1, asked=OVER - 0.2)])
    assert (result.again, result.recalled, result.leaks) == (1, 1, ())


def test_what_the_machine_held_up_is_known_near_an_arrival_and_bounded() -> None:
    delays = Delays(0)
    delays._seen = [(100.0, 0.1), (101.5, 0.4), (110.0, 7.0)]
    assert delays.around(101.0) == 0.4
    assert delays.around(100.2) == 0.4  # also the first probe behind it
    assert delays.around(103.0) == MOST_DELAY and delays.longest == 7.0
    assert delays.around(120.0) == 0.0
