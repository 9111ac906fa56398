"""Push: frees a worker's leased deliveries and makes of each what goes out by webhook (step 9 for the push channel)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from contracts.identity import Oin
from hub.delivery.release import MAILBOX, PUSH, Freed, Held, Releaser
from hub.delivery.states import State
from hub.keys.sealing import SealBroken, unseal
from hub.ports import Clock
from hub.store.locks import Locks
from hub.store.region import subscriptions
from hub.store.traffic import deliveries
from hub.store.writer import Transaction, Writer

#: Why nothing leaves to an address that was written into the table by hand.
ALTERED: Final = "altered"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One attempt that may leave now. ``released_at``: monotonic seconds, read just before the commit."""

    delivery_id: str
    attempt: int
    event: Mapping[str, Any]
    recipient: Oin
    url: str
    secret: bytes
    released_at: float


@dataclass(frozen=True, slots=True)
class NotReleased:
    """``stopped``: not any more; ``not-ours``: the lease is gone; ``mailbox``: it waits to be fetched.

    ``again``: try again; ``altered``: the subscription's address is not the one that its secret was given for.
    """

    delivery_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Leased:
    ids: tuple[str, ...]
    token: str
    locks: Locks


@dataclass(frozen=True, slots=True)
class _Released:
    answers: list[Freed | NotReleased]
    at: float  # monotonic seconds, just before the commit


@dataclass(frozen=True, slots=True)
class Preparer:
    """Releases what a worker leased. ``look`` opens a read-only connection; ``secret_key`` unseals webhook secrets."""

    releaser: Releaser
    writer: Writer
    look: Callable[[], AbstractContextManager[Connection]]
    clock: Clock
    secret_key: bytes

    def release(self, delivery_ids: Sequence[str], lease_token: str) -> list[Outgoing | NotReleased]:
        """Decide again on each delivery and note the release; durable when this returns. The answers are in order."""
        with self.look() as connection:
            seen = deliveries.seen(connection, delivery_ids)
            locks = self.releaser.locks(connection, seen.values())
        leased = _Leased(tuple(delivery_ids), lease_token, locks)
        found = self.writer.do(self.free_leased, leased, locks)
        return [self._outgoing(f, found.at) if isinstance(f, Freed) else f for f in found.answers]

    def free_leased(self, tx: Transaction, items: Sequence[_Leased]) -> list[_Released]:
        """Free what each item still holds the lease of."""
        rows = deliveries.by_id(tx.connection, [i for item in items for i in item.ids])
        answers: list[dict[str, Freed | NotReleased]] = []
        mine: list[Row[Any]] = []
        for item in items:
            found: dict[str, Freed | NotReleased] = {}
            for delivery_id in item.ids:
                why = _not_ours(rows.get(delivery_id), item.token, tx.now)
                if why is None and self._secret(rows[delivery_id]) is None:
                    why = ALTERED  # before anything is noted as released: nothing will leave
                if why is not None:
                    found[delivery_id] = NotReleased(delivery_id, why)
                else:
                    mine.append(rows[delivery_id])
            answers.append(found)
        held = Locks()
        for item in items:
            held |= item.locks
        # A crash after this commit: released, perhaps not sent. The lease expires and it is decided and sent anew.
        freed = {f.row.delivery_id: f for f in self.releaser.free(tx, mine, PUSH, held)}
        # Read before the commit: a process that is held up right behind it must not take its releases for fresh.
        at = self.clock.monotonic()
        return [
            _Released([found[i] if i in found else _told(freed[i]) for i in item.ids], at)
            for item, found in zip(items, answers, strict=True)
        ]

    def _outgoing(self, freed: Freed, committed: float) -> Outgoing:
        row = freed.row
        secret = self._secret(row)
        if secret is None:
            raise SealBroken("it opened in the transaction that released this")
        recipient = Oin(row.recipient)
        return Outgoing(row.delivery_id, row.attempts + 1, freed.event(), recipient, row.url, secret, committed)

    def _secret(self, row: Row[Any]) -> bytes | None:
        """The secret of this address; ``None``: it was given for another."""
        try:
            return unseal(self.secret_key, row.secret_sealed, subscriptions.aad(Oin(row.recipient), row.url))
        except SealBroken:
            return None


def _told(outcome: Freed | Held) -> Freed | NotReleased:
    if isinstance(outcome, Freed):
        return outcome
    why = {"opnieuw": "again", MAILBOX: "mailbox"}.get(outcome.reason, "stopped")
    return NotReleased(outcome.row.delivery_id, why)


def _not_ours(row: Row[Any] | None, token: str, now: datetime) -> str | None:
    """Why this worker may not release it; None when it may."""
    if row is None or row.state not in (State.WAITING, State.RELEASED):
        return "not-ours"
    if row.lease_token != token or row.lease_until is None or row.lease_until <= now:
        return "not-ours"
    if row.url is None or (row.push_kinds is not None and row.kind not in row.push_kinds):
        return "mailbox"
    return None
