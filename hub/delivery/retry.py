"""When to try again, and when to give up. Pure: time and chance are arguments.

Two clocks run. A *delivery* waits longer after each attempt and is buried after three days. A *recipient* whose whole
endpoint fails is left alone for a while (``Pauses``), so that a partner that is down costs one attempt at a time and
not one for every message that waits for it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

#: The one table: seconds to wait after attempt 1, 2, 3, …; the last one repeats until ``GIVE_UP_AFTER``.
WAITS: Final = (5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600)
GIVE_UP_AFTER: Final = timedelta(days=3)
#: A wait is multiplied by 1 - JITTER … 1 + JITTER, so that what failed together does not return together.
JITTER: Final = 0.2
#: The longest ``Retry-After`` that is obeyed, in seconds.
LONGEST_RETRY_AFTER: Final = 86_400.0
#: Seconds that a recipient is left alone after failure 1, 2, 3, … of its endpoint; the last one repeats.
PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class History:
    """The attempts since the delivery was accepted, or since it was replayed: how many, and when the first was."""

    attempts: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Again:
    """Try again, not before ``at``."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Bury:
    """Give up: keep the message, raise the alarm, wait for a replay."""


def decide(history: History, now: datetime, retry_after: float | None, chance: float) -> Again | Bury:
    """What follows a failed attempt.

    ``retry_after``: seconds that the recipient asked for (RFC 9110 §10.2.3), already bounded; it is a lower bound.
    ``chance``: uniform in [0, 1). Raises ``ValueError`` when ``history`` holds no attempt.
    """
    if history.attempts < 1:
        raise ValueError("a failed attempt belongs in its own history")
    last_moment = history.first_at + GIVE_UP_AFTER
    if now >= last_moment:
        return Bury()
    seconds = WAITS[min(history.attempts, len(WAITS)) - 1] * (1 - JITTER + 2 * JITTER * chance)
    at = min(now + timedelta(seconds=seconds), last_moment)  # the last attempt falls at the end of the three days
    if retry_after is not None:
        at = max(at, now + timedelta(seconds=min(retry_after, LONGEST_RETRY_AFTER)))
    return Again(at)


def chance(noise: bytes) -> float:
    """A number in [0, 1) from at least four random bytes."""
    return int.from_bytes(noise[:4], "big") / 2**32


@dataclass(slots=True)
class Pauses:
    """Which recipients are left alone until when, by the monotonic clock. Lives in memory: a restart only tries sooner.

    Not locked: its owner guards it.
    """

    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    def failed(self, recipient: str, now: float, at_least: float = 0.0) -> float:
        """Leave the recipient alone; the monotonic second at which it may be tried again. ``at_least``: seconds."""
        count = self._failures.get(recipient, 0)
        self._failures[recipient] = count + 1
        self._until[recipient] = now + max(PAUSES[min(count, len(PAUSES) - 1)], at_least)
        return self._until[recipient]

    def answered(self, recipient: str) -> bool:
        """The endpoint answers. True when it had been failing."""
        self._until.pop(recipient, None)
        return self._failures.pop(recipient, 0) > 0

    def until(self, recipient: str, now: float) -> float | None:
        """The monotonic second until which the recipient is left alone, or None."""
        until = self._until.get(recipient)
        return until if until is not None and until > now else None
