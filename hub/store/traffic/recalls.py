"""Recalled messages in SQL: which receivers were recalled, and what became of each delivery."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from consent.endings import earlier
from consent.store.tables import involvement, person
from contracts.identity import Oin, PersonId
from hub.store.persons.people import Known
from hub.store.tables import delivery, message, recall


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A recall (values of ``recall``)."""
    connection.execute(insert(recall).values(values))


def of_message(connection: Connection, message_id: str) -> list[Row[Any]]:
    """The recalls of a message, oldest first."""
    query = select(recall).where(recall.c.message_id == message_id).order_by(recall.c.at, recall.c.recall_id)
    return list(connection.execute(query))


def whom(connection: Connection, message_id: str, organisation: Oin) -> Known | None:
    """Whom a message is about that this organisation sent itself; nobody, once the person was erased."""
    row = connection.execute(
        select(person.c.person_id, person.c.root)
        .join(message, message.c.person_id == person.c.person_id)
        .where(
            message.c.message_id == message_id,
            message.c.organisation == organisation,
            message.c.case_id.is_(None),
            person.c.erased_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else Known(PersonId(row.person_id), row.root)


def whose(connection: Connection, message_id: str) -> str | None:
    """The root of whom a message is about, also when that person was erased since."""
    query = select(person.c.root).join(message, message.c.person_id == person.c.person_id)
    return connection.scalar(query.where(message.c.message_id == message_id))


def end_involvements(
    connection: Connection, delivery_ids: Collection[str], root: str, at: datetime
) -> list[tuple[Oin, str]]:
    """End what these opening deliveries began, unless another one to it went; (receiver, traject) of each.

    Also what a closing message ended since: its recall must not give that back.
    """
    ended: list[tuple[Oin, str]] = []
    opened = select(involvement).where(involvement.c.opened_by.in_(list(delivery_ids)))
    for row in connection.execute(opened).all():
        planned = row.valid_until if row.closed_by is None else row.planned_until
        if planned is not None and planned <= at:
            continue
        other = select(delivery.c.delivery_id).where(
            delivery.c.line == root,
            delivery.c.recipient == row.organisation,
            delivery.c.opens,
            delivery.c.released_at.is_not(None),
            delivery.c.delivery_id.not_in(list(delivery_ids)),
        )
        if connection.execute(other.limit(1)).first() is None:
            mine = involvement.c.involvement_id == row.involvement_id
            values = {"valid_until": earlier(row.valid_until, at)}
            if row.closed_by is not None:
                values["planned_until"] = at
            connection.execute(update(involvement).where(mine).values(values))
            ended.append((Oin(row.organisation), row.trajectory_id))
    return ended
