"""Step 9: decide again, minimise, pseudonymise, note the release, commit. Nothing leaves the hub by another way.

Push and mailbox both come through ``Releaser.free``. It runs inside a transaction that holds the shared locks of the
persons, so that no withdrawal can be acknowledged between this decision and its commit; what is decided here may start
to leave within two seconds of the commit, and after that must be decided anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from consent.decision import Decision, notice_allowed
from consent.facts import Involvement
from consent.keys import KeyStore, content_key
from consent.store.reading import read_persons
from contracts import catalogue
from contracts.envelope import Message, outbound
from contracts.identity import Category, KandidaatRef, LegalFramework, Oin, PersonId, new_ref
from contracts.minimise import address, minimise
from hub.delivery.states import State, Step, after
from hub.gate.judge import Candidate, Judgement, Scene, look
from hub.keys.messages import NOTHING, keys_of_body
from hub.keys.messages import opened as opened
from hub.ledger.evidence import (
    Evidence,
    Fact,
    bound,
    joined,
    named_anew,
    notice_refused,
    notice_released,
    refused,
    released,
)
from hub.machine.clock_guard import ClockGuard
from hub.ports import NewId, Random
from hub.store.locks import Locks
from hub.store.persons import closings, identity, people
from hub.store.persons.erasures import KEY_DESTROYED
from hub.store.region.rules import RulePair
from hub.store.traffic import deliveries as store
from hub.store.writer import Transaction
from hub.telemetry import Metrics

#: The first byte of a released message must leave within this time of its commit (seconds, monotonic).
LEAVE_WITHIN: Final = 2.0
#: The channel by which the hub itself calls the recipient, and the one by which the recipient calls the hub.
PUSH: Final = "push"
MAILBOX: Final = "postvak"
#: Why a delivery was given up whose stored message does not open.
UNREADABLE: Final = "onleesbaar"
#: Why a notice is stopped.
INACTIVE: Final = "ontvanger-niet-actief"


@dataclass(frozen=True, slots=True)
class Freed:
    """May leave now: the recipient's own version of the message, complete but for a mailbox sequence."""

    row: Row[Any]
    message: Message
    data: Mapping[str, Any]
    ref: KandidaatRef | None

    def event(self, sequence: int | None = None) -> dict[str, Any]:
        """The CloudEvent as the recipient gets it."""
        return outbound(self.message, self.data, self.ref, sequence)


@dataclass(frozen=True, slots=True)
class Held:
    """May not leave: stopped for good (``gestopt``, ``gewist``), or to be looked at again (``opnieuw``).

    ``postvak``: not by this push; it waits to be fetched.
    """

    row: Row[Any]
    reason: str


@dataclass(slots=True)
class _Notes:
    """What one transaction will write."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    basis: list[dict[str, Any]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    involvements: list[dict[str, Any]] = field(default_factory=list)
    refs: list[tuple[KandidaatRef, Oin, str]] = field(default_factory=list)
    given: dict[str, KandidaatRef] = field(default_factory=dict)  # delivery → the ref that goes out with it first
    told: list[tuple[str, str | None, Oin]] = field(default_factory=list)  # of whom the involvement is over


@dataclass(frozen=True, slots=True)
class Releaser:
    """Frees deliveries, one decision each, many in one transaction."""

    key_store: KeyStore
    evidence: Evidence
    new_id: NewId
    random: Random
    clock_guard: ClockGuard
    metrics: Metrics

    def locks(self, connection: Connection, rows: Iterable[Row[Any]]) -> Locks:
        """What to hold for these deliveries: their persons; exclusively the two that an opening message may join, and
        whose involvement a closing message ends."""
        shared: set[str] = set()
        exclusive: set[str] = set()
        for row in rows:
            other = self._other(connection, row)
            alone = other is not None or row.kind in catalogue.closing()
            (exclusive if alone else shared).add(row.line)
            if other is not None:
                exclusive.add(other)
        return Locks(frozenset(shared), frozenset(exclusive))

    def free(self, tx: Transaction, rows: Sequence[Row[Any]], channel: str, locks: Locks) -> list[Freed | Held]:
        """Decide on each delivery as of now, note what follows, and give what may leave; the answers are in order.

        ``rows``: deliveries with their message (``store.waiting_rows``), read in this transaction; ``locks``: what it
        holds. Their state changes here; lease, sequence and outcome are the channel's own business. Raises
        ``PartUnavailable`` while the clock is not to be trusted, ``LogUnavailable`` while the log cannot be written.
        """
        self.clock_guard.check(tx.now)
        roots = {row.root for row in rows if row.root is not None}
        ends = [row.trajectory_id for row in rows if row.kind in catalogue.closing()]
        scene = look(tx.connection, tx.now, {_pair(row, channel) for row in rows}, roots, ends)
        keys = self.key_store.find({name for row in rows for name in keys_of_body(row)})
        refs = people.refs_of(tx.connection, [(row.root, Oin(row.recipient)) for row in rows if row.root is not None])
        work = _Work(self, tx, scene, keys, refs, locks, channel)
        outcomes = [work.one(row) for row in rows]
        work.write()
        tx.after_commit(lambda: self._count(outcomes))
        return outcomes

    def _count(self, outcomes: Sequence[Freed | Held]) -> None:
        for outcome in outcomes:
            told = "vrijgegeven" if isinstance(outcome, Freed) else outcome.reason
            self.metrics.release.add(kind=outcome.row.kind, outcome=told)
            if told == UNREADABLE:
                self.metrics.bury.add()
                structlog.get_logger().error("buried", code=UNREADABLE)

    def _other(self, connection: Connection, row: Row[Any]) -> str | None:
        """The root of the person whom the recipient registered under the BSN that this opening message bears."""
        if row.bsn_index is None or row.root is None:
            return None
        return identity.to_be_joined(connection, row.bsn_index, (Oin(row.organisation), Oin(row.recipient)), row.root)


@dataclass(slots=True)
class _Work:
    """One transaction's releases, in order: what an opening message opens counts for the messages behind it."""

    releaser: Releaser
    tx: Transaction
    scene: Scene
    keys: Mapping[str, bytes]
    refs: dict[tuple[str, Oin], KandidaatRef]
    locks: Locks
    channel: str
    notes: _Notes = field(default_factory=_Notes)
    moved: set[str] = field(default_factory=set)
    postponed: set[tuple[str, str]] = field(default_factory=set)  # (line, recipient)

    def one(self, row: Row[Any]) -> Freed | Held:
        """Behind what is to be looked at again, all of that line waits: it may need what the first one opens."""
        if (row.line, row.recipient) in self.postponed and not row.overtakes:
            return Held(row, "opnieuw")
        outcome = self._one(row)
        if isinstance(outcome, Held) and outcome.reason == "opnieuw":
            self.postponed.add((row.line, row.recipient))
        return outcome

    def _one(self, row: Row[Any]) -> Freed | Held:
        if row.line in self.moved or (row.root != row.line and row.root is not None):
            return Held(row, "opnieuw")  # joined in this transaction or since it was looked up
        if row.line not in self.locks.shared | self.locks.exclusive:
            return Held(row, "opnieuw")  # joined between the look and the lock: its person's lock is not held
        names = keys_of_body(row)
        message = next((m for name in names if name in self.keys and (m := opened(self.keys[name], row))), None)
        if message is None:
            return self._unreadable(row, erased=row.body == NOTHING or not self.keys.keys() >= set(names))
        if row.notice:
            return self._notice(row, message)
        push_system = _pair(row, self.channel).push_system
        candidate = Candidate(
            *(message, Oin(row.recipient), row.root, row.trajectory_id, push_system),
            since=row.released_at,
            accepted_at=row.accepted_at,
        )
        judgement = self.scene.judge(candidate).never_more(row.revealed)
        if row.opens and Category.BSN in judgement.decision.allowed:
            other = self.releaser._other(self.tx.connection, row)
            if other is not None and not {other, row.root} <= self.locks.exclusive:
                return Held(row, "opnieuw")
            if other is not None:
                judgement = self._join(candidate, row, other)
        if not judgement.allowed or judgement.view is None:
            return self._stop(row, judgement.decision)
        given = minimise(judgement.view, message.kind, judgement.decision.allowed)
        if row.opens:
            self._open(row)
        if message.kind.closes and row.released_at is None:
            # The last message that is let through: what waits behind it is decided on without this involvement.
            self.scene.tell(row.root, row.trajectory_id, Oin(row.recipient))
            self.notes.told.append((row.root, row.trajectory_id, Oin(row.recipient)))
        ref = self._ref(row)
        self._note(row, judgement.decision)
        return Freed(row, message, given.data if ref is None else address(message.kind, given.data, ref), ref)

    def _unreadable(self, row: Row[Any], *, erased: bool) -> Held:
        """One row that does not open must not hold up a mailbox: it is buried, or withdrawn from its sequence."""
        if erased:
            self.notes.changes.append(_change(row, Step.ERASE, ended_at=self.tx.now, reason=KEY_DESTROYED))
            return Held(row, "gewist")
        step = Step.BURY if row.sequence is None else Step.REFUSE
        self.notes.changes.append(_change(row, step, ended_at=self.tx.now, reason=UNREADABLE))
        return Held(row, UNREADABLE)

    def _stop(self, row: Row[Any], decision: Decision) -> Held:
        reason = next((s.reason for s in decision.steps if not s.passed), "geweigerd")
        self.notes.changes.append(_change(row, Step.REFUSE, ended_at=self.tx.now, reason=reason[:40]))
        fact = refused(row.message_id, Oin(row.recipient), self.tx.now, decision)
        self.notes.facts.append(Fact(_person(row), fact))
        return Held(row, "gestopt")

    def _notice(self, row: Row[Any], message: Message) -> Freed | Held:
        """A notice of the hub goes out also when involvement, agreement or consent has ended (AVG 7(3), 19)."""
        rules = self.scene.rules[_pair(row, self.channel)]
        receiver = Oin(row.recipient)
        if not notice_allowed(rules.receiver, given=True):
            self.notes.changes.append(_change(row, Step.REFUSE, ended_at=self.tx.now, reason=INACTIVE))
            fact = notice_refused(row.message_id, receiver, self.tx.now, INACTIVE)
            self.notes.facts.append(Fact(_person(row), fact))
            return Held(row, "gestopt")
        if not rules.push_active:
            # The exemption is about the person's facts, not about a systeem that no longer acts for the receiver.
            # It waits for the mailbox: no worker takes it again, unless the subscription is made anew.
            step = Step.FAIL if row.state == State.RELEASED else None
            self.notes.changes.append(_change(row, step, channel=MAILBOX))
            return Held(row, MAILBOX)
        if row.released_at is None:
            self.notes.facts.append(Fact(_person(row), notice_released(row.message_id, receiver, self.tx.now)))
        self._change(row, revealed=[])
        return Freed(row, message, message.data, message.subject)

    def _join(self, candidate: Candidate, row: Row[Any], other: str) -> Judgement:
        """Join the two persons whom both ends registered under the BSN that this opening message bears.

        All facts of both count, for this message too: one that they forbid does not go, and joins nobody.
        """
        before = self.scene.persons[row.root], self.scene.places[row.root], self.refs
        with self.tx.connection.begin_nested() as attempt:
            people.join_roots(self.tx.connection, kept=row.root, merged=other)
            self._united(row)
            judgement = self.scene.judge(candidate).never_more(row.revealed)
            if Category.BSN in judgement.decision.allowed:
                self.notes.facts.append(Fact(_person(row), joined(row.message_id, self.tx.now, other)))
                self.moved.add(other)
            else:
                attempt.rollback()
                self.scene.persons[row.root], self.scene.places[row.root], self.refs = before
        return judgement

    def _open(self, row: Row[Any]) -> None:
        """Begin the receiver's involvement in the traject in which the sender presents the person."""
        source = self._running(row, row.organisation)
        if source is not None and self._running(row, row.recipient) is None:
            begun = Involvement(
                Oin(row.recipient), source.trajectory, source.framework, self.tx.now, source.valid_until
            )
            self.scene.involve(row.root, begun)
            self.notes.involvements.append(_involvement_row(begun, row, self.releaser.new_id()))

    def _united(self, row: Row[Any]) -> None:
        """After a join: all facts of both count, and the receiver is spoken to under the ref that it has already."""
        root = row.root
        fresh = read_persons(self.tx.connection, [root])[root]
        # What this transaction itself began or ended is not written yet.
        begun = (*fresh.facts.involvements, *self.scene.record(root).facts.involvements)
        latest = {(i.organisation, i.trajectory, i.valid_from): i for i in begun}
        facts = replace(fresh.facts, involvements=tuple(latest.values()))
        self.scene.persons[root] = replace(fresh, facts=facts)
        self.scene.places |= people.placements(self.tx.connection, [root])
        self.refs = people.refs_of(self.tx.connection, [(root, Oin(row.recipient))]) | self.refs

    def _running(self, row: Row[Any], organisation: str) -> Involvement | None:
        """That this organisation takes part in the traject of an opening message, now."""
        at, trajectory = self.scene.instant(row.root), row.trajectory_id
        own = (i for i in self.scene.record(row.root).facts.involvements if i.organisation == organisation)
        return next((i for i in own if i.trajectory == trajectory and i.runs(at)), None)

    def _ref(self, row: Row[Any]) -> KandidaatRef | None:
        """The receiver's own ref for the very person, or for one joined with it; given out now if it has none yet."""
        if row.root is None:
            return None
        receiver = Oin(row.recipient)
        ref = self.refs.get((row.person_id, receiver)) or self.refs.get((row.root, receiver))
        if ref is None:
            ref = self.refs[row.root, receiver] = new_ref(self.releaser.random)
            self.notes.refs.append((ref, receiver, self._handle(row, ref)))
        return ref

    def _handle(self, row: Row[Any], ref: KandidaatRef) -> str:
        """For which handle a new ref is given out: for the very person's own, or for a new one of the same person.

        Who erased its content knows the person under a new one: the key of the old one is never made again.
        """
        receiver = Oin(row.recipient)
        name = content_key(PersonId(row.person_id), receiver)
        gone = people.was_erased(self.tx.connection, receiver, row.root) or self.releaser.key_store.destroyed([name])
        if not gone:
            self.notes.given[row.delivery_id] = ref
            return str(row.person_id)
        handle = self.releaser.random(16).hex()
        first = people.name_anew(self.tx.connection, handle, row.person_id)
        self.notes.facts.append(
            Fact(_person(row), named_anew(row.message_id, self.tx.now, handle, first, (receiver, ref)))
        )
        return handle

    def _note(self, row: Row[Any], decision: Decision) -> None:
        first = row.released_at is None
        if first:
            # Later attempts never reveal more, so they need no leaf of their own.
            fact = released(row.message_id, Oin(row.recipient), self.tx.now, decision, decision.allowed)
            # The log binds each ref that is given out to whom it names, and to whom it is given.
            self.notes.facts.append(Fact(_person(row), fact | bound("ref", self.notes.given.get(row.delivery_id))))
        rests_on = decision.statements | ({decision.secrecy} if decision.secrecy is not None else set())
        self.notes.basis.extend({"delivery_id": row.delivery_id, "statement_id": s} for s in sorted(rests_on))
        self._change(row, revealed=sorted(c.value for c in decision.allowed))

    def _change(self, row: Row[Any], revealed: list[str]) -> None:
        number = row.attempts + 1
        self.notes.changes.append(
            _change(
                row,
                Step.RELEASE,
                attempts=number,
                channel=self.channel,
                released_at=row.released_at or self.tx.now,
                revealed=row.revealed if row.revealed is not None else revealed,
            )
        )
        self.notes.attempts.append(
            {
                "delivery_id": row.delivery_id,
                "number": number,
                "at": self.tx.now,
                "channel": self.channel,
                "outcome": None,
            }
        )

    def write(self) -> None:
        connection = self.tx.connection
        people.give_refs(connection, self.notes.refs)
        people.involve(connection, self.notes.involvements)
        closings.tell(connection, self.notes.told, self.tx.now)
        store.change(connection, self.notes.changes)
        store.note_attempts(connection, self.notes.attempts)
        store.note_basis(connection, self.notes.basis)
        if self.notes.facts or self.notes.attempts:
            self.releaser.evidence.append_or_prove(connection, self.notes.facts)


def _pair(row: Row[Any], channel: str) -> RulePair:
    """Only a push needs the machtiging of the subscription's systeem."""
    push_system = row.push_system if channel == PUSH else None
    return RulePair(Oin(row.organisation), row.system, Oin(row.recipient), push_system)


def _person(row: Row[Any]) -> PersonId | None:
    return None if row.person_id is None else PersonId(row.person_id)


def _change(row: Row[Any], step: Step | None, **values: Any) -> dict[str, Any]:
    """A new state (no step: the same) with what comes with it; what is not named stays as it was."""
    kept = {"attempts", "channel", "released_at", "revealed", "ended_at", "reason"}
    state = row.state if step is None else after(State(row.state), step).value
    return {"key": row.delivery_id, "state": state} | {name: values.get(name, getattr(row, name)) for name in kept}


def _involvement_row(begun: Involvement, row: Row[Any], involvement_id: str) -> dict[str, Any]:
    return {
        "involvement_id": involvement_id,
        "person_id": row.person_id,
        "organisation": begun.organisation,
        "trajectory_id": begun.trajectory,
        "framework": LegalFramework(begun.framework).value,
        "valid_from": begun.valid_from,
        "valid_until": begun.valid_until,
        "opened_by": row.delivery_id,
    }
