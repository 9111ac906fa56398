"""Content past its term in SQL: which messages still hold some, and emptying them. Their deliveries stay."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, case, func, select, update

from consent.store.tables import person
from hub.delivery.states import State, Step, after
from hub.keys.messages import NOTHING
from hub.store.tables import delivery, message, message_key, person_ref

#: Why a delivery that never arrived ended: its message was kept no longer.
LAPSED: Final = "bewaartermijn"
#: States in which nothing ends it by itself: such content is undeliverable once it is 90 days old.
OPEN: Final = frozenset({State.WAITING, State.RELEASED, State.DELIVERED, State.BURIED})
_OPEN: Final = sorted(state.value for state in OPEN)
_HOLDS: Final = func.length(message.c.body) + func.length(message.c.receipt) > 0
_ENDED: Final = func.coalesce(delivery.c.ended_at, delivery.c.acknowledged_at, delivery.c.released_at)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that still holds content. ``root``: of its person, ``None``: about nobody.

    ``ends``: when each of its deliveries ended, by recipient; ``None``: it has not.
    """

    seq: int
    message_id: str
    person_id: str | None
    root: str | None
    organisation: str
    kind: str
    purpose: str
    accepted_at: datetime
    ends: Mapping[str, datetime | None]

    @property
    def lock(self) -> str:
        """Under which name its line is locked."""
        return self.message_id if self.root is None else self.root


def page(connection: Connection, accepted_before: datetime, after_seq: int, limit: int) -> list[Kept]:
    """Messages that hold content and were accepted before an instant, in the order of acceptance: to look."""
    query = _messages().where(message.c.accepted_at <= accepted_before, message.c.seq > after_seq)
    return _with_ends(connection, connection.execute(query.order_by(message.c.seq).limit(limit)).all())


def locked(connection: Connection, ids: Collection[str]) -> list[Kept]:
    """Those of these messages that hold content still, their deliveries locked until commit."""
    mine = delivery.c.message_id.in_(list(ids))
    connection.execute(select(delivery.c.seq).where(mine).order_by(delivery.c.seq).with_for_update()).all()
    rows = connection.execute(_messages().where(message.c.message_id.in_(list(ids))).order_by(message.c.seq)).all()
    return _with_ends(connection, rows)


def _messages() -> Select[Any]:
    return (
        select(
            *(message.c.seq, message.c.message_id, message.c.person_id, person.c.root, message.c.organisation),
            *(message.c.kind, message.c.purpose, message.c.accepted_at),
        )
        .outerjoin(person, person.c.person_id == message.c.person_id)
        .where(message.c.lapsed_at.is_(None), _HOLDS)
    )


def _with_ends(connection: Connection, rows: Collection[Row[Any]]) -> list[Kept]:
    ids = [row.message_id for row in rows]
    ends: dict[str, dict[str, datetime | None]] = {one: {} for one in ids}
    query = select(delivery.c.message_id, delivery.c.recipient, delivery.c.state, _ENDED.label("ended"))
    for row in connection.execute(query.where(delivery.c.message_id.in_(ids))):
        ends[row.message_id][row.recipient] = None if State(row.state) in OPEN else row.ended
    return [Kept(**row._mapping, ends=ends[row.message_id]) for row in rows]


def empty(connection: Connection, ids: Collection[str], at: datetime, entry_id: str) -> None:
    """Take the content out: body, receipt, replies, the digest by which a repeat is known. What was open ends."""
    chosen = list(ids)
    mine = delivery.c.message_id.in_(chosen)
    erased = after(State.BURIED, Step.ERASE).value
    ended = {"state": erased, "reason": LAPSED, "ended_at": at, "lease_token": None, "lease_until": None}
    connection.execute(update(delivery).where(mine, delivery.c.state.in_(_OPEN)).values(ended))
    connection.execute(update(delivery).where(mine, delivery.c.reply_sealed.is_not(None)).values(reply_sealed=None))
    connection.execute(update(message_key).where(message_key.c.message_id.in_(chosen)).values(digest=None))
    gone = {"body": NOTHING, "receipt": NOTHING, "bsn_index": None, "lapsed_at": at, "lapse_entry": entry_id}
    connection.execute(update(message).where(message.c.message_id.in_(chosen)).values(gone))


def empty_ones(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of these messages whose content is gone, however it went."""
    query = select(message.c.message_id).where(message.c.message_id.in_(list(ids)), func.length(message.c.body) == 0)
    return set(connection.scalars(query))


def in_period(connection: Connection, organisation: str, since: datetime, until: datetime) -> list[Row[Any]]:
    """The organisation's own messages that were emptied in [since, until), in that order; notices apart."""
    query = select(
        *(message.c.message_id, message.c.kind, message.c.purpose, message.c.lapsed_at, message.c.lapse_entry),
        func.coalesce(
            select(func.max(case((delivery.c.reason == LAPSED, 1), else_=0)))
            .where(delivery.c.message_id == message.c.message_id)
            .scalar_subquery(),
            0,
        ).label("undelivered"),
    ).where(
        *(message.c.organisation == organisation, message.c.case_id.is_(None)),
        *(message.c.lapsed_at >= since, message.c.lapsed_at < until),
    )
    return list(connection.execute(query.order_by(message.c.lapsed_at, message.c.seq)))


def ends_of(connection: Connection, message_id: str) -> list[datetime | None]:
    """When each delivery of a message ended; ``None`` for one that has not."""
    query = select(delivery.c.state, _ENDED.label("ended")).where(delivery.c.message_id == message_id)
    return [None if State(row.state) in OPEN else row.ended for row in connection.execute(query)]


def erased_at(connection: Connection, message_id: str) -> datetime | None:
    """When the content of a message was erased with its sender's key; ``None``: it was not."""
    own = (person_ref.c.person_id == message.c.person_id) & (person_ref.c.organisation == message.c.organisation)
    query = (
        select(func.coalesce(person_ref.c.erased_at, person.c.erased_at))
        .select_from(message)
        .join(person, person.c.person_id == message.c.person_id)
        .outerjoin(person_ref, own)
        .where(message.c.message_id == message_id, message.c.case_id.is_(None))
    )
    found: datetime | None = connection.scalars(query).first()
    return found


def root_of(connection: Connection, person_id: str) -> str:
    """The root of the person for whom a message was accepted."""
    return str(connection.scalars(select(person.c.root).where(person.c.person_id == person_id)).one())


def span(connection: Connection, organisation: str) -> tuple[datetime | None, datetime | None]:
    """When the first and the last of the organisation's messages were emptied."""
    mine = select(func.min(message.c.lapsed_at), func.max(message.c.lapsed_at))
    first, last = connection.execute(mine.where(message.c.organisation == organisation)).one()
    return first, last
