"""The one place where the time of the machine is read."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The clock of the machine that the process runs on."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        # Unlike time.monotonic() it goes on while the machine sleeps: a released message grows old then too.
        return time.clock_gettime(time.CLOCK_BOOTTIME)
