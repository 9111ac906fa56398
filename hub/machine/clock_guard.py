"""Refuses to release on a clock that jumped: a wrong hour could revive what has ended, or end what has not.

A jump of more than 5 minutes back or 1 hour ahead stops every release until an operator accepts the time
(`hub clock accept`). Within a process it is seen against the monotonic clock. Over a restart of the hub it is seen
against the last mark that was left in the database and what the machine counted since, which goes on while the hub is
off and while the machine sleeps. Over a restart of the machine itself, or on another one, nothing tells how long it was
off: then only a jump back is seen, for a hub that was off for a night has not jumped.

What destroys for good asks more (``settled``). After a start that nothing counted, the mark must be no older than an
hour, or ten minutes must pass in which the machine can set its clock right; after more than a week off, an operator
must accept the time.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from contracts import instants
from contracts.errors import PartUnavailable
from hub.ports import Clock
from hub.store import installation

BACK: Final = timedelta(minutes=5)
AHEAD: Final = timedelta(hours=1)
#: Names in the table ``installation``: the latest time that was seen, and the time that an operator accepted.
MARK: Final = "clock_mark"
ACCEPTED: Final = "clock_accepted"
#: What the machine counted when the mark was left: `<the mark> <start of the machine> <seconds>`. It says which mark it
#: belongs to, because an older version leaves marks without it.
COUNTED: Final = "clock_counted"
#: Seconds between two marks.
_EVERY: Final = 60.0
#: Seconds after a start before something may be destroyed for good, where no fresh mark says how late it is.
SETTLING: Final = 600.0
#: A clock that is further ahead of the last mark at a start must be accepted before anything is destroyed for good.
OFF: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Start:
    """The first look: when (monotonic), how old the mark was by then, and whether the machine counted since it."""

    at: float
    off: timedelta | None
    counted: bool


class ClockGuard:
    """Watches the time of transactions. One per process; ``look`` opens a read-only connection.

    ``boot`` names the start of the machine since which the monotonic clock counts; ``None``: not known.
    """

    def __init__(
        self, clock: Clock, look: Callable[[], AbstractContextManager[Connection]], boot: str | None = None
    ) -> None:
        self._clock = clock
        self._look = look
        self._boot = boot
        self._lock = threading.Lock()
        self._anchor: tuple[datetime, float] | None = None
        self._marked = float("-inf")
        self._stopped = False
        self._began: _Start | None = None
        self._settled = False

    def check(self, now: datetime) -> None:
        """Let a release at ``now`` pass. Raises ``PartUnavailable`` while the time is not to be trusted."""
        with self._lock:
            if not self._follows(now, self._clock.monotonic()):
                raise PartUnavailable("De klok is versprongen; een beheerder moet de tijd eerst goedkeuren.")

    def trusted(self) -> bool:
        """False while releases are stopped.

        It looks anew: who sends no traffic to a hub that is not ready would otherwise never learn that an operator
        accepted the time. The machine's time and the database's must both be right; which of them jumped is not known.
        """
        if not self._stopped:
            return True
        with self._look() as connection:
            times = [self._clock.now()]
            if connection.dialect.name == "postgresql":
                times.append(connection.execute(text("SELECT clock_timestamp()")).scalar_one())
        with self._lock:
            monotonic = self._clock.monotonic()
            self._stopped = any(self._jumped(now, monotonic) and not self._accepted(now) for now in times)
            return not self._stopped

    def settled(self, now: datetime) -> bool:
        """True when something may be destroyed for good at ``now``, the time of a transaction."""
        try:
            self.check(now)
        except PartUnavailable:
            return False
        with self._lock:
            return self._may_destroy(now, self._clock.monotonic())

    def _may_destroy(self, now: datetime, monotonic: float) -> bool:
        start = self._begin(now, monotonic)
        if not self._settled:
            waited = monotonic - start.at >= SETTLING and (start.off is None or start.off <= OFF)
            fresh = start.off is not None and start.off <= AHEAD
            self._settled = start.counted or fresh or waited or self._accepted(now)
        return self._settled

    def _begin(self, now: datetime, monotonic: float) -> "_Start":
        if self._began is None:
            with self._look() as connection:
                mark, counted = (installation.read(connection, name) for name in (MARK, COUNTED))
            off = None if mark is None else now - instants.parse(mark)
            self._began = _Start(monotonic, off, mark is not None and self._since(mark, counted, monotonic) is not None)
        return self._began

    def mark(self, connection: Connection, now: datetime) -> None:
        """Leave a mark for the next start, at most once a minute; in the caller's transaction.

        Never of a time that is not to be trusted: after a restart it would be the right one.
        """
        with self._lock:
            monotonic = self._clock.monotonic()
            if monotonic - self._marked < _EVERY or not self._follows(now, monotonic):
                return
            if self._begin(now, monotonic).off is not None and not self._may_destroy(now, monotonic):
                return  # the old mark shows, after another start too, that this time was never confirmed
            self._marked = monotonic
        mark = instants.write(now)
        installation.write(connection, MARK, mark)
        if self._boot is not None:
            installation.write(connection, COUNTED, f"{mark} {self._boot} {monotonic}")

    def _follows(self, now: datetime, monotonic: float) -> bool:
        """Whether ``now`` follows from what was seen before, or was accepted; else all is stopped from here."""
        jumped = self._jumped(now, monotonic)
        self._stopped = jumped and not self._accepted(now)
        if not self._stopped and (jumped or self._anchor is None):
            self._anchor = (now, monotonic)  # kept otherwise: many small steps must not add up to a jump unseen
        return not self._stopped

    def _jumped(self, now: datetime, monotonic: float) -> bool:
        if self._anchor is not None:
            at, then = self._anchor
            return not _near(now, at + timedelta(seconds=monotonic - then))
        with self._look() as connection:
            mark, counted = (installation.read(connection, name) for name in (MARK, COUNTED))
        if mark is None:
            return False
        since = self._since(mark, counted, monotonic)
        at = instants.parse(mark)
        return now < at - BACK if since is None else not _near(now, at + since)

    def _since(self, mark: str, counted: str | None, monotonic: float) -> timedelta | None:
        """How long ago a mark was left, as the machine counted; ``None`` when it did not count all the while."""
        of, boot, seconds = (counted or "- - 0").split(" ")
        passed = monotonic - float(seconds)
        if of != mark or boot != self._boot or passed < 0:  # below nought: another namespace counts from elsewhere
            return None
        return timedelta(seconds=passed)

    def _accepted(self, now: datetime) -> bool:
        """True when an operator accepted a time from which ``now`` follows."""
        with self._look() as connection:
            told = installation.read(connection, ACCEPTED)
        return told is not None and _near(now, instants.parse(told))


def _near(now: datetime, expected: datetime) -> bool:
    return -BACK <= now - expected <= AHEAD
