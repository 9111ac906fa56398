"""What every verb on statements works with: the person's lock, the log, the keys, and what follows at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from consent.keys import KeyStore, evidence_key
from contracts import instants
from contracts.identity import Oin, PersonId
from contracts.retention.terms import Terms
from hub.gate.person_work import PersonWork
from hub.keys.sealing import seal
from hub.ledger.evidence import Evidence, Fact
from hub.ports import NewId, Random
from hub.rights.cases.book import open_cases
from hub.rights.stopping import Cause, Consequence, Given, Stopper
from hub.rights.taken.book import Taken
from hub.store.region.access import Asker
from hub.store.writer import Transaction

STOP: Final = "stopverzoek"
WITHDRAWAL: Final = "intrekking"
#: A verstrekker's part of a ``ja`` is in force no more.
UNCONFIRMED: Final = "bevestiging-vervallen"


@dataclass(frozen=True, slots=True)
class Means:
    """The tools of the verbs."""

    person_work: PersonWork
    stopper: Stopper
    key_store: KeyStore
    evidence: Evidence
    new_id: NewId
    random: Random
    terms: Terms
    taken: Taken

    def note(self, tx: Transaction, person: str, payload: dict[str, Any]) -> str:
        """Log an act on a person; the id of its entry."""
        (entry_id,) = self.note_all(tx, person, [payload])
        return entry_id

    def note_all(self, tx: Transaction, person: str, payloads: Iterable[dict[str, Any]]) -> list[str]:
        """Log what an act on a person says in several entries, in this order; their ids."""
        facts = [Fact(PersonId(person), payload) for payload in payloads]
        return [leaf.entry_id for leaf in self.evidence.append(tx.connection, facts)]

    def sealed(self, person: PersonId, words: str | None, place: str) -> bytes | None:
        """Free text about a person, under the evidence key."""
        if words is None:
            return None
        name = evidence_key(person)
        return seal(self.key_store.ensure([name])[name], words.encode(), f"toestemming/{place}".encode(), self.random)

    def draw(self, tx: Transaction, cause: Cause, at: datetime, by: Oin) -> Consequence:
        """The consequences; every other verstrekker whose messages went finds its part in its zaken."""
        consequence = self.stopper.draw(tx, cause, at)
        others = {g.sender for g in consequence.given} | {sender for sender, _ in consequence.stopped}
        self.tell_senders(tx, cause, WITHDRAWAL, others - {by}, consequence)
        return consequence

    def tell_senders(
        self, tx: Transaction, cause: Cause, kind: str, senders: Collection[Oin], consequence: Consequence
    ) -> None:
        """Tell each of these verstrekkers, in a closed zaak of this kind, which of its own messages went out."""
        given = {sender: [g for g in consequence.given if g.sender == sender] for sender in sorted(senders)}
        told = [self.case(cause, (sender, kind), own, consequence.at, closed=True) for sender, own in given.items()]
        open_cases(self.evidence, tx, told)

    def case(
        self, cause: Cause, asked: tuple[Oin, str], given: Iterable[Given], at: datetime, *, closed: bool
    ) -> dict[str, Any]:
        """Such a zaak (values of ``case_file``), of what is ``given`` here."""
        sender, kind = asked
        return {
            "case_id": self.new_id(),
            "kind": kind,
            "organisation": sender,
            "verstrekker": sender,
            "person_id": cause.person,
            "cause": cause.id,
            "purposes": [],
            "messages": [
                {"berichtId": g.message_id, "ontvanger": g.receiver, "tijdstip": instants.write(g.at)} for g in given
            ],
            "opened_at": at,
            "closed_at": at if closed else None,
        }


def entry(kind: str, at: datetime, asker: Asker) -> dict[str, Any]:
    """What every entry about an act says: which, when, by whom and through which systeem."""
    return {"soort": kind, "op": instants.write(at), "organisatie": asker.organisation, "systeem": asker.system}
