"""Moments as the letter writes them: the clock of the Netherlands, in Dutch.

The rule of summer time is written out (Directive 2000/84/EC) and not taken from the machine's time zone tables: those
change with the law, and a letter of today must still be written in the same words years from now.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

_MONTHS: Final = (
    *("januari", "februari", "maart", "april", "mei", "juni", "juli"),
    *("augustus", "september", "oktober", "november", "december"),
)
_MARCH, _OCTOBER = 3, 10
_SUNDAY: Final = 6


def _last_sunday(year: int, month: int) -> datetime:
    """01:00 UTC on the last Sunday of a month of 31 days: when the clock changes."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() - _SUNDAY) % 7)


def _local(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    summer = _last_sunday(at.year, _MARCH) <= at < _last_sunday(at.year, _OCTOBER)
    try:
        return at + timedelta(hours=2 if summer else 1)
    except OverflowError:  # the last hour of the calendar
        return at


def _day(local: datetime) -> str:
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def moment(at: datetime, *, padded: bool = True) -> str:
    """``22 november 2026, 03.58 uur``; not ``padded``: ``3.58 uur``, as receipts of version 1 have it."""
    local = _local(at)
    hour = f"{local.hour:02}" if padded else str(local.hour)
    return f"{_day(local)}, {hour}.{local.minute:02} uur"


def day(at: datetime) -> str:
    """The day that begins or goes on at this instant: ``22 november 2026``."""
    return _day(_local(at))
