"""When to try again: pure, so every wait is checked without waiting."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.delivery.retry import (
    GIVE_UP_AFTER,
    JITTER,
    LONGEST_RETRY_AFTER,
    PAUSES,
    WAITS,
    Again,
    Bury,
    History,
    Pauses,
    chance,
    decide,
)

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANCES = st.floats(0, 1, exclude_max=True)


def waits(fraction: float) -> list[float]:
    """Every wait until burial, in seconds, at one constant chance."""
    now, found = START, []
    for attempt in range(1, 1000):
        what = decide(History(attempt, START), now, None, fraction)
        if isinstance(what, Bury):
            return found
        found.append((what.at - now).total_seconds())
        now = what.at
    raise AssertionError("it never gives up")


@given(CHANCES)
def test_waits_grow_stay_within_their_jitter_and_end_at_three_days(fraction: float) -> None:
    found = waits(fraction)
    assert found[:-1] == sorted(found[:-1])
    for wait, base in zip(found, WAITS, strict=False):
        assert base * (1 - JITTER) - 1e-3 <= wait <= base * (1 + JITTER) + 1e-3
    assert sum(found) == pytest.approx(GIVE_UP_AFTER.total_seconds())


def test_jitter_spreads() -> None:
    at = {decide(History(3, START), START, None, n / 10).at for n in range(10)}  # type: ignore[union-attr]
    assert len(at) == 10


@given(st.integers(1, 50), st.floats(0, 10 * 86_400), CHANCES)
def test_retry_after_is_a_lower_bound_up_to_a_day(attempt: int, asked: float, fraction: float) -> None:
    what = decide(History(attempt, START), START, asked, fraction)
    assert isinstance(what, Again)
    assert what.at - START >= timedelta(seconds=min(asked, LONGEST_RETRY_AFTER)) - timedelta(microseconds=1)


def test_retry_after_may_reach_beyond_the_three_days() -> None:
    now = START + GIVE_UP_AFTER - timedelta(seconds=1)
    what = decide(History(20, START), now, 3600.0, 0.5)
    assert what == Again(now + timedelta(hours=1))
    assert decide(History(21, START), now + timedelta(hours=1), 3600.0, 0.5) == Bury()


def test_burial_comes_exactly_after_three_days() -> None:
    almost = START + GIVE_UP_AFTER - timedelta(microseconds=1)
    assert isinstance(decide(History(18, START), almost, None, 0.0), Again)
    assert decide(History(18, START), START + GIVE_UP_AFTER, None, 0.0) == Bury()


def test_no_attempt_is_no_history() -> None:
    with pytest.raises(ValueError, match="history"):
        decide(History(0, START), START, None, 0.0)


@given(st.binary(min_size=4, max_size=8))
def test_chance_is_a_fraction(noise: bytes) -> None:
    assert 0 <= chance(noise) < 1


def test_pauses_grow_until_an_answer() -> None:
    pauses = Pauses()
    assert pauses.until("a", 0.0) is None
    lengths = [pauses.failed("a", 100.0) - 100.0 for _ in range(len(PAUSES) + 2)]
    assert lengths == [*PAUSES, PAUSES[-1], PAUSES[-1]]
    assert pauses.until("a", 100.0) == 100.0 + PAUSES[-1]
    assert pauses.until("a", 100.0 + PAUSES[-1]) is None
    assert pauses.until("b", 100.0) is None
    assert pauses.answered("a")
    assert not pauses.answered("a")
    assert pauses.failed("a", 0.0) == PAUSES[0]
    assert pauses.failed("a", 0.0, at_least=900.0) == 900.0
