"""The courses of a round: how its first message fares before the act, and the moment at which the act falls."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, select, update

from hub.delivery.retry import GIVE_UP_AFTER
from hub.delivery.states import State
from hub.store.tables import attempt, delivery
from hub.store.writer import Transaction, single
from tests.acceptance.race_acts import Act, Stage, rows
from tests.acceptance.race_desk import CommandFailed
from tests.acceptance.race_heard import Heard, Pace
from tests.acceptance.race_verdict import Round, Taken

#: Nothing befalls it; its webhook fails, so that a retry is due when the act falls; it was buried, and is replayed.
PLAIN, RETRY, REPLAY = "gewoon", "herkansing", "heraanbieding"
#: Where a delivery of a round may rest.
AT_REST: Final = frozenset({State.CONFIRMED.value, State.STOPPED.value, State.ERASED.value})
POLL: Final = 0.05  # seconds between two looks
_PATIENCE: Final = 60.0


class OutOfTime(AssertionError):
    """What had to happen did not, in a time in which it should have."""


def paces() -> dict[str, Pace]:
    """A first guess for each course."""
    return {PLAIN: Pace(0.15), RETRY: Pace(5.3), REPLAY: Pace(1.5)}


@dataclass(frozen=True, slots=True)
class Course:
    """``prepare``: before the first messages are sent. ``bring``: behind it, to where the act may fall. ``near`` then
    waits until the first of them arrives (again). ``beside`` is done at the same time as the act."""

    stage: Stage
    heard: Heard
    pushed: str
    name: str
    first: list[str]  # events that are sent first; what befalls, befalls the first one's push

    def prepare(self, done: Round) -> None:
        if self.name != PLAIN:
            self.heard.fail(self.first[0], self._failures)
            done.failing, done.failures = (self.first[0], self.pushed), self._failures

    @property
    def _failures(self) -> int:
        return {PLAIN: 0, RETRY: 1, REPLAY: 2}[self.name]

    def bring(self) -> Callable[[float], None]:
        """What is to be done beside the act, after a pause of some seconds."""
        if self.name == PLAIN or not self.heard.wait_for_push(self.first[0], 1, 10.0):
            return _nothing
        failed = self._delivery(State.WAITING)
        if failed is None:
            return _nothing
        if self.name == RETRY:
            due = self.stage.until(failed.next_at)
            time.sleep(max(0.0, due - self.stage.chance.uniform(0.0, 0.3)))
            return _nothing
        moved = self._move(failed, range(1, failed.attempts + 1), -GIVE_UP_AFTER)
        buried = self._delivery(State.BURIED)
        self._move(failed, moved, GIVE_UP_AFTER)  # what the replay of the log finds must be of the race alone
        return _nothing if buried is None else lambda pause: self._replay(failed, pause)

    def near(self) -> None:
        if self.name == PLAIN:
            self.heard.wait_for(self.first, 1.0)
        else:
            self.heard.wait_for_push(self.first[0], self._failures + 1, 1.5)

    def _replay(self, buried: Row[Any], pause: float) -> None:
        time.sleep(pause)
        try:
            self.stage.desks.run("replay", buried.delivery_id)
        except CommandFailed:
            # The act came first, and what it erased is not replayed. Of what is still buried the command must not fail.
            if State.BURIED in (row.state for row in rows(self.stage) if row.delivery_id == buried.delivery_id):
                raise

    def _delivery(self, state: State) -> Row[Any] | None:
        """The push of the first event, once it is in this state; ``None`` where it was stopped before that."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            for row in rows(self.stage):
                if (row.event_id, row.recipient) == (self.first[0], self.pushed):
                    if row.state == state.value:
                        return row
                    if row.state in AT_REST:
                        return None
            time.sleep(POLL)
        raise OutOfTime(f"a delivery does not become {state.value}")

    def _move(self, failed: Row[Any], numbers: Collection[int], by: timedelta) -> Collection[int]:
        """Let days pass for this one delivery, or give them back: when its first attempt is as long ago as the hub
        tries, the next failure buries it. Returns the numbers of the attempts that were moved."""

        def work(tx: Transaction) -> list[int]:
            its = (attempt.c.delivery_id == failed.delivery_id) & attempt.c.number.in_(numbers)
            found = tx.connection.execute(select(attempt.c.number, attempt.c.at).where(its)).all()
            for one in found:
                this = update(attempt).where(its, attempt.c.number == one.number)
                tx.connection.execute(this.values(at=one.at + by))
            waits = (delivery.c.delivery_id == failed.delivery_id) & (delivery.c.state == State.WAITING.value)
            tx.connection.execute(update(delivery).where(waits).values(next_at=tx.now))
            return [one.number for one in found]

        return single(self.stage.region.core.transactions, work)


def _nothing(_: float) -> None:
    """Nothing beside the act."""


@dataclass(slots=True)
class Moment:
    """When the act falls, and when more is offered: sometimes at once, mostly when the first message arrives and others
    are on their way. ``pace``: of this course, learnt from ``began`` on, when the first message was sent."""

    act: Act
    course: Course
    began: float
    pace: Pace
    early: bool = field(init=False)
    pause: float = field(init=False)
    head_start: bool = field(init=False)

    def __post_init__(self) -> None:
        chance, plain = self.course.stage.chance, self.course.name == PLAIN
        # A retry or a replay must also meet an act that is there first.
        self.early, self.head_start = chance.random() < (0.25 if plain else 0.6), chance.random() < 0.5
        self.pause = chance.uniform(0.0, 0.03 if plain else 0.2)

    def take(self) -> Taken:
        """The act, at its moment."""
        if not self.act.by_time:
            if not self.early:
                self.course.near()
                self.pace.learn(time.monotonic() - self.began)
            time.sleep(self.pause)
        return self.act.take(self.course.stage)

    def wait_to_offer(self) -> None:
        """Before more is sent."""
        stage = self.course.stage
        if self.act.by_time:
            time.sleep(max(0.0, stage.until(stage.ends) - stage.chance.uniform(0.0, 0.2)))
        elif self.head_start and not self.early:
            self.course.near()

    def wait_between(self) -> None:
        """Between two offers: a command takes longer than a call."""
        stage = self.course.stage
        if self.act.by_command:
            time.sleep(stage.chance.uniform(0.0, min(1.5, stage.desks.pace.seconds)))
