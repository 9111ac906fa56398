"""Emptying messages whose term is over: the body, the receipt, what was replied; metadata, decisions and proof stay.

Their deliveries ended before and keep their state. What could not be delivered for 90 days ends here (``gewist``). One
transaction under the exclusive lock of the person: no accept, release, withdrawal or wissing of that person runs
beside it. Repeating it is harmless: what is empty is found no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from contracts import instants
from contracts.identity import PersonId
from contracts.retention.terms import UNDELIVERABLE_DAYS, Terms, content_until
from hub.ledger.evidence import Evidence, Fact
from hub.store.traffic import lapses
from hub.store.traffic.lapses import Kept
from hub.store.writer import Transaction

#: What the entry is called that says which messages were emptied, and the reason of keys that are destroyed.
RETENTION: Final = "bewaartermijn"


@dataclass(frozen=True, slots=True)
class Line:
    """Messages about one person (or one about nobody) that were past their term when looked at."""

    lock: str
    messages: tuple[str, ...]


def until(terms: Terms, kept: Kept) -> datetime:
    """Until when the content of a message is kept."""
    return content_until(terms, (kept.kind, kept.purpose), kept.accepted_at, kept.ends.values())


def lines(terms: Terms, found: Sequence[Kept], now: datetime) -> list[Line]:
    """Those of these messages that are past their term, by whom they are about."""
    due = sorted((one.lock, one.seq, one.message_id) for one in found if until(terms, one) <= now)
    return [Line(lock, tuple(each for *_, each in group)) for lock, group in groupby(due, key=lambda one: one[0])]


def lapse(evidence: Evidence, terms: Terms, tx: Transaction, line: Line) -> int:
    """Empty what is past its term, as it now is; how many messages. ``tx`` holds the line's exclusive lock."""
    found = lapses.locked(tx.connection, line.messages)
    due = [one for one in found if one.lock == line.lock and until(terms, one) <= tx.now]

    def whose(one: Kept) -> tuple[str, str]:
        return one.person_id or "", one.organisation

    # An entry for each sender: no place in the log is shown to two of them.
    for (person, organisation), group in groupby(sorted(due, key=whose), key=whose):
        messages = list(group)
        fact = Fact(PersonId(person) if person else None, _entry(organisation, messages, terms, tx.now))
        (leaf,) = evidence.append(tx.connection, [fact])
        lapses.empty(tx.connection, [one.message_id for one in messages], tx.now, leaf.entry_id)
    # A crash before the commit: all of it is there still, and is found by the next look. After it: it is gone, but for
    # what the database's own log holds until that is emptied.
    return len(due)


def _entry(organisation: str, messages: Sequence[Kept], terms: Terms, at: datetime) -> dict[str, Any]:
    said = {"soort": RETENTION, "op": instants.write(at), "organisatie": organisation}
    return said | {"berichten": [_message(one, terms) for one in messages]}


def _message(one: Kept, terms: Terms) -> dict[str, Any]:
    """Its id, its term in days (ISO 8601) and when that was over, and to whom it never came."""
    open_ones = sorted(recipient for recipient, end in one.ends.items() if end is None)
    days = UNDELIVERABLE_DAYS if open_ones else terms.content_days(one.kind, one.purpose)
    told = {"berichtId": one.message_id, "termijn": f"P{days}D", "tot": instants.write(until(terms, one))}
    return told | ({"onbestelbaar": open_ones} if open_ones else {})
