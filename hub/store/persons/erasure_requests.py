"""Requests for wissing in SQL: what an organisation recorded, who is asked, and what came of it."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from consent.store.tables import person
from contracts.identity import Oin, PersonId
from hub.store.persons.people import Known
from hub.store.tables import case as case_file
from hub.store.tables import erasure_request, person_ref

#: Kinds of zaak: a contactpunt is asked to carry out a wissing as a whole; a controller whether it erases its content.
AT_POINT: Final = "wissing-verzoek"
ASKED: Final = "wissing"


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A request (values of ``erasure_request``)."""
    connection.execute(insert(erasure_request).values(values))


def find(connection: Connection, request_id: str) -> Row[Any] | None:
    """A request, with the root of its person."""
    query = select(erasure_request, person.c.root).join(person, person.c.person_id == erasure_request.c.person_id)
    return connection.execute(query.where(erasure_request.c.request_id == request_id)).one_or_none()


def of_case(connection: Connection, case_id: str) -> Row[Any] | None:
    """The request for which a controller was asked, with the root of its person."""
    return connection.execute(
        select(erasure_request, person.c.root)
        .join(person, person.c.person_id == erasure_request.c.person_id)
        .join(case_file, case_file.c.cause == erasure_request.c.request_id)
        .where(case_file.c.case_id == case_id, case_file.c.kind == ASKED)
    ).one_or_none()


def whom(connection: Connection, organisation: Oin, ref: str, scope: str) -> Known | None:
    """Whom an own ref names, or named until this organisation's request of this scope erased it."""
    earlier = select(erasure_request.c.request_id).where(*_own(organisation, ref, scope)).exists()
    lives = and_(person_ref.c.erased_at.is_(None), person.c.erased_at.is_(None))
    row = connection.execute(
        select(person.c.person_id, person.c.root)
        .join(person_ref, person_ref.c.person_id == person.c.person_id)
        .where(person_ref.c.organisation == organisation, person_ref.c.ref == ref, or_(lives, earlier))
    ).one_or_none()
    return None if row is None else Known(PersonId(row.person_id), row.root)


def latest(connection: Connection, organisation: Oin, ref: str, scope: str) -> Row[Any] | None:
    """The latest request of this scope that an organisation recorded under a ref."""
    query = select(erasure_request).where(*_own(organisation, ref, scope))
    return connection.execute(query.order_by(erasure_request.c.at.desc(), erasure_request.c.request_id.desc())).first()


def _own(organisation: Oin, ref: str, scope: str) -> tuple[Any, ...]:
    one = erasure_request.c
    return one.organisation == organisation, one.ref == ref, one.scope == scope


def open_about(connection: Connection, root: str) -> list[Row[Any]]:
    """The requests about a person that are not closed, oldest first."""
    query = select(erasure_request).join(person, person.c.person_id == erasure_request.c.person_id)
    query = query.where(person.c.root == root, erasure_request.c.closed_at.is_(None))
    return list(connection.execute(query.order_by(erasure_request.c.at, erasure_request.c.request_id)))


def move(connection: Connection, request_id: str, status: str, **values: Any) -> None:
    """Another status; with ``point`` and ``closed_at`` where they change."""
    mine = erasure_request.c.request_id == request_id
    connection.execute(update(erasure_request).where(mine).values(status=status, **values))


def open_cases(connection: Connection, root: str, kinds: Collection[str]) -> list[Row[Any]]:
    """Open zaken of these kinds about a person."""
    query = (
        select(case_file)
        .join(person, person.c.person_id == case_file.c.person_id)
        .where(person.c.root == root, case_file.c.kind.in_(list(kinds)), case_file.c.closed_at.is_(None))
        .order_by(case_file.c.case_id)
    )
    return list(connection.execute(query))


def knowing(connection: Connection, persons: Collection[str]) -> list[tuple[PersonId, Oin]]:
    """(handle, organisation) of every ref that names somebody, in that order: who may hold content about a person."""
    refs = select(person_ref.c.person_id, person_ref.c.organisation).where(
        person_ref.c.person_id.in_(sorted(persons)), person_ref.c.erased_at.is_(None)
    )
    rows = connection.execute(refs.order_by(person_ref.c.person_id, person_ref.c.organisation))
    return [(PersonId(row.person_id), Oin(row.organisation)) for row in rows]
