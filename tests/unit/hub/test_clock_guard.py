"""A clock that jumps stops releases until an operator accepts the time, or the time is right again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from contracts import instants
from contracts.errors import PartUnavailable
from hub.machine.clock_guard import ACCEPTED, MARK, ClockGuard
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


def guard(engine: Engine, watch: Watch) -> ClockGuard:
    @contextmanager
    def look() -> Iterator[Connection]:
        with reading(engine) as connection:
            yield connection

    return ClockGuard(watch, look)


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


def test_small_steps_do_not_add_up_to_a_jump(engine: Engine) -> None:
    watch = Watch()
    watched = guard(engine, watch)
    watched.check(watch.now())
    watched.check(watch.passes(60, timedelta(minutes=-4)))
    with pytest.raises(PartUnavailable):
        watched.check(watch.passes(60, timedelta(minutes=-4)))
