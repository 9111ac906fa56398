"""Values that no reader can read, as only a hand can write them: told by table, column and row, and never a crash.

Before anything is compared each value of a column of JSON or of an instant is read by itself. Rows with one that cannot
be are passed over in the comparisons (``rows.pages``, ``rows.every``); what these stumble over all the same ends that
comparison, which is told, and no other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, Row, Table, Text, select, type_coerce

from consent.store.metadata import Instant, Json, metadata
from hub.ledger.replay.against.rows import UNREADABLE, Wrong, stream
from hub.store.tables import delivery, message

#: By what a row is named where that is not its primary key.
_NAMED: Final[dict[Table, tuple[Column[Any], ...]]] = {
    message: (message.c.message_id,),
    delivery: (delivery.c.delivery_id,),
}
#: Columns of JSON that hold an object; ``messages`` holds a list of them, all others a list of texts.
_OBJECTS: Final = frozenset({"jwks", "notice", "crossed", "evidence"})
#: What stumbling over a value of another shape comes down to.
_STUMBLES: Final = (*UNREADABLE, KeyError, AttributeError)


@dataclass(slots=True)
class Careful:
    """Tells findings, remembers where, and has comparisons made that may stumble."""

    connection: Connection
    wrong: Wrong
    places: set[str] = field(default_factory=set)
    told: bool = False  # that some value cannot be read

    def __call__(self, where: str, what: str) -> None:
        self.places.add(where)
        self.wrong(where, what)

    def read_all(self) -> None:
        """Tell what cannot be read as what its column is."""
        self.told = self._tell(_readable, "onleesbaar in de tabel: {} is geen geldige waarde")

    def attempt(self, name: str, compare: Callable[[], None]) -> None:
        """Make one comparison. A fault that no value of the tables explains is one of ours, and raises."""
        try:
            compare()
        except _STUMBLES:
            shapes = self._tell(_shapely, "onleesbaar in de tabel: {} heeft een andere vorm dan de hub schrijft")
            if not shapes and not self.told:
                raise
            self.wrong(name, "niet verder te vergelijken met het logboek: een rij is onleesbaar")

    def _tell(self, good: Callable[[Column[Any], Any], bool], what: str) -> bool:
        found = False
        for place, column in _bad(self.connection, good):
            found = True
            self.wrong(place, what.format(column))
        return found


def _bad(connection: Connection, good: Callable[[Column[Any], Any], bool]) -> Iterator[tuple[str, str]]:
    """Every value of such a column that is not good: where, and in which column."""
    for table in metadata.sorted_tables:
        columns = [c for c in table.columns if isinstance(c.type, (Instant, Json, Boolean))]
        keys = _NAMED.get(table, tuple(table.primary_key))
        if not columns:
            continue
        raw = [type_coerce(c, _raw(c)).label(f"raw_{c.name}") for c in columns]
        for row in stream(connection, select(*keys, *raw)):
            for column in columns:
                if not good(column, row._mapping[f"raw_{column.name}"]):
                    yield f"{table.name} {_key(row, len(keys))}", column.name


def _raw(column: Column[Any]) -> Any:
    if isinstance(column.type, Json):
        return Text()
    return BigInteger() if isinstance(column.type, Instant) else Integer()


def _key(row: Row[Any], count: int) -> str:
    return "/".join(str(part) for part in row[:count])


def _readable(column: Column[Any], raw: Any) -> bool:
    if isinstance(column.type, Boolean):
        return raw in (0, 1, None)
    try:
        _read(column, raw)
    except UNREADABLE:
        return False
    return True


def _read(column: Column[Any], raw: Any) -> Any:
    typed: Any = column.type
    return typed.process_result_value(raw, None)


def _shapely(column: Column[Any], raw: Any) -> bool:
    if not isinstance(column.type, Json) or raw is None or not _readable(column, raw):
        return True  # told before, or no shape to have
    value = _read(column, raw)
    if column.name in _OBJECTS:
        return isinstance(value, dict)
    inner = dict if column.name == "messages" else str
    return isinstance(value, list) and all(isinstance(one, inner) for one in value)
