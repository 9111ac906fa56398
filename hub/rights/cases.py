"""Zaken: what an organisation is asked. A stopverzoek is confirmed or lifted; a notice is answered. Each once."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.keys import KeyStore, evidence_key
from consent.store import records
from contracts import instants
from contracts.errors import Conflict, Fault, NotFound, RequestInvalid
from contracts.identity import PersonId
from hub.gate.person_work import PersonWork, Subject
from hub.keys.sealing import seal
from hub.ledger.evidence import Evidence, Fact
from hub.ports import Random
from hub.rights.statements import STOP, WITHDRAWAL
from hub.store.persons import cases
from hub.store.persons.people import Known
from hub.store.region.access import Asker
from hub.store.writer import Transaction

LIFTED: Final = "opgeheven"
STOP_ANSWERS: Final = ("bevestigd", LIFTED)
NOTICE_ANSWERS: Final = ("gestopt", "verwijderd", "behouden-eigen-grondslag", "onmogelijk")


@dataclass(frozen=True, slots=True)
class Reply:
    """An organisation's answer to a zaak."""

    answer: str
    ground: str | None
    motivation: str | None


@dataclass(frozen=True, slots=True)
class Cases:
    """The verbs on zaken."""

    person_work: PersonWork
    key_store: KeyStore
    evidence: Evidence
    random: Random

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
            if reply.answer not in answers_to(row.kind):
                raise RequestInvalid(
                    faults=[Fault("antwoord", "ONBEKENDE_CODE", "Dit antwoord past niet bij deze zaak.")]
                )
            person = PersonId(row.person_id)
            explanation = self._sealed(person, reply, case_id)
            if not cases.close(tx.connection, case_id, reply.answer, explanation, subject.at):
                raise Conflict("Deze zaak is al beantwoord.")
            if row.kind == STOP:
                # Lifting opens what was stopped for messages that come from now on; what was stopped stays stopped.
                records.answer_stop(tx.connection, row.cause, organisation, reply.answer, subject.at)
            payload = {
                "soort": "zaak-beantwoord",
                "op": instants.write(subject.at),
                "zaakId": case_id,
                "zaak": row.kind,
                "organisatie": organisation,
                "antwoord": reply.answer,
            }
            self.evidence.append(tx.connection, [Fact(person, payload)])
            found = cases.find(tx.connection, case_id, organisation)
            if found is None:
                raise NotFound
            return found

        return self.person_work.on(asker, find, work, f"niemand/{case_id}", take_away=True)

    def _sealed(self, person: PersonId, reply: Reply, case_id: str) -> bytes | None:
        words = "\n".join(w for w in (reply.ground, reply.motivation) if w)
        if not words:
            return None
        name = evidence_key(person)
        return seal(self.key_store.ensure([name])[name], words.encode(), f"zaak/{case_id}".encode(), self.random)


def answers_to(kind: str) -> tuple[str, ...]:
    """What may be answered to a zaak of this kind; to one that only tells, nothing."""
    if kind == STOP:
        return STOP_ANSWERS
    return () if kind == WITHDRAWAL else NOTICE_ANSWERS
