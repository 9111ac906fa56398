"""What every comparison of the log with a table works with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Select, Table, select

from contracts import instants

_PAGE: Final = 1_000
#: Tells what is wrong: where, and what.
Wrong = Callable[[str, str], None]


def pages(
    connection: Connection, of: Table | Select[Any], key: Column[Any], size: int = _PAGE
) -> Iterator[Sequence[Row[Any]]]:
    """All rows, in the order of a unique column of text, ``size`` at a time."""
    query = (of if isinstance(of, Select) else select(of)).order_by(key).limit(size)
    last = ""
    while rows := connection.execute(query.where(key > last)).all():
        yield rows
        last = getattr(rows[-1], key.name)


def plain(value: Any) -> Any:
    """A value of a column as the log writes it."""
    return instants.write(value) if isinstance(value, datetime) else value


def place(table: Table, key: Iterable[str]) -> str:
    """Where a finding is, by the primary key of its row."""
    return f"{table.name} {'/'.join(key)}"


def place_of(table: Table, row: Row[Any]) -> str:
    """The same of a row that was read."""
    return place(table, (row._mapping[column.name] for column in table.primary_key))
