"""The gate's locks. Order: the rules, then persons, receivers' counters and the log by key; all held until commit.

All that a transaction will wait for is named here and taken first: what waits for another process later, in the order
of its work, could wait in a circle (two mailboxes, or a mailbox and the sequencer).

PostgreSQL: transaction-level advisory locks in READ COMMITTED; facts must be read in statements *after* this one.
SQLite: the lock is the ``BEGIN IMMEDIATE`` that the transaction began with, and a turnstile between processes.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import BIGINT, Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

_RULES_KEY = int.from_bytes(hashlib.sha256(b"regels").digest()[:8], "big", signed=True)
#: At most this many messages, and so persons, are locked by one transaction.
MAX_WEIGHT = 256

# One statement takes them all: the rules first, then persons in key order. OFFSET 0 keeps the planner from pulling the
# sort up. What stands beside an aggregate is computed when all rows are in: the time is read when all locks are held.
_TAKE = text(
    "SELECT count(CASE WHEN exclusive THEN pg_advisory_xact_lock(key)::text"
    " ELSE pg_advisory_xact_lock_shared(key)::text END), clock_timestamp() AS now"
    " FROM (SELECT key, bool_or(x) AS exclusive FROM unnest(:keys, :modes) AS l(key, x)"
    " GROUP BY key ORDER BY key <> :rules, key OFFSET 0) AS sorted"
).bindparams(bindparam("keys", type_=ARRAY(BIGINT)), bindparam("modes"))


#: Locked, like a person, by whoever sequences or signs.
LOG = "logboek"


def counter(organisation: str) -> str:
    """Locked, like a person, by whoever gives out or takes back sequences of this organisation's mailbox."""
    return f"postvak/{organisation}"


@dataclass(frozen=True, slots=True)
class Locks:
    """What a unit of work needs to hold: roots of persons (and other names), shared or exclusive, and the rules."""

    shared: frozenset[str] = frozenset()
    exclusive: frozenset[str] = frozenset()
    rules_exclusive: bool = False

    def __or__(self, other: "Locks") -> "Locks":
        return Locks(
            self.shared | other.shared,
            self.exclusive | other.exclusive,
            self.rules_exclusive or other.rules_exclusive,
        )


def _key(person: str) -> int:
    return int.from_bytes(hashlib.sha256(b"persoon/" + person.encode()).digest()[:8], "big", signed=True)


def take(connection: Connection, locks: Locks) -> datetime | None:
    """Take the locks inside the transaction; returns when all are held, with the time then (aware, UTC).

    On SQLite there is nothing to take, and the time is the clock's: ``None``.
    """
    if connection.dialect.name == "sqlite":
        return None
    wanted = {_RULES_KEY: locks.rules_exclusive}
    wanted |= {_key(p): False for p in locks.shared} | {_key(p): True for p in locks.exclusive}
    given = {"keys": list(wanted), "modes": list(wanted.values()), "rules": _RULES_KEY}
    now: datetime = connection.execute(_TAKE, given).one().now
    return now


class Turnstile:
    """A fair turn between the processes that write one SQLite database.

    SQLite's own waiting is a lottery: a busy process can keep a second one out for seconds. Who waits for the turn
    holds the gate, so the one that just wrote queues behind it.
    """

    def __init__(self, folder: Path) -> None:
        self._gate = os.open(folder / "turnstile.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._turn = os.open(folder / "turn.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn for one transaction. A process that dies gives it up: the kernel drops its locks."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._gate)
        os.close(self._turn)
