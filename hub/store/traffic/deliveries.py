"""Deliveries with their messages: read for release, changed by it."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consent.store.any_of import any_of
from consent.store.tables import person, release_basis
from hub.delivery.states import State
from hub.store.database import is_sqlite
from hub.store.tables import attempt, delivery, message, subscription

_CHANGED = ("state", "attempts", "channel", "released_at", "revealed", "ended_at", "reason")
_CHANGE = (
    update(delivery)
    .where(delivery.c.delivery_id == bindparam("key"))
    .values({name: bindparam(f"new_{name}", type_=delivery.c[name].type) for name in _CHANGED})
)


def rows() -> Select[Any]:
    """Deliveries with what their release needs of the message, the person's root and the subscription's systeem."""
    return (
        select(
            delivery,
            message.c.person_id,
            message.c.system,
            message.c.event_id,
            message.c.purpose,
            message.c.body,
            message.c.trajectory_id,
            message.c.accepted_at,
            message.c.bsn_index,
            person.c.root,
            subscription.c.system.label("push_system"),
            subscription.c.url,
            subscription.c.secret_sealed,
            subscription.c.kinds.label("push_kinds"),
        )
        .join(message, message.c.message_id == delivery.c.message_id)
        .outerjoin(person, person.c.person_id == message.c.person_id)
        .outerjoin(subscription, subscription.c.organisation == delivery.c.recipient)
    )


_SEEN: Final = rows().where(any_of(delivery.c.delivery_id, "ids"))
_LOCKED: Final = _SEEN.with_for_update(of=delivery)


def seen(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """These deliveries, by id, as they are now: to look, never to decide on."""
    return {row.delivery_id: row for row in connection.execute(_SEEN, {"ids": ids})}


def by_id(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """These deliveries, locked against other processes until commit, by id."""
    # SQLite knows no such lock and leaves the clause out: its transaction holds the whole database.
    return {row.delivery_id: row for row in connection.execute(_LOCKED, {"ids": ids})}


def change(connection: Connection, changes: Collection[dict[str, Any]]) -> None:
    """Write new states: ``key`` and every column of ``_CHANGED``."""
    if changes:
        values = [{"key": c["key"]} | {f"new_{name}": c[name] for name in _CHANGED} for c in changes]
        connection.execute(_CHANGE, values)


def note_attempts(connection: Connection, attempts: Collection[dict[str, Any]]) -> None:
    """One row per attempt; its outcome is written when it is known."""
    if attempts:
        connection.execute(insert(attempt), list(attempts))


def note_basis(connection: Connection, basis: Collection[dict[str, Any]]) -> None:
    """On which statements a release rested, once each."""
    if basis:
        into = (sqlite if is_sqlite(connection) else postgresql).insert(release_basis)
        connection.execute(into.on_conflict_do_nothing(), list(basis))


_WAITING: Final = (
    rows()
    .where(delivery.c.line == bindparam("root"), delivery.c.state == State.WAITING.value, ~delivery.c.notice)
    .order_by(delivery.c.seq)
)


def waiting_of(connection: Connection, root: str) -> list[Row[Any]]:
    """Everything about this person that waits, notices apart, in the order of acceptance."""
    return list(connection.execute(_WAITING, {"root": root}))


_RELEASED: Final = (
    select(
        delivery.c.delivery_id,
        delivery.c.message_id,
        delivery.c.organisation,
        delivery.c.recipient,
        delivery.c.state,
        delivery.c.released_at,
        delivery.c.revealed,
        message.c.system,
        message.c.event_id,
        message.c.purpose,
        message.c.kind,
        message.c.person_id,
        message.c.trajectory_id,
        message.c.accepted_at,
    )
    .join(message, message.c.message_id == delivery.c.message_id)
    .order_by(delivery.c.released_at, delivery.c.seq)
)
_UNDER: Final = _RELEASED.where(
    delivery.c.delivery_id.in_(
        select(release_basis.c.delivery_id).where(any_of(release_basis.c.statement_id, "statements"))
    )
)


_BASES: Final = select(release_basis).where(any_of(release_basis.c.delivery_id, "ids"))


def released_under(connection: Connection, statements: Collection[str]) -> list[Row[Any]]:
    """Every delivery that was released on one of these statements, in the order of release."""
    if not statements:
        return []
    return list(connection.execute(_UNDER, {"statements": statements}))


def bases_of(connection: Connection, delivery_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Per release, the statements on which it rested."""
    found: dict[str, set[str]] = {delivery_id: set() for delivery_id in delivery_ids}
    for row in connection.execute(_BASES, {"ids": list(found)}):
        found[row.delivery_id].add(row.statement_id)
    return {delivery_id: frozenset(on) for delivery_id, on in found.items()}


def released_about(connection: Connection, root: str, senders: Collection[str] | None = None) -> list[Row[Any]]:
    """Every delivery about a person that was released, notices apart; of ``senders``, where named. In that order."""
    query = _RELEASED.where(delivery.c.line == root, delivery.c.released_at.is_not(None), ~delivery.c.notice)
    if senders is not None:
        query = query.where(delivery.c.organisation.in_(list(senders)))
    return list(connection.execute(query))


def of_message(connection: Connection, message_id: str, *, lock: bool = False) -> list[Row[Any]]:
    """The deliveries of a message as release reads them, by recipient. ``lock``: locked until commit."""
    query = rows().where(delivery.c.message_id == message_id).order_by(delivery.c.recipient)
    return list(connection.execute(query.with_for_update(of=delivery) if lock else query))


def that_moved(
    connection: Connection, statements: Collection[str], roots: Collection[str]
) -> tuple[set[str], set[str]]:
    """Those of these statements on which something was released, and those of these persons for whom something waits.

    Two statements, however many there are: of all the others nothing follows when a statement falls.
    """
    used = select(release_basis.c.statement_id).where(any_of(release_basis.c.statement_id, "ids")).distinct()
    waiting = (
        select(delivery.c.line)
        .where(any_of(delivery.c.line, "roots"), delivery.c.state == State.WAITING.value, ~delivery.c.notice)
        .distinct()
    )
    return (
        set(connection.scalars(used, {"ids": list(statements)})),
        set(connection.scalars(waiting, {"roots": list(roots)})),
    )
