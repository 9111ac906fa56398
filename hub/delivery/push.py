"""Answers the doorbell: holds the heads of a recipient's lines, has them released, sends them, notes what became of
them.

A bounded number of worker threads; at most one of them works for a recipient, and goes on with its next heads until
there are none. A recipient whose endpoint fails is left alone for a while; slow ones may together hold no more than
half of the workers. So one bad partner delays nobody else.
"""

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from sqlalchemy import Engine

from contracts.identity import Oin
from hub.delivery.doorbell import DeadRing, Doorbell, Ring
from hub.delivery.prepare import ALTERED, NotReleased, Outgoing
from hub.delivery.relay import Observer
from hub.delivery.turns import Turns
from hub.delivery.webhook.outcomes import Batch, Noted, Recorder, Result, Take
from hub.delivery.webhook.send import Delivered, NewSender, Outcome, Parcel, Retry, Sender, TooLate
from hub.ports import Clock, NewId
from hub.store.database import reading
from hub.store.region import subscriptions
from hub.store.traffic import outbox
from hub.store.traffic.outbox import Due, Heads
from hub.store.writer import Writer

#: Releases of one delivery within one batch that may grow too old before it counts as a failed attempt.
_LATE: Final = 2
#: Seconds after which a batch is cut off; far below the lease of a worker.
_BATCH_SECONDS: Final = 45.0
#: Seconds that a listener waits for a ring, and between two looks at who is pushed to.
_LISTEN: Final = 0.5
_LOOK: Final = 2.0
#: Seconds between two looks at what is due without a ring.
_UNRUNG: Final = 5.0
#: Seconds that a recipient is left alone when the hub itself could not release or record.
_TROUBLE_PAUSE: Final = 5.0
#: Releases that may fail one after the other before the rest of a batch is given back.
_FAILURES: Final = 3


class Prepares(Protocol):
    """Releases what a worker holds (``prepare.Preparer``)."""

    def release(self, delivery_ids: Sequence[str], lease_token: str) -> list[Outgoing | NotReleased]:
        """Decide again, and note the release; durable when it returns. In order."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What pushing needs. ``new_sender`` makes one sender per worker thread."""

    engine: Engine
    writer: Writer
    preparer: Prepares
    recorder: Recorder
    doorbell: Doorbell
    new_sender: NewSender
    clock: Clock
    new_id: NewId
    observer: Observer


class Push:
    """The push workers of a process, and the thread that listens for them."""

    def __init__(self, parts: Parts, workers: int = 8) -> None:
        self._parts = parts
        self._turns = Turns(parts.clock, slow_limit=max(1, workers // 2))
        self._threads = [threading.Thread(target=self._listen, name="push-listener", daemon=True)]
        self._threads += [threading.Thread(target=self._work, name=f"push-{n}", daemon=True) for n in range(workers)]

    def start(self) -> None:
        """Begin to listen and to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the attempts under way, give back the rest; returns when every thread has ended."""
        self._turns.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def alive(self) -> bool:
        """False when nobody would answer the doorbell any more."""
        return not self._turns.closed and all(thread.is_alive() for thread in self._threads)

    def _listen(self) -> None:
        doorbell, observer = self._parts.doorbell, self._parts.observer
        recipients: Collection[Oin] = ()
        looked = float("-inf")
        helped = self._parts.clock.monotonic()
        while not self._turns.closed:
            try:
                if self._parts.clock.monotonic() - looked >= _LOOK:
                    recipients, looked = self._recipients(), self._parts.clock.monotonic()
                if self._parts.clock.monotonic() - helped >= _UNRUNG:
                    self._help_ourselves()
                    helped = self._parts.clock.monotonic()
                heard = doorbell.listen(recipients, _LISTEN)
            except Exception as error:  # noqa: BLE001 - the listener lives on; the relay rings again
                observer.trouble("deurbel", type(error.__cause__ or error).__name__)
                threading.Event().wait(_LISTEN)
                continue
            if isinstance(heard, DeadRing):
                observer.trouble("deurbel", "DeadRing")
                heard.done()
            elif heard is not None:
                self._turns.rung(heard)

    def _help_ourselves(self) -> None:
        """Serve what is due though nobody rang: a broker that is down, or that lost a queue, costs seconds only."""
        with reading(self._parts.engine) as connection:
            for one in subscriptions.every(connection):
                if self._turns.paused(one.organisation):
                    continue
                if outbox.heads(connection, Heads(one.organisation, one.kinds, 1), self._parts.clock.now(), rung=True):
                    self._turns.rung(Ring(one.organisation, (), lambda: None))

    def _recipients(self) -> list[Oin]:
        with reading(self._parts.engine) as connection:
            return [one.organisation for one in subscriptions.every(connection)]

    def _work(self) -> None:
        sender = self._parts.new_sender()
        try:
            while (recipient := self._turns.take()) is not None:
                try:
                    self._serve(recipient, sender)
                except Exception as error:  # noqa: BLE001 - the worker lives on; its leases run out
                    self._parts.observer.trouble("bezorging", type(error).__name__)
                    self._turns.failed(recipient, _TROUBLE_PAUSE)
                finally:
                    self._turns.finish(recipient)
        finally:
            sender.close()

    def _serve(self, recipient: Oin, sender: Sender) -> None:
        """Everything that is due for one recipient, in batches: hold, release, send, note and hold the next."""
        take = self._next(recipient)
        held = self._note(Batch(recipient, take=take), ()).held if take is not None else ()
        while held and take is not None:
            parcels = _Round(self._parts, self._turns, sender, recipient, take.token)
            report = parcels.deliver(held)
            take = self._next(recipient)
            held = self._note(replace(report, take=take), held).held

    def _next(self, recipient: Oin) -> Take | None:
        if self._turns.closed or self._turns.paused(recipient):
            return None
        return Take(self._turns.pace(recipient).size, self._parts.new_id())

    def _note(self, batch: Batch, held: Sequence[Due]) -> Noted:
        lines = frozenset(due.line for due in held)
        noted = self._parts.writer.do(self._parts.recorder.note, batch, batch.locks(lines))
        for reason in noted.buried:
            self._parts.observer.buried(reason)
        return noted


@dataclass(slots=True)
class _Round:
    """One batch of one recipient, from held to reported."""

    parts: Parts
    turns: Turns
    sender: Sender
    recipient: Oin
    token: str
    results: list[Result] = field(default_factory=list)
    late: list[tuple[str, int]] = field(default_factory=list)
    unreleased: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    url: str | None = None
    sent: int = 0
    broken: bool = False  # nothing more is sent in this round
    recovered: bool = False

    def deliver(self, held: Sequence[Due]) -> Batch:
        """Release and send all of it; what grew too old is released again."""
        began = self.parts.clock.monotonic()
        tries: Counter[str] = Counter()
        todo = [due.delivery_id for due in held]
        while todo:
            again: list[str] = []
            for answer in self._release(todo):
                if isinstance(answer, NotReleased) and answer.reason == ALTERED:
                    self._altered(answer.delivery_id)
                elif isinstance(answer, NotReleased):
                    tries[answer.delivery_id] += 1
                    retry = answer.reason == "again" and tries[answer.delivery_id] <= _LATE
                    (again if retry else self.unreleased).append(answer.delivery_id)
                elif self.broken or self.turns.closed or self.parts.clock.monotonic() - began > _BATCH_SECONDS:
                    self.results.append(Result(answer.delivery_id, answer.attempt, None))
                else:
                    again += self._send(answer, tries)
            todo = again
        took = self.parts.clock.monotonic() - began
        self.turns.pace(self.recipient).learn(self.sent, took, failed=self.broken)
        return Batch(
            self.recipient,
            self.token,
            self.url,
            tuple(self.results),
            tuple(self.late),
            tuple(self.unreleased),
            tuple(self.failed),
            tuple(self.altered),
            self.recovered,
        )

    def _release(self, ids: Sequence[str]) -> list[Outgoing | NotReleased]:
        """Together; and if that fails one by one, so that one bad row cannot hold up its neighbours."""
        try:
            return self.parts.preparer.release(ids, self.token)
        except Exception as error:  # noqa: BLE001 - a fault of the hub, not of the recipient; nothing left
            self._trouble(error)
        answers: list[Outgoing | NotReleased] = []
        failures = 0
        for place, delivery_id in enumerate(ids):
            try:
                answers += self.parts.preparer.release([delivery_id], self.token)
                failures = 0
            except Exception as error:  # noqa: BLE001 - as above
                self._trouble(error)
                self.failed.append(delivery_id)
                failures += 1
            if failures == _FAILURES:
                self.unreleased += ids[place + 1 :]
                self.turns.failed(self.recipient, _TROUBLE_PAUSE)
                break
        return answers

    def _altered(self, delivery_id: str) -> None:
        """The row of the subscription was changed by hand: nothing leaves until the subscriber puts it anew."""
        if not self.altered:
            self.parts.observer.trouble("abonnement", "AddressAltered")
        self.altered.append(delivery_id)

    def _trouble(self, error: Exception) -> None:
        self.parts.observer.trouble("vrijgave", type(error).__name__)

    def _send(self, out: Outgoing, tries: Counter[str]) -> list[str]:
        """One attempt; the delivery ids that must be released again."""
        self.url = out.url
        began = self.parts.clock.monotonic()
        outcome: Outcome = self.sender.send(Parcel(out.delivery_id, out.url, out.secret, out.event, out.released_at))
        self.sent += 1
        if isinstance(outcome, TooLate):
            tries[out.delivery_id] += 1
            if tries[out.delivery_id] <= _LATE:
                self.late.append((out.delivery_id, out.attempt))
                return [out.delivery_id]
            outcome = Retry("te-laat")
        self.results.append(Result(out.delivery_id, out.attempt, outcome))
        self.parts.observer.sent(outcome_name(outcome), self.parts.clock.monotonic() - began)
        self._learn(outcome)
        return []

    def _learn(self, outcome: Outcome) -> None:
        if isinstance(outcome, Delivered):
            self.recovered = self.turns.answered(self.recipient) or self.recovered
        elif isinstance(outcome, Retry) and outcome.endpoint:
            self.broken = True
            self.turns.failed(self.recipient, outcome.retry_after or 0.0)
        elif not isinstance(outcome, Retry):
            self.broken = True


def outcome_name(outcome: Outcome) -> str:
    """As the metrics know it: what an endpoint says of itself by its own status, other statuses by their class."""
    if isinstance(outcome, Retry):
        status = outcome.reason.removeprefix("http-")
        return outcome.reason if outcome.endpoint or status == outcome.reason else f"http-{status[0]}xx"
    return "bevestigd" if isinstance(outcome, Delivered) else "vervallen-abonnement"
