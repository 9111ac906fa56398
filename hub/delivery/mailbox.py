"""The mailbox: a recipient fetches what is its own and allowed now, and acknowledges it (steps 9 to 11).

Every fetch decides anew. What is not acknowledged is given again under the same sequence; what may no longer be given
stands there as ``bericht.ingetrokken``, so that sequences have no gaps.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.keys import KeyStore
from contracts.envelope import TYPE_PREFIX, Source
from contracts.errors import Fault, PartUnavailable, RequestInvalid, TokenInvalid
from contracts.identity import Oin, PersonId
from hub.delivery.release import LEAVE_WITHIN, MAILBOX, Freed, Releaser
from hub.delivery.states import State, Step, after
from hub.keys.messages import keys_of_body
from hub.keys.sealing import seal
from hub.ledger.evidence import Evidence, acknowledged
from hub.ledger.evidence import Fact as EvidenceFact
from hub.ports import Clock, Random
from hub.store.locks import MAX_WEIGHT, Locks, counter
from hub.store.refusals import logged
from hub.store.region.access import Asker, MandateFacts, mandate_facts
from hub.store.region.rules import RECEIVING
from hub.store.traffic import deliveries, mailboxes
from hub.store.writer import Transaction, Writer

HUB_SYSTEM: Final = "hub"  # reserved: the hub itself, in the name of a verstrekker
_TRIES: Final = 5
_PART: Final = 64  # messages of one transaction: nobody can withdraw while it runs
_PARTS: Final = 20  # transactions of one page: some of what they free may be stopped
_PAGE_BYTES: Final = 2**20  # more would still be on its way when a withdrawal has long been answered


@dataclass(frozen=True, slots=True)
class Page:
    """What a fetch gives: events oldest first, and the sequence to go on from."""

    events: list[dict[str, Any]]
    next_sequence: int
    committed: float = 0.0  # not before this monotonic second
    size: int = 0  # bytes of what is stored of them


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Either all up to a sequence (``through``), or single ones: sequence → (outcome, reason)."""

    asker: Asker
    through: int | None = None
    single: Mapping[int, tuple[Step, str | None]] = field(default_factory=dict)

    @property
    def organisation(self) -> Oin:
        """Whose mailbox it is."""
        return self.asker.organisation


@dataclass(frozen=True, slots=True)
class _Fetch:
    asker: Asker
    ids: tuple[str, ...]
    locks: Locks
    start: int


class Bell:
    """Wakes polls that wait: one per organisation, and not more than ``most`` at once in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Condition()
        self._waiting: set[Oin] = set()
        self._rung: set[Oin] = set()

    def ring(self, organisations: frozenset[Oin]) -> None:
        """Something may wait for these."""
        with self._lock:
            self._rung |= organisations & self._waiting
            self._lock.notify_all()

    def enter(self, organisation: Oin) -> bool:
        """Take the organisation's place among those who wait; False when it or the process has none left."""
        with self._lock:
            if organisation in self._waiting or len(self._waiting) >= self._most:
                return False
            self._waiting.add(organisation)
            return True

    def leave(self, organisation: Oin) -> None:
        """Give the place back."""
        with self._lock:
            self._waiting.discard(organisation)
            self._rung.discard(organisation)

    def wait(self, organisation: Oin, seconds: float) -> None:
        """Wait for a ring, at most so long."""
        with self._lock:
            self._lock.wait_for(lambda: organisation in self._rung, timeout=seconds)
            self._rung.discard(organisation)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Hands out and takes acknowledgements. ``look`` opens a read-only connection."""

    releaser: Releaser
    writer: Writer
    look: Callable[[], AbstractContextManager[Connection]]
    clock: Clock
    bell: Bell
    key_store: KeyStore
    evidence: Evidence
    random: Random

    def fetch(self, asker: Asker, after_sequence: int, limit: int, wait: float) -> Page:
        """At most ``limit`` events after a sequence; waits up to ``wait`` seconds where there are none yet.

        Raises ``PartUnavailable`` when the hub is too slow to let a released message leave in time,
        ``LogUnavailable`` when the log cannot be written, and ``TokenInvalid`` when the machtiging ended meanwhile.
        """
        organisation = asker.organisation
        deadline = self.clock.monotonic() + wait
        waits = wait > 0 and self.bell.enter(organisation)
        try:
            while True:
                page = self._fetch_now(asker, after_sequence, limit)
                left = deadline - self.clock.monotonic()
                if page.events or not waits or left <= 0:
                    return page
                # Another process may have accepted it: look again now and then, whatever the bell says.
                self.bell.wait(organisation, min(left, 1.0))
        finally:
            if waits:
                self.bell.leave(organisation)

    def _fetch_now(self, asker: Asker, after_sequence: int, limit: int) -> Page:
        for attempt in range(_TRIES):
            events: list[dict[str, Any]] = []
            reached = after_sequence
            committed, size = None, 0
            for _ in range(_PARTS if attempt == 0 else 1):  # too busy for more: then one transaction
                part = self._part(asker, reached, min(limit - len(events), _PART))
                if part is None:
                    break
                committed = committed if committed is not None else part.committed
                events += part.events
                reached = part.next_sequence
                size += part.size
                late = self.clock.monotonic() - committed > LEAVE_WITHIN / 4
                if len(events) >= limit or size >= _PAGE_BYTES or late:
                    break  # what it has must leave in time; more comes with the next page
            if committed is None or self.clock.monotonic() - committed <= LEAVE_WITHIN / 2:
                return Page(events, reached, committed if events and committed is not None else float("inf"))
        raise PartUnavailable("De hub is te druk om berichten op tijd uit te geven.")

    def _part(self, asker: Asker, after_sequence: int, limit: int) -> Page | None:
        with self.look() as connection:
            mandate = mandate_facts(connection, _receiving(asker), self.clock.now())
            if not mandate.active:
                raise TokenInvalid
            ids = mailboxes.page(connection, asker.organisation, mandate.kinds, after_sequence, limit)
            if not ids:
                return None
            locks = self.releaser.locks(connection, deliveries.seen(connection, ids).values())
            locks |= _counter(asker.organisation)
        return self.writer.do(self.hand_out, _Fetch(asker, tuple(ids), locks, after_sequence), locks)

    def hand_out(self, tx: Transaction, items: Sequence[_Fetch]) -> list[Page | TokenInvalid]:
        """Decide on each page and hand it out. Counters are locked in the order of their organisations."""
        counters = {o: mailboxes.lock(tx.connection, o) for o in sorted({i.asker.organisation for i in items})}
        last = {o: row.last_sequence for o, row in counters.items()}
        held = Locks()
        for item in items:
            held |= item.locks
        mandates = _mandates(tx, (i.asker for i in items))
        return [
            self._hand_out(tx, item, mandates[item.asker], counters[item.asker.organisation], last, held)
            if mandates[item.asker].active
            else TokenInvalid()
            for item in items
        ]

    def _hand_out(
        self, tx: Transaction, item: _Fetch, mandate: MandateFacts, counter: Row[Any], last: dict[Oin, int], held: Locks
    ) -> Page:
        organisation = item.asker.organisation
        found = deliveries.by_id(tx.connection, item.ids)
        # The machtiging may have changed since the look: what its kinds let out, and in which order, is asked again.
        let = set(mailboxes.page(tx.connection, organisation, mandate.kinds, item.start, len(item.ids)))
        there = (found[i] for i in item.ids if i in found and i in let)
        rows = _small([row for row in there if _fetchable(row, counter.acknowledged)])
        live = [row for row in rows if row.state in (State.WAITING, State.DELIVERED)]
        # A crash after this commit: handed out, perhaps not received. It is not acknowledged, so the next fetch gives
        # it again under the same sequence, decided anew.
        freed = {f.row.delivery_id: f for f in self.releaser.free(tx, live, MAILBOX, held)}
        events: list[tuple[int, dict[str, Any]]] = []
        numbers: list[tuple[str, int]] = []
        end = float("inf")  # what is to be looked at again ends the page: else it would be acknowledged unseen
        for row in rows:
            outcome = freed.get(row.delivery_id)
            if isinstance(outcome, Freed):
                sequence = row.sequence
                if sequence is None:
                    sequence = last[organisation] = last[organisation] + 1
                numbers.append((row.delivery_id, sequence))
                events.append((sequence, outcome.event(sequence)))
            elif row.sequence is not None and (outcome is None or outcome.reason != "opnieuw"):
                events.append((row.sequence, withdrawn(row)))
            elif row.sequence is not None:
                end = min(end, row.sequence)
        if len(events) > len(numbers):  # that something was withdrawn is told on the same terms: only with a log
            self.evidence.append_or_prove(tx.connection, ())
        mailboxes.number(tx.connection, organisation, numbers, last[organisation])
        events = sorted(((n, event) for n, event in events if n < end), key=lambda pair: pair[0])
        reached = max([item.start, *(sequence for sequence, _ in events)])
        # Read before the commit: a process that is held up right behind it must not take its releases for fresh.
        return Page([event for _, event in events], reached, self.clock.monotonic(), sum(len(r.body) for r in rows))

    def acknowledge(self, given: Acknowledgement) -> None:
        """Take an acknowledgement; durable when this returns.

        Raises ``RequestInvalid`` for what was never handed out, ``TokenInvalid`` when the machtiging ended meanwhile,
        and ``LogUnavailable`` when it cannot be logged: what is then not taken is given again.
        """
        with self.look() as connection:
            rows = _named(connection, given, given.through if given.through is not None else 2**62)
            last = mailboxes.highest(connection, given.organisation)
        if given.through is not None and given.through > last:
            raise _never_given("tot")
        # More than one transaction may lock is taken in parts, each of them an acknowledgement of what lies before it.
        while given.through is not None and len(rows) > MAX_WEIGHT:
            part, rows = rows[:MAX_WEIGHT], rows[MAX_WEIGHT:]
            self._take_some(replace(given, through=part[-1].sequence), part)
        self._take_some(given, rows)

    def _take_some(self, given: Acknowledgement, rows: Sequence[Row[Any]]) -> None:
        lines = frozenset(row.line for row in rows)
        with logged():
            # A crash before the commit: nothing is acknowledged, and the next fetch gives it again. After it: it is.
            self.writer.do(self.take, given, Locks(shared=lines) | _counter(given.organisation))

    def take(self, tx: Transaction, items: Sequence[Acknowledgement]) -> list[RequestInvalid | TokenInvalid | None]:
        """Write acknowledgements; one leaf per call and person."""
        counters = {o: mailboxes.lock(tx.connection, o) for o in sorted({i.organisation for i in items})}
        mandates = _mandates(tx, (i.asker for i in items))
        return [
            self._take(tx, item, mandates[item.asker], counters[item.organisation].last_sequence)
            if mandates[item.asker].active
            else TokenInvalid()
            for item in items
        ]

    def _take(self, tx: Transaction, item: Acknowledgement, mandate: MandateFacts, last: int) -> RequestInvalid | None:
        highest = item.through if item.through is not None else max(item.single, default=0)
        if highest > last:
            return _never_given("tot" if item.through is not None else "berichten")
        changes: list[tuple[str, State, bytes | None]] = []
        facts: list[EvidenceFact] = []
        # Of a kind that this systeem may not fetch, it cannot know what it would acknowledge. Notices it may fetch.
        named = (row for row in _named(tx.connection, item, last) if row.notice or mandate.opens(row.kind))
        rows = sorted(named, key=lambda row: row.person_id or "")
        for person, group in groupby(rows, key=attrgetter("person_id")):
            told: list[tuple[str, str]] = []
            for row in group:
                step, reason = item.single.get(row.sequence, (Step.ACKNOWLEDGE, None))
                state = after(State(row.state), step) if row.state == State.DELIVERED else State(row.state)
                changes.append((row.delivery_id, state, self._reply(row, reason)))
                if row.state == State.DELIVERED:
                    told.append((row.message_id, state.value))
            if told:
                who = None if person is None else PersonId(person)
                facts.append(EvidenceFact(who, acknowledged(item.organisation, tx.now, told)))
        mailboxes.acknowledge(tx.connection, sorted(changes, key=lambda change: change[0]), tx.now)
        if item.through is not None and mandate.kinds is None:
            mailboxes.acknowledged_through(tx.connection, item.organisation, item.through)
        self.evidence.append_what_may(tx.connection, facts)
        return None

    def _reply(self, row: Row[Any], reason: str | None) -> bytes | None:
        if reason is None or row.state == State.ERASED:
            return None
        name = keys_of_body(row)[0]
        key = self.key_store.find([name]).get(name)
        return None if key is None else seal(key, reason.encode(), f"antwoord/{row.delivery_id}".encode(), self.random)


def withdrawn(row: Row[Any]) -> dict[str, Any]:
    """What stands at a sequence whose message may no longer be given: no subject, no data."""
    return {
        "specversion": "1.0",
        "id": f"{row.delivery_id}-ingetrokken",
        "source": Source(Oin(row.organisation), HUB_SYSTEM).urn(),
        "type": f"{TYPE_PREFIX}bericht.ingetrokken.v1",
        "sequence": str(row.sequence),
    }


def _small(rows: list[Row[Any]]) -> list[Row[Any]]:
    """The first of these that together fit in a page; at least one."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.body)
        if size > _PAGE_BYTES and count:
            return rows[:count]
    return rows


def _mandates(tx: Transaction, askers: Iterable[Asker]) -> dict[Asker, MandateFacts]:
    return {a: mandate_facts(tx.connection, _receiving(a), tx.now) for a in set(askers)}


def _receiving(asker: Asker) -> Asker:
    return replace(asker, scope=RECEIVING)


def _counter(organisation: Oin) -> Locks:
    return Locks(exclusive=frozenset({counter(organisation)}))


def _never_given(field_name: str) -> RequestInvalid:
    return RequestInvalid(faults=[Fault(field_name, "ONBEKEND", "Dit volgnummer is nog niet uitgegeven.")])


def _fetchable(row: Row[Any], acknowledged_sequence: int) -> bool:
    if row.sequence is None:
        return bool(row.state == State.WAITING)
    return row.acknowledged_at is None and row.sequence > acknowledged_sequence


def _named(connection: Connection, given: Acknowledgement, last: int) -> list[Row[Any]]:
    if given.through is not None:
        return mailboxes.unacknowledged(
            connection, given.organisation, sequences=None, through=min(given.through, last)
        )
    return mailboxes.unacknowledged(connection, given.organisation, sequences=given.single.keys(), through=last)
