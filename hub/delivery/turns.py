"""Whose turn it is: which recipient a free worker serves next. No recipient is served twice at once.

rung ──> ready ──> busy ──> (nothing)      rung while busy: ready again afterwards
           ^                   |           its endpoint failed: left alone, then ready again
           └────── later <─────┘
"""

import heapq
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from contracts.identity import Oin
from hub.delivery.doorbell import Ring
from hub.delivery.retry import Pauses
from hub.ports import Clock

#: Deliveries released together: the first time, at most; a batch should take less than GOOD seconds.
FIRST_BATCH: Final = 5
LARGEST_BATCH: Final = 50
GOOD_BATCH: Final = 1.0
#: A recipient whose attempts take longer than this, in seconds, counts as slow.
SLOW: Final = 1.0


@dataclass(slots=True)
class Pace:
    """How quickly one recipient takes what it is sent. Used by one worker at a time."""

    size: int = FIRST_BATCH
    seconds: float = 0.0  # of one attempt, smoothed

    def learn(self, attempts: int, seconds: float, *, failed: bool) -> None:
        """Adapt to a batch: small while the endpoint fails, large while it is quick, so that few releases grow too
        old."""
        if attempts:
            self.seconds += (seconds / attempts - self.seconds) / 4
        if failed:
            self.size = 1
        elif seconds > GOOD_BATCH:
            self.size = max(1, self.size // 2)
        elif attempts >= self.size:
            self.size = min(LARGEST_BATCH, self.size * 2)

    @property
    def slow(self) -> bool:
        """True when a worker would be held long."""
        return self.seconds > SLOW


@dataclass(slots=True)
class _Board:
    ready: deque[Oin] = field(default_factory=deque)
    busy: set[Oin] = field(default_factory=set)
    again: set[Oin] = field(default_factory=set)
    rings: dict[Oin, list[Ring]] = field(default_factory=dict)
    later: list[tuple[float, Oin]] = field(default_factory=list)
    paces: dict[Oin, Pace] = field(default_factory=dict)
    pauses: Pauses = field(default_factory=Pauses)
    closed: bool = False


class Turns:
    """Shared by the listener and the workers. ``slow_limit``: how many slow recipients may be served at once."""

    def __init__(self, clock: Clock, slow_limit: int) -> None:
        self._clock = clock
        self._slow_limit = slow_limit
        self._board = _Board()
        self._changed = threading.Condition()

    def rung(self, ring: Ring) -> None:
        """A ring came in. While its recipient is left alone it is dealt with at once: the pause brings it back."""
        with self._changed:
            paused = self._board.pauses.until(ring.recipient, self._clock.monotonic()) is not None
            if not paused:
                self._board.rings.setdefault(ring.recipient, []).append(ring)
                self._make_ready(ring.recipient)
        if paused:
            ring.done()

    def _make_ready(self, recipient: Oin) -> None:
        board = self._board
        if recipient in board.busy:
            board.again.add(recipient)
        elif recipient not in board.ready:
            board.ready.append(recipient)
            self._changed.notify()

    def take(self) -> Oin | None:
        """The next recipient to serve; waits for one. None when closed."""
        with self._changed:
            while not self._board.closed:
                self._wake_later()
                chosen = self._choose()
                if chosen is not None:
                    self._board.busy.add(chosen)
                    return chosen
                self._changed.wait(self._until_later())
            return None

    def _choose(self) -> Oin | None:
        board = self._board
        slow_busy = sum(self.pace(one).slow for one in board.busy)
        for recipient in board.ready:
            if slow_busy < self._slow_limit or not self.pace(recipient).slow:
                board.ready.remove(recipient)
                return recipient
        return None

    def _wake_later(self) -> None:
        now = self._clock.monotonic()
        while self._board.later and self._board.later[0][0] <= now:
            self._make_ready(heapq.heappop(self._board.later)[1])

    def _until_later(self) -> float | None:
        return max(0.0, self._board.later[0][0] - self._clock.monotonic()) if self._board.later else None

    def pace(self, recipient: Oin) -> Pace:
        """The pace of a recipient; only its worker changes it."""
        return self._board.paces.setdefault(recipient, Pace())

    def failed(self, recipient: Oin, at_least: float = 0.0) -> None:
        """Its endpoint, or its release, fails: leave it alone for a while, at least so many seconds."""
        with self._changed:
            until = self._board.pauses.failed(recipient, self._clock.monotonic(), at_least)
            heapq.heappush(self._board.later, (until, recipient))

    def answered(self, recipient: Oin) -> bool:
        """Its endpoint answers; True when it had been failing."""
        with self._changed:
            return self._board.pauses.answered(recipient)

    def paused(self, recipient: Oin) -> bool:
        """True while it is left alone."""
        with self._changed:
            return self._board.pauses.until(recipient, self._clock.monotonic()) is not None

    def finish(self, recipient: Oin) -> None:
        """Its worker is done: nothing was due any more, or it is left alone. The broker is told of the rings dealt
        with."""
        with self._changed:
            board = self._board
            board.busy.discard(recipient)
            done = []
            if recipient in board.again and self._paused(recipient) is None:
                board.ready.append(recipient)
            else:
                done = board.rings.pop(recipient, [])
            board.again.discard(recipient)
            self._changed.notify_all()
        for ring in done:
            ring.done()

    def _paused(self, recipient: Oin) -> float | None:
        return self._board.pauses.until(recipient, self._clock.monotonic())

    @property
    def closed(self) -> bool:
        """True when the process is going down."""
        return self._board.closed

    def close(self) -> None:
        """Let every worker end."""
        with self._changed:
            self._board.closed = True
            self._changed.notify_all()
