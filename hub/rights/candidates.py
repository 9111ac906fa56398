"""Registering persons, binding own numbers, opening trajecten.

Persons are matched on the keyed index of a BSN, never on a name. Two organisations that register the same BSN have two
persons; one signed art. 26 regeling that binds them joins the two at once, else a release does (gate rules). Each has a
person of its own, so that two officers can split them; those whom they split no registration joins again.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from consent.keys import KeyDestroyed, KeyStore, content_key
from contracts import instants
from contracts.errors import Conflict, NotFound, PartUnavailable, RefusalCode, Refused
from contracts.identity import KandidaatRef, LegalFramework, Oin, PersonId, Role, new_ref
from hub.gate.living import living
from hub.gate.person_work import PersonWork, Subject
from hub.keys.keyring import Keyring
from hub.keys.sealing import seal
from hub.ledger.evidence import MARKED, Evidence, Fact, bound, bsn_mark, number_mark
from hub.ports import NewId, Random
from hub.rights.consent.checks import require_alive
from hub.store.locks import Locks
from hub.store.persons import identity, people
from hub.store.persons.people import Known
from hub.store.refusals import is_taken, not_logged
from hub.store.region import parties
from hub.store.region.access import Asker, require_active
from hub.store.region.rules import agreement_partners
from hub.store.writer import Transaction, Writer, apart

_REGISTERING = frozenset({Role.GEMEENTE, Role.ONTWIKKELBEDRIJF})
#: How often a registration is tried when another process registered, or erased, the same person a moment ago.
_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Registration:
    """What an organisation gives to register somebody. ``verified``: how it made sure of the BSN (Wabb art. 12)."""

    asker: Asker
    bsn: str | None
    local_number: str | None
    verified: str | None

    @property
    def organisation(self) -> Oin:
        """Whose act it is."""
        return self.asker.organisation


@dataclass(frozen=True, slots=True)
class _Submission:
    """``locked``: the roots of all who hold this BSN, one of which the new person may be joined with."""

    given: Registration
    locked: frozenset[str]


class _Moved(Exception):
    """Who holds this BSN was joined with another between the look and the lock."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The organisation's own ref; ``first`` is false for a repeat of its own registration."""

    ref: KandidaatRef
    first: bool


@dataclass(frozen=True, slots=True)
class NewTrajectory:
    """A traject to open for a person."""

    asker: Asker
    client: Oin
    framework: LegalFramework
    valid_from: datetime
    valid_until: datetime | None

    @property
    def organisation(self) -> Oin:
        """Whose act it is."""
        return self.asker.organisation


@dataclass(frozen=True, slots=True)
class Candidates:
    """The verbs on persons."""

    writer: Writer
    person_work: PersonWork
    keyring: Keyring
    key_store: KeyStore
    evidence: Evidence
    new_id: NewId
    random: Random

    def register(self, given: Registration) -> Registered:
        """Register somebody, or find the organisation's own earlier registration.

        Raises ``Refused`` for a role that may not register, ``Conflict`` when number and BSN name different persons,
        ``LogUnavailable`` when the database takes nothing.
        """
        # Two parties of one regeling that register the same BSN at once, in two processes, would else make two persons.
        index = None if given.bsn is None else self.keyring.bsn_index(given.bsn)
        bsn = frozenset[str]() if index is None else frozenset({f"bsn/{index.hex()}"})
        for _ in range(_TRIES):
            with self.person_work.look() as connection:
                holders = {} if index is None else people.bsn_holders(connection, index)
            roots = frozenset(known.root for known in holders.values())
            try:
                return self.writer.do(self._register, _Submission(given, roots), Locks(shared=roots, exclusive=bsn))
            except (KeyDestroyed, _Moved):  # erased, or joined, between the look and the log
                continue
            except SQLAlchemyError as error:
                if not is_taken(error):  # else another process registered the same number: now it is a repeat
                    raise not_logged(error) from error
        raise PartUnavailable("Bied dit nog eens aan.", headers={"Retry-After": "1"})

    def _register(self, tx: Transaction, items: Sequence[_Submission]) -> list[Registered | Exception]:
        return apart(tx, items, lambda item: self._register_one(tx, item))

    def _register_one(self, tx: Transaction, item: _Submission) -> Registered:
        given = item.given
        require_active(tx.connection, given.asker, tx.now)
        require_role(tx.connection, given.organisation, _REGISTERING)
        index = None if given.bsn is None else self.keyring.bsn_index(given.bsn)
        own = None if index is None else people.roots_by_bsn(tx.connection, given.organisation, index)
        own = living(self.key_store, own, given.organisation)
        number = None if given.local_number is None else self._number(given.organisation, given.local_number)
        numbered = None if number is None else people.who_has_number(tx.connection, given.organisation, number)
        numbered = living(self.key_store, numbered, given.organisation)
        if own is not None and numbered is not None and own.root != numbered.root:
            raise Conflict("Dit nummer hoort al bij iemand anders.")
        known, joint = own or numbered, None
        if known is None:
            joint = self._joint(tx, given.organisation, index)
            if joint is not None and joint.root not in item.locked:
                raise _Moved
            known = self._learned(tx, given.organisation, joint) or self._new(tx, joint)
        marks: dict[str, str] = {}  # what binds this person to what it was given by, as the log tells it
        if index is not None and own is None:
            if numbered is not None and people.has_bsn(tx.connection, given.organisation, known.root):
                raise Conflict("Bij dit nummer hoort een ander burgerservicenummer.")
            marks |= self._note_bsn(tx, known, given.organisation, index)
        if given.local_number is not None and numbered is None:
            marks |= self._bind(tx, known, given.organisation, given.local_number)
        ref, new = self._ref(tx, known, given.organisation)
        first = people.note_registration(tx.connection, given.organisation, known.root, ref, tx.now)
        if first:
            joined = {} if joint is None or joint.person == known.person else {"met": joint.root}
            self._log(tx, known, given, joined | bound("ref", ref if new else None) | marks)
        elif marks:
            self._log_marks(tx, known, given.asker, tx.now, marks)
        return Registered(ref, first)

    def _joint(self, tx: Transaction, organisation: Oin, index: bytes | None) -> Known | None:
        """The person whom a party of the same signed art. 26 regeling registered under this BSN."""
        if index is None:
            return None
        holders = people.bsn_holders(tx.connection, index)
        found: list[Known] = []
        for agreement in agreement_partners(tx.connection, [organisation])[organisation]:
            if agreement.joint_arrangement is not None and agreement.in_force(tx.now):
                for party in sorted(agreement.parties - {organisation}):
                    known = living(self.key_store, holders.get(party), organisation)
                    found += [] if known is None else [known]
        # Where two officers said that these are two persons, the BSN does not say which of them this is.
        split = identity.are_held_apart(tx.connection, sorted({known.root for known in found}))
        return found[0] if found and not split else None

    def _learned(self, tx: Transaction, organisation: Oin, joint: Known | None) -> Known | None:
        """Whom it knows already by a message, where the regeling says that this is who it registers."""
        persons = identity.members(tx.connection, [] if joint is None else [joint.root])
        refs = identity.own_refs(tx.connection, organisation, persons)
        return next((own.known for own in refs), None)

    def _new(self, tx: Transaction, joint: Known | None) -> Known:
        handle = self.random(16).hex()
        root = handle if joint is None else joint.root
        people.make_person(tx.connection, handle, root)
        return Known(PersonId(handle), root)

    def _ref(self, tx: Transaction, known: Known, organisation: Oin) -> tuple[KandidaatRef, bool]:
        """Its ref for this person, and whether that is new."""
        key = (known.root, organisation)
        ref = people.refs_of(tx.connection, [key]).get(key)
        if ref is not None:
            return ref, False
        ref = new_ref(self.random)
        people.give_refs(tx.connection, [(ref, organisation, known.person)])
        return ref, True

    def _log(self, tx: Transaction, known: Known, given: Registration, more: dict[str, str]) -> None:
        payload = {
            "soort": "registratie",
            "op": instants.write(tx.now),
            "organisatie": given.organisation,
            "metBsn": given.bsn is not None,
        }
        verified = {} if given.verified is None else {"vergewist": given.verified}
        self.evidence.append(tx.connection, [Fact(known.person, payload | verified | more)])

    def bind_number(self, asker: Asker, ref: str, local_number: str) -> None:
        """Bind the organisation's own number to a person it knows. ``Conflict`` if it names somebody else already."""
        organisation = asker.organisation

        def work(tx: Transaction, subject: Subject) -> None:
            named = people.who_has_number(tx.connection, organisation, self._number(organisation, local_number))
            named = living(self.key_store, named, organisation)
            if named is not None and named.root != subject.known.root:
                raise Conflict("Dit nummer hoort al bij iemand anders.")
            if named is None:
                marks = self._bind(tx, subject.known, organisation, local_number)
                self._log_marks(tx, subject.known, asker, subject.at, marks)

        self.person_work.on_ref(asker, ref, work)

    def look_up(self, organisation: Oin, local_number: str) -> KandidaatRef:
        """The ref of the person whom the organisation's own number names. Raises ``NotFound``."""
        with self.person_work.look() as connection:
            known = people.who_has_number(connection, organisation, self._number(organisation, local_number))
            known = living(self.key_store, known, organisation)
            if known is not None:
                ref = people.refs_of(connection, [(known.root, organisation)]).get((known.root, organisation))
                if ref is not None:
                    return ref
        raise NotFound

    def open_trajectory(self, ref: str, new: NewTrajectory) -> str:
        """Open a traject; the organisation's own involvement begins. The random ``trajectId``."""

        def work(tx: Transaction, subject: Subject) -> str:
            self._check_client(tx, role, new)
            if subject.involved(new.organisation):  # of anybody else it must not tell
                require_alive(subject)
            trajectory_id = self.random(16).hex()
            row = {
                "trajectory_id": trajectory_id,
                "person_id": subject.known.person,
                "client": new.client,
                "framework": new.framework.value,
                "valid_from": new.valid_from,
                "valid_until": new.valid_until,
                "opened_by": new.organisation,
            }
            people.open_trajectory(tx.connection, row, self.new_id())
            payload = {
                "soort": "traject-geopend",
                "op": instants.write(subject.at),
                "organisatie": new.organisation,
                "opdrachtgever": new.client,
                "trajectId": trajectory_id,
                "wettelijkKader": new.framework.value,
                "van": instants.write(new.valid_from),
                "tot": None if new.valid_until is None else instants.write(new.valid_until),
            }
            self.evidence.append(tx.connection, [Fact(subject.known.person, payload)])
            return trajectory_id

        # The role comes first: who may never do this must not learn from the answer whom its ref names.
        with self.person_work.look() as connection:
            role = require_role(connection, new.organisation, _REGISTERING)
        return self.person_work.on_ref(new.asker, ref, work)

    def _check_client(self, tx: Transaction, role: Role, new: NewTrajectory) -> None:
        """A gemeente is its own opdrachtgever; an ontwikkelbedrijf works for one with which it has an agreement."""
        if role is Role.GEMEENTE:
            if new.client != new.organisation:
                raise Refused(RefusalCode.HANDELING_NIET_TOEGESTAAN, "Een gemeente opent een traject voor zichzelf.")
            return
        agreements = agreement_partners(tx.connection, [new.organisation])[new.organisation]
        others = {p for a in agreements if a.in_force(tx.now) for p in a.parties} - {new.organisation}
        if new.client not in others:
            raise Refused(RefusalCode.AFSPRAAK_ONTBREEKT, "Met deze opdrachtgever is geen afspraak van kracht.")

    def _number(self, organisation: Oin, local_number: str) -> bytes:
        return hmac.digest(self.keyring.local_number_key, f"{organisation}/{local_number}".encode(), "sha256")

    def _note_bsn(self, tx: Transaction, known: Known, organisation: Oin, index: bytes) -> dict[str, str]:
        salt = self.random(16)
        row = {"organisation": organisation, "bsn_index": index, "person_id": known.person, "salt": salt}
        people.note_bsn(tx.connection, row)
        return {"bsnSha256": bsn_mark(organisation, index, salt)}

    def _log_marks(self, tx: Transaction, known: Known, asker: Asker, at: datetime, marks: dict[str, str]) -> None:
        """That a person who was registered, or known, already was given a BSN or an own number."""
        said = {"soort": MARKED, "op": instants.write(at), "organisatie": asker.organisation, "systeem": asker.system}
        self.evidence.append(tx.connection, [Fact(known.person, said | marks)])

    def _bind(self, tx: Transaction, known: Known, organisation: Oin, local_number: str) -> dict[str, str]:
        name = content_key(known.person, organisation)
        key = self.key_store.ensure([name])[name]
        row: dict[str, Any] = {
            "organisation": organisation,
            "number_index": self._number(organisation, local_number),
            "person_id": known.person,
            "sealed": seal(key, local_number.encode(), f"lokaal-nummer/{known.person}".encode(), self.random),
        }
        people.bind_number(tx.connection, row)
        return {"nummerSha256": number_mark(row["number_index"], row["sealed"])}


def require_role(connection: Connection, organisation: Oin, roles: frozenset[Role]) -> Role:
    """The organisation's role, if it is one of these; else ``Refused``."""
    found = parties.organisation_by_oin(connection, organisation)
    if found is None or found.role not in roles:
        raise Refused(RefusalCode.HANDELING_NIET_TOEGESTAAN, "Deze handeling is niet voor een organisatie met uw rol.")
    return found.role
