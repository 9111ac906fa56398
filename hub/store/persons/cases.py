"""Zaken in SQL: what an organisation is asked to answer, or is told; and what was asked in the name of one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, case, insert, or_, select, update

from consent.store.tables import person
from contracts.identity import Oin
from hub.delivery.states import State
from hub.store.tables import case as case_file
from hub.store.tables import delivery

#: Notices: the hub asks their receivers in the name of a verstrekker, who sees what is still open.
NOTICES: Final = ("grondslag.vervallen", "rectificatie.kennisgeving", "verwijdering.gevraagd")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which zaken to list: of a kind, open or closed, about the person of a root (``None``: all); after an id."""

    kind: str | None
    is_open: bool | None
    after: str
    limit: int
    root: str | None = None


def open_cases(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """New zaken (values of ``case_file``; what is left out is null)."""
    values = [{column.name: row.get(column.name) for column in case_file.c} for row in rows]
    if values:
        connection.execute(insert(case_file), values)


def find(connection: Connection, case_id: str, organisation: Oin) -> Row[Any] | None:
    """A zaak that this organisation is asked, with the root of its person; of one who was erased only a notice.

    So answering one of an erased person takes the path of a zaak that never was (promise 7). A notice goes out also
    then, and is answered (AVG art. 19): its receiver learns nothing by that.
    """
    there = or_(person.c.erased_at.is_(None), case_file.c.kind.in_(NOTICES))
    return connection.execute(
        select(case_file, person.c.root)
        .join(person, person.c.person_id == case_file.c.person_id)
        .where(case_file.c.case_id == case_id, case_file.c.organisation == organisation, there)
    ).one_or_none()


def read(connection: Connection, case_id: str) -> Row[Any]:
    """A zaak as it stands, with the root of its person: also when its answer erased that person."""
    joined = select(case_file, person.c.root).join(person, person.c.person_id == case_file.c.person_id)
    return connection.execute(joined.where(case_file.c.case_id == case_id)).one()


def seen_by(connection: Connection, organisation: Oin, wanted: Wanted) -> list[Row[Any]]:
    """The zaken that an organisation is asked, and the notices that went out in its name, oldest first.

    ``shown_id``: the id under which this organisation sees it. The two ends of a notice see different ids, so that
    what each of them shows to others cannot be joined by it.
    """
    asked = case_file.c.organisation == organisation
    own = and_(case_file.c.verstrekker == organisation, case_file.c.sender_id.is_not(None))
    shown = case((asked, case_file.c.case_id), else_=case_file.c.sender_id)
    query = (
        select(case_file, person.c.root, shown.label("shown_id"))
        .join(person, person.c.person_id == case_file.c.person_id)
        .where(or_(asked, own), shown > wanted.after)
        .order_by(shown)
        .limit(wanted.limit)
    )
    if wanted.root is not None:
        query = query.where(person.c.root == wanted.root, person.c.erased_at.is_(None))
    if wanted.kind is not None:
        query = query.where(case_file.c.kind == wanted.kind)
    if wanted.is_open is not None:
        closed = case_file.c.closed_at
        query = query.where(closed.is_(None) if wanted.is_open else closed.is_not(None))
    return list(connection.execute(query))


def caused_by(connection: Connection, causes: Collection[str]) -> list[Row[Any]]:
    """The zaken that came of these causes, in the order of whom they ask."""
    query = select(case_file).where(case_file.c.cause.in_(list(causes)))
    return list(connection.execute(query.order_by(case_file.c.organisation, case_file.c.case_id)))


def close(connection: Connection, case_id: str, answer: str | None, explanation: bytes | None, at: datetime) -> bool:
    """Close a zaak once, with its answer where it has one; False when it was closed before."""
    changed = connection.execute(
        update(case_file)
        .where(case_file.c.case_id == case_id, case_file.c.closed_at.is_(None))
        .values(closed_at=at, answer=answer, explanation_sealed=explanation)
    )
    return changed.rowcount == 1


def told_of(connection: Connection, cause: str, at: datetime) -> list[Row[Any]]:
    """The zaak of every notice that was made for one cause at this instant."""
    mine = (case_file.c.cause == cause, case_file.c.kind.in_(NOTICES), case_file.c.opened_at == at)
    return list(connection.execute(select(case_file).where(*mine)))


def stopped_by(connection: Connection, root: str, at: datetime, code: str) -> list[tuple[Oin, Oin]]:
    """(sender, receiver) of every delivery of a person that was stopped at this instant for this reason.

    Also of one that was erased since.
    """
    rows = connection.execute(
        select(delivery.c.organisation, delivery.c.recipient).where(
            delivery.c.line == root,
            delivery.c.state.in_([State.STOPPED.value, State.ERASED.value]),
            delivery.c.ended_at == at,
            delivery.c.reason == code,
        )
    )
    return [(Oin(row.organisation), Oin(row.recipient)) for row in rows]
