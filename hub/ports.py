"""What the hub asks of the world.

A port exists because it has two implementations: the real one and the one in tests.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

#: Random bytes of a cryptographic source: ``os.urandom``.
Random = Callable[[int], bytes]
#: A new id: 32 hexadecimal characters, a UUIDv7 (RFC 9562 §5.7), unique for ever, roughly ordered in time.
NewId = Callable[[], str]


class Clock(Protocol):
    """Time. ``now`` may jump when an operator sets it; ``monotonic`` never goes back and measures waits."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds since an unspecified start."""
