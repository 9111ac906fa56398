"""Persons whose rows hold a code that no list knows, as only a hand can write it: found by row, and never a crash.

The gate refuses to decide on such a row. The replay names it, and goes on with everybody else.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select

from consent.facts import Choice, ObjectionOutcome, Speaker
from consent.store import tables as facts
from consent.store.reading import PersonRecord, read_persons
from contracts.identity import Category, LegalBasis, LegalFramework, Purpose, SecrecySubject
from hub.ledger.replay.against.rows import UNREADABLE, Wrong, every, place_of

#: By table and column: the list that its codes are from.
_CODES: Final[dict[Table, dict[str, Callable[[str], Any]]]] = {
    facts.involvement: {"framework": LegalFramework},
    facts.statement: {
        "basis": LegalBasis,
        "choice": Choice,
        "purposes": Purpose,
        "categories": Category,
        "given_by": Speaker,
    },
    facts.stop_flow: {"purpose": Purpose},
    facts.secrecy_release: {"subjects": SecrecySubject},
    facts.restriction: {"purpose": Purpose},
    facts.objection: {"purpose": Purpose, "outcome": ObjectionOutcome},
}


def read(connection: Connection, roots: Collection[str], wrong: Wrong) -> dict[str, PersonRecord]:
    """The facts of these roots, without those that cannot be read: they are told."""
    with suppress(*UNREADABLE):
        return read_persons(connection, roots)
    found: dict[str, PersonRecord] = {}
    for root in sorted(roots):
        try:
            found |= read_persons(connection, [root])
        except UNREADABLE:
            wrong(f"person {root}", "onleesbaar in de tabel: niet te vergelijken met het logboek")
            for place, column in _unknown(connection, root):
                wrong(place, f"onleesbaar in de tabel: {column} is geen bekende waarde")
    return found


def _unknown(connection: Connection, root: str) -> Iterator[tuple[str, str]]:
    """The rows about a person and those joined with it, each with a column that holds an unknown code."""
    joined = select(facts.person.c.person_id).where(facts.person.c.root == root)
    stops = select(facts.stop.c.stop_id).where(facts.stop.c.person_id.in_(joined))
    for table, columns in _CODES.items():
        about = table.c.stop_id.in_(stops) if table is facts.stop_flow else table.c.person_id.in_(joined)
        for row in every(connection, table, about):
            place = place_of(table, row)
            yield from ((place, column) for column, known in columns.items() if not _holds(row, column, known))


def _holds(row: Row[Any], column: str, known: Callable[[str], Any]) -> bool:
    """Whether it is empty, one of the codes, or some of them."""
    value = row._mapping[column]
    try:
        for code in value if isinstance(value, list) else [value] if value else []:
            known(code)
    except UNREADABLE:
        return False
    return True
