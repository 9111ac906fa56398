"""From a read message to a committed one. Read this first, then hub/delivery/release.py.

The path (the numbers are the steps of the README's drawing):

  4  recipients: the one it names, or every involved organisation that an agreement entitles    (gate/recipients.py)
  5  decide, per recipient, on facts read after the person's lock                               (gate/judge.py)
  6  commit once: the message sealed, one decision leaf for all recipients, one outbox row per recipient it may reach;
     what a closing message ends, ends with it                                                  (rights/closing)

Written for many: a single message is a batch of one. A refusal leaves its decision leaf and nothing else.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from consent.decision import Decision, Outcome
from consent.keys import KeyStore
from consent.log.ledger import Appended
from contracts import instants
from contracts.canonical import canonical
from contracts.envelope import Message
from contracts.errors import (
    ExchangeError,
    MessageIdTaken,
    MessageInvalid,
    MessageLapsed,
    PartUnavailable,
    RefusalCode,
    TokenInvalid,
)
from contracts.identity import Oin, PersonId
from contracts.kinds.base import WORKPLACES
from contracts.minimise import placement_ids
from hub.delivery.states import State
from hub.gate.living import Ref, among_the_living
from hub.gate.recipients import Decided, decide_all
from hub.keys.messages import body_aad as body_aad
from hub.keys.messages import body_key as body_key
from hub.keys.messages import bsn_digest, keyed_digest
from hub.keys.messages import receipt_aad as receipt_aad
from hub.keys.sealing import seal, unseal
from hub.ledger.evidence import Evidence, Fact, decided, key_of, place_mark
from hub.ports import NewId, Random
from hub.store.locks import Locks
from hub.store.persons import people
from hub.store.persons.people import Known
from hub.store.traffic import messages as store
from hub.store.writer import Transaction, Writer
from hub.telemetry import NO_CODE, Metrics

#: How often a message is looked up again because its person was joined with another just before its lock was held.
_LOOKS: Final = 4


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is durable. ``receipt``: its ontvangstbewijs, unsigned; ``repeat``: it had been accepted before."""

    receipt: dict[str, Any]
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Denied:
    """No recipient may have it; only the decision was kept. ``decisions`` where the sender named the recipient."""

    code: RefusalCode
    decisions: list[dict[str, Any]] | None = None


Answer = Accepted | Denied


class _Moved(Exception):
    """What was looked up before the lock is no longer so: look again."""


@dataclass(frozen=True, slots=True)
class _Submission:
    message: Message
    locked: str  # the root it is locked under, or a stand-in where its ref names nobody


@dataclass(frozen=True, slots=True)
class _Sealing:
    """What a message that goes out is stored by. ``digest``: as a repeat is known; ``places``: what it places whom at.

    ``marks``: what the log binds it by, so that none of it can be exchanged in the tables unseen.
    """

    key: bytes
    text: bytes
    digest: bytes
    bsn_index: bytes | None
    places: frozenset[str]
    marks: dict[str, Any]


@dataclass(slots=True)
class _Rows:
    """What one transaction will write."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    placements: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Accepter:
    """Accepts messages.

    ``look`` opens a read-only connection; ``ring`` hears, after a commit, for whom something waits. ``conclude`` does,
    in the transaction that accepts closing messages, what follows from them; it is given ids and evidence keys.
    """

    writer: Writer
    look: Callable[[], AbstractContextManager[Connection]]
    key_store: KeyStore
    evidence: Evidence
    new_id: NewId
    random: Random
    ring: Callable[[frozenset[Oin]], None]
    bsn_index: Callable[[str], bytes]
    metrics: Metrics
    conclude: Callable[[Transaction, Sequence[tuple[Decided, str]], Mapping[str, bytes]], None]

    def accept(self, messages: Sequence[Message]) -> list[Answer | ExchangeError]:
        """Accept each message on its own merits. The answers are in order, and durable when this returns.

        That the caller may speak for ``source`` was checked before. An ``ExchangeError`` in the list is that message's
        own.
        """
        answers: dict[int, Answer | ExchangeError] = {}
        refused: IntegrityError | store.IdentityTaken | None = None
        for _ in range(_LOOKS):
            todo = [i for i in range(len(messages)) if i not in answers]
            for i, outcome in zip(todo, self._try([messages[i] for i in todo]), strict=True):
                if isinstance(outcome, (Accepted, Denied, ExchangeError)):
                    answers[i] = outcome
                elif isinstance(outcome, (IntegrityError, store.IdentityTaken)):
                    refused = outcome  # another process took the same id a moment ago, or the database takes nothing
                elif not isinstance(outcome, _Moved):
                    raise outcome
        if len(answers) < len(messages):
            if refused is not None:
                raise refused
            raise PartUnavailable("Bied dit nog eens aan.", headers={"Retry-After": "1"})
        self._count(messages, answers)
        return [answers[i] for i in range(len(messages))]

    def _count(self, messages: Sequence[Message], answers: Mapping[int, Answer | ExchangeError]) -> None:
        for i, message in enumerate(messages):
            answer, kind = answers[i], message.kind.name
            if isinstance(answer, Denied):
                self.metrics.accept.add(kind=kind, outcome="geweigerd")
                self.metrics.decide.add(kind=kind, outcome="tegengehouden", code=answer.code.value)
            elif isinstance(answer, Accepted):
                self.metrics.accept.add(kind=kind, outcome="herhaling" if answer.repeat else "aanvaard")
                if not answer.repeat:
                    for told in answer.receipt["besluiten"]:
                        self.metrics.decide.add(kind=kind, outcome=told["uitkomst"], code=told.get("code", NO_CODE))
            else:
                self.metrics.accept.add(kind=kind, outcome="conflict")

    def _try(self, messages: Sequence[Message]) -> list[Answer | Exception]:
        if not messages:
            return []
        with self.look() as connection:
            known = _resolve(connection, messages)
        items = [_Submission(m, _lock(m, _whom(m, known))) for m in messages]
        locks = [_locks(item) for item in items]
        return self.writer.do_all(self.decide_and_store, items, locks)

    def decide_and_store(self, tx: Transaction, items: Sequence[_Submission]) -> list[Answer | Exception]:
        """Steps 4 to 6 for many messages, inside one transaction that holds their locks."""
        answers: dict[int, Answer | Exception] = {}
        todo = dict(enumerate(items))
        while todo:
            # One that comes twice is looked at once its first is there, or was refused.
            first: dict[store.Identity, int] = {}
            for place, item in todo.items():
                first.setdefault(_identity(item.message), place)
            once = self._each_once(tx, [todo.pop(place) for place in first.values()])
            answers.update(zip(first.values(), once, strict=True))
        return [answers[place] for place in range(len(items))]

    def _each_once(self, tx: Transaction, items: Sequence[_Submission]) -> list[Answer | Exception]:
        """Decide and store; no two of them bear the same id."""
        known = _resolve(tx.connection, [i.message for i in items])
        earlier = store.earlier(tx.connection, [_identity(i.message) for i in items])
        answers: list[Answer | Exception | None] = []
        fresh: list[Message] = []
        for item in items:
            identity = _identity(item.message)
            if item.locked != _lock(item.message, _whom(item.message, known)):
                answers.append(_Moved())
            elif identity in earlier:
                answers.append(self._repeat(item.message, earlier[identity]))
            else:
                fresh.append(item.message)
                answers.append(None)
        new = iter(self._decide(tx, fresh, known))
        return [next(new) if answer is None else answer for answer in answers]

    def _decide(
        self, tx: Transaction, messages: Sequence[Message], known: Mapping[Ref, Known]
    ) -> list[Answer | Exception]:
        # Keys come before anything is written.
        return among_the_living(known, lambda alive: self._store(tx, decide_all(tx, messages, alive)))

    def _repeat(self, message: Message, row: Row[Any]) -> Answer | Exception:
        name = body_key(row.person_id, message.source.organisation)
        key = self.key_store.find([name]).get(name)
        if key is None or row.digest is None or row.receipt is None:
            return MessageLapsed()
        if not hmac.compare_digest(keyed_digest(key, message.canonical()), row.digest):
            return MessageIdTaken()
        receipt: dict[str, Any] = json.loads(unseal(key, row.receipt, receipt_aad(row.message_id)))
        return Accepted(receipt, repeat=True)

    def _store(self, tx: Transaction, decisions: Sequence[Decided | MessageInvalid]) -> list[Answer | Exception]:
        """Step 6. The leaf comes first, because the receipt names it."""
        done = [d for d in decisions if isinstance(d, Decided)]
        ids = {id(d): self.new_id() if d.going else None for d in done}
        keys = self._keys(done)
        sealing = {id(d): self._sealing(d, keys) for d in done if d.going}
        marks = {which: one.marks for which, one in sealing.items()}
        facts = [Fact(_person(d), _told(d, ids[id(d)]) | marks.get(id(d), {})) for d in done]
        leaves = self.evidence.append(tx.connection, facts, keys)
        rows = _Rows()
        leaf_of = dict(zip(map(id, done), leaves, strict=True))
        answers: list[Answer | Exception] = []
        for d in decisions:
            if isinstance(d, MessageInvalid):
                answers.append(d)
            elif (message_id := ids[id(d)]) is None:
                answers.append(_denied(d))
            else:
                answers.append(self._write(rows, d, message_id, leaf_of[id(d)], sealing[id(d)]))
        store.store(tx.connection, rows.messages, rows.keys)
        store.queue(tx.connection, rows.deliveries)
        people.note_placements(tx.connection, rows.placements)
        self.conclude(tx, [(d, made) for d in done if (made := ids[id(d)]) is not None], keys)
        # A crash before the commit loses all of this, and nobody was answered. After it the relay finds the outbox
        # rows by itself: the ring only spares it the wait.
        recipients = frozenset(Oin(row["recipient"]) for row in rows.deliveries)
        if recipients:
            tx.after_commit(lambda: self.ring(recipients))
        return answers

    def _keys(self, done: Sequence[Decided]) -> dict[str, bytes]:
        """Evidence keys of all, and the content keys of those whose message goes out, by one look."""
        names = {key_of(_person(d)) for d in done}
        names |= {body_key(_person(d), d.message.source.organisation) for d in done if d.going}
        return self.key_store.ensure(names) if names else {}

    def _sealing(self, d: Decided, keys: Mapping[str, bytes]) -> _Sealing:
        message = d.message
        key, text = keys[body_key(_person(d), message.source.organisation)], message.canonical()
        digest, index = keyed_digest(key, text), self._bsn(message)
        placing = message.kind.opens and any(judgement.receiver_role in WORKPLACES for _, judgement in d.going)
        places = placement_ids(message.kind, message.data) if placing and d.known is not None else frozenset[str]()
        marks: dict[str, Any] = {"digest": digest.hex()}
        marks |= {} if message.recipient is None else {"genoemd": message.recipient}
        marks |= {} if index is None else {"bsnDigest": bsn_digest(key, index)}
        marks |= {"plaatsingen": sorted(map(place_mark, places))} if places else {}
        return _Sealing(key, text, digest, index, places, marks)

    def _write(self, rows: _Rows, d: Decided, message_id: str, leaf: Appended, given: _Sealing) -> Accepted:
        message, source = d.message, d.message.source
        person = _person(d)
        receipt = _receipt(d, message_id, leaf, given.text)
        identity = {"organisation": source.organisation, "system": source.system, "event_id": message.id}
        rows.messages.append(
            identity
            | {
                "message_id": message_id,
                "person_id": person,
                "kind": message.kind.name,
                "purpose": message.purpose.value,
                "trajectory_id": d.trajectory,
                "recipient": message.recipient,
                "accepted_at": d.at,
                "body": seal(given.key, canonical(message.event), body_aad(message_id), self.random),
                "receipt": seal(given.key, canonical(receipt), receipt_aad(message_id), self.random),
                "entry_id": leaf.entry_id,
                "case_id": None,
                "bsn_index": given.bsn_index,
            }
        )
        rows.keys.append(identity | {"message_id": message_id, "digest": given.digest})
        for receiver, judgement in d.going:
            line = d.known.root if d.known is not None else message_id
            rows.deliveries.append(waiting(self.new_id(), message, receiver, message_id, line) | {"next_at": d.at})
            if judgement.receiver_role in WORKPLACES:
                placed = {"person_id": person, "workplace": receiver, "workplace_role": judgement.receiver_role}
                rows.placements.extend(placed | {"placement_id": place} for place in given.places)
        return Accepted(receipt)

    def _bsn(self, message: Message) -> bytes | None:
        """The keyed index of the BSN by which a release may join two persons; only an opening message can."""
        bsn = message.data.get("kandidaat", {}).get("bsn") if message.kind.opens else None
        return None if bsn is None else self.bsn_index(bsn)


def waiting(delivery_id: str, message: Message, receiver: Oin, message_id: str, line: str) -> dict[str, Any]:
    """A new delivery (values of ``delivery`` but for ``next_at``), waiting in its line."""
    return {
        "delivery_id": delivery_id,
        "message_id": message_id,
        "organisation": message.source.organisation,
        "recipient": receiver,
        "line": line,
        "kind": message.kind.name,
        "opens": message.kind.opens,
        "notice": message.kind.by_hub,
        "overtakes": message.kind.by_hub,
        "state": State.WAITING.value,
        "attempts": 0,
    }


def besluit(receiver: Oin, decision: Decision) -> dict[str, Any]:
    """A decision as the sender is told it: outward code and left out categories, no more."""
    told: dict[str, Any] = {
        "ontvanger": receiver,
        "uitkomst": decision.outcome.value,
        "weggelaten": sorted(c.value for c in decision.left_out) if decision.outcome is not Outcome.STOPPED else [],
    }
    return told if decision.code is None else told | {"code": decision.code.value}


def _told(d: Decided, message_id: str | None) -> dict[str, Any]:
    return decided(d.message, message_id, d.at, [(r, j.decision) for r, j in d.judgements], d.trajectory)


def _person(d: Decided) -> PersonId | None:
    return d.known.person if d.known is not None else None


def _denied(d: Decided) -> Answer | Exception:
    code = d.exact or RefusalCode.GEEN_GRONDSLAG
    if d.message.recipient is None:
        return TokenInvalid() if _sender_gone(d) else Denied(code)
    ((receiver, judgement),) = d.judgements
    if _sender_gone(d):
        return TokenInvalid()
    return Denied(judgement.decision.code or code, [besluit(receiver, judgement.decision)])


def _sender_gone(d: Decided) -> bool:
    """True when the organisation or its machtiging ended after the token was given."""
    return any(j.decision.code is RefusalCode.HANDELING_NIET_TOEGESTAAN for _, j in d.judgements)


def _receipt(d: Decided, message_id: str, leaf: Appended, text: bytes) -> dict[str, Any]:
    """The ontvangstbewijs. Where the sender named nobody, only those to whom it goes are told (gate rules)."""
    told = d.judgements if d.message.recipient is not None else d.going
    return {
        "berichtId": message_id,
        "id": d.message.id,
        "source": d.message.source.urn(),
        "aanvaardOp": instants.write(d.at),
        "digest": hashlib.sha256(text).hexdigest(),
        "bladHash": leaf.leaf_hash.hex(),
        "besluiten": [besluit(receiver, j.decision) for receiver, j in told],
    }


def _identity(message: Message) -> store.Identity:
    return (message.source.organisation, message.source.system, message.id)


def _resolve(connection: Connection, messages: Sequence[Message]) -> dict[tuple[Oin, str], Known]:
    return people.resolve(connection, [(m.source.organisation, m.subject) for m in messages if m.subject is not None])


def _whom(message: Message, known: Mapping[tuple[Oin, str], Known]) -> Known | None:
    return known.get((message.source.organisation, message.subject)) if message.subject is not None else None


def _locks(item: _Submission) -> Locks:
    """While a closing message is let in, nothing else about its person is accepted or released."""
    mine = frozenset({item.locked})
    return Locks(exclusive=mine) if item.message.kind.closes else Locks(shared=mine)


def _lock(message: Message, known: Known | None) -> str:
    """A ref that names nobody is locked too: what it costs must not tell that it names nobody."""
    return known.root if known is not None else f"niemand/{message.source.organisation}/{message.subject}"
