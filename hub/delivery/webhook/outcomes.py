"""Notes what became of attempts, and holds a recipient's next ones, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contracts.identity import Oin, PersonId
from hub.delivery.retry import Again, History, chance, decide
from hub.delivery.states import State, Step
from hub.delivery.webhook import book
from hub.delivery.webhook.send import ENDPOINT_REASONS, Delivered, Gone, Outcome, Retry
from hub.ledger.evidence import Evidence, Fact, acknowledged
from hub.ports import Random
from hub.store.locks import Locks
from hub.store.region import subscriptions
from hub.store.traffic import outbox
from hub.store.traffic.outbox import Change, Due, Heads, Held, Lease
from hub.store.writer import Transaction

#: How long a worker holds what it took. A batch is given up well before.
WORK_LEASE: Final = timedelta(seconds=120)
#: How long a delivery rests whose release failed inside the hub.
RELEASE_RETRY: Final = timedelta(seconds=60)
_GONE: Final = "http-410"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one released attempt; ``outcome`` None: nothing of it left, and it waits again."""

    delivery_id: str
    number: int
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Take:
    """Hold at most ``limit`` heads under ``token``."""

    limit: int
    token: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One worker's report on what it held under ``token``, and what it takes next."""

    recipient: Oin
    token: str = ""
    url: str | None = None  # where it was sent, when something was
    results: tuple[Result, ...] = ()
    late: tuple[tuple[str, int], ...] = ()  # (delivery, number) of attempts that were released anew
    unreleased: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()  # their release failed in the hub
    altered: tuple[str, ...] = ()  # the address of the subscription is not the one that its secret was given for
    recovered: bool = False  # the endpoint failed before, and answers again
    take: Take | None = None

    @property
    def gone(self) -> bool:
        """True when the recipient ended its subscription by its answer."""
        return any(isinstance(result.outcome, Gone) for result in self.results)

    def locks(self, lines: frozenset[str]) -> Locks:
        """What noting this needs: the persons (their evidence keys are used), and the rules when the subscription
        ends."""
        return Locks(shared=lines if self.results else frozenset(), rules_exclusive=self.gone)


@dataclass(frozen=True, slots=True)
class Noted:
    """What is held now, and the reasons of what was buried."""

    held: tuple[Due, ...]
    buried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes reports of workers. ``random`` jitters the waits."""

    evidence: Evidence
    random: Random

    def note(self, tx: Transaction, items: Sequence[Batch]) -> list[Noted]:
        """Verb. What a worker no longer holds stays as it is, so late reports change nothing."""
        # A crash after this commit leaves what was taken under a lease that runs out; then it is rung for again.
        return [self._note(tx, item) for item in items]

    def _note(self, tx: Transaction, batch: Batch) -> Noted:
        held = outbox.held(tx.connection, [r.delivery_id for r in batch.results], batch.token, tx.now)
        changes = [self._change(held[r.delivery_id], r, tx.now) for r in batch.results if r.delivery_id in held]
        outbox.record(tx.connection, changes, tx.now)
        outbox.note_unsent(tx.connection, batch.late)
        outbox.give_back(tx.connection, batch.unreleased, batch.token, tx.now)
        rest = Lease(batch.token, tx.now + RELEASE_RETRY)
        outbox.postpone(tx.connection, batch.failed, rest, tx.now, outbox.NOT_RELEASED)
        outbox.postpone(tx.connection, batch.altered, rest, tx.now, outbox.ALTERED)
        self._log(tx, [held[c.delivery_id] for c in changes if c.step is Step.ACKNOWLEDGE])
        if batch.gone:
            book.end_gone(self.evidence, tx, batch.recipient, batch.url)
        if batch.recovered:
            outbox.hasten(tx.connection, batch.recipient, sorted(ENDPOINT_REASONS), tx.now)
        buried = tuple(c.reason or "" for c in changes if c.step is Step.BURY)
        return Noted(tuple(self._take(tx, batch)), buried)

    def _take(self, tx: Transaction, batch: Batch) -> list[Due]:
        wanted = subscriptions.find(tx.connection, batch.recipient) if batch.take is not None else None
        if wanted is None or batch.take is None:
            return []
        heads = Heads(batch.recipient, wanted.kinds, batch.take.limit)
        return outbox.claim(tx.connection, heads, tx.now, Lease(batch.take.token, tx.now + WORK_LEASE))

    def _log(self, tx: Transaction, confirmed: Sequence[Held]) -> None:
        # A webhook call is one acknowledgement: one leaf per delivery (design step 11).
        facts = [
            Fact(
                None if one.person is None else PersonId(one.person),
                acknowledged(one.recipient, tx.now, [(one.message_id, State.CONFIRMED.value)]),
            )
            for one in confirmed
        ]
        if facts:
            self.evidence.append_what_may(tx.connection, facts)

    def _change(self, held: Held, result: Result, now: datetime) -> Change:
        outcome = result.outcome
        if isinstance(outcome, Delivered):
            return Change(result.delivery_id, result.number, Step.ACKNOWLEDGE, f"http-{outcome.status}", now)
        if isinstance(outcome, Gone):
            return Change(result.delivery_id, result.number, Step.FAIL, _GONE, now, _GONE)
        if not isinstance(outcome, Retry):
            return Change(result.delivery_id, result.number, Step.FAIL, outbox.UNSENT, now)
        what = decide(_history(held, now), now, outcome.retry_after, chance(self.random(4)))
        if isinstance(what, Again):
            return Change(result.delivery_id, result.number, Step.FAIL, outcome.reason, what.at, outcome.reason)
        return Change(result.delivery_id, result.number, Step.BURY, outbox.BURIED, now, outcome.reason)


def _history(held: Held, now: datetime) -> History:
    """The attempts since the last burial; those of which nothing left do not count."""
    since = max((number for number, _, outcome in held.attempts if outcome == outbox.BURIED), default=0)
    made = [at for number, at, outcome in held.attempts if number > since and outcome != outbox.UNSENT]
    return History(max(len(made), 1), made[0] if made else now)
