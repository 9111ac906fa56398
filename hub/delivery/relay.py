"""Finds what is due, holds it for a moment, and rings the doorbell. The first half of step 8.

It is woken by a nudge after a commit, and by a timer: whatever a crash or a lost ring left behind is found again
here, by the ordinary path.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from sqlalchemy import Engine

from contracts.identity import Oin
from hub.delivery.doorbell import Doorbell, DoorbellBroken
from hub.ports import Clock
from hub.store.database import reading
from hub.store.region import subscriptions
from hub.store.traffic import outbox
from hub.store.traffic.outbox import Heads, Lease
from hub.store.writer import Transaction, Writer

#: Seconds between two looks at everything, nudged or not.
INTERVAL: Final = 1.0
#: How long a ring may stay unanswered before it is rung again.
RING_LEASE: Final = timedelta(seconds=30)
#: Deliveries named in one ring.
RING_SIZE: Final = 50
#: A look that took longer than COSTLY seconds and found nothing is not repeated within REST times as long: a long
#: blocked line must not eat the machine.
_COSTLY: Final = 0.05
_REST: Final = 20.0
#: Seconds that a recipient is not rung for whose ring the broker did not take.
_REFUSED: Final = 5.0


class Observer(Protocol):
    """Who counts. Called from many threads; must not raise, and must not wait."""

    def sent(self, outcome: str, seconds: float) -> None:
        """An attempt ended: ``bevestigd``, ``vervallen-abonnement``, ``te-laat``, or the reason of a failure."""

    def buried(self, reason: str) -> None:
        """A delivery was given up after this reason: alarm."""

    def trouble(self, part: str, error: str) -> None:
        """A part of the hub (``relay``, ``deurbel``, ``bezorging``) met an error of this class; it goes on."""


@dataclass(frozen=True, slots=True)
class Silent:
    """An observer that does not look."""

    def sent(self, outcome: str, seconds: float) -> None:
        """Nothing."""

    def buried(self, reason: str) -> None:
        """Nothing."""

    def trouble(self, part: str, error: str) -> None:
        """Nothing."""


def hold(tx: Transaction, items: Sequence[Heads]) -> list[list[str]]:
    """Verb: hold the due heads of each recipient for the time of a ring; their delivery ids."""
    lease = Lease(outbox.RUNG, tx.now + RING_LEASE)
    # A crash after this commit and before the ring costs one RING_LEASE of waiting.
    return [[due.delivery_id for due in outbox.claim(tx.connection, item, tx.now, lease)] for item in items]


def let_go(tx: Transaction, items: Sequence[Sequence[str]]) -> list[None]:
    """Verb: end the hold on deliveries whose ring was not taken."""
    outbox.unring(tx.connection, [delivery_id for item in items for delivery_id in item], tx.now)
    return [None for _ in items]


class Relay:
    """One thread that rings for whatever is due. ``nudge`` may be called from any thread, after a commit."""

    def __init__(self, engine: Engine, writer: Writer, doorbell: Doorbell, clock: Clock, observer: Observer) -> None:
        self._engine = engine
        self._writer = writer
        self._doorbell = doorbell
        self._clock = clock
        self._observer = observer
        self._wake = threading.Condition()
        self._nudged: set[Oin] = set()
        self._stopping = False
        self._rest: dict[Oin, float] = {}
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; returns when the thread has ended."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def alive(self) -> bool:
        """False when nobody rings any more."""
        return self._thread.is_alive() and not self._stopping

    def nudge(self, recipients: Iterable[Oin]) -> None:
        """Something was committed for these recipients: look now."""
        with self._wake:
            self._nudged.update(recipients)
            self._wake.notify()

    def ring_due(self, recipients: Iterable[Oin] | None = None) -> int:
        """One look, at these recipients or at all that are pushed to; the number of deliveries it rang for."""
        wanted = self._look(None if recipients is None else frozenset(recipients))
        futures = [(heads.recipient, self._writer.begin(hold, heads)) for heads in wanted]
        held = [(recipient, future.result()) for recipient, future in futures]
        return self._ring([(recipient, ids) for recipient, ids in held if ids])

    def _ring(self, held: Sequence[tuple[Oin, Sequence[str]]]) -> int:
        """Ring for all of it. After a refusal the rest is let go, and found again at the next look."""
        rung = 0
        for place, (recipient, ids) in enumerate(held):
            try:
                self._doorbell.ring(recipient, ids)
                rung += len(ids)
            except DoorbellBroken as error:
                self._observer.trouble("deurbel", type(error.__cause__ or error).__name__)
                self._rest[recipient] = self._clock.monotonic() + _REFUSED  # one stuck queue must not stop the others
                self._writer.do(let_go, [i for _, rest in held[place:] for i in rest])
                break
        return rung

    def _look(self, recipients: frozenset[Oin] | None) -> list[Heads]:
        """For whom something is due, without a lock: a writing transaction is only begun when there is."""
        found: list[Heads] = []
        with reading(self._engine) as connection:
            for one in subscriptions.every(connection):
                if recipients is not None and one.organisation not in recipients:
                    continue
                began = self._clock.monotonic()
                if began < self._rest.get(one.organisation, 0.0):
                    continue
                heads = Heads(one.organisation, one.kinds, RING_SIZE)
                if outbox.heads(connection, Heads(one.organisation, one.kinds, 1), self._clock.now(), rung=False):
                    found.append(heads)
                else:
                    self._note_cost(one.organisation, began)
        return found

    def _note_cost(self, recipient: Oin, began: float) -> None:
        now = self._clock.monotonic()
        if now - began > _COSTLY:
            self._rest[recipient] = now + min((now - began) * _REST, 30.0)

    def _run(self) -> None:
        look_at_all = self._clock.monotonic()
        while True:
            with self._wake:
                self._wake.wait_for(
                    lambda: self._nudged or self._stopping, max(0.0, look_at_all - self._clock.monotonic())
                )
                if self._stopping:
                    return
                nudged, self._nudged = frozenset(self._nudged), set()
            everything = self._clock.monotonic() >= look_at_all
            if everything:
                look_at_all = self._clock.monotonic() + INTERVAL
            try:
                self.ring_due(None if everything else nudged)
            except Exception as error:  # noqa: BLE001 - the relay lives on; what it missed is found at the next look
                self._observer.trouble("relay", type(error).__name__)
