"""Instants on the wire: RFC 3339, UTC, milliseconds, ``Z``. Dates of forms mean 00:00 Europe/Amsterdam."""

from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

_AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")


def write(instant: datetime) -> str:
    """``2026-11-22T13:58:00.000Z``; the instant must be aware."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """An RFC 3339 instant with an offset, as aware UTC. Raises ``ValueError`` without naming the value."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("geen tijdstip volgens RFC 3339") from None
    if instant.tzinfo is None or "T" not in text.upper():
        raise ValueError("een tijdstip heeft een datum, een tijd en een tijdzone")
    return instant.astimezone(UTC)


def start_of(day: date) -> datetime:
    """The instant at which a day of a form begins in the Netherlands."""
    return datetime.combine(day, time.min, _AMSTERDAM).astimezone(UTC)


def today(now: datetime) -> date:
    """The day it is in the Netherlands at ``now``."""
    return now.astimezone(_AMSTERDAM).date()
