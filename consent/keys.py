"""The keys of persons: made before the first row that needs them, used, and destroyed for good (AVG art. 17).

They lie in a store of their own (a SQLite file, or the schema ``hub_keys``), so that data and keys are backed up apart.
Each is 32 random bytes, wrapped by AES-256-GCM under a key that is derived from the master key, with the key id as
associated data. Nothing is ever cached: what is destroyed is gone with the next transaction.

Order at birth: ``ensure`` has committed before it returns, so a row never rests on a key that a crash could take
away. A crash between the two leaves an unused key, which harms nobody.
"""

import hmac
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateSchema

from consent.store.any_of import any_of
from consent.store.fresh import try_before_use
from consent.store.metadata import NAMING, Instant
from contracts.identity import Oin, PersonId

KEY_SIZE: Final = 32  # bytes
SCHEMA: Final = "hub_keys"  # on PostgreSQL
SYSTEM_KEY: Final = "systeem"  # entries of the evidence log that are about no person

_NONCE_SIZE: Final = 12  # bytes
_CHUNK: Final = 1_000  # ids in one statement
_LOCK: Final = 0x6875_625F_6B65_7973  # advisory lock of all who make, wrap or destroy keys ("hub_keys")
_CHECK: Final = "master"
_WRITES: Final = "hub_key_writes"  # execution option: this transaction will write
_LOOKS: Final = "hub_key_looks"  # execution option: each of its statements stands for itself
_POOL: Final = 16  # connections of a process to PostgreSQL; to open one for a look costs more than to wait for one

key_metadata = MetaData(naming_convention=NAMING)

person_key = Table(
    "person_key",
    key_metadata,
    Column("key_id", String(80), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("nonce", LargeBinary(_NONCE_SIZE), nullable=False),
)
destroyed_key = Table(
    "destroyed_key",
    key_metadata,
    Column("key_id", String(80), primary_key=True),
    Column("at", Instant, nullable=False),
)
key_check = Table(
    "key_check",
    key_metadata,
    Column("name", String(16), primary_key=True),
    Column("value", LargeBinary(KEY_SIZE), nullable=False),
)


class KeyDestroyed(Exception):
    """A key that was asked for has been destroyed and is never made again. ``key_ids`` says which."""

    def __init__(self, key_ids: frozenset[str]) -> None:
        super().__init__("Een sleutel die nodig is, is vernietigd")
        self.key_ids = key_ids


class MasterKeyMismatch(Exception):
    """The master key is not the one under which this store's keys are wrapped, or a wrapped key was changed."""


class DestroyIncomplete(Exception):
    """The keys are destroyed, but traces may lie in the write-ahead log. Call ``destroy`` with the same ids again."""


#: Keys and destroyed ids by one statement, so that they are of one moment.
_READ: Final = union_all(
    select(person_key.c.key_id, person_key.c.wrapped, person_key.c.nonce).where(any_of(person_key.c.key_id, "ids")),
    select(destroyed_key.c.key_id, null(), null()).where(any_of(destroyed_key.c.key_id, "ids")),
)


def content_key(person: PersonId, organisation: Oin) -> str:
    """Id of the key of what one organisation sent about one person: bodies, local numbers."""
    return f"inhoud/{person}/{organisation}"


def evidence_key(person: PersonId) -> str:
    """Id of the key of all evidence about one person: payloads of the evidence log."""
    return f"bewijs/{person}"


def open_key_engine(url: str) -> Engine:
    """An engine for ``KeyStore``. A SQLite file is made with mode 0600 if it is missing; its log files inherit that."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_size=_POOL,
            max_overflow=0,
            pool_use_lifo=True,
            connect_args={"connect_timeout": 10},
        )
        try_before_use(engine)
        return engine.execution_options(schema_translate_map={None: SCHEMA})
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("the key store must lie in a file")
    os.close(os.open(Path(parsed.database), os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(parsed, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Durable at commit, deleted bytes overwritten, transactions begun by us and not by the driver."""
    connection.isolation_level = None
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """A transaction that will write takes the write lock first: a reader that turns writer could not wait for it.

    A look of one statement needs none.
    """
    options = connection.get_execution_options()
    if not options.get(_LOOKS, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES, False) else "BEGIN")


def _derive(master: bytes, purpose: str) -> bytes:
    """32 bytes from the master key for one purpose (HKDF-SHA256, RFC 5869)."""
    if len(master) < KEY_SIZE:
        raise ValueError("a master key is at least 32 bytes")
    info = f"doorstroomhub/{purpose}/v1".encode()
    return HKDF(algorithm=hashes.SHA256(), length=KEY_SIZE, salt=None, info=info).derive(master)


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """The distinct ids in order, so that two processes lock and insert alike, in parts that fit one statement."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


@dataclass(frozen=True, slots=True)
class _Found:
    keys: dict[str, bytes]
    destroyed: set[str]


class _Wrapper:
    """Wraps and unwraps keys under one master key."""

    __slots__ = ("_aead", "check")

    def __init__(self, master: bytes) -> None:
        self._aead = AESGCM(_derive(master, "kek"))
        self.check = _derive(master, "check")

    def wrap(self, key_id: str, key: bytes, nonce: bytes) -> dict[str, object]:
        return {"key_id": key_id, "wrapped": self._aead.encrypt(nonce, key, key_id.encode()), "nonce": nonce}

    def unwrap(self, key_id: str, wrapped: bytes, nonce: bytes) -> bytes:
        try:
            return self._aead.decrypt(nonce, wrapped, key_id.encode())
        except (InvalidTag, ValueError) as error:
            raise MasterKeyMismatch("Een bewaarde sleutel gaat met deze hoofdsleutel niet open") from error


class KeyStore:
    """Makes, finds and destroys keys by id. Safe for threads and processes at once.

    ``engine`` leads to the key store alone (``open_key_engine``), never to the hub's own tables; ``random``
    gives that many random bytes. Each call is one or more short transactions of its own, so never call it while the
    transaction at hand waits for another user of the key store.
    """

    def __init__(self, engine: Engine, master: bytes, random: Callable[[int], bytes]) -> None:
        self._engine = engine
        self._wrapper = _Wrapper(master)
        self._random = random
        # Who writes may copy the write-ahead log, too. SQLite lets one do that at a time, and refuses another at once.
        self._writer = threading.Lock()

    def create_tables(self) -> None:
        """Make tables and check value where they are missing. Raises ``MasterKeyMismatch`` if another key made them."""
        if self._engine.dialect.name == "postgresql":
            with self._engine.begin() as connection:
                connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
        key_metadata.create_all(self._engine)
        with self._writing() as connection:
            if self._stored_check(connection) is None:
                connection.execute(insert(key_check).values(name=_CHECK, value=self._wrapper.check))
        if not self.check_value():
            raise MasterKeyMismatch("Deze sleutels zijn met een andere hoofdsleutel gemaakt")

    def check_value(self) -> bool:
        """True if this master key is the one that wraps the keys here; False also when the store is not made yet."""
        with self._engine.connect() as connection:
            stored = self._stored_check(connection)
        return stored is not None and hmac.compare_digest(stored, self._wrapper.check)

    def ensure(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The key of each id, made where missing and then committed before this returns.

        Raises ``KeyDestroyed`` if one of them was destroyed (then none is made), ``MasterKeyMismatch``.
        """
        wanted = set(ids)
        with self._looking() as connection:
            found = self._read(connection, wanted)
        if not found.destroyed and len(found.keys) < len(wanted):
            with self._writing() as connection:  # read again under the lock: another may have made or destroyed one
                found = self._read(connection, wanted)
                if not found.destroyed:
                    found.keys.update(self._make(connection, wanted - found.keys.keys()))
        if found.destroyed:
            raise KeyDestroyed(frozenset(found.destroyed))
        return found.keys

    def find(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The keys that exist; an id that was never made or was destroyed is left out. Raises ``MasterKeyMismatch``."""
        with self._looking() as connection:
            return self._read(connection, set(ids)).keys

    def destroyed(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that were destroyed."""
        with self._looking() as connection:
            return self._read_destroyed(connection, ids)

    def of_persons(self, persons: Iterable[str]) -> set[str]:
        """Ids of every key of these persons: those that exist, and their evidence keys whether they exist or not."""
        wanted = set(persons)
        found = {evidence_key(PersonId(person)) for person in wanted}
        with self._engine.connect() as connection:
            for key_id in connection.scalars(select(person_key.c.key_id)).yield_per(_CHUNK):
                if key_id.partition("/")[2].partition("/")[0] in wanted:
                    found.add(key_id)
        return found

    def destroy(self, ids: Iterable[str], at: datetime) -> int:
        """Destroy these keys for good and remember it, also for ids without a key. Returns how many keys went.

        Repeating it is harmless, and is what a start after a crash does. Raises ``DestroyIncomplete`` when the keys are
        gone but their bytes could not be wiped from the write-ahead log yet.
        """
        gone = 0
        with self._writing() as connection:
            for chunk in _chunks(ids):
                gone += connection.execute(delete(person_key).where(person_key.c.key_id.in_(chunk))).rowcount
                known = self._read_destroyed(connection, chunk)
                fresh = [{"key_id": key_id, "at": at} for key_id in chunk if key_id not in known]
                if fresh:
                    connection.execute(insert(destroyed_key), fresh)
        # A crash here leaves traces of the key in the write-ahead log only; the caller's repeat at start wipes them.
        self._wipe()
        return gone

    def rewrap(self, new_master: bytes) -> int:
        """Wrap every key under another master key, all or nothing; returns how many. Afterwards this store uses it."""
        wrapper = _Wrapper(new_master)
        with self._writing() as connection:
            rows = connection.execute(select(person_key)).all()
            changed = [
                wrapper.wrap(r.key_id, self._wrapper.unwrap(r.key_id, r.wrapped, r.nonce), self._random(_NONCE_SIZE))
                for r in rows
            ]
            if changed:
                connection.execute(
                    update(person_key)
                    .where(person_key.c.key_id == bindparam("row_id"))
                    .values(wrapped=bindparam("new_wrapped"), nonce=bindparam("new_nonce")),
                    [{"row_id": c["key_id"], "new_wrapped": c["wrapped"], "new_nonce": c["nonce"]} for c in changed],
                )
            connection.execute(update(key_check).where(key_check.c.name == _CHECK).values(value=wrapper.check))
        # A crash here: the store answers to the new master key only; the operator keeps both until this returned.
        self._wrapper = wrapper
        self._wipe()
        return len(changed)

    @contextmanager
    def _looking(self) -> Iterator[Connection]:
        """A look of a statement or two, without a transaction: on PostgreSQL that would cost two round trips more."""
        options = {_LOOKS: True} | ({} if self._engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"})
        with self._engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that alone makes, wraps or destroys keys; committed when the block ends."""
        opened = self._engine.connect
        with self._writer, opened().execution_options(**{_WRITES: True}) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            yield connection

    def _make(self, connection: Connection, ids: Iterable[str]) -> dict[str, bytes]:
        # Another process may have wrapped all keys anew since this one began: what is wrapped under the old master key
        # now, nobody could ever open again.
        if not hmac.compare_digest(self._stored_check(connection) or b"", self._wrapper.check):
            raise MasterKeyMismatch("De hoofdsleutel is vervangen: start de hub opnieuw")
        made = {key_id: self._random(KEY_SIZE) for key_id in sorted(ids)}
        rows = [self._wrapper.wrap(key_id, key, self._random(_NONCE_SIZE)) for key_id, key in made.items()]
        if rows:
            connection.execute(insert(person_key), rows)
        return made

    def _read(self, connection: Connection, ids: Iterable[str]) -> _Found:
        found = _Found({}, set())
        for chunk in _chunks(ids):
            for key_id, wrapped, nonce in connection.execute(_READ, {"ids": chunk}):
                if wrapped is None:
                    found.destroyed.add(key_id)
                else:
                    found.keys[key_id] = self._wrapper.unwrap(key_id, wrapped, nonce)
        return found

    def _read_destroyed(self, connection: Connection, ids: Iterable[str]) -> set[str]:
        known: set[str] = set()
        for chunk in _chunks(ids):
            known.update(connection.scalars(select(destroyed_key.c.key_id).where(destroyed_key.c.key_id.in_(chunk))))
        return known

    def _stored_check(self, connection: Connection) -> bytes | None:
        return connection.scalar(select(key_check.c.value).where(key_check.c.name == _CHECK))

    def _wipe(self) -> None:
        """Take destroyed bytes out of the store's files, as far as the database can."""
        if self._engine.dialect.name == "postgresql":  # frees the space; older WAL goes with the keys' retention
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"VACUUM {SCHEMA}.{person_key.name}"))
        else:  # secure_delete zeroed the pages; now empty the write-ahead log
            self._empty_wal()

    def _empty_wal(self) -> None:
        with self._writer:
            raw = self._engine.raw_connection()
            try:
                busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                raw.close()
        if busy:
            raise DestroyIncomplete("the write-ahead log of the key store is in use")
