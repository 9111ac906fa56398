"""What every comparison of the log with a table works with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Select, Table, select

from contracts import instants

_PAGE: Final = 1_000
#: Tells what is wrong: where, and what.
Wrong = Callable[[str, str], None]


@dataclass(slots=True)
class Named:
    """Tells, and remembers where: what one comparison named, another need not name again."""

    wrong: Wrong
    places: set[str] = field(default_factory=set)

    def __call__(self, where: str, what: str) -> None:
        self.places.add(where)
        self.wrong(where, what)


def pages(
    connection: Connection, of: Table | Select[Any], key: Column[Any], size: int = _PAGE
) -> Iterator[Sequence[Row[Any]]]:
    """All rows, in the order of a unique column of text, ``size`` at a time."""
    query = (of if isinstance(of, Select) else select(of)).order_by(key).limit(size)
    last = ""
    while rows := connection.execute(query.where(key > last)).all():
        yield rows
        last = getattr(rows[-1], key.name)


def stream(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """All rows of a query, of which never more than some are in memory."""
    yield from connection.execute(query, execution_options={"yield_per": _PAGE})


def plain(value: Any) -> Any:
    """A value of a column as the log writes it."""
    return instants.write(value) if isinstance(value, datetime) else value


def place(table: Table, key: Iterable[str]) -> str:
    """Where a finding is, by the primary key of its row."""
    return f"{table.name} {'/'.join(key)}"


def place_of(table: Table, row: Row[Any]) -> str:
    """The same of a row that was read."""
    return place(table, (row._mapping[column.name] for column in table.primary_key))
