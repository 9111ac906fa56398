"""What the database alone can take: the rows of an accepted message, written by its driver and nothing else.

The rows are copied from a message that the hub itself just accepted, into empty tables of the same shape.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, LargeBinary, Table, create_engine, select, text

from consent.log.tables import ledger_payload, ledger_pending
from hub.store.database import is_sqlite, open_engine, reading
from hub.store.tables import delivery, message, message_key

_TABLES: Final = (message, message_key, delivery, ledger_payload, ledger_pending)
_SCHEMA: Final = "hub_bench"
#: Columns that must be new in every copy; the rest is taken over.
_FRESH: Final = frozenset({"message_id", "event_id", "delivery_id", "entry_id"})
_MADE: Final = frozenset({"seq", "id"})  # by the database


@dataclass(frozen=True, slots=True)
class Statement:
    """One INSERT in the driver's own terms, with a sample of its values; ``fresh``: the places that must be new."""

    sql: str
    values: tuple[Any, ...]
    fresh: tuple[int, ...]

    def row(self, number: int) -> tuple[Any, ...]:
        """The values of copy ``number``."""
        values = list(self.values)
        for place in self.fresh:
            values[place] = f"{number:032d}"
        return tuple(values)


def samples(engine: Engine) -> tuple[Statement, ...]:
    """An INSERT for each table that an accepted message writes to, with the rows of the newest one."""
    with reading(engine) as connection:
        newest = connection.execute(select(message).order_by(message.c.seq.desc()).limit(1)).one()
        picks = {
            message: message.c.message_id == newest.message_id,
            message_key: message_key.c.message_id == newest.message_id,
            delivery: delivery.c.message_id == newest.message_id,
            ledger_payload: ledger_payload.c.entry_id == newest.entry_id,
        }
        return tuple(_statement(connection, table, picks.get(table)) for table in _TABLES)


def _statement(connection: Connection, table: Table, which: Any) -> Statement:
    sqlite = is_sqlite(connection)
    columns = [column for column in table.columns if column.name not in _MADE]
    if which is None:  # the queue of the log is soon empty: an entry id and 32 bytes
        values: tuple[Any, ...] = ("", b"\0" * 32)
    else:
        raw = select(*(column.label(column.name) for column in columns)).where(which).limit(1)
        values = tuple(
            _stored(column, value) for column, value in zip(columns, connection.execute(raw).one(), strict=True)
        )
    names = ", ".join(column.name for column in columns)
    marks = ", ".join("?" if sqlite else "%b" if isinstance(c.type, LargeBinary) else "%s" for c in columns)
    place = table.name if sqlite else f"{_SCHEMA}.{table.name}"
    fresh = tuple(n for n, column in enumerate(columns) if column.name in _FRESH)
    return Statement(f"INSERT INTO {place} ({names}) VALUES ({marks})", values, fresh)


def _stored(column: Any, value: Any) -> Any:
    """As the driver is given it."""
    bind = getattr(column.type, "process_bind_param", None)
    return bind(value, None) if bind is not None else value


@contextmanager
def empty_tables(engine: Engine, folder: Path) -> Iterator[Engine]:
    """An engine to empty tables beside the hub's: another SQLite file, or another schema. They go at the end."""
    metadata = message.metadata
    if is_sqlite(engine):
        other = open_engine(f"sqlite:///{folder / 'inserts.db'}")
        metadata.create_all(other, tables=list(_TABLES))
        yield other
        other.dispose()
        return
    other = create_engine(engine.url, execution_options={"schema_translate_map": {None: _SCHEMA}}, hide_parameters=True)
    with other.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {_SCHEMA}"))
    metadata.create_all(other, tables=list(_TABLES))
    try:
        yield other
    finally:
        with other.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {_SCHEMA} CASCADE"))
        other.dispose()


def rate(engine: Engine, statements: tuple[Statement, ...], threads: int, size: int, seconds: float) -> float:
    """Messages a second with ``size`` of them in a transaction, on ``threads`` connections of their own."""
    done = [0] * threads
    end = time.monotonic() + seconds
    work = _sqlite_writer if is_sqlite(engine) else _postgres_writer
    start = 1 + int(time.monotonic() * 1_000_000) * 1_000

    def run(number: int) -> None:
        done[number] = work(engine, statements, size, end, start + number * 100_000_000_000)

    started = time.monotonic()
    workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / (time.monotonic() - started)


def _sqlite_writer(engine: Engine, statements: tuple[Statement, ...], size: int, end: float, number: int) -> int:
    raw: Any = engine.raw_connection()
    return _write(raw.driver_connection.execute, raw.driver_connection.executemany, statements, size, end, number)


def _postgres_writer(engine: Engine, statements: tuple[Statement, ...], size: int, end: float, number: int) -> int:
    raw: Any = engine.raw_connection()
    connection = raw.driver_connection
    connection.autocommit = True
    cursor = connection.cursor()
    with connection.pipeline():  # one journey for the whole transaction

        def execute(statement: str) -> None:
            cursor.execute(statement)
            if statement == "COMMIT":
                connection.execute("SELECT 1").fetchone()

        return _write(execute, cursor.executemany, statements, size, end, number)


def _write(
    execute: Callable[[str], Any],
    many: Callable[[str, list[tuple[Any, ...]]], Any],
    statements: tuple[Statement, ...],
    size: int,
    end: float,
    number: int,
) -> int:
    done = 0
    while time.monotonic() < end:
        execute("BEGIN IMMEDIATE" if "?" in statements[0].sql else "BEGIN")
        for one in statements:
            many(one.sql, [one.row(number + done + n) for n in range(size)])
        execute("COMMIT")
        done += size
    return done
