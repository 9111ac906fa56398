"""The picture in parts, filled one after another up to a page: no answer holds more rows than its limit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent.keys import KeyStore
from contracts.errors import Fault, RequestInvalid
from hub.rights.cases.answering import Cases
from hub.rights.limits.objections import Objections
from hub.store.persons.picture import Whose

#: Where a page ends: the part, and the key of the last row of it that was given ("": none yet).
Place = tuple[str, str]
Items = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at somebody: at one state of the tables (``connection``), with what opens what lies sealed."""

    connection: Connection
    whose: Whose
    at: datetime
    evidence_keys: Mapping[str, bytes]
    key_store: KeyStore
    cases: Cases
    objections: Objections
    content: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One part. ``read``: rows behind a key, at most so many; ``key``: that of a row; ``show``: rows as told."""

    name: str
    read: Callable[[Look, str, int], Sequence[Any]]
    key: Callable[[Any], str]
    show: Callable[[Look, Sequence[Any]], Items]


def fill(sections: Sequence[Section], look: Look, limit: int, after: Place | None) -> tuple[dict[str, Items], Place]:
    """One page from a place on, and where the next one begins (an empty name: nowhere).

    Raises ``RequestInvalid`` for a place that is none.
    """
    todo, start = _from(sections, after)
    found: dict[str, Items] = {}
    left = limit
    for section in todo:
        rows = section.read(look, start, left + 1)
        given, start = rows[:left], start if not rows[:left] else section.key(rows[:left][-1])
        if given:
            found[section.name] = section.show(look, given)
        if len(rows) > left:
            return found, (section.name, start)
        left, start = left - len(given), ""
    return found, ("", "")


def pages(sections: Sequence[Section], look: Look, limit: int) -> Iterator[dict[str, Items]]:
    """Every page in turn."""
    place: Place | None = None
    while place is None or place[0]:
        found, place = fill(sections, look, limit, place)
        yield found


def _from(sections: Sequence[Section], after: Place | None) -> tuple[Sequence[Section], str]:
    if after is None:
        return sections, ""
    name, key = after
    for number, section in enumerate(sections):
        if section.name == name:
            return sections[number:], key
    raise RequestInvalid(faults=[Fault("volgende", "GEEN_CURSOR", "dit is geen waarde van volgende")])
