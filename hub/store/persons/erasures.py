"""Erasure in SQL: what is taken out of the tables with a key, and the vernietigingen and requests themselves."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, insert, literal, or_, select, update

from consent.log.tables import ledger_payload
from consent.store.tables import involvement, person
from contracts.identity import Oin
from hub.delivery.states import TRANSITIONS, State, Step, after
from hub.keys.messages import NOTHING
from hub.store.tables import (
    delivery,
    erasure,
    local_number,
    message,
    message_key,
    person_bsn,
    person_ref,
    placement,
)

#: Why nothing of a delivery is left.
KEY_DESTROYED: Final = "sleutel-vernietigd"
_ERASABLE: Final = sorted(state.value for state, step in TRANSITIONS if step is Step.ERASE)
_ERASED: Final = after(State.WAITING, Step.ERASE).value
#: States in which a notice may still have to be opened, now or after a replay.
_READABLE: Final = [s.value for s in State if s not in (State.CONFIRMED, State.STOPPED, State.ERASED)]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken out: messages that became unreadable, involvements that ended; whether anything changed."""

    messages: int
    involvements: tuple[tuple[str, str], ...]  # (organisation, traject)
    changed: bool


def take_out(connection: Connection, persons: Collection[str], organisation: Oin | None, at: datetime) -> Taken:
    """Take the content of one organisation about a person (every handle of it) out of the tables, or everybody's.

    Whose content it was knows the person no longer: the ref names nobody, and the involvement ends. Without
    ``organisation`` the person is erased as a whole. What is there already stays: repeating it changes nothing.
    """
    who = sorted(persons)

    def whose(table: Table) -> ColumnElement[bool]:
        mine = table.c.person_id.in_(who)
        return mine if organisation is None else mine & (table.c.organisation == organisation)

    messages = _unreadable(connection, whose(message), at)
    over = _uninvolved(connection, whose(involvement), at)
    for table in (local_number, person_bsn):  # keyed indexes: whoever has the key could guess what they stand for
        connection.execute(delete(table).where(whose(table)))
    if organisation is None:
        connection.execute(delete(placement).where(placement.c.person_id.in_(who)))
        mark = update(person).where(person.c.person_id.in_(who), person.c.erased_at.is_(None))
    else:
        mark = update(person_ref).where(whose(person_ref), person_ref.c.erased_at.is_(None))
    marked = connection.execute(mark.values(erased_at=at))
    return Taken(messages, over, bool(messages or over or marked.rowcount))


def _unreadable(connection: Connection, whose: ColumnElement[bool], at: datetime) -> int:
    """Bodies, receipts and replies are overwritten too: what no key opens need not lie in the next copy either.

    Notices stay: they hold nothing of what was sent.
    """
    own = whose & message.c.case_id.is_(None)
    ids = select(message.c.message_id).where(own)
    mine = delivery.c.message_id.in_(ids)
    connection.execute(
        update(delivery)
        .where(mine, delivery.c.state.in_(_ERASABLE))
        .values(
            state=_ERASED,
            reason=func.coalesce(delivery.c.reason, KEY_DESTROYED),
            ended_at=func.coalesce(delivery.c.ended_at, literal(at, delivery.c.ended_at.type)),
            lease_token=None,
            lease_until=None,
        )
    )
    connection.execute(update(delivery).where(mine, delivery.c.reply_sealed.is_not(None)).values(reply_sealed=None))
    connection.execute(update(message_key).where(message_key.c.message_id.in_(ids)).values(digest=None))
    there = or_(func.length(message.c.body) > 0, func.length(message.c.receipt) > 0, message.c.bsn_index.is_not(None))
    gone = {"body": NOTHING, "receipt": NOTHING, "bsn_index": None}
    return connection.execute(update(message).where(own, there).values(gone)).rowcount


def _uninvolved(connection: Connection, whose: ColumnElement[bool], at: datetime) -> tuple[tuple[str, str], ...]:
    """Also what a closing message ended since: its recall must not give that back (``consent.endings.cut``)."""
    until, planned = involvement.c.valid_until, involvement.c.planned_until
    runs = whose & or_(until.is_(None), until > at)
    returns = whose & involvement.c.closed_by.is_not(None) & or_(planned.is_(None), planned > at)
    ending = select(involvement.c.organisation, involvement.c.trajectory_id).where(or_(runs, returns))
    over = tuple(sorted((row.organisation, row.trajectory_id) for row in connection.execute(ending.distinct())))
    connection.execute(update(involvement).where(runs).values(valid_until=at))
    connection.execute(update(involvement).where(returns).values(planned_until=at))
    return over


def unread_notices(connection: Connection, persons: Collection[str], organisation: Oin | None) -> list[Row[Any]]:
    """Notices in the name of a verstrekker (``None``: of any) that may still go out, as ``keys_of_body`` reads them."""
    query = (
        select(message.c.message_id, message.c.person_id, message.c.body, message.c.receipt)
        .add_columns(message.c.organisation, delivery.c.notice)
        .join(delivery, delivery.c.message_id == message.c.message_id)
        .where(message.c.person_id.in_(sorted(persons)), message.c.case_id.is_not(None))
        .where(delivery.c.notice, delivery.c.state.in_(_READABLE))
    )
    if organisation is not None:
        query = query.where(message.c.organisation == organisation)
    return list(connection.execute(query))


def reseal(connection: Connection, message_id: str, body: bytes, receipt: bytes) -> None:
    """Put a notice under another key."""
    values = {"body": body, "receipt": receipt}
    connection.execute(update(message).where(message.c.message_id == message_id).values(values))


def entries_under(connection: Connection, key_id: str) -> list[str]:
    """Ids of the entries in the log that are sealed under a key."""
    return list(connection.scalars(select(ledger_payload.c.entry_id).where(ledger_payload.c.key_id == key_id)))


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A vernietiging (values of ``erasure``)."""
    connection.execute(insert(erasure).values(values))


def find(connection: Connection, erasure_id: str) -> Row[Any] | None:
    """A vernietiging."""
    return connection.execute(select(erasure).where(erasure.c.erasure_id == erasure_id)).one_or_none()


def of(connection: Connection, ids: Collection[str]) -> list[Row[Any]]:
    """Those of these ids that there are, oldest first."""
    query = select(erasure).where(erasure.c.erasure_id.in_(list(ids)))
    return list(connection.execute(query.order_by(erasure.c.at, erasure.c.erasure_id)))


def unfinished(connection: Connection) -> list[Row[Any]]:
    """Those whose keys may still be there, oldest first, each with the root of its person."""
    query = (
        select(erasure, person.c.root)
        .outerjoin(person, person.c.person_id == erasure.c.person_id)
        .where(erasure.c.done_at.is_(None))
        .order_by(erasure.c.at, erasure.c.erasure_id)
    )
    return list(connection.execute(query))


def finish(connection: Connection, erasure_id: str, at: datetime) -> bool:
    """Write the done mark; False when it stands already."""
    mine = (erasure.c.erasure_id == erasure_id) & erasure.c.done_at.is_(None)
    return connection.execute(update(erasure).where(mine).values(done_at=at)).rowcount == 1
