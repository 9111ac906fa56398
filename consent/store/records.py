"""Writing statements, stops and releases from secrecy, in the caller's transaction. Never commits.

The caller holds the person's lock: shared for what only adds a possibility, exclusive for what takes one away.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    delete,
    insert,
    select,
    type_coerce,
    update,
)

from consent.facts import ALWAYS, Choice, ConsentFlow, Statement, StatementStatus
from consent.gate.person import awaits_person
from consent.store.any_of import any_of
from consent.store.reading import to_statement
from consent.store.tables import involvement, person, secrecy_release, statement, statement_part, stop, stop_flow
from contracts.identity import Oin


def add_statement(connection: Connection, values: dict[str, Any], confirmed: Iterable[Oin]) -> None:
    """A new statement (values of ``statement``); ``confirmed``: verstrekkers whose part is in force at once."""
    connection.execute(insert(statement).values(values))
    for sender in confirmed:
        confirm(connection, values["statement_id"], sender, values["recorded_at"])


def confirm(connection: Connection, statement_id: str, sender: Oin, at: datetime) -> bool:
    """Put a verstrekker's part in force; False when it was already."""
    part = (statement_part.c.statement_id == statement_id) & (statement_part.c.sender == sender)
    if connection.execute(select(statement_part.c.sender).where(part)).first() is not None:
        return False
    connection.execute(insert(statement_part).values(statement_id=statement_id, sender=sender, confirmed_at=at))
    return True


def confirm_own(connection: Connection, statement_id: str, at: datetime, grown: datetime) -> bool:
    """The person, 16 since ``grown``, confirmed what was said before; False when that was noted already."""
    changed = connection.execute(
        update(statement)
        .where(statement.c.statement_id == statement_id, statement.c.own_at.is_(None) | (statement.c.own_at < grown))
        .values(own_at=at)
    )
    return changed.rowcount == 1


def answer(connection: Connection, statement_id: str, values: dict[str, Any]) -> bool:
    """Note the answer to a request (values of ``statement``); False when there was nothing to answer any more."""
    changed = connection.execute(
        update(statement)
        .where(
            statement.c.statement_id == statement_id,
            statement.c.requested,
            statement.c.ended_at.is_(None),
            statement.c.invalid_at.is_(None),
        )
        .values(values | {"requested": False})
    )
    return changed.rowcount == 1


def unconfirm(connection: Connection, statement_id: str, sender: Oin) -> None:
    """Put a verstrekker's part out of force; it may be confirmed anew."""
    part = (statement_part.c.statement_id == statement_id) & (statement_part.c.sender == sender)
    connection.execute(delete(statement_part).where(part))


@dataclass(frozen=True, slots=True)
class End:
    """How a statement ends: by the person (``ingetrokken``) or by its recorder (``herroepen``), and why (sealed)."""

    status: StatementStatus
    by: Oin
    at: datetime
    reason: bytes | None


def end(connection: Connection, statement_id: str, how: End) -> bool:
    """End a statement; False when it had ended before (its first end stands)."""
    changed = connection.execute(
        update(statement)
        .where(statement.c.statement_id == statement_id, statement.c.ended_at.is_(None))
        .values(ended_at=how.at, ended_as=how.status.value, ended_by=how.by, reason_sealed=how.reason)
    )
    return changed.rowcount == 1


_INVALIDATE = (
    update(statement)
    .where(
        statement.c.statement_id == bindparam("key"), statement.c.ended_at.is_(None), statement.c.invalid_at.is_(None)
    )
    .values(
        invalid_at=bindparam("at", type_=statement.c.invalid_at.type),
        reason_sealed=bindparam("reason", type_=statement.c.reason_sealed.type),
    )
)


def invalidate(connection: Connection, found: Collection[tuple[str, datetime, bytes | None]]) -> None:
    """The authority or the notice of these (id, since when, why) proved wrong; what ended before stays as it is."""
    if found:
        connection.execute(_INVALIDATE, [{"key": key, "at": at, "reason": reason} for key, at, reason in found])


_FIND: Final = (
    select(statement, person.c.root)
    .join(person, person.c.person_id == statement.c.person_id)
    .where(statement.c.statement_id == bindparam("id"), person.c.erased_at.is_(None))
)


def find_statement(connection: Connection, statement_id: str) -> Row[Any] | None:
    """The row of a statement, with the root of its person; None too when that person was erased."""
    return connection.execute(_FIND, {"id": statement_id}).one_or_none()


def was_involved(connection: Connection, organisation: Oin, root: str, now: datetime) -> bool:
    """True when the organisation is or was involved with this person; what is still to begin does not count."""
    query = (
        select(involvement.c.person_id)
        .join(person, person.c.person_id == involvement.c.person_id)
        .where(involvement.c.organisation == organisation, person.c.root == root, _begun(now))
    )
    return connection.execute(query.limit(1)).first() is not None


@dataclass(frozen=True, slots=True)
class Seer:
    """An organisation that looks, at an instant."""

    organisation: Oin
    now: datetime


@dataclass(frozen=True, slots=True)
class Overseer:
    """Who may see all that was said, at an instant: the hub's own operator, and whoever has the whole picture."""

    now: datetime


def statements_seen_by(connection: Connection, seer: Seer, root: str | None, after: str, limit: int) -> list[Row[Any]]:
    """Statements that an organisation may see, newest id last: those it recorded or that name it as verstrekker, about
    persons with whom it is or was involved."""
    query = _seen_by(seer).where(statement.c.statement_id > after)
    if root is not None:
        query = query.where(person.c.root == root)
    return list(connection.execute(query.order_by(statement.c.statement_id).limit(limit)))


def statements_about(connection: Connection, seer: Seer | Overseer, roots: Collection[str]) -> list[Row[Any]]:
    """All statements about these persons that whoever looks may see."""
    return list(connection.execute(_seen_by(seer).where(person.c.root.in_(list(roots)))))


def statement_seen_by(connection: Connection, seer: Seer, statement_id: str) -> Row[Any] | None:
    """One statement, if the organisation may see it."""
    return connection.execute(_seen_by(seer).where(statement.c.statement_id == statement_id)).one_or_none()


def which_seen_by(connection: Connection, seer: Seer, ids: Collection[str]) -> frozenset[str]:
    """Those of these statements that the organisation may see."""
    seen = _seen_by(seer).where(any_of(statement.c.statement_id, "ids"))
    return frozenset(row.statement_id for row in connection.execute(seen, {"ids": list(ids)}))


def grown_at(connection: Connection, seer: Seer | Overseer, roots: Collection[str]) -> dict[str, datetime]:
    """When these persons are 16, by the statements that whoever looks may see; absent: none of these says so.

    Of a statement that another organisation keeps to itself nothing may show, not even this.
    """
    said = (statement.c.sixteen_at.is_not(None), statement.c.ended_as.is_distinct_from(StatementStatus.REVOKED.value))
    found: dict[str, datetime] = {}
    for row in connection.execute(_seen_by(seer).where(person.c.root.in_(list(roots)), *said)):
        found[row.root] = max(found.get(row.root, ALWAYS), row.sixteen_at)
    return found


def naming_notice(connection: Connection, organisation: Oin, notice_id: str, version: str) -> list[Row[Any]]:
    """What this organisation recorded on one version of a notice, oldest first, each with the root of its person."""
    # As text, to look through it in the database; an id within an id is sorted out below.
    written = type_coerce(statement.c.notice, Text)
    found = connection.execute(
        select(statement, person.c.root)
        .join(person, person.c.person_id == statement.c.person_id)
        .where(
            statement.c.recorder == organisation,
            person.c.erased_at.is_(None),
            written.contains(f'"{notice_id}"', autoescape=True),
        )
        .order_by(statement.c.statement_id)
    )
    return [row for row in found if (row.notice["id"], row.notice["versie"]) == (notice_id, version)]


def _begun(now: datetime) -> ColumnElement[bool]:
    """An involvement that a release began did so already, whatever the clock that asks says."""
    return involvement.c.opened_by.is_not(None) | (involvement.c.valid_from <= now)


def _seen_by(seer: Seer | Overseer) -> Select[Any]:
    if isinstance(seer, Overseer):
        return (
            select(statement, person.c.root)
            .join(person, person.c.person_id == statement.c.person_id)
            .where(person.c.erased_at.is_(None))
        )
    organisation = seer.organisation
    involved = (
        select(person.c.root)
        .join(involvement, involvement.c.person_id == person.c.person_id)
        .where(involvement.c.organisation == organisation, _begun(seer.now))
    )
    return (
        select(statement, person.c.root)
        .join(person, person.c.person_id == statement.c.person_id)
        .where(
            person.c.erased_at.is_(None),
            person.c.root.in_(involved),
            (statement.c.recorder == organisation)
            # as text: a pattern written as JSON itself would match nothing
            | type_coerce(statement.c.senders, Text).like(f'%"{organisation}"%'),
        )
    )


def parts_of(connection: Connection, ids: Collection[str]) -> dict[str, dict[Oin, datetime]]:
    """Per statement, since when each verstrekker's part is in force."""
    found: dict[str, dict[Oin, datetime]] = {statement_id: {} for statement_id in ids}
    for row in connection.execute(select(statement_part).where(statement_part.c.statement_id.in_(list(ids)))):
        found[row.statement_id][Oin(row.sender)] = row.confirmed_at
    return found


def status(row: Row[Any], parts: dict[Oin, datetime], at: datetime, grown: datetime = ALWAYS) -> StatementStatus:
    """How a statement stands at ``at``. ``grown``: when the person is 16, as far as who asks may know."""
    if row.ended_at is not None:
        return StatementStatus(row.ended_as)
    if row.invalid_at is not None:
        return StatementStatus.INVALID
    if row.valid_until is not None and at >= row.valid_until:
        return StatementStatus.EXPIRED  # a request, too: nobody can say yes to it any more
    if row.requested:
        return StatementStatus.REQUESTED
    if row.choice == Choice.NO:
        return StatementStatus.REFUSED  # also at 16: what was refused stays so until the person says otherwise
    waits = awaits_person(to_statement(row, parts), grown, at)
    return StatementStatus.GIVEN if parts and not waits else StatementStatus.TO_CONFIRM


def as_fact(row: Row[Any], parts: dict[Oin, datetime]) -> Statement:
    """The statement as the gate sees it."""
    return to_statement(row, parts)


def add_stop(connection: Connection, values: dict[str, Any], flows: Collection[ConsentFlow]) -> None:
    """A stopverzoek (values of ``stop``) with the flows that it stops."""
    connection.execute(insert(stop).values(values | {"asked": sorted({flow.sender for flow in flows})}))
    if flows:
        connection.execute(insert(stop_flow), [{"stop_id": values["stop_id"]} | _ends(flow) for flow in sorted(flows)])


def answer_stop(connection: Connection, stop_id: str, flow: ConsentFlow, answer: str, at: datetime) -> None:
    """A verstrekker's officer confirms or lifts it for one flow."""
    ends = {"stop_id": stop_id} | _ends(flow)
    named = [stop_flow.c[name] == value for name, value in ends.items()]
    if connection.execute(update(stop_flow).where(*named).values(answer=answer, at=at)).rowcount == 0:
        # recorded by the previous release while it ran beside this one: for all flows of the verstrekker
        connection.execute(insert(stop_flow).values(ends | {"answer": answer, "at": at}))


def _ends(flow: ConsentFlow) -> dict[str, str]:
    return {"sender": flow.sender, "receiver": flow.receiver or "", "purpose": flow.purpose or ""}


def latest_stop(connection: Connection, recorder: Oin, root: str) -> str | None:
    """The id of the newest stop that this organisation recorded for a person."""
    query = (
        select(stop.c.stop_id)
        .join(person, person.c.person_id == stop.c.person_id)
        .where(stop.c.recorder == recorder, person.c.root == root)
        .order_by(stop.c.at.desc(), stop.c.stop_id.desc())
    )
    found: str | None = connection.scalar(query.limit(1))
    return found


class OwnStop(NamedTuple):
    """That an organisation wrote down itself that all must stop."""

    recorder: Oin
    at: datetime


def own_stops(connection: Connection, seer: Seer | Overseer, roots: Collection[str]) -> dict[str, OwnStop]:
    """By person, the newest stop that whoever looks wrote down itself; absent: it never did."""
    if isinstance(seer, Overseer):
        return {}
    query = (
        select(person.c.root, stop.c.at)
        .join(person, person.c.person_id == stop.c.person_id)
        .where(stop.c.recorder == seer.organisation, person.c.root.in_(list(roots)))
        .order_by(stop.c.at)
    )
    return {row.root: OwnStop(seer.organisation, row.at) for row in connection.execute(query)}


def add_secrecy_release(connection: Connection, values: dict[str, Any]) -> None:
    """A release from professional secrecy (values of ``secrecy_release``)."""
    connection.execute(insert(secrecy_release).values(values))


def find_secrecy_release(connection: Connection, release_id: str) -> Row[Any] | None:
    """A release from secrecy with the root of its person."""
    return connection.execute(
        select(secrecy_release, person.c.root)
        .join(person, person.c.person_id == secrecy_release.c.person_id)
        .where(secrecy_release.c.release_id == release_id, person.c.erased_at.is_(None))
    ).one_or_none()


def secrecy_releases_of(connection: Connection, holder: Oin, after: str, limit: int) -> list[Row[Any]]:
    """The releases that a woonzorg organisation recorded."""
    return list(
        connection.execute(
            select(secrecy_release, person.c.root)
            .join(person, person.c.person_id == secrecy_release.c.person_id)
            .where(
                secrecy_release.c.holder == holder,
                secrecy_release.c.release_id > after,
                person.c.erased_at.is_(None),
            )
            .order_by(secrecy_release.c.release_id)
            .limit(limit)
        )
    )


def end_secrecy_release(connection: Connection, release_id: str, at: datetime) -> bool:
    """Withdraw it; False when it had ended before."""
    changed = connection.execute(
        update(secrecy_release)
        .where(secrecy_release.c.release_id == release_id, secrecy_release.c.ended_at.is_(None))
        .values(ended_at=at)
    )
    return changed.rowcount == 1
