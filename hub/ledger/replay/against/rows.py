"""What every comparison of the log with a table works with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, select

from contracts import instants

_PAGE: Final = 1_000
#: What reading a value of another form than its column has comes down to.
UNREADABLE: Final = (ValueError, TypeError, OverflowError, RecursionError)
#: Tells what is wrong: where, and what.
Wrong = Callable[[str, str], None]


def pages(
    connection: Connection, of: Table | Select[Any], key: Column[Any], size: int = _PAGE
) -> Iterator[Sequence[Row[Any]]]:
    """All rows, in the order of a unique column of text, ``size`` at a time.

    Without those that hold what cannot be read, which are told elsewhere (``cells``).
    """
    query = (of if isinstance(of, Select) else select(of)).order_by(key).limit(size)
    last = ""
    while True:
        try:
            rows = connection.execute(query.where(key > last)).all()
            last = getattr(rows[-1], key.name) if rows else ""
        except UNREADABLE:
            names = connection.scalars(query.with_only_columns(key, maintain_column_froms=True).where(key > last)).all()
            rows = [row for name in names for row in _one(connection, query.where(key == name))]
            last = names[-1]
        if not last:
            return
        yield rows


def every(connection: Connection, table: Table, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """All rows of a table that holds few, or those of ``which``; without those that hold what cannot be read."""
    try:
        return connection.execute(select(table).where(*which)).all()
    except UNREADABLE:
        keys = connection.execute(select(*table.primary_key).where(*which)).all()
    found: list[Row[Any]] = []
    for key in keys:
        same = (column == value for column, value in zip(table.primary_key, key, strict=True))
        found += _one(connection, select(table).where(*same))
    return found


def _one(connection: Connection, query: Select[Any]) -> Sequence[Row[Any]]:
    """The rows of a query for one key; none, where it holds what cannot be read."""
    with suppress(*UNREADABLE):
        return connection.execute(query).all()
    return ()


def stream(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """All rows of a query, of which never more than some are in memory."""
    with connection.execute(query, execution_options={"yield_per": _PAGE}) as result:
        yield from result


def plain(value: Any) -> Any:
    """A value of a column as the log writes it."""
    return instants.write(value) if isinstance(value, datetime) else value


def place(table: Table, key: Iterable[str]) -> str:
    """Where a finding is, by the primary key of its row."""
    return f"{table.name} {'/'.join(key)}"


def place_of(table: Table, row: Row[Any]) -> str:
    """The same of a row that was read."""
    return place(table, (row._mapping[column.name] for column in table.primary_key))
