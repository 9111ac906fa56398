"""Zaken: what an organisation is asked. A stopverzoek is confirmed or lifted, a notice is answered. Each once.

What an answer does, where it does more than being told, is known by the ``Decider`` of its kind: a stop, a bezwaar.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row

from consent.keys import KeyStore, evidence_key
from contracts import instants
from contracts.errors import Conflict, Fault, NotFound, RequestInvalid, ScopeMissing
from contracts.identity import PersonId
from hub.gate.person_work import PersonWork, Subject
from hub.keys.sealing import seal, unseal
from hub.ledger.evidence import Evidence, Fact
from hub.ports import Random
from hub.store.persons import cases
from hub.store.persons.people import Known
from hub.store.region.access import Asker, require_active
from hub.store.writer import Transaction

LIFTED: Final = "opgeheven"
STOP_ANSWERS: Final = ("bevestigd", LIFTED)
NOTICE_ANSWERS: Final = ("gestopt", "verwijderd", "behouden-eigen-grondslag", "onmogelijk")
#: Of what was wrong a receiver may also say that it put it right.
RECTIFICATION: Final = "rectificatie.kennisgeving"
CORRECTED: Final = "gecorrigeerd"


@dataclass(frozen=True, slots=True)
class Reply:
    """An organisation's answer to a zaak."""

    answer: str
    ground: str | None
    motivation: str | None


class Decider(Protocol):
    """Knows one kind of zaak."""

    @property
    def answers(self) -> tuple[str, ...]:
        """What may be answered."""

    @property
    def scope(self) -> str | None:
        """What the caller's token and machtiging must hold beside the scope of answering; ``None``: nothing."""

    def check(self, reply: Reply) -> None:
        """Raises ``RequestInvalid`` when the answer lacks something; knows nothing of the person."""

    def decide(self, tx: Transaction, row: Row[Any], reply: Reply, subject: Subject) -> dict[str, Any]:
        """Carry out the answer, under the person's lock; what its entry in the log says beside the answer."""

    def settle(self) -> None:
        """What follows once the answer is durable; it must not fail."""


@dataclass(frozen=True, slots=True)
class Cases:
    """The verbs on zaken. ``deciders``: by kind of zaak."""

    person_work: PersonWork
    key_store: KeyStore
    evidence: Evidence
    random: Random
    deciders: Mapping[str, Decider]

    def answer(self, asker: Asker, case_id: str, reply: Reply) -> Row[Any]:
        """Answer a zaak that is asked of this organisation. Raises ``NotFound``, ``Conflict``, ``RequestInvalid``."""

        organisation = asker.organisation

        def find(connection: Connection) -> Known | None:
            row = cases.find(connection, case_id, organisation)
            return None if row is None else Known(PersonId(row.person_id), row.root)

        def work(tx: Transaction, subject: Subject) -> Row[Any]:
            row = cases.find(tx.connection, case_id, organisation)
            if row is None:
                raise NotFound
            self._check(row.kind, reply)
            decider = self.deciders.get(row.kind)
            if decider is not None and decider.scope is not None:
                _require_scope(tx, asker, decider.scope)
            person = PersonId(row.person_id)
            explanation = self._sealed(person, reply, case_id)
            if not cases.close(tx.connection, case_id, reply.answer, explanation, subject.at):
                raise Conflict("Deze zaak is al beantwoord.")
            detail = {} if decider is None else decider.decide(tx, row, reply, subject)
            payload = {
                "soort": "zaak-beantwoord",
                "op": instants.write(subject.at),
                "zaakId": case_id,
                "zaak": row.kind,
                "oorzaak": row.cause,
                "organisatie": organisation,
                "antwoord": reply.answer,
            }
            self.evidence.append(tx.connection, [Fact(person, payload | detail)])
            return cases.read(tx.connection, case_id)

        answered = self.person_work.on(asker, find, work, f"niemand/{case_id}", take_away=True)
        decider = self.deciders.get(answered.kind)
        if decider is not None:
            decider.settle()
        return answered

    def _check(self, kind: str, reply: Reply) -> None:
        decider = self.deciders.get(kind)
        if reply.answer not in (answers_to(kind) if decider is None else decider.answers):
            raise RequestInvalid(faults=[Fault("antwoord", "ONBEKENDE_CODE", "Dit antwoord past niet bij deze zaak.")])
        if decider is not None:
            decider.check(reply)

    def explanation(self, row: Row[Any]) -> str | None:
        """The ground and motivation of an answer; ``None`` where none were given, or the evidence key is gone."""
        if row.explanation_sealed is None:
            return None
        name = evidence_key(PersonId(row.person_id))
        key = self.key_store.find([name]).get(name)
        return None if key is None else unseal(key, row.explanation_sealed, _aad(row.case_id)).decode()

    def _sealed(self, person: PersonId, reply: Reply, case_id: str) -> bytes | None:
        words = "\n".join(w for w in (reply.ground, reply.motivation) if w)
        if not words:
            return None
        name = evidence_key(person)
        return seal(self.key_store.ensure([name])[name], words.encode(), _aad(case_id), self.random)


def answers_to(kind: str) -> tuple[str, ...]:
    """What may be answered to a notice of this kind; to a zaak that only tells, nothing."""
    if kind not in cases.NOTICES:
        return ()
    return (*NOTICE_ANSWERS, CORRECTED) if kind == RECTIFICATION else NOTICE_ANSWERS


def _require_scope(tx: Transaction, asker: Asker, scope: str) -> None:
    if scope not in asker.held:
        raise ScopeMissing
    require_active(tx.connection, replace(asker, scope=scope), tx.now)


def _aad(case_id: str) -> bytes:
    return f"zaak/{case_id}".encode()
