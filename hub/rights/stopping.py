"""What follows at once when consent is taken away: what waits is stopped, what went is named, receivers are told.

Runs inside the transaction that takes it away, which holds the person's exclusive lock: no accept and no release of
this person can commit between the change and what follows from it (promise 2).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from consent.facts import Choice, Involvement, Statement
from consent.keys import KeyStore
from consent.store.closures import overlap
from contracts import catalogue, instants
from contracts.identity import Oin, PersonId, Purpose
from hub.delivery.release import opened
from hub.delivery.states import State, Step, after
from hub.gate.judge import Candidate, Scene, look
from hub.intake.accept import body_key
from hub.ledger.evidence import Evidence, Fact, stopped_by
from hub.rights.notices import Notice, Notifier
from hub.store.persons import cases
from hub.store.region.rules import RulePair
from hub.store.traffic import deliveries
from hub.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Given:
    """A message that had gone out under what was taken away.

    It had gone once its release was committed, be it by webhook or by a fetch of the mailbox: from then on it may have
    arrived, and who receives it is told of it by a notice. What waits in a mailbox was never released.
    """

    message_id: str
    sender: Oin
    receiver: Oin
    purpose: Purpose
    at: datetime


@dataclass(frozen=True, slots=True)
class Consequence:
    """What followed, for the whole region; each organisation is told its own part."""

    at: datetime
    stopped: tuple[tuple[Oin, Oin], ...]  # (sender, receiver) of each message that was stopped
    given: tuple[Given, ...]
    notices: tuple[tuple[Oin, Oin], ...]  # (sender, receiver) of each notice

    def part_of(self, organisation: Oin) -> dict[str, Any]:
        """What this organisation sent or received itself: ``{tijdstip, gestopt, verstrekt, kennisgevingen}``."""
        return {
            "tijdstip": instants.write(self.at),
            "gestopt": stopped_of(self.stopped, organisation),
            "verstrekt": [
                {"berichtId": g.message_id, "ontvanger": g.receiver, "tijdstip": instants.write(g.at)}
                for g in self.given
                if organisation in (g.sender, g.receiver)
            ],
            "kennisgevingen": sum(organisation in ends for ends in self.notices),
        }


@dataclass(frozen=True, slots=True)
class Cause:
    """What was taken away: its id (statement, stop, beperking …), why in a code, and the statements that it closed.

    ``code`` is noted with what is stopped, and told to receivers, where ``told`` does not say it in other words.
    ``refusal``: the ``nee`` that closed them (each as it reads: ``closed``), or what counts as one since it ended; it
    concerns only what went under them in a flow, and of a category, that it names as well. ``told_of_closed``: why, for
    what rested on no other than these, where their end is another one than that of the ``refusal``.
    """

    id: str
    code: str
    statements: frozenset[str]
    person: PersonId
    root: str
    refusal: Statement | None = None
    told: str | None = None
    closed: tuple[Statement, ...] = ()
    told_of_closed: str | None = None


@dataclass(frozen=True, slots=True)
class Stopper:
    """Draws the consequences."""

    key_store: KeyStore
    evidence: Evidence
    notifier: Notifier

    def draw(self, tx: Transaction, cause: Cause, at: datetime) -> Consequence:
        """Stop what waits and is no longer allowed, name what had gone, and have its receivers told."""
        given, bases = _under(tx, cause)
        if cause.told_of_closed is None:
            return self.draw_for(tx, cause, given, at)
        own = [row for row in given if cause.id in bases[row.delivery_id]]
        closed = [row for row in given if cause.id not in bases[row.delivery_id]]
        notices = notices_of(own, cause) + notices_of(closed, replace(cause, told=cause.told_of_closed))
        return self._draw(tx, cause, given, notices, at)

    def draw_for(self, tx: Transaction, cause: Cause, given: Sequence[Row[Any]], at: datetime) -> Consequence:
        """The same for what had gone (``given``: rows of released deliveries) on another ground than a statement."""
        return self._draw(tx, cause, given, notices_of(given, cause), at)

    def _draw(
        self, tx: Transaction, cause: Cause, given: Sequence[Row[Any]], notices: Sequence[Notice], at: datetime
    ) -> Consequence:
        stopped = self.stop_waiting(tx, cause, at)
        told = self.notifier.tell(tx, notices, at)
        return Consequence(at, tuple(stopped), given_of(given), tuple(told))

    def tell_again(
        self, tx: Transaction, cause: Cause, at: datetime, given: Sequence[Row[Any]] | None = None
    ) -> Consequence:
        """What was told when it was taken away the first time; nothing happens.

        What had gone is what its receivers were told of then (or ``given``): looked for anew, it would also name what
        came under this person since, by a join, and miss what went while the clock was ahead.
        """
        stopped = cases.stopped_by(tx.connection, cause.root, at, cause.code)
        notices = cases.told_of(tx.connection, cause.id, at)
        told = tuple((Oin(row.verstrekker), Oin(row.organisation)) for row in notices)
        went = _given_then(notices) if given is None else given_of(given)
        return Consequence(at, tuple(stopped), went, told)

    def stop_waiting(self, tx: Transaction, cause: Cause, at: datetime) -> list[tuple[Oin, Oin]]:
        """Decide anew on everything of this person that waits; what the gate now refuses is stopped, and named."""
        return self.stop(tx, self.refused(tx.connection, cause.root, at), cause, at)

    def stop(self, tx: Transaction, refused: Sequence[Row[Any]], cause: Cause, at: datetime) -> list[tuple[Oin, Oin]]:
        """Stop these that wait (rows of ``refused``), each with its entry; (sender, receiver) of each.

        By that entry the replay finds what is set to wait again by hand: a later ``ja`` would cover it.
        """
        if not refused:
            return []
        deliveries.change(tx.connection, [_stopped(row, cause, at) for row in refused])
        # Also what was refused because a key is gone is stopped: nothing more is noted of who was erased.
        self.evidence.append_what_may(tx.connection, [_noted(row, cause, at) for row in refused])
        return [(Oin(row.organisation), Oin(row.recipient)) for row in refused]

    def would_stop(
        self, connection: Connection, at: datetime, root: str, invalid: frozenset[str]
    ) -> list[tuple[Oin, Oin]]:
        """(sender, receiver) of what waits and would be stopped were these statements invalid; changes nothing."""
        refused = self.refused(connection, root, at, invalid)
        return [(Oin(row.organisation), Oin(row.recipient)) for row in refused]

    def refused(
        self, connection: Connection, root: str, at: datetime, invalid: frozenset[str] = frozenset()
    ) -> list[Row[Any]]:
        """What waits and the gate now refuses, as if these statements were ``invalid``; changes nothing."""
        rows = deliveries.waiting_of(connection, root)
        if not rows:
            return []
        ends = [row.trajectory_id for row in rows if row.kind in catalogue.closing()]
        scene = look(connection, at, {_pair(row) for row in rows}, [root], ends)
        if invalid:
            _doubt(scene, root, invalid)
        keys = self.key_store.find({body_key(row.person_id, Oin(row.organisation)) for row in rows})
        return [row for row in rows if not self._still_allowed(scene, row, keys)]

    def _still_allowed(self, scene: Scene, row: Row[Any], keys: Mapping[str, bytes]) -> bool:
        key = keys.get(body_key(row.person_id, Oin(row.organisation)))
        if key is None:
            return False
        message = opened(key, row)
        if message is None:  # never a reason why somebody could not withdraw
            return False
        push_system = _pair(row).push_system
        candidate = Candidate(
            *(message, Oin(row.recipient), row.root, row.trajectory_id, push_system), accepted_at=row.accepted_at
        )
        judgement = scene.judge(candidate)
        if judgement.allowed and row.opens:
            _await(scene, row)
        return judgement.allowed


def stopped_of(stopped: Iterable[tuple[Oin, Oin]], organisation: Oin) -> int:
    """How many stopped messages an organisation is told of: those that it sent.

    What never reached its receiver is not that one's receipt: it must not learn that something was on its way.
    """
    return sum(sender == organisation for sender, _ in stopped)


def closed_by(refusal: Statement, statements: Iterable[Statement], at: datetime) -> frozenset[str]:
    """The ``ja``'s with which a ``nee`` overlaps: in each of the four scopes it names, they share something.

    Not those given later, which reopen what they name, nor those that had ended before; but of two parents who disagree
    the ``ja`` is none, whoever spoke last. A ``nee`` that is not in force at ``at`` closes none: its flow runs on, and
    nobody is told otherwise.
    """
    if refusal.valid_from > at or (refusal.valid_until is not None and refusal.valid_until <= at):
        return frozenset()
    return frozenset(
        s.id
        for s in statements
        if s.choice is Choice.YES and s.ended_at is None and overlap(refusal, s)
        if s.spoken_at <= refusal.given_at or (s.parental and refusal.parental)
    )


def outlived(ended: Statement, statements: Iterable[Statement], at: datetime) -> frozenset[str]:
    """The older ``ja``'s that its end at ``at`` closes, too: with what is taken away none of them revives."""
    return frozenset(
        s.id
        for s in statements
        if s.choice is Choice.YES and s.id != ended.id and s.spoken_at <= at and overlap(ended, s)
        if s.ended_at is None or s.ended_at > at
    )


def _under(tx: Transaction, cause: Cause) -> tuple[list[Row[Any]], Mapping[str, frozenset[str]]]:
    """What had gone under what was taken away, and where there is a refusal, the statements that each rested on."""
    rows = deliveries.released_under(tx.connection, cause.statements)
    if cause.refusal is None or not rows:
        return rows, {}
    refusal, bases = cause.refusal, deliveries.bases_of(tx.connection, [row.delivery_id for row in rows])
    concerned = [
        row
        for row in rows
        if any(s.id in bases[row.delivery_id] and _concerns(refusal, s, row) for s in cause.closed)
    ]
    return concerned, bases


def _concerns(refusal: Statement, closed: Statement, row: Row[Any]) -> bool:
    """True when the refusal names the flow of this release, and something that was given in it under the other."""
    given = frozenset(row.revealed or ())
    both = (named for named in (refusal.categories, closed.categories) if named is not None)
    return (
        (refusal.senders is None or row.organisation in refusal.senders)
        and (refusal.receivers is None or row.recipient in refusal.receivers)
        and (refusal.purposes is None or row.purpose in refusal.purposes)
        and bool(given.intersection(*both))
    )


def _doubt(scene: Scene, root: str, invalid: frozenset[str]) -> None:
    """Look at a person as if these statements were invalid."""
    record = scene.record(root)
    statements = tuple(replace(s, invalid=s.invalid or s.id in invalid) for s in record.facts.statements)
    scene.persons[root] = replace(record, facts=replace(record.facts, statements=statements))


def _await(scene: Scene, row: Row[Any]) -> None:
    """A waiting opening message that may still go counts for the messages that wait behind it."""
    at = scene.instant(row.root)
    for i in scene.record(row.root).facts.involvements:
        if i.organisation == row.organisation and i.trajectory == row.trajectory_id and i.runs(at):
            begun = Involvement(Oin(row.recipient), i.trajectory, i.framework, scene.now, i.valid_until, awaited=True)
            scene.involve(row.root, begun)
            return


def _stopped(row: Row[Any], cause: Cause, at: datetime) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in ("attempts", "channel", "released_at", "revealed")}
    state = after(State(row.state), Step.REFUSE).value
    return kept | {"key": row.delivery_id, "state": state, "ended_at": at, "reason": cause.code[:40]}


def _noted(row: Row[Any], cause: Cause, at: datetime) -> Fact:
    said = stopped_by(cause.id, row.message_id, Oin(row.recipient), at, cause.code)
    return Fact(PersonId(row.person_id), said)


def _pair(row: Row[Any]) -> RulePair:
    pushed = row.push_kinds is None or row.kind in row.push_kinds  # else it waits to be fetched
    return RulePair(Oin(row.organisation), row.system, Oin(row.recipient), row.push_system if pushed else None)


def given_of(rows: Iterable[Row[Any]]) -> tuple[Given, ...]:
    """Released deliveries, as they are told: in the order of release."""
    told = (
        Given(row.message_id, Oin(row.organisation), Oin(row.recipient), Purpose(row.purpose), row.released_at)
        for row in rows
    )
    return tuple(sorted(told, key=lambda given: (given.at, given.message_id, given.receiver)))


def _given_then(notices: Iterable[Row[Any]]) -> tuple[Given, ...]:
    """What receivers were told of (rows of notices' zaken), in the order of release."""
    told = (
        Given(
            one["berichtId"],
            Oin(row.verstrekker),
            Oin(one["ontvanger"]),
            Purpose(row.purposes[0]),
            instants.parse(one["tijdstip"]),
        )
        for row in notices
        for one in row.messages
    )
    return tuple(sorted(told, key=lambda given: (given.at, given.message_id, given.receiver)))


def notices_of(
    given: Sequence[Row[Any]], cause: Cause, kind: str = "grondslag.vervallen", *, asks: bool = True
) -> list[Notice]:
    """One notice per verstrekker, receiver and doel of what had gone."""
    groups: dict[tuple[str, str, str], list[Row[Any]]] = defaultdict(list)
    for row in given:
        groups[row.organisation, row.recipient, row.purpose].append(row)
    return [
        Notice(
            kind=kind,
            sender=Oin(sender),
            receiver=Oin(receiver),
            purpose=purpose,
            code=cause.told or cause.code,
            cause=cause.id,
            person=cause.person,
            root=cause.root,
            messages=tuple(rows),
            asks=asks,
        )
        for (sender, receiver, purpose), rows in groups.items()
    ]
