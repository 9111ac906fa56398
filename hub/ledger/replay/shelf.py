"""What the log told of each message: too much to hold in memory of a long log, so it lies on disk.

SQLite's private temporary database: it has no name, spills into a file only beyond its cache, and goes with the
process. It holds ids, instants and codes that stand in the hub's tables in the open, and nothing that is sealed there.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, Generic, TypeVar

Told = TypeVar("Told")

_CACHE: Final = 2_048  # KiB: what is asked for lies close together, as it was told
_AMONG: Final = "key IN (SELECT value FROM json_each(?))"


class Shelf(Generic[Told]):
    """A mapping from ids to what was told of each. ``pack`` makes plain values of it, ``unpack`` takes those.

    It knows which of its keys somebody asked for by ``see``: what nobody saw in the end is in no table.
    """

    def __init__(self, pack: Callable[[Told], Any], unpack: Callable[[Any], Told]) -> None:
        self._pack = pack
        self._unpack = unpack
        self._db = sqlite3.connect("", isolation_level=None)
        for statement in (
            f"PRAGMA cache_size = -{_CACHE}",
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE told (key TEXT PRIMARY KEY, value TEXT NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID",
            "BEGIN",  # never to be committed: nothing here has to last
        ):
            self._db.execute(statement)

    def __setitem__(self, key: str, told: Told) -> None:
        self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, 0)", (key, json.dumps(self._pack(told))))

    def get(self, key: str) -> Told | None:
        """What was told under this key."""
        row = self._db.execute("SELECT value FROM told WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._unpack(json.loads(row[0]))

    def see(self, keys: Collection[str]) -> dict[str, Told]:
        """What was told under these keys, each of which is there for somebody else, too."""
        among = (json.dumps([str(key) for key in keys]),)
        self._db.execute(f"UPDATE told SET seen = 1 WHERE {_AMONG}", among)
        rows = self._db.execute(f"SELECT key, value FROM told WHERE {_AMONG}", among)
        return {key: self._unpack(json.loads(value)) for key, value in rows}

    def unseen(self) -> Iterator[tuple[str, Told]]:
        """What no call of ``see`` asked for, in the order of the keys."""
        for key, value in self._db.execute("SELECT key, value FROM told WHERE NOT seen ORDER BY key"):
            yield key, self._unpack(json.loads(value))

    def close(self) -> None:
        """Let go of it all."""
        self._db.close()
