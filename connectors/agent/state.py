"""What the agent remembers between runs: one SQLite file, readable only by its owner.

- ``link``: the koppeltabel, the partner's own number <-> kandidaatRef; both ways at most one.
- ``sent``: which message ids the hub has taken, with a digest of what was sent, so that a file is resumed and a changed
  line is seen. Losing it doubles nothing: the hub knows a repeat by its id.
- ``incoming``: files that are being handed over, and the deliveries that have been.

Every method is one transaction that is on disk when it returns (``synchronous=FULL``).
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contracts.identity import KandidaatRef

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS link (own_number TEXT PRIMARY KEY, ref TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS sent (id TEXT PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pending (part TEXT PRIMARY KEY, final TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS delivered (id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class LinkTaken(Exception):
    """This own number or this kandidaatRef already names somebody else."""


class State:
    """The agent's memory. Safe for several threads of one process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
        self._connection.execute("PRAGMA journal_mode=DELETE")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def id_key(self, fresh: bytes) -> bytes:
        """The key of this partner's message ids; ``fresh`` (32 random bytes) becomes it the first time only."""
        if len(fresh) < 32:
            raise ValueError("de sleutel voor bericht-id's moet minstens 32 bytes zijn")
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO secret VALUES ('id-key', ?)", (fresh,))
            row = connection.execute("SELECT value FROM secret WHERE name = 'id-key'").fetchone()
        return bytes(row[0])

    def link(self, own_number: str, ref: KandidaatRef) -> None:
        """Enter a pair in the koppeltabel; the same pair twice is once. Raises ``LinkTaken``."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO link VALUES (?, ?)", (own_number, ref))
            row = connection.execute("SELECT ref FROM link WHERE own_number = ?", (own_number,)).fetchone()
        if row is None or row[0] != ref:
            raise LinkTaken("dit nummer of deze persoon staat al anders in de koppeltabel")

    def resolve(self, own_number: str) -> KandidaatRef | None:
        """The kandidaatRef of an own number."""
        row = self._one("SELECT ref FROM link WHERE own_number = ?", own_number)
        return KandidaatRef(row) if row is not None else None

    def local(self, ref: KandidaatRef) -> str | None:
        """The own number of a kandidaatRef."""
        return self._one("SELECT own_number FROM link WHERE ref = ?", ref)

    def sent(self, message_id: str) -> str | None:
        """The digest of a message that the hub has taken."""
        return self._one("SELECT digest FROM sent WHERE id = ?", message_id)

    def mark_sent(self, taken: Sequence[tuple[str, str]]) -> None:
        """The hub has taken these (id, digest)."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO sent VALUES (?, ?)", taken)

    def begin(self, files: Sequence[tuple[Path, Path]], delivery: str, at: float, mark: str | None = None) -> bool:
        """From here on these written files (part, final) will be handed over, whatever happens; once per delivery.

        ``mark`` is remembered with it as the highest sequence. False when this delivery was begun before.
        """
        with self._transaction() as connection:
            cursor = connection.execute("INSERT OR IGNORE INTO delivered VALUES (?, ?)", (delivery, at))
            if cursor.rowcount == 0:
                return False
            rows = [(str(part), str(final)) for part, final in files]
            connection.executemany("INSERT INTO pending VALUES (?, ?)", rows)
            if mark is not None:
                connection.execute("INSERT OR REPLACE INTO mark VALUES ('sequence', ?)", (mark,))
        return True

    def pending(self) -> list[tuple[Path, Path]]:
        """The files (part, final) whose hand-over was begun and not finished."""
        with self._lock:
            rows = self._connection.execute("SELECT part, final FROM pending ORDER BY part").fetchall()
        return [(Path(part), Path(final)) for part, final in rows]

    def finish(self, part: Path) -> None:
        """This file has its final name."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM pending WHERE part = ?", (str(part),))

    def is_delivered(self, delivery: str) -> bool:
        """True when this delivery was begun before."""
        return self._one("SELECT id FROM delivered WHERE id = ?", delivery) is not None

    def sequence(self) -> str | None:
        """The highest sequence of the mailbox that was handed over."""
        return self._one("SELECT value FROM mark WHERE name = 'sequence'")

    def acknowledged(self) -> str | None:
        """The highest sequence of the mailbox that the hub has been told of."""
        return self._one("SELECT value FROM mark WHERE name = 'acknowledged'")

    def mark_acknowledged(self, sequence: str) -> None:
        """The hub has been told."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO mark VALUES ('acknowledged', ?)", (sequence,))

    def _one(self, query: str, *values: str) -> str | None:
        with self._lock:
            row = self._connection.execute(query, values).fetchone()
        return None if row is None else str(row[0])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
