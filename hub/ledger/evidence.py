"""What the hub writes in the evidence log: payloads of ids and codes, never a text or a value of a person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from consent.decision import Decision, Outcome
from consent.keys import SYSTEM_KEY, KeyDestroyed, KeyStore, evidence_key
from consent.log.ledger import Appended, NewEntry, append
from contracts import instants
from contracts.canonical import canonical
from contracts.envelope import Message
from contracts.errors import LogUnavailable
from contracts.identity import Category, Oin, PersonId
from hub.ports import NewId

#: What the log calls it that a zaak was opened, and that one closed though nobody answered it.
CASE_OPENED: Final = "zaak"
CASE_CLOSED: Final = "zaak-gesloten"
#: And that an organisation has its messages pushed to an address, or no longer.
SUBSCRIBED: Final = "abonnement"
UNSUBSCRIBED: Final = "abonnement-beeindigd"
#: And that somebody known was given a BSN, or an organisation's own number.
MARKED: Final = "kenmerk-vastgelegd"
#: For an entry that is undone as soon as it was written: nobody ever reads it.
_NO_KEY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to log. ``person`` says under whose evidence key it is sealed; ``None``: under the system's."""

    person: PersonId | None
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Appends facts to the log, in the caller's transaction."""

    key_store: KeyStore
    new_id: NewId

    def append(
        self, connection: Connection, facts: Sequence[Fact], keys: Mapping[str, bytes] | None = None
    ) -> list[Appended]:
        """One entry per fact, in order. ``keys``: those of ``key_of`` each fact, where the caller has them already.

        Raises ``consent.keys.KeyDestroyed`` for a person who was erased.
        """
        if not facts:
            return []
        ids = [key_of(fact.person) for fact in facts]
        if keys is None:
            keys = self.key_store.ensure(ids)
        entries = [NewEntry(i, keys[i], {"v": 1} | f.payload) for i, f in zip(ids, facts, strict=True)]
        return append(connection, entries, self.new_id)

    def append_or_prove(self, connection: Connection, facts: Sequence[Fact]) -> None:
        """One entry per fact; without any, see that one could be written: nothing is released without the log.

        Raises ``LogUnavailable`` when the database refuses it.
        """
        try:
            if facts:
                self.append(connection, facts)
                return
            with connection.begin_nested() as attempt:
                append(connection, [NewEntry(SYSTEM_KEY, _NO_KEY, {})], self.new_id)
                attempt.rollback()  # it never was in the log
        except SQLAlchemyError as error:
            structlog.get_logger().error("database refused", exc_info=error)
            raise LogUnavailable(headers={"Retry-After": "5"}) from error

    def append_what_may(self, connection: Connection, facts: Sequence[Fact]) -> None:
        """The same without the facts of persons who were erased meanwhile: nothing may be noted under their key."""
        try:
            self.append(connection, facts)
        except KeyDestroyed as error:  # keys are asked before anything is written
            self.append(connection, [fact for fact in facts if key_of(fact.person) not in error.key_ids])


def key_of(person: PersonId | None) -> str:
    """Id of the key under which what is logged about a person, or about nobody, is sealed."""
    return SYSTEM_KEY if person is None else evidence_key(person)


def bound(name: str, words: str | None) -> dict[str, str]:
    """Free text stays out of the log; its digest binds it."""
    return {} if words is None else {f"{name}Sha256": sha256(words.encode()).hexdigest()}


def bsn_mark(organisation: str, index: bytes, salt: bytes | None) -> str:
    """What binds a person to a BSN (keyed index) in the log; it says nothing once the row with the salt is gone."""
    return sha256(b"|".join((organisation.encode(), salt or b"", index))).hexdigest()


def number_mark(index: bytes, sealed: bytes) -> str:
    """What binds a person to an organisation's own number. Sealed twice it is another; gone with its row."""
    return sha256(b"|".join((index, sealed))).hexdigest()


def place_mark(placement_id: str) -> str:
    """What binds a person to a placement (`plaatsingId`, an id of a partner's making) in the log."""
    return sha256(placement_id.encode()).hexdigest()


def decided(
    message: Message,
    message_id: str | None,
    at: datetime,
    decisions: Iterable[tuple[Oin, Decision]],
    trajectory: str | None = None,
) -> dict[str, Any]:
    """The decision on one message for all its recipients. Refused as a whole, it has no ``berichtId``.

    ``trajectory``: the traject that an opening message opens.
    """
    payload: dict[str, Any] = {
        "soort": "besluit",
        "op": instants.write(at),
        "afzender": message.source.organisation,
        "systeem": message.source.system,
        "bericht": message.kind.name,
        "doel": message.purpose.value,
        "besluiten": [_decision(receiver, decision) for receiver, decision in decisions],
    }
    if trajectory is not None:
        payload["trajectId"] = trajectory
    return payload if message_id is None else payload | {"berichtId": message_id}


def asked(message: Message, at: datetime, decisions: Iterable[tuple[Oin, Decision]]) -> dict[str, Any]:
    """That somebody asked whether a message would be allowed; nothing was sent."""
    return decided(message, None, at, decisions) | {"soort": "vooraf-controle"}


def released(
    message_id: str, receiver: Oin, at: datetime, decision: Decision, revealed: Iterable[Category]
) -> dict[str, Any]:
    """That a message, with these categories, may now leave for a receiver."""
    secrecy = {} if decision.secrecy is None else {"ontheffing": decision.secrecy}
    return (
        {
            "soort": "vrijgave",
            "op": instants.write(at),
            "berichtId": message_id,
            "gegeven": sorted(c.value for c in revealed),
        }
        | _decision(receiver, decision)
        | secrecy
    )


def notice_released(message_id: str, receiver: Oin, at: datetime) -> dict[str, Any]:
    """That a notice of the hub may now leave for its receiver. Its own entry says what it tells."""
    return {
        "soort": "vrijgave",
        "op": instants.write(at),
        "berichtId": message_id,
        "ontvanger": receiver,
        "uitkomst": Outcome.ALLOWED.value,
        "gegeven": [],
        "kennisgeving": True,
    }


def notice_refused(message_id: str, receiver: Oin, at: datetime, reason: str) -> dict[str, Any]:
    """That a notice of the hub was stopped."""
    return _stopped(message_id, receiver, at, reason) | {"kennisgeving": True}


def stopped_by(cause: str, message_id: str, receiver: Oin, at: datetime, reason: str) -> dict[str, Any]:
    """That an act stopped what waited. ``cause``: its id."""
    return _stopped(message_id, receiver, at, reason) | {"oorzaak": cause}


def _stopped(message_id: str, receiver: Oin, at: datetime, reason: str) -> dict[str, Any]:
    return {
        "soort": "stop",
        "op": instants.write(at),
        "berichtId": message_id,
        "ontvanger": receiver,
        "uitkomst": Outcome.STOPPED.value,
        "reden": reason,
    }


def refused(message_id: str, receiver: Oin, at: datetime, decision: Decision) -> dict[str, Any]:
    """That the gate stopped a message that was accepted before."""
    return {"soort": "stop", "op": instants.write(at), "berichtId": message_id} | _decision(receiver, decision)


def joined(message_id: str, at: datetime, other: str) -> dict[str, Any]:
    """That an opening message whose BSN both ends registered joined two persons: this one, and ``other`` (a root)."""
    return {"soort": "samenvoeging", "op": instants.write(at), "berichtId": message_id, "met": other}


def named_anew(message_id: str, at: datetime, handle: str, first: str, given: tuple[Oin, str]) -> dict[str, Any]:
    """That a receiver that erased its content knows a person under another handle; ``first``: which one that is.

    ``given``: the receiver, and the ref that it gets.
    """
    receiver, ref = given
    return joined(message_id, at, handle) | {"anderKenmerkVan": first, "ontvanger": receiver} | bound("ref", ref)


def acknowledged(receiver: Oin, at: datetime, messages: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """What one receiver acknowledged of one person in one call: (berichtId, outcome)."""
    return {
        "soort": "bevestiging",
        "op": instants.write(at),
        "ontvanger": receiver,
        "berichten": [{"berichtId": m, "uitkomst": outcome} for m, outcome in sorted(messages)],
    }


def case_opened(values: Mapping[str, Any]) -> dict[str, Any]:
    """That somebody is asked something, or told (a zaak): its row (``hub.store.tables.case``) as it begins."""
    shown = {
        "zaakId": values["case_id"],
        "zaak": values["kind"],
        "organisatie": values["organisation"],
        "verstrekker": values["verstrekker"],
        "verstrekkerZaakId": values.get("sender_id"),
        "oorzaak": values["cause"],
        "ontvanger": values.get("receiver"),
        "doelen": values["purposes"],
        "berichtenSha256": sha256(canonical(values["messages"])).hexdigest(),
        "uiterlijkOp": _written(values.get("due_at")),
        "gesloten": True if values.get("closed_at") is not None else None,  # it only tells
    }
    named = {name: value for name, value in shown.items() if value is not None}
    return {"soort": CASE_OPENED, "op": instants.write(values["opened_at"])} | named


def case_closed(case_id: str, answer: str | None, at: datetime) -> dict[str, Any]:
    """That a zaak closed by itself: what happened answered it, or nobody can any more."""
    said = {"soort": CASE_CLOSED, "op": instants.write(at), "zaakId": case_id}
    return said if answer is None else said | {"antwoord": answer}


def subscribed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Where an organisation is pushed to: its row (``hub.store.tables.subscription``), but for the secret."""
    kinds = {} if values["kinds"] is None else {"soorten": values["kinds"]}
    said = {"soort": SUBSCRIBED, "op": instants.write(values["made_at"]), "organisatie": values["organisation"]}
    return said | {"systeem": values["system"]} | bound("url", values["url"]) | kinds


def unsubscribed(organisation: Oin, system: str | None, at: datetime) -> dict[str, Any]:
    """That a subscription ended; no ``system``: by the answer of the address itself."""
    said = {"soort": UNSUBSCRIBED, "op": instants.write(at), "organisatie": organisation}
    return said if system is None else said | {"systeem": system}


def _written(at: datetime | None) -> str | None:
    return None if at is None else instants.write(at)


def _decision(receiver: Oin, decision: Decision) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "ontvanger": receiver,
        "uitkomst": decision.outcome.value,
        "grondslag": {category.value: fact for category, fact in decision.basis.items()},
        "weggelaten": sorted(c.value for c in decision.left_out),
    }
    if decision.code is not None:
        entry["code"] = decision.code.value
        entry["reden"] = next((step.reason for step in decision.steps if not step.passed), "")
    return entry
