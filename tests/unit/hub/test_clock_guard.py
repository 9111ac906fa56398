"""A clock that jumps stops releases until an operator accepts the time, or the time is right again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from contracts import instants
from contracts.errors import PartUnavailable
from hub.machine.clock import boot
from hub.machine.clock_guard import ACCEPTED, MARK, OFF, SETTLING, ClockGuard
from hub.store import installation
from hub.store.database import open_engine, reading
from hub.store.migrations import schema

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Watch:
    """A clock that the test moves: the wall and the monotonic hand apart."""

    def __init__(self) -> None:
        self.wall, self.hand = NOON, 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.hand

    def passes(self, seconds: float, jump: timedelta = timedelta()) -> datetime:
        self.hand += seconds
        self.wall += timedelta(seconds=seconds) + jump
        return self.wall


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    schema.migrate(made)
    yield made
    made.dispose()


def guard(engine: Engine, watch: Watch, boot: str | None = "start-1") -> ClockGuard:
    @contextmanager
    def look() -> Iterator[Connection]:
        with reading(engine) as connection:
            yield connection

    return ClockGuard(watch, look, boot)


def put(engine: Engine, name: str, at: datetime) -> None:
    with engine.begin() as connection:
        installation.write(connection, name, instants.write(at))


def test_time_that_passes_is_let_through(engine: Engine) -> None:
    watch = Watch()
    watched = guard(engine, watch)
    watched.check(watch.now())
    watched.check(watch.passes(86_400))  # a night without a release is no jump
    assert watched.trusted()


@pytest.mark.parametrize("jump", [timedelta(minutes=-6), timedelta(minutes=61)])
def test_a_jump_stops_until_an_operator_accepts_the_time(engine: Engine, jump: timedelta) -> None:
    watch = Watch()
    watched = guard(engine, watch)
    watched.check(watch.now())
    with pytest.raises(PartUnavailable, match="klok"):
        watched.check(watch.passes(1, jump))
    assert not watched.trusted()
    put(engine, ACCEPTED, watch.now())
    watched.check(watch.passes(1))
    assert watched.trusted()


@pytest.mark.parametrize("jump", [timedelta(minutes=-4), timedelta(minutes=59)])
def test_a_small_step_is_let_through(engine: Engine, jump: timedelta) -> None:
    watch = Watch()
    watched = guard(engine, watch)
    watched.check(watch.now())
    watched.check(watch.passes(1, jump))
    assert watched.trusted()


def test_a_clock_that_was_set_right_again_needs_nobody(engine: Engine) -> None:
    watch = Watch()
    watched = guard(engine, watch)
    watched.check(watch.now())
    with pytest.raises(PartUnavailable):
        watched.check(watch.passes(1, timedelta(hours=2)))
    watched.check(watch.passes(1, timedelta(hours=-2)))
    assert watched.trusted()


def test_a_restart_sees_a_step_back_and_not_a_night_off(engine: Engine) -> None:
    watch = Watch()
    put(engine, MARK, NOON + timedelta(hours=1))
    with pytest.raises(PartUnavailable):
        guard(engine, watch).check(watch.now())
    put(engine, MARK, NOON - timedelta(days=3))
    fresh = guard(engine, watch)
    fresh.check(watch.now())
    assert fresh.trusted()


def leave_mark(engine: Engine, watched: ClockGuard, watch: Watch) -> None:
    with engine.begin() as connection:
        watched.mark(connection, watch.now())


NIGHT = 9 * 3600.0


@pytest.mark.parametrize("jump", [timedelta(minutes=61), timedelta(minutes=-6)])
def test_a_restart_of_the_hub_sees_a_jump_while_it_was_off(engine: Engine, jump: timedelta) -> None:
    """The machine counted on: nine hours off and nine hours later is no jump, an hour more is one."""
    watch = Watch()
    leave_mark(engine, guard(engine, watch), watch)
    watch.passes(NIGHT)
    guard(engine, watch).check(watch.now())  # the control
    watch.passes(1, jump)
    fresh = guard(engine, watch)
    with pytest.raises(PartUnavailable):
        fresh.check(watch.now())
    assert not fresh.trusted()
    watch.passes(1, -jump)
    fresh.check(watch.now())  # set right again: nobody need do anything
    watch.passes(1, jump)
    put(engine, ACCEPTED, watch.now())
    last = guard(engine, watch)
    last.check(watch.now())
    watch.passes(60)
    leave_mark(engine, last, watch)
    watch.passes(NIGHT)
    guard(engine, watch).check(watch.now())  # what was accepted is the time from then on


@pytest.mark.parametrize("boot", ["start-2", None])
def test_over_a_restart_of_the_machine_only_a_jump_back_is_seen(engine: Engine, boot: str | None) -> None:
    """Nobody counted while it was off."""
    watch = Watch()
    leave_mark(engine, guard(engine, watch), watch)
    watch.hand = 30.0
    watch.wall += timedelta(days=3)
    guard(engine, watch, boot).check(watch.now())
    watch.wall = NOON - timedelta(minutes=6)
    with pytest.raises(PartUnavailable):
        guard(engine, watch, boot).check(watch.now())


def test_a_count_that_does_not_belong_to_the_mark_is_passed_over(engine: Engine) -> None:
    """Left by an older version beside a newer one; or counted from elsewhere (a container's own time)."""
    watch = Watch()
    watch.hand = 1_000.0
    leave_mark(engine, guard(engine, watch), watch)
    put(engine, MARK, NOON + timedelta(hours=5))
    watch.wall += timedelta(hours=5)
    assert passes(engine, watch)
    put(engine, MARK, NOON)
    assert not passes(engine, watch)  # the control: now it does belong to the mark, and nobody counted five hours
    watch.hand = 10.0
    assert passes(engine, watch)


def passes(engine: Engine, watch: Watch) -> bool:
    """Whether a process that just began trusts the time."""
    try:
        guard(engine, watch).check(watch.now())
    except PartUnavailable:
        return False
    return True


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(minutes=-6)])
def test_a_time_that_jumped_leaves_no_mark(engine: Engine, jump: timedelta) -> None:
    """Else a restart would make it the right one, though no release had met it."""
    watch = Watch()
    watched = guard(engine, watch)
    leave_mark(engine, watched, watch)
    watch.passes(120, jump)
    leave_mark(engine, watched, watch)
    assert not watched.trusted()
    with pytest.raises(PartUnavailable):
        guard(engine, watch).check(watch.now())


def test_the_machine_tells_which_start_it_is() -> None:
    assert boot() == boot()
    assert boot() is not None


def test_small_steps_do_not_add_up_to_a_jump(engine: Engine) -> None:
    watch = Watch()
    watched = guard(engine, watch)
    watched.check(watch.now())
    watched.check(watch.passes(60, timedelta(minutes=-4)))
    with pytest.raises(PartUnavailable):
        watched.check(watch.passes(60, timedelta(minutes=-4)))


# -- what destroys for good -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("off", [None, timedelta(hours=2), timedelta(days=6)])
def test_after_a_start_nothing_is_destroyed_before_the_machine_could_set_its_clock(
    engine: Engine, off: timedelta | None
) -> None:
    watch = Watch()
    if off is not None:
        put(engine, MARK, NOON - off)
    watched = guard(engine, watch)
    assert not watched.settled(watch.now())
    assert not watched.settled(watch.passes(SETTLING - 1))
    assert watched.settled(watch.passes(1))


def test_with_a_fresh_mark_it_need_not_wait(engine: Engine) -> None:
    watch = Watch()
    put(engine, MARK, NOON - timedelta(minutes=50))
    assert guard(engine, watch).settled(watch.now())


def test_a_clock_far_ahead_at_the_start_destroys_nothing_until_an_operator_accepts_it(engine: Engine) -> None:
    watch = Watch()
    put(engine, MARK, NOON - OFF - timedelta(seconds=1))
    watched = guard(engine, watch)
    assert not watched.settled(watch.now()) and not watched.settled(watch.passes(86_400))
    with engine.begin() as connection:
        watched.mark(connection, watch.now())  # it leaves the old mark, which tells it after another start too
    assert not guard(engine, watch).settled(watch.now())
    put(engine, ACCEPTED, watch.now())
    assert watched.settled(watch.passes(1))
    with engine.begin() as connection:
        watched.mark(connection, watch.passes(60))
    assert guard(engine, watch).settled(watch.now())  # the control: from here the mark is fresh


def test_a_clock_that_jumps_while_it_runs_destroys_nothing(engine: Engine) -> None:
    watch = Watch()
    put(engine, MARK, NOON)
    watched = guard(engine, watch)
    assert watched.settled(watch.now())
    assert not watched.settled(watch.passes(1, timedelta(days=90)))
    assert watched.settled(watch.passes(1, timedelta(days=-90)))
