"""What retention destroyed of one controller in a month: the vernietigingsverklaring, unsigned, and the list of months.

A controller sees its own messages and its own keys, named by a hash. Evidence is everybody's: it is only counted, so
that nothing in two controllers' statements can be joined.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.log import reading as log
from consent.log.merkle import leaf_hash
from contracts import instants
from contracts.errors import NotFound
from contracts.identity import Oin
from contracts.retention.terms import Terms
from hub.keys.erasing import lines
from hub.rights.erasure.account import NotYet, hashed
from hub.rights.retention.lapse import RETENTION
from hub.store.persons import remains
from hub.store.region import parties
from hub.store.traffic import lapses

_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Month:
    """A month in the Netherlands."""

    year: int
    number: int

    @property
    def name(self) -> str:
        """``2026-11``."""
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def following(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.number // _MONTHS, self.number % _MONTHS + 1)

    @property
    def begins(self) -> datetime:
        """Its first instant."""
        return instants.start_of(date(self.year, self.number, 1))

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        return self.following.begins


def month_of(day: date) -> Month:
    """The month in which a day lies."""
    return Month(day.year, day.month)


def months(connection: Connection, own: Oin, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    """Every month in [since, until) in which something of this controller was destroyed, oldest first."""
    span = lapses.span(connection, own), remains.span(connection, RETENTION)
    found = [instant for one in span for instant in one if instant is not None]
    if not found:
        return
    one, last = month_of(instants.today(max(since, min(found)))), min(until, max(found))
    while one.begins <= last and one.begins < until:
        counted = _counted(_of(connection, own, one))
        if any(counted.values()):
            yield {"periode": one.name, "van": instants.write(one.begins), "tot": instants.write(one.ends)} | counted
        one = one.following


@dataclass(frozen=True, slots=True)
class _Gone:
    """What went of one controller: messages, its keys, and of how many persons the evidence."""

    messages: Sequence[Row[Any]]
    own: Sequence[Row[Any]]
    evidence: int


def _of(connection: Connection, own: Oin, month: Month) -> _Gone:
    destroyed = remains.destroyed(connection, RETENTION, month.begins, month.ends)
    whole = [row for row in destroyed if row.organisation is None]
    return _Gone(
        lapses.in_period(connection, own, month.begins, month.ends),
        [row for row in destroyed if row.organisation == own],
        sum(bool(remains.known_to(connection, own, row.persons)) for row in whole),
    )


def _counted(gone: _Gone) -> dict[str, int]:
    return {
        "berichten": len(gone.messages),
        "onbestelbaar": sum(row.undelivered for row in gone.messages),
        "sleutels": sum(row.keys for row in gone.own),
        "bewijzen": gone.evidence,
    }


def statement(connection: Connection, own: Oin, month: Month, terms: Terms, now: datetime) -> dict[str, Any]:
    """The statement for a month, as far as it has gone at ``now``.

    Raises ``NotFound`` where nothing was destroyed, ``NotYet`` while an entry is not in the signed log.
    """
    gone = _of(connection, own, month)
    counted = _counted(gone)
    if not any(counted.values()):
        raise NotFound
    if any(row.done_at is None for row in gone.own):
        raise NotYet
    party = parties.organisation_by_oin(connection, own)
    kinds = Counter((row.kind, row.purpose) for row in gone.messages)
    handles = ((row, remains.known_to(connection, own, row.persons)) for row in gone.own)
    named = [line for row, mine in handles for line in lines(mine, row.organisation, evidence=False)]
    return {
        "verklaring": "vernietigingsverklaring",
        "periode": month.name,
        "van": instants.write(month.begins),
        "tot": instants.write(min(month.ends, now)),
        "afgesloten": month.ends <= now,
        "organisatie": own,
        "naam": None if party is None else party.name,
        "reden": RETENTION,
        "vernietigd": counted,
        "soorten": [
            {"soort": kind, "doel": purpose, "berichten": count, "dagen": terms.content_days(kind, purpose)}
            for (kind, purpose), count in sorted(kinds.items())
        ],
        "berichten": sorted(row.message_id for row in gone.messages),
        "sleutels": hashed(named),
        "vermeldingen": _entries(connection, gone),
    }


def _entries(connection: Connection, gone: _Gone) -> list[dict[str, str]]:
    """Where the log says so. Raises ``NotYet``."""
    wanted = {row.lapse_entry for row in gone.messages} | {row.entry_id for row in gone.own}
    found = remains.places(connection, wanted)
    signed = log.signed_size(connection)
    if len(found) < len(wanted) or any(row.idx >= signed for row in found):
        raise NotYet
    return [{"vermelding": str(row.idx), "bladHash": leaf_hash(row.commitment).hex()} for row in found]
