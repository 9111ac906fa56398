"""The one place where the time of the machine is read."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def boot() -> str | None:
    """Which start of the machine this is (Linux, random(4)); ``None`` where it does not tell.

    Two readings of ``SystemClock.monotonic`` can be compared only within one start, also over processes.
    """
    try:
        return _BOOT.read_text(encoding="ascii").strip() or None
    except OSError:
        return None


class SystemClock:
    """The clock of the machine that the process runs on."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        # Unlike time.monotonic() it goes on while the machine sleeps: a released message grows old then too.
        return time.clock_gettime(time.CLOCK_BOOTTIME)
