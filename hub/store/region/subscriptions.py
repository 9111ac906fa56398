"""Subscriptions (push instead of pull) in SQL. A change takes the rules lock exclusively: no release may rest on an
old one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from contracts.identity import Oin
from hub.delivery.states import State, Step, after
from hub.store.tables import delivery, subscription


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where one organisation wants its messages. ``kinds``: short names, ``None`` is every kind."""

    organisation: Oin
    system: str
    url: str
    kinds: frozenset[str] | None
    secret_sealed: bytes
    made_at: datetime

    def covers(self, kind: str) -> bool:
        """True when a message of this kind is pushed; otherwise it waits in the mailbox."""
        return self.kinds is None or kind in self.kinds


def aad(organisation: Oin, url: str) -> bytes:
    """The place of a sealed webhook secret: it opens in no row of another organisation, nor for another address.

    So nothing leaves to an address that was written by hand, not even while nobody looks.
    """
    return f"abonnement|{organisation}|{url}".encode()


def find(connection: Connection, organisation: Oin) -> Subscription | None:
    """The subscription of one organisation."""
    row = connection.execute(select(subscription).where(subscription.c.organisation == organisation)).one_or_none()
    return None if row is None else _read(row)


def every(connection: Connection) -> list[Subscription]:
    """All subscriptions: at most one per organisation of the region."""
    return [_read(row) for row in connection.execute(select(subscription).order_by(subscription.c.organisation))]


def put(connection: Connection, new: Subscription) -> bool:
    """Store a subscription instead of an earlier one; True when there was none. What it no longer covers is let go."""
    ended = connection.execute(delete(subscription).where(subscription.c.organisation == new.organisation)).rowcount
    connection.execute(insert(subscription).values(values_of(new)))
    let_go(connection, new.organisation, new.made_at)
    return ended == 0


def values_of(one: Subscription) -> dict[str, Any]:
    """Its row."""
    return {
        "organisation": one.organisation,
        "system": one.system,
        "url": one.url,
        "kinds": None if one.kinds is None else sorted(one.kinds),
        "secret_sealed": one.secret_sealed,
        "made_at": one.made_at,
    }


def end(connection: Connection, organisation: Oin, now: datetime, url: str | None = None) -> bool:
    """End a subscription; what waits goes to the mailbox. With ``url`` only if it still is that one's. True if it was
    there."""
    match = [subscription.c.organisation == organisation]
    if url is not None:
        match.append(subscription.c.url == url)
    if connection.execute(delete(subscription).where(and_(*match))).rowcount == 0:
        return False
    let_go(connection, organisation, now)
    return True


def let_go(connection: Connection, organisation: Oin, now: datetime) -> int:
    """Take back every lease on an organisation's outbox and make all of it due: the next release chooses the channel
    anew.

    Something that is on its way out at this moment may still arrive; its sender then finds its lease gone and notes
    nothing.
    """
    waiting = delivery.c.state == State.WAITING.value
    state = after(State.RELEASED, Step.FAIL).value
    on_its_way = and_(delivery.c.state == State.RELEASED.value, delivery.c.channel == "push")
    return connection.execute(
        update(delivery)
        .where(delivery.c.recipient == organisation, or_(waiting, on_its_way))
        .values(state=state, channel=None, lease_token=None, lease_until=None, next_at=now)
    ).rowcount


def _read(row: Row[Any]) -> Subscription:
    return Subscription(
        Oin(row.organisation),
        row.system,
        row.url,
        None if row.kinds is None else frozenset(row.kinds),
        row.secret_sealed,
        row.made_at,
    )
