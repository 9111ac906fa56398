"""Zaken in SQL: what an organisation is asked to answer, or is told."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from consent.store.tables import person
from contracts.identity import Oin
from hub.delivery.states import State
from hub.store.tables import case, delivery


def open_case(connection: Connection, values: dict[str, Any]) -> None:
    """A new zaak (values of ``case_file``)."""
    connection.execute(insert(case).values(values))


def find(connection: Connection, case_id: str, organisation: Oin) -> Row[Any] | None:
    """A zaak that this organisation is asked, with the root of its person."""
    return connection.execute(
        select(case, person.c.root)
        .join(person, person.c.person_id == case.c.person_id)
        .where(case.c.case_id == case_id, case.c.organisation == organisation)
    ).one_or_none()


def asked_of(
    connection: Connection, organisation: Oin, *, kind: str | None, is_open: bool | None, after: str, limit: int
) -> list[Row[Any]]:
    """The zaken of an organisation, oldest first, after a cursor."""
    query = (
        select(case, person.c.root)
        .join(person, person.c.person_id == case.c.person_id)
        .where(case.c.organisation == organisation, case.c.case_id > after)
        .order_by(case.c.case_id)
        .limit(limit)
    )
    if kind is not None:
        query = query.where(case.c.kind == kind)
    if is_open is not None:
        query = query.where(case.c.closed_at.is_(None) if is_open else case.c.closed_at.is_not(None))
    return list(connection.execute(query))


def close(connection: Connection, case_id: str, answer: str, explanation: bytes | None, at: datetime) -> bool:
    """Answer a zaak once; False when it was answered before."""
    changed = connection.execute(
        update(case)
        .where(case.c.case_id == case_id, case.c.closed_at.is_(None))
        .values(closed_at=at, answer=answer, explanation_sealed=explanation)
    )
    return changed.rowcount == 1


def told_of(connection: Connection, cause: str) -> list[tuple[Oin, Oin]]:
    """(verstrekker, receiver) of every notice that was made for one cause."""
    rows = connection.execute(select(case).where(case.c.cause == cause, case.c.kind == "grondslag.vervallen"))
    return [(Oin(row.verstrekker), Oin(row.organisation)) for row in rows]


def stopped_by(connection: Connection, root: str, at: datetime, code: str) -> list[tuple[Oin, Oin]]:
    """(sender, receiver) of every delivery of a person that was stopped at this instant for this reason."""
    rows = connection.execute(
        select(delivery.c.organisation, delivery.c.recipient).where(
            delivery.c.line == root,
            delivery.c.state == State.STOPPED.value,
            delivery.c.ended_at == at,
            delivery.c.reason == code,
        )
    )
    return [(Oin(row.organisation), Oin(row.recipient)) for row in rows]
