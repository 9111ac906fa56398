"""Messages, their identities and their deliveries in SQL."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from consent.facts import Involvement
from consent.store.any_of import any_of
from contracts.identity import LegalFramework, Oin
from hub.delivery.states import State
from hub.store.database import is_sqlite
from hub.store.tables import delivery, message, message_key, trajectory

#: (organisation, system, event id): what identifies a message for ever.
Identity = tuple[str, str, str]

_EARLIER = (
    select(message_key, message.c.person_id, message.c.receipt)
    .outerjoin(message, message.c.message_id == message_key.c.message_id)
    .where(
        any_of(message_key.c.organisation, "organisations"),
        any_of(message_key.c.system, "systems"),
        any_of(message_key.c.event_id, "event_ids"),
    )
)
_AWAITED = (
    select(delivery.c.line, delivery.c.recipient, trajectory)
    .join(message, message.c.message_id == delivery.c.message_id)
    .join(trajectory, trajectory.c.trajectory_id == message.c.trajectory_id)
    .where(
        any_of(delivery.c.line, "roots"),
        delivery.c.opens,
        delivery.c.state.in_([State.WAITING.value, State.RELEASED.value]),
    )
)


def earlier(connection: Connection, keys: Collection[Identity]) -> dict[Identity, Row[Any]]:
    """Messages accepted before under these identities, with the person and the sealed receipt (null once erased)."""
    wanted = set(keys)
    organisations, systems, event_ids = (sorted({key[place] for key in wanted}) for place in range(3))
    rows = connection.execute(_EARLIER, {"organisations": organisations, "systems": systems, "event_ids": event_ids})
    found = {(r.organisation, r.system, r.event_id): r for r in rows}
    return {key: row for key, row in found.items() if key in wanted}


def awaited(connection: Connection, roots: Collection[str]) -> list[tuple[str, Involvement]]:
    """Involvements that accepted opening messages will begin once they are released, per root."""
    return [
        (
            r.line,
            Involvement(
                Oin(r.recipient),
                r.trajectory_id,
                LegalFramework(r.framework),
                r.valid_from,
                r.valid_until,
                awaited=True,
            ),
        )
        for r in connection.execute(_AWAITED, {"roots": list(roots)})
    ]


class IdentityTaken(Exception):
    """Another process took the same source and id a moment ago."""


def store(connection: Connection, messages: list[dict[str, Any]], keys: list[dict[str, Any]]) -> None:
    """Insert messages and their identities. Raises ``IdentityTaken``: two processes raced.

    Not by the database's own error: its server would write the id, which a partner chose, in its log.
    """
    if messages:
        to = sqlite.insert if is_sqlite(connection) else postgresql.insert
        made = to(message_key).on_conflict_do_nothing().returning(message_key.c.message_id)
        if len(connection.execute(made, keys).all()) < len(keys):
            raise IdentityTaken
        connection.execute(insert(message), messages)


def queue(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Insert outbox rows: one delivery per message and recipient, in order of acceptance."""
    values = list(rows)
    if values:
        connection.execute(insert(delivery), values)


def own(connection: Connection, message_id: str, organisation: Oin) -> Row[Any] | None:
    """A message that this organisation sent itself; notices of the hub are not its own."""
    return connection.execute(
        select(message).where(
            message.c.message_id == message_id, message.c.organisation == organisation, message.c.case_id.is_(None)
        )
    ).one_or_none()


def states(connection: Connection, message_id: str) -> list[Row[Any]]:
    """The deliveries of a message, in the order of their recipients."""
    return list(
        connection.execute(select(delivery).where(delivery.c.message_id == message_id).order_by(delivery.c.recipient))
    )


def purposes(connection: Connection, persons: Collection[str], organisation: Oin | None) -> set[str]:
    """For which doelen messages about a person were sent, by one organisation or by anybody; notices too."""
    query = select(message.c.purpose).where(message.c.person_id.in_(sorted(persons))).distinct()
    if organisation is not None:
        query = query.where(message.c.organisation == organisation)
    return set(connection.scalars(query))
