"""The first officer's step: what is asked, of whom, and the code that confirms it. Nothing changes yet.

Nothing is told either: whether the person is joined with anybody shows only to who holds the code.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.keys import KeyStore, evidence_key
from consent.store.reading import PersonRecord
from contracts import instants
from contracts.errors import Conflict, NotFound
from contracts.identity import Oin, PersonId
from hub.gate.person_work import Subject
from hub.keys.codes import code_index, new_code
from hub.keys.sealing import seal, unseal
from hub.ledger.evidence import bound
from hub.rights.consent.means import Means, entry
from hub.store.persons import identity
from hub.store.persons.identity import OwnRef
from hub.store.region.access import Asker
from hub.store.writer import Transaction

JOIN: Final = "samenvoeging"
SPLIT: Final = "splitsing"
#: How long a code holds: for who must be called first, and for a colleague, who may be there only tomorrow.
_BETWEEN: Final = timedelta(hours=1)
_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a first officer asks. ``employee``: a code, never a name. ``other_ref``: an own ref of whom it must be."""

    kind: str
    employee: str
    reason: str
    other_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and the code to tell the second officer; it is shown this once."""

    id: str
    code: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Asking:
    """The verb of the first officer. ``code_key``: HMAC key of the index of codes."""

    means: Means
    code_key: bytes

    def ask(self, asker: Asker, ref: str, wish: Wish) -> Asked:
        """Ask that the person of this ref is joined with another, or split off. Raises ``NotFound``, ``Conflict``."""

        def work(tx: Transaction, subject: Subject) -> Asked:
            own = identity.own_ref(tx.connection, asker.organisation, ref)
            if own is None or not may_speak(own, subject.record, asker.organisation, subject.at):
                raise NotFound
            other = None if wish.other_ref is None else self._other(tx, subject, asker, wish.other_ref)
            return self._ask(tx, subject, asker, wish, other)

        return self.means.person_work.on_ref(asker, ref, work)

    def _other(self, tx: Transaction, subject: Subject, asker: Asker, ref: str) -> PersonId:
        other = identity.own_ref(tx.connection, asker.organisation, ref)
        if other is None:
            raise NotFound
        if other.root == subject.known.root:
            raise Conflict("Deze twee kenmerken zijn al van één persoon.")
        return other.person

    def _ask(self, tx: Transaction, subject: Subject, asker: Asker, wish: Wish, other: PersonId | None) -> Asked:
        at, person, request_id = subject.at, subject.known.person, self.means.new_id()
        asked = Asked(request_id, new_code(self.means.random), at + _term(wish, other))
        index = code_index(self.code_key, asked.code)
        key = self.means.key_store.ensure([evidence_key(person)])[evidence_key(person)]
        values = {
            "request_id": request_id,
            "kind": wish.kind,
            "person_id": person,
            "other_id": other,
            "organisation": asker.organisation,
            "system": asker.system,
            "employee": wish.employee,
            "reason_sealed": seal(key, wish.reason.encode(), _aad(request_id), self.means.random),
            "code_index": index,
            "asked_at": at,
            "valid_until": asked.until,
        }
        identity.add_request(tx.connection, values)
        payload: dict[str, Any] = {
            "verzoekId": request_id,
            "medewerker": wish.employee,
            "geldigTot": instants.write(asked.until),
            "code": index.hex(),
        }
        named = {} if other is None else {"met": other}
        # A crash before the commit: nobody asked anything. After it, unanswered: the code is lost and lapses; ask anew.
        self.means.note(
            tx, person, entry(f"{wish.kind}-gevraagd", at, asker) | payload | named | bound("reden", wish.reason)
        )
        return asked


def reason_of(key_store: KeyStore, row: Row[Any]) -> str | None:
    """Why it was asked; ``None`` once the evidence key is gone."""
    name = evidence_key(PersonId(row.person_id))
    key = key_store.find([name]).get(name)
    return None if key is None else unseal(key, row.reason_sealed, _aad(row.request_id)).decode()


def may_speak(own: OwnRef, record: PersonRecord, organisation: Oin, at: datetime) -> bool:
    """Who registered the person itself may; who only learned of it, while involved."""
    takes_part = any(i.organisation == organisation and i.runs(at) for i in record.facts.involvements)
    return own.registered or takes_part


def speaks_still(connection: Connection, row: Row[Any], record: PersonRecord, at: datetime) -> OwnRef | None:
    """The ref by which the organisation that asked may still speak for the person that it asked about."""
    refs = identity.own_refs(connection, Oin(row.organisation), [row.person_id])
    return next((own for own in refs if may_speak(own, record, Oin(row.organisation), at)), None)


def _term(wish: Wish, other: PersonId | None) -> timedelta:
    return _BETWEEN if wish.kind == JOIN and other is None else _WITHIN


def _aad(request_id: str) -> bytes:
    return f"verzoek/{request_id}".encode()
