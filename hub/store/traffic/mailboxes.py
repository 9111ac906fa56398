"""Mailboxes in SQL: dense sequences per organisation, what is to be handed out, what was acknowledged."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)

from contracts.identity import Oin
from hub.delivery.states import State, Step, after
from hub.store.region import subscriptions
from hub.store.tables import delivery, mailbox, message

#: Word for word the condition of the partial indexes, without parameters: SQLite uses them for nothing less.
_UNFINISHED = text("delivery.state IN ('wachtend', 'vrijgegeven', 'afgeleverd')")
_OPEN = [State.WAITING.value, State.RELEASED.value]
_GIVEN = [State.DELIVERED.value, State.STOPPED.value, State.ERASED.value]
_HANDED_OUT = after(State.RELEASED, Step.SEND).value
_NUMBER = (
    update(delivery)
    .where(delivery.c.delivery_id == bindparam("key"))
    .values(state=_HANDED_OUT, sequence=bindparam("number"), lease_token=None, lease_until=None)
)
_ACKNOWLEDGE = (
    update(delivery)
    .where(delivery.c.delivery_id == bindparam("key"))
    .values(
        state=bindparam("new_state"),
        acknowledged_at=bindparam("at", type_=delivery.c.acknowledged_at.type),
        reply_sealed=bindparam("reply"),
    )
)


def lock(connection: Connection, organisation: Oin) -> Row[Any]:
    """The organisation's counter, held until commit: the third and last lock of the order."""
    query = select(mailbox).where(mailbox.c.organisation == organisation).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        values = {"organisation": organisation, "last_sequence": 0, "acknowledged": 0}
        connection.execute(insert(mailbox).values(values))
        row = connection.execute(query).one()
    return row


def highest(connection: Connection, organisation: Oin) -> int:
    """The highest sequence that was given out."""
    found = connection.scalar(select(mailbox.c.last_sequence).where(mailbox.c.organisation == organisation))
    return 0 if found is None else int(found)


def page(connection: Connection, organisation: Oin, kinds: frozenset[str] | None, after: int, limit: int) -> list[str]:
    """Ids of what to hand out: first what was given and not acknowledged, by sequence, then what waits, as accepted.

    Only of ``kinds``, those of the machtiging of the systeem that asks (``None``: every kind); notices always.
    """
    acknowledged = select(mailbox.c.acknowledged).where(mailbox.c.organisation == organisation).scalar_subquery()
    given = (
        select(delivery.c.delivery_id)
        .where(
            delivery.c.recipient == organisation,
            delivery.c.sequence > after,
            delivery.c.sequence > func.coalesce(acknowledged, 0),
            delivery.c.acknowledged_at.is_(None),
            delivery.c.state.in_(_GIVEN),
        )
        .order_by(delivery.c.sequence)
        .limit(limit)
    )
    if kinds is not None:
        given = given.where(or_(delivery.c.notice, delivery.c.kind.in_(sorted(kinds))))
    ids = list(connection.scalars(given))
    if len(ids) < limit:
        waiting = _waiting(organisation, kinds, subscriptions.find(connection, organisation))
        ids += connection.scalars(waiting.limit(limit - len(ids)))
    return ids


def _waiting(organisation: Oin, kinds: frozenset[str] | None, pushed: subscriptions.Subscription | None) -> Select[Any]:
    """What waits for this mailbox, oldest first.

    Nothing that is pushed or of a kind that is not for the systeem that asks, and nothing that must come after it.
    """
    query = (
        select(delivery.c.delivery_id)
        .where(delivery.c.recipient == organisation, _UNFINISHED, delivery.c.state == State.WAITING.value)
        .order_by(delivery.c.seq)
    )
    if pushed is None and kinds is None:
        return query
    earlier = delivery.alias("earlier")
    before = exists().where(
        earlier.c.line == delivery.c.line,
        earlier.c.recipient == delivery.c.recipient,
        earlier.c.seq < delivery.c.seq,
        earlier.c.state.in_(_OPEN),
        _others(earlier, kinds, pushed),
    )
    return query.where(~_others(delivery, kinds, pushed), delivery.c.overtakes | ~before)


def _others(
    one: FromClause, kinds: frozenset[str] | None, pushed: subscriptions.Subscription | None
) -> ColumnElement[bool]:
    """True for what does not go out by this fetch."""
    found: list[ColumnElement[bool]] = []
    if kinds is not None:
        # A notice tells of messages that its receiver has: it is for whatever systeem fetches.
        found.append(and_(~one.c.notice, one.c.kind.not_in(sorted(kinds))))
    if pushed is not None:
        # What push left to the mailbox stays there, whatever the subscription says.
        covered = true() if pushed.kinds is None else one.c.kind.in_(sorted(pushed.kinds))
        found.append(and_(covered, one.c.channel.is_distinct_from("postvak")))
    return or_(false(), *found)


def number(connection: Connection, organisation: Oin, numbers: Sequence[tuple[str, int]], last: int) -> None:
    """Mark deliveries as handed out under their sequences, and remember the highest one given."""
    if numbers:
        connection.execute(_NUMBER, [{"key": delivery_id, "number": n} for delivery_id, n in numbers])
        connection.execute(update(mailbox).where(mailbox.c.organisation == organisation).values(last_sequence=last))


def unacknowledged(
    connection: Connection, organisation: Oin, *, sequences: Collection[int] | None, through: int
) -> list[Row[Any]]:
    """What was given up to ``through`` (of ``sequences``, where named) and is not acknowledged yet."""
    query = (
        select(
            delivery.c.delivery_id,
            delivery.c.sequence,
            delivery.c.state,
            delivery.c.kind,
            delivery.c.notice,
            delivery.c.line,
            delivery.c.message_id,
            delivery.c.organisation,
            message.c.person_id,
        )
        .join(message, message.c.message_id == delivery.c.message_id)
        .where(
            delivery.c.recipient == organisation,
            delivery.c.sequence <= through,
            delivery.c.acknowledged_at.is_(None),
            delivery.c.state.in_(_GIVEN),
        )
        .order_by(delivery.c.sequence)
    )
    if sequences is not None:
        query = query.where(delivery.c.sequence.in_(list(sequences)))
    return list(connection.execute(query))


def acknowledge(connection: Connection, changes: Collection[tuple[str, State, bytes | None]], at: datetime) -> None:
    """Write acknowledgements: (delivery, its state from now on, the sealed reply)."""
    if changes:
        rows = [{"key": key, "new_state": state.value, "reply": reply, "at": at} for key, state, reply in changes]
        connection.execute(_ACKNOWLEDGE, rows)


def acknowledged_through(connection: Connection, organisation: Oin, through: int) -> None:
    """Nothing at or below ``through`` is given again."""
    connection.execute(
        update(mailbox)
        .where(mailbox.c.organisation == organisation, mailbox.c.acknowledged < through)
        .values(acknowledged=through)
    )
