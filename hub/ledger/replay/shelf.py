"""What the log told of each message, person, zaak: too much to hold in memory of a long log, so it lies on disk.

SQLite's private temporary database: it has no name, spills into a file only beyond its cache, and goes with its shelf.
It holds ids, instants and codes that stand in the hub's tables in the open, and nothing that is sealed there.
"""

import json
import pickle
import sqlite3
import weakref
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, Generic, TypeVar

Told = TypeVar("Told")

_CACHE: Final = 2_048  # KiB: what is asked for lies close together, as it was told
_AMONG: Final = "key IN (SELECT value FROM json_each(?))"


class Shelf(Generic[Told]):
    """A mapping from ids to what was told of each; a value is never changed, only told anew.

    ``pack`` makes plain values of it, ``unpack`` takes those; without them any value fits, and takes longer. So many as
    ``held`` of late are at hand as they are: what is told is asked for soon after, if ever.

    It knows which of its keys somebody asked for by ``see``: what nobody saw in the end is in no table.
    """

    def __init__(
        self, pack: Callable[[Told], Any] = pickle.dumps, unpack: Callable[[Any], Told] = pickle.loads, held: int = 256
    ) -> None:
        self._pack = pack
        self._unpack = unpack
        self._most = held
        self._fresh: dict[str, Told] = {}  # told, and not on disk yet
        self._read: dict[str, Told] = {}  # at hand as it lies on disk
        # One thread works with it; whichever thread collects what is left of it closes it.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._db.close)
        for statement in (
            f"PRAGMA cache_size = -{_CACHE}",
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE told (key TEXT PRIMARY KEY, value BLOB NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID",
            "BEGIN",  # never to be committed: nothing here has to last
        ):
            self._db.execute(statement)

    def __setitem__(self, key: str, told: Told) -> None:
        self._fresh[key] = told
        self._tidy()

    def get(self, key: str) -> Told | None:
        """What was told under this key."""
        for at_hand in (self._fresh, self._read):
            if key in at_hand:
                return at_hand[key]
        row = self._db.execute("SELECT value FROM told WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        told = self._read[key] = self._open(row[0])
        self._tidy()
        return told

    def setdefault(self, key: str, told: Told) -> None:
        """Tell it, unless something was told under this key before."""
        if self.get(key) is None:
            self[key] = told

    def see(self, keys: Collection[str]) -> dict[str, Told]:
        """What was told under these keys, each of which is there for somebody else, too."""
        self._write()
        among = (json.dumps([str(key) for key in keys]),)
        self._db.execute(f"UPDATE told SET seen = 1 WHERE {_AMONG}", among)
        rows = self._db.execute(f"SELECT key, value FROM told WHERE {_AMONG}", among)
        return {key: self._open(value) for key, value in rows}

    def any_under(self, prefix: str) -> bool:
        """Whether anything was told under a key that begins so."""
        self._write()
        row = self._db.execute("SELECT key FROM told WHERE key >= ? ORDER BY key LIMIT 1", (prefix,)).fetchone()
        return row is not None and str(row[0]).startswith(prefix)

    def unseen(self) -> Iterator[tuple[str, Told]]:
        """What no call of ``see`` asked for, in the order of the keys."""
        self._write()
        for key, value in self._db.execute("SELECT key, value FROM told WHERE NOT seen ORDER BY key"):
            yield key, self._open(value)

    def _open(self, value: bytes | str) -> Told:
        return self._unpack(json.loads(value) if isinstance(value, str) else value)

    def _close(self, told: Told) -> bytes | str:
        plain = self._pack(told)
        return plain if isinstance(plain, bytes) else json.dumps(plain)

    def _tidy(self) -> None:
        if len(self._fresh) + len(self._read) > self._most:
            self._put_away()

    def _put_away(self) -> None:
        self._write()
        self._read.clear()

    def _write(self) -> None:
        rows = ((key, self._close(told)) for key, told in self._fresh.items())
        self._db.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, 0)", rows)
        self._fresh.clear()
