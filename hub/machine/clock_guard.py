"""Refuses to release on a clock that jumped: a wrong hour could revive what has ended, or end what has not.

A jump of more than 5 minutes back or 1 hour ahead stops every release until an operator accepts the time
(`hub clock accept`). Within a process it is seen against the monotonic clock; over a restart, against the last mark
that was left in the database, and then only backwards: a hub that was off for a night has not jumped.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
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
#: Seconds between two marks.
_EVERY: Final = 60.0


class ClockGuard:
    """Watches the time of transactions. One per process; ``look`` opens a read-only connection."""

    def __init__(self, clock: Clock, look: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._clock = clock
        self._look = look
        self._lock = threading.Lock()
        self._anchor: tuple[datetime, float] | None = None
        self._marked = float("-inf")
        self._stopped = False

    def check(self, now: datetime) -> None:
        """Let a release at ``now`` pass. Raises ``PartUnavailable`` while the time is not to be trusted."""
        with self._lock:
            monotonic = self._clock.monotonic()
            jumped = self._jumped(now, monotonic)
            self._stopped = jumped and not self._accepted(now)
            if self._stopped:
                raise PartUnavailable("De klok is versprongen; een beheerder moet de tijd eerst goedkeuren.")
            if jumped or self._anchor is None:  # kept otherwise: many small steps must not add up to a jump unseen
                self._anchor = (now, monotonic)

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

    def mark(self, connection: Connection, now: datetime) -> None:
        """Leave a mark for the next start, at most once a minute; in the caller's transaction."""
        with self._lock:
            monotonic = self._clock.monotonic()
            if self._stopped or monotonic - self._marked < _EVERY:
                return
            self._marked = monotonic
        installation.write(connection, MARK, instants.write(now))

    def _jumped(self, now: datetime, monotonic: float) -> bool:
        if self._anchor is not None:
            at, then = self._anchor
            return not -BACK <= now - (at + timedelta(seconds=monotonic - then)) <= AHEAD
        with self._look() as connection:
            mark = installation.read(connection, MARK)
        return mark is not None and now < instants.parse(mark) - BACK

    def _accepted(self, now: datetime) -> bool:
        """True when an operator accepted a time from which ``now`` follows."""
        with self._look() as connection:
            told = installation.read(connection, ACCEPTED)
        return told is not None and -BACK <= now - instants.parse(told) <= AHEAD
