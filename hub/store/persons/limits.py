"""What limits sharing, in SQL: beperkingen, bezwaren and afschermingen, in the caller's transaction. Never commits.

Facts are added and ended, never changed: what held at an instant can always be read back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select, update

from consent.store.tables import objection, person, release_basis, restriction, shield, statement
from contracts.identity import Category, Oin


def add_restriction(connection: Connection, values: dict[str, Any]) -> None:
    """A beperking (values of ``restriction``)."""
    connection.execute(insert(restriction).values(values))


def restrictions_by(connection: Connection, recorder: Oin, root: str) -> list[Row[Any]]:
    """The beperkingen that an organisation recorded for a person, oldest first."""
    return _recorded(connection, restriction, recorder, root)


def end_restriction(connection: Connection, restriction_id: str, at: datetime) -> None:
    """Lift it: from this instant it holds nothing back."""
    connection.execute(update(restriction).where(restriction.c.restriction_id == restriction_id).values(ended_at=at))


def add_objection(connection: Connection, values: dict[str, Any]) -> None:
    """A bezwaar that one verstrekker must weigh (values of ``objection``)."""
    connection.execute(insert(objection).values(values))


def objections_by(connection: Connection, recorder: Oin, root: str) -> list[Row[Any]]:
    """The bezwaren that an organisation recorded for a person, oldest first."""
    return _recorded(connection, objection, recorder, root)


def objections(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """Bezwaren by id."""
    rows = connection.execute(select(objection).where(objection.c.objection_id.in_(list(ids))))
    return {row.objection_id: row for row in rows}


def decide_objection(connection: Connection, objection_id: str, outcome: str, at: datetime) -> None:
    """Write how a bezwaar was decided."""
    values = {"outcome": outcome, "decided_at": at}
    connection.execute(update(objection).where(objection.c.objection_id == objection_id).values(values))


def add_shield(connection: Connection, values: dict[str, Any]) -> None:
    """An afscherming (values of ``shield``)."""
    connection.execute(insert(shield).values(values))


def shields_by(connection: Connection, recorder: Oin, root: str) -> list[Row[Any]]:
    """The afschermingen that an organisation recorded for a person, oldest first."""
    return _recorded(connection, shield, recorder, root)


def ask_to_lift(
    connection: Connection, shield_id: str, employee: str, receivers: Sequence[str] | None, at: datetime
) -> None:
    """Note that a first employee asks to lift it (for ``receivers`` only, where named)."""
    values = {"lift_asked_by": employee, "lift_asked_at": at, "lift_for": receivers}
    connection.execute(update(shield).where(shield.c.shield_id == shield_id).values(values))


def end_shield(connection: Connection, shield_id: str, employee: str | None, at: datetime) -> None:
    """End it; ``employee``: the second one (``None``: a narrower one takes its place)."""
    values = {"lifted_by": employee, "lifted_at": at}
    connection.execute(update(shield).where(shield.c.shield_id == shield_id).values(values))


def consented(connection: Connection, delivery_ids: Collection[str]) -> dict[str, frozenset[Category]]:
    """Per release, the categories that the statements on which it rested name; absent where it rested on none."""
    found: dict[str, frozenset[Category]] = {}
    query = (
        select(release_basis.c.delivery_id, statement.c.categories)
        .join(statement, statement.c.statement_id == release_basis.c.statement_id)
        .where(release_basis.c.delivery_id.in_(list(delivery_ids)))
    )
    for row in connection.execute(query):
        named = frozenset(map(Category, row.categories or ()))
        found[row.delivery_id] = found.get(row.delivery_id, frozenset()) | named
    return found


def _recorded(connection: Connection, table: Table, recorder: Oin, root: str) -> list[Row[Any]]:
    (key,) = table.primary_key.columns
    return list(
        connection.execute(
            select(table)
            .join(person, person.c.person_id == table.c.person_id)
            .where(table.c.recorder == recorder, person.c.root == root, person.c.erased_at.is_(None))
            .order_by(table.c.at, key)
        )
    )
