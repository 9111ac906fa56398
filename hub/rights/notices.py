"""Notices that the hub makes in the name of a verstrekker (AVG art. 7(3), 19), each with a zaak for its answer.

A notice goes out also after involvement, agreement or key has ended, and does not wait in its person's line. So it lies
under the person's evidence key: it holds a ref of its receiver, ids and codes, and nothing of what was sent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from consent.keys import KeyStore, evidence_key
from contracts import catalogue, instants
from contracts.canonical import canonical
from contracts.envelope import Message, Source, compose
from contracts.identity import Oin, PersonId, Purpose
from contracts.kinds.kennisgeving import MAX_MESSAGES
from hub.delivery.mailbox import HUB_SYSTEM
from hub.intake.accept import waiting
from hub.keys.messages import body_aad, receipt_aad
from hub.keys.sealing import seal
from hub.ledger.evidence import Evidence, Fact
from hub.ports import NewId, Random
from hub.rights.cases.book import open_cases
from hub.store.persons import people
from hub.store.traffic import messages as store
from hub.store.writer import Transaction

NOTICE: Final = "kennisgeving"


@dataclass(frozen=True, slots=True)
class Notice:
    """What one receiver is told of one verstrekker's messages for one doel.

    ``messages``: rows of released deliveries. ``asks``: an answer is awaited; else its zaak only tells.
    """

    kind: str
    sender: Oin
    receiver: Oin
    purpose: str
    code: str
    cause: str
    person: PersonId
    root: str
    messages: tuple[Row[Any], ...]
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Notifier:
    """Makes notices as messages that wait for their receivers. ``ring`` hears of them after the commit."""

    key_store: KeyStore
    evidence: Evidence
    new_id: NewId
    random: Random
    ring: Callable[[frozenset[Oin]], None]

    def tell(self, tx: Transaction, notices: Sequence[Notice], at: datetime) -> list[tuple[Oin, Oin]]:
        """Queue every notice with its zaak; (sender, receiver) of each message made."""
        if not notices:
            return []
        parts = [part for notice in notices for part in _parts(notice)]
        refs = people.given_refs(tx.connection, [(n.root, n.receiver) for n in parts])
        keys = self.key_store.ensure({evidence_key(n.person) for n in parts})
        told = [n for n in parts if (n.root, n.receiver) in refs]
        made = [self._made(n, refs[n.root, n.receiver], keys[evidence_key(n.person)], at) for n in told]
        leaves = self.evidence.append(tx.connection, [Fact(one.person, one.entry) for one in made], keys)
        rows = [one.message | {"entry_id": leaf.entry_id} for one, leaf in zip(made, leaves, strict=True)]
        store.store(tx.connection, rows, [one.key for one in made])
        store.queue(tx.connection, [one.delivery for one in made])
        open_cases(self.evidence, tx, [one.case for one in made])
        receivers = frozenset(n.receiver for n in told)
        tx.after_commit(lambda: self.ring(receivers))
        return [(n.sender, n.receiver) for n in told]

    def _made(self, notice: Notice, ref: str, key: bytes, at: datetime) -> "_Made":
        case_id, message_id = self.new_id(), self.new_id()
        message = _message(notice, ref, case_id, at)
        source = message.source
        identity = {"organisation": source.organisation, "system": source.system, "event_id": message.id}
        row = identity | {
            "message_id": message_id,
            "person_id": notice.person,
            "kind": message.kind.name,
            "purpose": Purpose.RECHTEN.value,
            "trajectory_id": None,
            "recipient": notice.receiver,
            "accepted_at": at,
            "body": seal(key, canonical(message.event), body_aad(message_id), self.random),
            "receipt": seal(key, canonical({}), receipt_aad(message_id), self.random),
            "case_id": case_id,
            "bsn_index": None,
        }
        return _Made(
            person=notice.person,
            entry=_entry(notice, message_id, case_id, at),
            message=row,
            key=identity | {"message_id": message_id, "digest": None},
            delivery=waiting(self.new_id(), message, notice.receiver, message_id, notice.root) | {"next_at": at},
            case=_case(notice, case_id, at) | {"sender_id": self.new_id()},
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """A notice as it is written: its entry, and its row in each table (the message's without its ``entry_id``)."""

    person: PersonId
    entry: dict[str, Any]
    message: dict[str, Any]
    key: dict[str, Any]
    delivery: dict[str, Any]
    case: dict[str, Any]


def _parts(notice: Notice) -> Iterator[Notice]:
    """A notice names at most so many messages that it stays within the size of one."""
    for start in range(0, len(notice.messages), MAX_MESSAGES):
        rows = notice.messages[start : start + MAX_MESSAGES]
        yield replace(notice, messages=rows)


def _message(notice: Notice, ref: str, case_id: str, at: datetime) -> Message:
    kind = catalogue.by_name(notice.kind)
    if kind is None:
        raise LookupError("the catalogue does not know this notice")
    attributes = {
        "id": case_id,
        "source": Source(notice.sender, HUB_SYSTEM).urn(),
        "subject": ref,
        "time": instants.write(at),
    }
    named = [{"source": Source(Oin(m.organisation), m.system).urn(), "id": m.event_id} for m in notice.messages]
    data = {
        "kandidaatRef": ref,
        "zaakId": case_id,
        "berichten": named,
        "doel": notice.purpose,
        "per": instants.write(at),
        "code": notice.code,
    }
    return compose(kind, attributes, data, instants.today(at))


def _entry(notice: Notice, message_id: str, case_id: str, at: datetime) -> dict[str, Any]:
    return {
        "soort": NOTICE,
        "op": instants.write(at),
        "bericht": notice.kind,
        "berichtId": message_id,
        "zaakId": case_id,
        "afzender": notice.sender,
        "ontvanger": notice.receiver,
        "code": notice.code,
        "berichten": [m.message_id for m in notice.messages],
    }


def _case(notice: Notice, case_id: str, at: datetime) -> dict[str, Any]:
    given = [
        {"berichtId": m.message_id, "ontvanger": m.recipient, "tijdstip": instants.write(m.released_at)}
        for m in notice.messages
    ]
    return {
        "case_id": case_id,
        "kind": notice.kind,
        "organisation": notice.receiver,
        "verstrekker": notice.sender,
        "person_id": notice.person,
        "cause": notice.cause,
        "purposes": [notice.purpose],
        "messages": given,
        "opened_at": at,
        "closed_at": None if notice.asks else at,
    }
