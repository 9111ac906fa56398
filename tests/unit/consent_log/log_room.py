"""A log of its own in a folder: SQLite, signer and counted ids, for the tests of this room."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, create_engine, event

from consent.log import tables
from consent.log.ledger import Appended, NewEntry, append
from consent.log.merkle import NodeReader, leaf_hash, node_hash, perfect_root
from consent.log.sequencer import sequence
from consent.log.signer import Signer
from consent.store.metadata import metadata

ORIGIN = "hub.example/bewijslogboek"
KEY = bytes(range(32))
TABLES = (
    tables.ledger_pending,
    tables.ledger_entry,
    tables.ledger_payload,
    tables.ledger_node,
    tables.checkpoint,
)


def together(*acts: Callable[[], object]) -> None:
    """Run all at once, each in a thread, starting at one moment; the first error is the test's."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait(30)
        act()

    with ThreadPoolExecutor(len(acts)) as pool:
        for future in [pool.submit(run, act) for act in acts]:
            future.result(60)


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH by the text of RFC 6962 §2.1, with nothing shared with the code under test but the two hash functions."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


def reader(leaves: Sequence[bytes]) -> NodeReader:
    """Nodes straight from the leaves."""
    return lambda level, n: perfect_root(leaves[n << level : (n + 1) << level])


def hashes(number: int) -> list[bytes]:
    """That many different leaf hashes."""
    return [leaf_hash(value.to_bytes(4, "big")) for value in range(number)]


def sqlite_engine(path: Path) -> Engine:
    """An engine whose transactions begin IMMEDIATE, as the hub's own do."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@dataclass
class LogRoom:
    """One log with its signer."""

    folder: Path
    engine: Engine
    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
    _ids: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        metadata.create_all(self.engine, tables=TABLES)

    @property
    def state_file(self) -> Path:
        return self.folder / "signer-state"

    @property
    def begin(self) -> Callable[[], AbstractContextManager[Connection]]:
        return self.engine.begin

    def signer(self) -> Signer:
        return Signer(self.state_file, self.key, ORIGIN)

    def initialise(self) -> None:
        with self.begin() as connection:
            self.signer().initialise(connection)

    def new_id(self) -> str:
        return f"0192f000-0000-7000-8000-{next(self._ids):012d}"

    def append(self, number: int, key: bytes = KEY, key_id: str = "bewijs/p") -> list[Appended]:
        entries = [NewEntry(key_id, key, {"v": 1, "nummer": value}) for value in range(number)]
        with self.begin() as connection:
            return append(connection, entries, self.new_id)

    def sequence(self, limit: int = 10_000) -> int | None:
        with self.begin() as connection:
            return sequence(connection, limit)

    def grow(self, number: int) -> list[Appended]:
        """Append, sequence and sign."""
        appended = self.append(number)
        self.sequence()
        self.signer().sign(self.begin)
        return appended
