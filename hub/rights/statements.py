"""Recording, confirming and withdrawing statements of a person; a stopverzoek; releases from secrecy.

A ``ja`` is in force at once for its recorder as verstrekker, and for each other verstrekker only once that one confirms
it: nobody widens its own access as receiver. A ``nee``, a withdrawal and a stop take effect with their commit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.facts import Choice, Statement, StatementStatus
from consent.keys import KeyStore, evidence_key
from consent.store import records
from contracts import instants
from contracts.errors import Conflict, Fault, NotFound, RefusalCode, Refused, RequestInvalid
from contracts.identity import Oin, PersonId, Purpose, Role
from hub.gate.person_work import PersonWork, Subject
from hub.keys.sealing import seal
from hub.ledger.evidence import Evidence, Fact
from hub.ports import NewId, Random
from hub.rights.candidates import require_role
from hub.rights.stopping import Cause, Consequence, Stopper, closed_by
from hub.store.persons import cases
from hub.store.persons.people import Known
from hub.store.region import parties
from hub.store.region.access import Asker
from hub.store.region.rules import agreement_partners
from hub.store.writer import Transaction

#: Consent cannot carry a public task (AVG recital 43): with a gemeente on either side these need a motivation.
_PUBLIC_TASKS: Final = frozenset(
    {Purpose.TOELEIDING, Purpose.TRAJECTBEGELEIDING, Purpose.DOORSTROOM, Purpose.VERANTWOORDING}
)
STOP: Final = "stopverzoek"
WITHDRAWAL: Final = "intrekking"


@dataclass(frozen=True, slots=True)
class NewStatement:
    """A statement as it was given, its form checked."""

    ref: str
    statement: Statement  # with an empty id
    notice: dict[str, str]
    manner: str
    given_by: str
    authority: str | None
    asked_by: Oin | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A statement that stands; ``consequence`` for a ``nee``."""

    row: Row[Any]
    parts: dict[Oin, datetime]
    at: datetime
    entry_id: str
    consequence: Consequence | None = None

    @property
    def status(self) -> StatementStatus:
        """How it stands now."""
        return records.status(self.row, self.parts, self.at)


@dataclass(frozen=True, slots=True)
class Statements:
    """The verbs on statements."""

    person_work: PersonWork
    stopper: Stopper
    key_store: KeyStore
    evidence: Evidence
    new_id: NewId
    random: Random

    def record(self, recorder: Asker, new: NewStatement) -> Recorded:
        """Record a ``ja`` or a ``nee``. Raises ``NotFound``, ``RequestInvalid``, ``Refused``."""

        def work(tx: Transaction, subject: Subject) -> Recorded:
            _require_involved(subject, recorder.organisation)
            _require_known(tx.connection, new.statement)
            if new.statement.given_at > subject.at:
                raise _fault("gegevenOp", "DATUM_IN_TOEKOMST", "Dit moment is nog niet geweest.")
            refusing = new.statement.choice is Choice.NO
            if not refusing:
                _require_fitting(tx, new.statement)
            return self._store(tx, subject, recorder, new, refusing)

        refusing = new.statement.choice is Choice.NO
        return self.person_work.on_ref(recorder, new.ref, work, take_away=refusing)

    def _store(
        self, tx: Transaction, subject: Subject, recorder: Asker, new: NewStatement, refusing: bool
    ) -> Recorded:
        statement_id, person, at = self.new_id(), subject.known.person, subject.at
        senders = new.statement.senders or frozenset()
        confirmed = frozenset({recorder.organisation}) & senders if not refusing else frozenset()
        payload = (
            _entry("toestemming", at, recorder.organisation)
            | _content(statement_id, new)
            | {"bevestigd": sorted(confirmed)}
        )
        (leaf,) = self.evidence.append(tx.connection, [Fact(person, payload)])
        values = self._values(new, subject, recorder) | {"statement_id": statement_id, "entry_id": leaf.entry_id}
        records.add_statement(tx.connection, values, sorted(confirmed))
        consequence = None
        if refusing:
            closed = closed_by(new.statement, subject.record.facts.statements)
            cause = Cause(statement_id, "toestemming-geweigerd", closed, person, subject.known.root, new.statement)
            consequence = self._draw(tx, cause, at, recorder.organisation)
        return self._recorded(tx, statement_id, at, leaf.entry_id, consequence)

    def _values(self, new: NewStatement, subject: Subject, recorder: Asker) -> dict[str, Any]:
        s = new.statement
        return {
            "person_id": subject.known.person,
            "recorder": recorder.organisation,
            "system": recorder.system,
            "basis": s.basis.value,
            "choice": s.choice.value,
            "purposes": _codes(s.purposes),
            "categories": _codes(s.categories),
            "senders": _codes(s.senders),
            "receivers": _codes(s.receivers),
            "given_at": s.given_at,
            "valid_from": s.valid_from,
            "valid_until": s.valid_until,
            "recorded_at": subject.at,
            "requested": False,
            "notice": new.notice,
            "manner": new.manner,
            "given_by": new.given_by,
            "asked_by": new.asked_by,
            "authority_sealed": self._sealed(subject.known.person, new.authority, "bevoegdheid"),
        }

    def confirm(self, recorder: Asker, statement_id: str) -> Recorded:
        """A named verstrekker, involved, puts its own part in force. Raises ``NotFound``, ``Conflict``."""

        def work(tx: Transaction, subject: Subject) -> Recorded:
            row = _seen(tx.connection, statement_id, subject, recorder.organisation)
            if row.choice != Choice.YES or recorder.organisation not in (row.senders or ()):
                raise NotFound
            parts = records.parts_of(tx.connection, [statement_id])[statement_id]
            if records.status(row, parts, subject.at) not in (StatementStatus.GIVEN, StatementStatus.TO_CONFIRM):
                raise Conflict("Deze toestemming kan niet meer worden bevestigd.")
            if records.confirm(tx.connection, statement_id, recorder.organisation, subject.at):
                payload = _entry("bevestiging-toestemming", subject.at, recorder.organisation)
                fact = Fact(PersonId(row.person_id), payload | {"toestemmingId": statement_id})
                self.evidence.append(tx.connection, [fact])
            return self._recorded(tx, statement_id, subject.at, row.entry_id, None)

        return self.person_work.on(recorder, _finder(statement_id), work, f"niemand/{statement_id}")

    def withdraw(self, recorder: Asker, statement_id: str, given_by: str, reason: str | None) -> Consequence:
        """Withdraw a statement in the person's name: in force with this commit. Repeating it tells the same again."""

        def work(tx: Transaction, subject: Subject) -> Consequence:
            _require_involved(subject, recorder.organisation)
            row = records.find_statement(tx.connection, statement_id)
            if row is None:
                raise NotFound
            person = PersonId(row.person_id)
            at = row.ended_at or subject.at
            cause = Cause(
                statement_id, "toestemming-ingetrokken", frozenset({statement_id}), person, subject.known.root
            )
            sealed = self._sealed(person, reason, "reden")
            if not records.end(tx.connection, statement_id, recorder.organisation, at, sealed):
                return self.stopper.tell_again(tx, cause, at)
            payload = _entry(WITHDRAWAL, at, recorder.organisation)
            detail = {"toestemmingId": statement_id, "gegevenDoor": given_by}
            self.evidence.append(tx.connection, [Fact(person, payload | detail)])
            # A crash before the commit: nothing was withdrawn and nobody was told so. After it: all of it holds.
            return self._draw(tx, cause, at, recorder.organisation)

        return self.person_work.on(recorder, _finder(statement_id), work, f"niemand/{statement_id}", take_away=True)

    def stop(self, recorder: Asker, ref: str) -> tuple[str, Consequence]:
        """A stopverzoek: every consent-based flow of the person stops, until each verstrekker confirms or lifts it."""

        def work(tx: Transaction, subject: Subject) -> tuple[str, Consequence]:
            _require_involved(subject, recorder.organisation)
            stop_id, person, at = self.new_id(), subject.known.person, subject.at
            granted = [s for s in subject.record.facts.statements if s.choice is Choice.YES and s.ended_at is None]
            asked = frozenset().union(*(s.confirmed.keys() for s in granted))
            values = {"stop_id": stop_id, "person_id": person, "recorder": recorder.organisation}
            records.add_stop(tx.connection, values | {"asked": sorted(asked), "at": at})
            payload = _entry(STOP, at, recorder.organisation) | {"stopId": stop_id, "gevraagd": sorted(asked)}
            self.evidence.append(tx.connection, [Fact(person, payload)])
            cause = Cause(stop_id, STOP, frozenset(s.id for s in granted), person, subject.known.root)
            consequence = self.stopper.draw(tx, cause, at)
            for sender in sorted(asked):
                self._open_case(tx, cause, sender, STOP, consequence, closed=False)
            return stop_id, consequence

        return self.person_work.on_ref(recorder, ref, work, take_away=True)

    def release_secrecy(self, holder: Asker, ref: str, values: dict[str, Any]) -> str:
        """A woonzorg organisation records that the person released it from secrecy towards one receiver."""

        def work(tx: Transaction, subject: Subject) -> str:
            _require_involved(subject, holder.organisation)
            _require_organisations(tx.connection, {Oin(values["receiver"])}, "ontvanger")
            if values["at"] > subject.at:
                raise _fault("op", "DATUM_IN_TOEKOMST", "Dit moment is nog niet geweest.")
            release_id = self.new_id()
            row = values | {
                "release_id": release_id,
                "person_id": subject.known.person,
                "holder": holder.organisation,
                "recorded_at": subject.at,
            }
            records.add_secrecy_release(tx.connection, row)
            payload = _entry("ontheffing", subject.at, holder.organisation) | {
                "ontheffingId": release_id,
                "ontvanger": values["receiver"],
                "onderwerpen": values["subjects"],
            }
            self.evidence.append(tx.connection, [Fact(subject.known.person, payload)])
            return release_id

        # The role comes first: who may never do this must not learn from the answer whom its ref names.
        with self.person_work.look() as connection:
            require_role(connection, holder.organisation, frozenset({Role.WOONZORG}))
        return self.person_work.on_ref(holder, ref, work)

    def end_secrecy_release(self, holder: Asker, release_id: str) -> Consequence:
        """Withdraw a release from secrecy; what waits on it is stopped."""

        def find(connection: Connection) -> Known | None:
            row = records.find_secrecy_release(connection, release_id)
            mine = row is not None and row.holder == holder.organisation
            return Known(PersonId(row.person_id), row.root) if mine and row is not None else None

        def work(tx: Transaction, subject: Subject) -> Consequence:
            person, at = subject.known.person, subject.at
            cause = Cause(release_id, "ontheffing-ingetrokken", frozenset({release_id}), person, subject.known.root)
            row = records.find_secrecy_release(tx.connection, release_id)
            if row is not None and row.ended_at is not None:
                return self.stopper.tell_again(tx, cause, row.ended_at)
            records.end_secrecy_release(tx.connection, release_id, at)
            payload = _entry("ontheffing-ingetrokken", at, holder.organisation) | {"ontheffingId": release_id}
            self.evidence.append(tx.connection, [Fact(person, payload)])
            return self.stopper.draw(tx, cause, at)

        return self.person_work.on(holder, find, work, f"niemand/{release_id}", take_away=True)

    def _draw(self, tx: Transaction, cause: Cause, at: datetime, by: Oin) -> Consequence:
        """The consequences; every other verstrekker whose messages went finds its part in its zaken."""
        consequence = self.stopper.draw(tx, cause, at)
        others = {g.sender for g in consequence.given} | {sender for sender, _ in consequence.stopped}
        for sender in sorted(others - {by}):
            self._open_case(tx, cause, sender, WITHDRAWAL, consequence, closed=True)
        return consequence

    def _open_case(
        self, tx: Transaction, cause: Cause, sender: Oin, kind: str, consequence: Consequence, *, closed: bool
    ) -> None:
        given = [g for g in consequence.given if g.sender == sender]
        cases.open_case(
            tx.connection,
            {
                "case_id": self.new_id(),
                "kind": kind,
                "organisation": sender,
                "verstrekker": sender,
                "person_id": cause.person,
                "cause": cause.id,
                "purposes": [],
                "messages": [
                    {"berichtId": g.message_id, "ontvanger": g.receiver, "tijdstip": instants.write(g.at)}
                    for g in given
                ],
                "opened_at": consequence.at,
                "closed_at": consequence.at if closed else None,
            },
        )

    def _recorded(
        self, tx: Transaction, statement_id: str, at: datetime, entry_id: str, consequence: Consequence | None
    ) -> Recorded:
        row = records.find_statement(tx.connection, statement_id)
        if row is None:
            raise NotFound
        parts = records.parts_of(tx.connection, [statement_id])[statement_id]
        return Recorded(row, parts, at, entry_id, consequence)

    def _sealed(self, person: PersonId, words: str | None, place: str) -> bytes | None:
        if words is None:
            return None
        name = evidence_key(person)
        return seal(self.key_store.ensure([name])[name], words.encode(), f"toestemming/{place}".encode(), self.random)


def _finder(statement_id: str) -> Callable[[Connection], Known | None]:
    def find(connection: Connection) -> Known | None:
        row = records.find_statement(connection, statement_id)
        return None if row is None else Known(PersonId(row.person_id), row.root)

    return find


def _seen(connection: Connection, statement_id: str, subject: Subject, organisation: Oin) -> Row[Any]:
    """The statement, if this organisation may see it: its recorder or a named verstrekker, while involved."""
    _require_involved(subject, organisation)
    row = records.find_statement(connection, statement_id)
    if row is None:
        raise NotFound
    if organisation != row.recorder and organisation not in (row.senders or ()):
        raise NotFound
    return row


def _require_involved(subject: Subject, organisation: Oin) -> None:
    if not subject.involves(organisation):
        raise NotFound


def _require_known(connection: Connection, statement: Statement) -> None:
    _require_organisations(connection, statement.senders or (), "verstrekkers")
    _require_organisations(connection, statement.receivers or (), "ontvangers")


def _require_organisations(connection: Connection, named: Iterable[Oin], field: str) -> None:
    if any(parties.organisation_by_oin(connection, oin) is None for oin in named):
        raise _fault(field, "ONBEKEND", "Hier staat een organisatie die deze hub niet kent.")


def _require_fitting(tx: Transaction, statement: Statement) -> None:
    """Consent with a gemeente on either side for a public task is refused, unless the agreement holds a motivation."""
    public = _PUBLIC_TASKS & (statement.purposes or frozenset())
    if not public:
        return
    senders, receivers = statement.senders or frozenset(), statement.receivers or frozenset()
    roles = {o: _role(tx.connection, o) for o in senders | receivers}
    agreements = agreement_partners(tx.connection, senders)
    for sender in senders:
        for receiver in receivers:
            if Role.GEMEENTE not in (roles[sender], roles[receiver]):
                continue
            shared = [a for a in agreements[sender] if receiver in a.parties and a.in_force(tx.now)]
            if not public <= frozenset().union(*(a.purposes for a in shared if a.motivation)):
                raise Refused(RefusalCode.TOESTEMMING_NIET_PASSEND)


def _role(connection: Connection, organisation: Oin) -> Role | None:
    found = parties.organisation_by_oin(connection, organisation)
    return None if found is None else found.role


def _entry(kind: str, at: datetime, organisation: Oin) -> dict[str, Any]:
    return {"soort": kind, "op": instants.write(at), "organisatie": organisation}


def _content(statement_id: str, new: NewStatement) -> dict[str, Any]:
    s = new.statement
    scopes = {
        "doelen": _codes(s.purposes),
        "categorieen": _codes(s.categories),
        "verstrekkers": _codes(s.senders),
        "ontvangers": _codes(s.receivers),
    }
    return {
        "toestemmingId": statement_id,
        "grondslag": s.basis.value,
        "keuze": s.choice.value,
        "gegevenOp": instants.write(s.given_at),
        "geldigVan": instants.write(s.valid_from),
        "geldigTot": None if s.valid_until is None else instants.write(s.valid_until),
        "verklaring": new.notice,
        "wijze": new.manner,
        "gegevenDoor": new.given_by,
    } | {name: codes for name, codes in scopes.items() if codes is not None}


def _codes(values: Iterable[Any] | None) -> list[str] | None:
    return None if values is None else sorted(str(v) for v in values)


def _fault(name: str, code: str, reason: str) -> RequestInvalid:
    return RequestInvalid(faults=[Fault(name, code, reason)])
