"""The outbox in SQL: which deliveries are due, who holds them, and what became of an attempt.

A delivery is held by a *lease*: a token and an instant. Nothing changes a delivery without holding it, so a process
that wakes up after its lease expired changes nothing. The relay holds what it rang for under the token ``RUNG``; any
worker may take such a one over, and no worker can take what another worker holds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, TextClause, Update, and_, bindparam, or_, select, text, update

from contracts.identity import Oin
from hub.delivery.states import IN_LINE, State, Step, after
from hub.store.tables import attempt, delivery, message
from hub.store.traffic.lapses import empty_ones

#: The lease token of what the relay rang for.
RUNG: Final = "gebeld"
#: In ``attempt.outcome``: the attempt after which the delivery was buried. A replay begins a new history.
BURIED: Final = "begraven"

#: Why a delivery waits whose release failed in the hub; and one whose address was not put there by its subscriber.
NOT_RELEASED: Final = "vrijgave-mislukt"
ALTERED: Final = "adres-niet-van-abonnee"

#: In ``attempt.outcome``: it was released, but nothing of it left.
UNSENT: Final = "niet-verzonden"

_EARLIER = delivery.alias("earlier")


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that may be attempted now: the head of its line, or one that may overtake."""

    delivery_id: str
    line: str


@dataclass(frozen=True, slots=True)
class Heads:
    """Which deliveries of one recipient to look for: at most ``limit``, of these kinds (``None``: every kind)."""

    recipient: Oin
    kinds: frozenset[str] | None
    limit: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Under which token, and until when, deliveries are held."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """What a lease holder must know to record an outcome. ``attempts``: (number, at, outcome) of all its attempts."""

    delivery_id: str
    recipient: Oin
    message_id: str
    person: str | None  # None: about no person
    attempts: tuple[tuple[int, datetime, str | None], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What an attempt does to its delivery: the step, the outcome of the attempt, and when it is due again."""

    delivery_id: str
    number: int
    step: Step  # ACKNOWLEDGE, FAIL or BURY
    outcome: str
    next_at: datetime
    reason: str | None = None


def heads(connection: Connection, wanted: Heads, now: datetime, *, rung: bool) -> list[Due]:
    """Deliveries of one recipient that may be attempted now, oldest first. ``rung``: also what the relay holds.

    On PostgreSQL inside a writing transaction the rows are locked, and those that another claims at this moment are
    skipped.
    """
    rows = connection.execute(_heads(wanted, now, rung=rung))
    return [Due(row.delivery_id, row.line) for row in rows]


def claim(connection: Connection, wanted: Heads, now: datetime, lease: Lease) -> list[Due]:
    """Take the due heads of one recipient under ``lease``. A worker also takes over what the relay rang for."""
    statement = _heads(wanted, now, rung=lease.token != RUNG).with_for_update(skip_locked=True, of=delivery)
    found = [Due(row.delivery_id, row.line) for row in connection.execute(statement)]
    if found:
        connection.execute(
            update(delivery)
            .where(delivery.c.delivery_id.in_([due.delivery_id for due in found]))
            .values(lease_token=lease.token, lease_until=lease.until)
        )
    return found


def unring(connection: Connection, ids: Collection[str], now: datetime) -> None:
    """Let go of what the relay held for a ring that the broker did not take."""
    if ids:
        connection.execute(
            update(delivery)
            .where(delivery.c.delivery_id.in_(ids), delivery.c.lease_token == RUNG)
            .values(lease_until=now)
        )


def _heads(wanted: Heads, now: datetime, *, rung: bool) -> Select[Any]:
    free: ColumnElement[bool] = delivery.c.lease_until <= now
    if rung:
        free = or_(free, delivery.c.lease_token == RUNG)
    waiting = and_(
        delivery.c.state == State.WAITING.value,
        delivery.c.channel.is_distinct_from("postvak"),  # a release for push may leave it to the mailbox
        delivery.c.next_at <= now,
        or_(delivery.c.lease_token.is_(None), free),
    )
    stranded = and_(delivery.c.state == State.RELEASED.value, delivery.c.channel == "push", free)
    held_up = (
        select(1)
        .where(
            _EARLIER.c.line == delivery.c.line,
            _EARLIER.c.recipient == delivery.c.recipient,
            _EARLIER.c.seq < delivery.c.seq,
            _unfinished("earlier"),
            _EARLIER.c.state.in_([state.value for state in sorted(IN_LINE)]),
            ~_EARLIER.c.overtakes,
        )
        .exists()
    )
    statement = (
        select(delivery.c.delivery_id, delivery.c.line)
        .where(
            delivery.c.recipient == wanted.recipient,
            _unfinished("delivery"),
            or_(waiting, stranded),
            or_(delivery.c.overtakes, ~held_up),
        )
        .order_by(delivery.c.seq)
        .limit(wanted.limit)
    )
    return statement if wanted.kinds is None else statement.where(delivery.c.kind.in_(sorted(wanted.kinds)))


def _unfinished(name: str) -> TextClause:
    # Word for word the condition of the partial indexes, without parameters: SQLite uses them for nothing less.
    return text(f"{name}.state IN ('wachtend', 'vrijgegeven', 'afgeleverd')")


def held(connection: Connection, ids: Collection[str], token: str, now: datetime) -> dict[str, Held]:
    """Those of ``ids`` that were released and that ``token`` still holds at ``now``, locked until the transaction
    ends."""
    if not ids:
        return {}
    rows = connection.execute(
        select(delivery.c.delivery_id, delivery.c.recipient, delivery.c.message_id, message.c.person_id)
        .join(message, message.c.message_id == delivery.c.message_id)
        .where(delivery.c.delivery_id.in_(ids), delivery.c.state == State.RELEASED.value, *_ours(token, now))
        .with_for_update(of=delivery)
    ).all()
    past: dict[str, list[tuple[int, datetime, str | None]]] = {row.delivery_id: [] for row in rows}
    for row in connection.execute(
        select(attempt).where(attempt.c.delivery_id.in_(list(past))).order_by(attempt.c.delivery_id, attempt.c.number)
    ):
        past[row.delivery_id].append((row.number, row.at, row.outcome))
    return {
        row.delivery_id: Held(
            row.delivery_id,
            Oin(row.recipient),
            row.message_id,
            row.person_id,
            tuple(past[row.delivery_id]),
        )
        for row in rows
    }


_CHANGE = (
    update(delivery)
    .where(delivery.c.delivery_id == bindparam("id"))
    .values(
        state=bindparam("to"),
        channel=bindparam("via"),
        attempts=bindparam("count"),
        next_at=bindparam("due"),
        ended_at=bindparam("ended"),
        acknowledged_at=bindparam("acknowledged"),
        reason=bindparam("why"),
        lease_token=None,
        lease_until=None,
    )
)
_OUTCOME = (
    update(attempt)
    .where(attempt.c.delivery_id == bindparam("id"), attempt.c.number == bindparam("count"))
    .values(outcome=bindparam("became"))
)


def record(connection: Connection, changes: Sequence[Change], now: datetime) -> None:
    """Write what became of attempts, and end their leases. The caller saw in this transaction, with ``held``, that
    they are ours."""
    if not changes:
        return
    rows = [_row(change, now) for change in changes]
    connection.execute(_CHANGE, [{k: v for k, v in row.items() if k != "became"} for row in rows])
    connection.execute(_OUTCOME, [{k: row[k] for k in ("id", "count", "became")} for row in rows])


def _row(change: Change, now: datetime) -> dict[str, Any]:
    state = after(State.RELEASED, change.step)
    return {
        "id": change.delivery_id,
        "to": state.value,
        "via": None if state is State.WAITING else "push",
        "count": change.number,
        "due": change.next_at,
        "ended": None if state is State.WAITING else now,
        "acknowledged": now if state is State.CONFIRMED else None,
        "why": change.reason,
        "became": change.outcome,
    }


def note_unsent(connection: Connection, attempts: Collection[tuple[str, int]]) -> None:
    """Of these attempts (delivery, number) nothing left: they were released anew under a later number."""
    if attempts:
        connection.execute(_OUTCOME, [{"id": key, "count": number, "became": UNSENT} for key, number in attempts])


def give_back(connection: Connection, ids: Collection[str], token: str, now: datetime) -> None:
    """Let go of deliveries that were claimed but not released: others may have them at once."""
    if ids:
        connection.execute(_unreleased(ids, token, now).values(lease_token=None, lease_until=None))


def postpone(connection: Connection, ids: Collection[str], rest: Lease, now: datetime, reason: str) -> None:
    """Let go of deliveries whose release failed in the hub itself; the lease under which they are held is their rest:
    they are left alone until its end."""
    if ids:
        values = {"lease_token": None, "lease_until": None, "next_at": rest.until, "reason": reason}
        connection.execute(_unreleased(ids, rest.token, now).values(values))


def _unreleased(ids: Collection[str], token: str, now: datetime) -> Update:
    return update(delivery).where(
        delivery.c.delivery_id.in_(ids), delivery.c.state == State.WAITING.value, *_ours(token, now)
    )


def hasten(connection: Connection, recipient: Oin, reasons: Collection[str], now: datetime) -> int:
    """Make due what waits because the recipient's endpoint failed, now that it answers again."""
    return connection.execute(
        update(delivery)
        .where(
            delivery.c.recipient == recipient,
            delivery.c.state == State.WAITING.value,
            delivery.c.next_at > now,
            delivery.c.reason.in_(reasons),
        )
        .values(next_at=now)
    ).rowcount


_HELD: Final = [State.WAITING.value, State.RELEASED.value]


def end_leases(connection: Connection, now: datetime) -> int:
    """End every lease: for a process that holds the data folder for itself, so that whoever held one is dead."""
    return connection.execute(
        update(delivery).where(delivery.c.state.in_(_HELD), delivery.c.lease_until > now).values(lease_until=now)
    ).rowcount


def replay(connection: Connection, ids: Collection[str], now: datetime) -> list[str]:
    """Let buried and unprocessable deliveries wait again, ahead of their line; the ids that did. The gate decides anew.

    Not one that the mailbox gave out: nothing at an acknowledged sequence is given again, nor under a second one. Nor
    one whose content is gone, which is asked once it is locked: it may have been emptied a moment ago.
    """
    found = connection.execute(
        select(delivery.c.delivery_id, delivery.c.message_id, delivery.c.state)
        .where(
            delivery.c.delivery_id.in_(ids),
            delivery.c.state.in_([State.BURIED.value, State.UNPROCESSABLE.value]),
            delivery.c.sequence.is_(None),
        )
        .with_for_update()
    ).all()
    gone = empty_ones(connection, {row.message_id for row in found})
    rows = [row for row in found if row.message_id not in gone]
    for row in rows:
        connection.execute(
            update(delivery)
            .where(delivery.c.delivery_id == row.delivery_id)
            .values(
                state=after(State(row.state), Step.REPLAY).value,
                overtakes=True,
                channel=None,
                lease_token=None,
                lease_until=None,
                next_at=now,
                ended_at=None,
                reason=None,
            )
        )
    return [row.delivery_id for row in rows]


def _ours(token: str, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return delivery.c.lease_token == token, delivery.c.lease_until > now
