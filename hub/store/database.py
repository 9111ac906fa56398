"""Opening a database so that its promises hold: durable commits, real isolation, no values in its log.

SQLite (WAL, synchronous=FULL) for one process; PostgreSQL (psycopg 3, READ COMMITTED, fsync on) for more than one.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import make_url

from consent.store.fresh import try_before_use

#: How long a statement of another process may make us wait, ms. The writer's own turns are far shorter.
_BUSY_MS = 30_000
#: No values in the server's log; and a process that was stopped within a transaction keeps nobody waiting for ever.
_POSTGRES_OPTIONS = (
    "-c timezone=UTC -c log_parameter_max_length=0 -c log_parameter_max_length_on_error=0"
    f" -c lock_timeout={_BUSY_MS} -c idle_in_transaction_session_timeout=60000"
)


#: Connections of a process. Who finds none free waits for a moment: to open one for each costs more than that.
_POOL = 16
#: Of those at most so many show one state for as long as somebody reads: the others are for who writes or glances.
_LONG = 8
#: Execution option of an engine: the places for long looks.
_LONG_LOOKS = "long_looks"


class DatabaseUnsafe(RuntimeError):
    """The database does not keep what the hub promises; the text says which setting."""


def open_engine(url: str) -> Engine:
    """An engine whose transactions begin as the hub needs them. Values never appear in its error texts.

    Raises ``DatabaseUnsafe`` for a PostgreSQL whose settings would break promise 1 or 2.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(url)
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        pool_size=_POOL,
        max_overflow=0,
        pool_use_lifo=True,
        execution_options={_LONG_LOOKS: BoundedSemaphore(_LONG)},
        connect_args={"options": _POSTGRES_OPTIONS, "connect_timeout": 10},
    )
    try_before_use(engine)
    try:
        _assert_postgres(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _open_sqlite(url: str) -> Engine:
    arguments = {"isolation_level": None, "timeout": _BUSY_MS / 1000, "check_same_thread": False}
    looks = {_LONG_LOOKS: BoundedSemaphore(_LONG)}
    pool = {} if make_url(url).database in (None, "", ":memory:") else {"pool_size": _POOL, "max_overflow": 0}
    engine = create_engine(url, hide_parameters=True, connect_args=arguments, execution_options=looks, **pool)

    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            f"busy_timeout={_BUSY_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(_dialect: object, _record: object, cargs: list[Any], _cparams: dict[str, Any]) -> None:
    """Before a connection: the file is there with mode 0600, which its log files then inherit.

    An existing file is never opened here: closing it would drop the locks that SQLite holds on it in this process.
    """
    path = Path(str(cargs[0]))
    if not path.is_absolute() or not path.parent.is_dir():
        return  # a database in memory, or one that cannot be opened
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            _close_to_others(each)


def _close_to_others(path: Path) -> None:
    """Take what group and others may do with an own file of before the hub made it so. It may be gone by now."""
    try:
        found = path.stat()
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(0o600)
    except FileNotFoundError:
        return


def _begin_sqlite(connection: Connection) -> None:
    # The driver's own BEGIN is deferred: two deciders could then read the same facts. IMMEDIATE is the gate's lock.
    kind = "DEFERRED" if connection.get_execution_options().get("look") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {kind}")


def _assert_postgres(engine: Engine) -> None:
    wanted = {"fsync": "on", "synchronous_commit": "on", "transaction_isolation": "read committed"}
    with engine.connect() as connection:
        for name, value in wanted.items():
            if connection.execute(text(f"SHOW {name}")).scalar_one() != value:
                raise DatabaseUnsafe(f"PostgreSQL: {name} hoort {value} te zijn")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A look outside the gate's locks, for lists and pages. Never decide on what it shows."""
    with engine.connect().execution_options(look=True) as connection, connection.begin():
        yield connection


@contextmanager
def glance(engine: Engine) -> Iterator[Connection]:
    """A look of one short statement or two, in every request: on PostgreSQL without a transaction around them.

    That spares two round trips. A list that is read as it comes needs a transaction: ``reading``.
    """
    options = {"look": True} | ({} if is_sqlite(engine) else {"isolation_level": "AUTOCOMMIT"})
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """The same, showing one state throughout, however many statements it takes. Waits while ``_LONG`` others look."""
    options = {"look": True} | ({} if is_sqlite(engine) else {"isolation_level": "REPEATABLE READ"})
    place: BoundedSemaphore = engine.get_execution_options()[_LONG_LOOKS]
    with place, engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def is_sqlite(connection: Connection | Engine) -> bool:
    """True on the embedded default."""
    return connection.dialect.name == "sqlite"


#: What a checkpoint that empties the write-ahead log may wait for readers, ms: all who write wait with it.
_EMPTYING_MS = 200


def wipe(engine: Engine, tables: Sequence[Table]) -> None:
    """Take what these tables held before out of the database's files, as far as the database can do so now.

    SQLite overwrites what is deleted (``secure_delete``); here its write-ahead log is emptied, unless a long reader
    needs it: then it goes with one of the next checkpoints. PostgreSQL frees the space for other rows.
    """
    if is_sqlite(engine):
        raw = engine.raw_connection()
        try:
            raw.cursor().execute(f"PRAGMA busy_timeout={_EMPTYING_MS}").close()
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        finally:
            raw.cursor().execute(f"PRAGMA busy_timeout={_BUSY_MS}").close()
            raw.close()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f"VACUUM {table.name}"))
