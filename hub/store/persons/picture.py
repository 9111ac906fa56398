"""What the tables hold about one person, for inzage: of one organisation, or of all. Reads only, in pages.

Each list is in the order of its own key, which is what comes after ``after``. Of an organisation only what it recorded,
sent or received itself; what lies between others is not in its lists, not as a gap and not as a number.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, and_, or_, select

from consent.store.tables import (
    involvement,
    objection,
    person,
    release_basis,
    restriction,
    secrecy_release,
    shield,
    statement,
    stop,
    stop_answer,
)
from contracts.identity import Oin, PersonId
from hub.store.tables import case as case_file
from hub.store.tables import (
    delivery,
    ground,
    local_number,
    message,
    organisation,
    person_bsn,
    person_ref,
    recall,
    trajectory,
)


@dataclass(frozen=True, slots=True)
class Whose:
    """The picture of one person (``root``) as one organisation has it; ``own`` ``None``: the whole."""

    root: str
    own: Oin | None


@dataclass(frozen=True, slots=True)
class Registration:
    """That an organisation knows the person: under which refs of its own, and what it registered."""

    organisation: Oin
    refs: tuple[str, ...]
    registered_at: datetime | None
    bsn: bool
    numbers: tuple[tuple[PersonId, bytes], ...]  # its own numbers, sealed


#: What each of these lists is of, and whose it is.
_RECORDER: Final = {
    statement: statement.c.recorder,
    stop: stop.c.recorder,
    restriction: restriction.c.recorder,
    objection: objection.c.recorder,
    shield: shield.c.recorder,
    secrecy_release: secrecy_release.c.holder,
}


def members(connection: Connection, root: str) -> list[PersonId]:
    """The handles of all who were joined under this root; nobody, once erased."""
    rows = connection.scalars(select(person.c.person_id).where(person.c.root == root, person.c.erased_at.is_(None)))
    return [PersonId(row) for row in rows]


def registrations(connection: Connection, whose: Whose) -> list[Registration]:
    """Who knows the person, in order of OIN: as many as there are organisations, so never in pages."""
    known: dict[str, list[Row[Any]]] = defaultdict(list)
    bsn = and_(person_bsn.c.organisation == person_ref.c.organisation, person_bsn.c.person_id == person.c.person_id)
    own = and_(local_number.c.organisation == person_ref.c.organisation, local_number.c.person_id == person.c.person_id)
    query = (
        select(person_ref, person_bsn.c.bsn_index, local_number.c.sealed)
        .join(person, person.c.person_id == person_ref.c.person_id)
        .outerjoin(person_bsn, bsn)
        .outerjoin(local_number, own)
        .where(person.c.root == whose.root, person.c.erased_at.is_(None))
        .order_by(person_ref.c.organisation, person_ref.c.ref)
    )
    for row in connection.execute(query if whose.own is None else query.where(person_ref.c.organisation == whose.own)):
        known[row.organisation].append(row)
    return [_registration(Oin(oin), rows) for oin, rows in known.items()]


def _registration(oin: Oin, rows: Sequence[Row[Any]]) -> Registration:
    at = [row.registered_at for row in rows if row.registered_at is not None]
    numbers = {PersonId(row.person_id): row.sealed for row in rows if row.sealed is not None}
    refs = tuple(dict.fromkeys(row.ref for row in rows))
    return Registration(oin, refs, min(at, default=None), any(r.bsn_index for r in rows), tuple(numbers.items()))


def involvements(connection: Connection, whose: Whose, after: str, limit: int) -> list[Row[Any]]:
    """Who takes or took part, each with its traject and the kind of message that opened it (null: it began itself)."""
    query = (
        select(involvement, trajectory.c.client, trajectory.c.opened_by.label("begun_by"), delivery.c.kind)
        .join(person, person.c.person_id == involvement.c.person_id)
        .outerjoin(trajectory, trajectory.c.trajectory_id == involvement.c.trajectory_id)
        .outerjoin(delivery, delivery.c.delivery_id == involvement.c.opened_by)
        .where(person.c.root == whose.root, person.c.erased_at.is_(None), involvement.c.involvement_id > after)
        .order_by(involvement.c.involvement_id)
        .limit(limit)
    )
    return list(
        connection.execute(query if whose.own is None else query.where(involvement.c.organisation == whose.own))
    )


def recorded(connection: Connection, table: Table, whose: Whose, after: str, limit: int) -> list[Row[Any]]:
    """Rows of a table of facts that one organisation recorded, or all of them."""
    (key,) = table.primary_key.columns
    query = (
        select(table, person.c.root)
        .join(person, person.c.person_id == table.c.person_id)
        .where(person.c.root == whose.root, person.c.erased_at.is_(None), key > after)
        .order_by(key)
        .limit(limit)
    )
    return list(connection.execute(query if whose.own is None else query.where(_RECORDER[table] == whose.own)))


def stop_answers(connection: Connection, ids: Collection[str]) -> dict[str, list[Row[Any]]]:
    """Per stopverzoek, what each verstrekker answered."""
    found: dict[str, list[Row[Any]]] = {stop_id: [] for stop_id in ids}
    for row in connection.execute(select(stop_answer).where(stop_answer.c.stop_id.in_(list(ids)))):
        found[row.stop_id].append(row)
    return found


def all_cases(connection: Connection, root: str, after: str, limit: int) -> list[Row[Any]]:
    """Every zaak about a person, whoever is asked."""
    query = (
        select(case_file, case_file.c.case_id.label("shown_id"))
        .join(person, person.c.person_id == case_file.c.person_id)
        .where(person.c.root == root, person.c.erased_at.is_(None), case_file.c.case_id > after)
    )
    return list(connection.execute(query.order_by(case_file.c.case_id).limit(limit)))


def recalls(connection: Connection, whose: Whose, after: str, limit: int) -> list[Row[Any]]:
    """Recalls of messages about the person."""
    query = (
        select(recall, message.c.kind)
        .join(message, message.c.message_id == recall.c.message_id)
        .join(person, person.c.person_id == message.c.person_id)
        .where(person.c.root == whose.root, person.c.erased_at.is_(None), recall.c.recall_id > after)
        .order_by(recall.c.recall_id)
        .limit(limit)
    )
    return list(connection.execute(query if whose.own is None else query.where(recall.c.organisation == whose.own)))


def traffic(connection: Connection, whose: Whose, after: int, limit: int) -> list[Row[Any]]:
    """Messages about the person, one row per recipient, in the order of acceptance.

    What an organisation receives begins for it with its release: before that it learns nothing, not even that it waits.
    """
    query = (
        select(
            delivery,
            message.c.person_id,
            message.c.system,
            message.c.event_id,
            message.c.purpose,
            message.c.accepted_at,
            message.c.body,
        )
        .join(message, message.c.message_id == delivery.c.message_id)
        .join(person, person.c.person_id == message.c.person_id)
        .where(person.c.root == whose.root, person.c.erased_at.is_(None), delivery.c.seq > after)
        .order_by(delivery.c.seq)
        .limit(limit)
    )
    if whose.own is not None:
        received = and_(delivery.c.recipient == whose.own, delivery.c.released_at.is_not(None))
        query = query.where(or_(delivery.c.organisation == whose.own, received))
    return list(connection.execute(query))


def states(connection: Connection, message_ids: Collection[str]) -> dict[str, Row[Any]]:
    """How far messages came that have one recipient each."""
    query = select(delivery).where(delivery.c.message_id.in_(list(message_ids)))
    return {row.message_id: row for row in connection.execute(query)}


def rested_on(connection: Connection, delivery_ids: Collection[str]) -> dict[str, list[str]]:
    """Per delivery, the statements and releases from secrecy on which any of its releases rested."""
    found: dict[str, list[str]] = defaultdict(list)
    query = select(release_basis).where(release_basis.c.delivery_id.in_(list(delivery_ids)))
    for row in connection.execute(query.order_by(release_basis.c.statement_id)):
        found[row.delivery_id].append(row.statement_id)
    return found


def grounds(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """Grondslagen by id, in force or not."""
    return {row.ground_id: row for row in connection.execute(select(ground).where(ground.c.ground_id.in_(list(ids))))}


def statements(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """Statements by id."""
    rows = connection.execute(select(statement).where(statement.c.statement_id.in_(list(ids))))
    return {row.statement_id: row for row in rows}


def secrecy_releases(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """Releases from secrecy by id."""
    rows = connection.execute(select(secrecy_release).where(secrecy_release.c.release_id.in_(list(ids))))
    return {row.release_id: row for row in rows}


def shielded(connection: Connection, whose: Whose) -> bool:
    """True while an afscherming stands, as far as this picture may know."""
    query = (
        select(shield.c.shield_id)
        .join(person, person.c.person_id == shield.c.person_id)
        .where(person.c.root == whose.root, shield.c.lifted_at.is_(None))
    )
    own = query if whose.own is None else query.where(shield.c.recorder == whose.own)
    return connection.execute(own.limit(1)).first() is not None


def names(connection: Connection, oins: Collection[str]) -> dict[str, Row[Any]]:
    """Organisations by OIN; one that this hub does not know is left out."""
    return {row.oin: row for row in connection.execute(select(organisation).where(organisation.c.oin.in_(list(oins))))}
