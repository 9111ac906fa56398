"""Recording what a person said: a ``ja``, a ``nee``, a request, the answer to one, a renewal.

A ``ja`` is in force at once for its recorder as verstrekker, and for each other verstrekker only once that one confirms
it: nobody widens its own access as receiver. A ``nee`` takes effect with its commit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from consent.facts import ALWAYS, Choice, Speaker, Statement, StatementStatus
from consent.receipt.account import STATEMENT
from consent.store import records
from consent.store.reading import to_statement
from contracts import instants
from contracts.errors import Conflict
from contracts.identity import Oin, PersonId
from hub.gate.person_work import Subject
from hub.ledger.evidence import bound
from hub.rights.consent import checks
from hub.rights.consent.means import Means, entry
from hub.rights.receipts.binding import Parties, for_receipt, kept
from hub.rights.stopping import Cause, Consequence, closed_by
from hub.rights.taken import lines
from hub.store.region.access import Asker
from hub.store.writer import Transaction

REQUEST: Final = "toestemming-gevraagd"
REFUSED: Final = "toestemming-geweigerd"
_RENEWABLE = frozenset({StatementStatus.GIVEN, StatementStatus.TO_CONFIRM, StatementStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class Said:
    """When and how somebody said it, and in which capacity. ``sixteen_at``: of a person for whom a parent spoke."""

    given_at: datetime
    manner: str
    given_by: str
    authority: str | None
    sixteen_at: datetime | None

    def on(self, statement: Statement, choice: Choice) -> Statement:
        """What was asked or said before, as it is said now."""
        return replace(
            statement,
            choice=choice,
            given_at=self.given_at,
            requested=False,
            by=Speaker(self.given_by),
            sixteen_at=self.sixteen_at,
        )


@dataclass(frozen=True, slots=True)
class NewStatement:
    """A statement, its form checked. ``said`` is ``None`` when it is only asked for."""

    statement: Statement  # with an empty id
    notice: dict[str, str]
    said: Said | None
    asked_by: Oin | None = None
    renews: str | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """A person says again what was said before, for a new term."""

    said: Said
    valid_from: datetime
    valid_until: datetime
    notice: dict[str, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A statement that stands; ``consequence`` for a ``nee``.

    ``grown``: when the person is 16, by the statements that who is told of this one may see. A `ja` that was said too
    young is `te-bevestigen` to those alone; to its recorder, who sees no other, it is `gegeven`: it would learn from
    the status that a parent or guardian spoke. What it sends is refused with the code that tells nothing.
    """

    row: Row[Any]
    parts: dict[Oin, datetime]
    at: datetime
    entry_id: str
    consequence: Consequence | None = None
    grown: datetime = ALWAYS

    @property
    def status(self) -> StatementStatus:
        """How it stands now."""
        return records.status(self.row, self.parts, self.at, self.grown)


def record(means: Means, recorder: Asker, ref: str, new: NewStatement) -> Recorded:
    """Record a ``ja``, a ``nee`` or a request. Raises ``NotFound``, ``RequestInvalid``, ``Refused``."""

    def work(tx: Transaction, subject: Subject) -> Recorded:
        checks.require_involved(subject, recorder.organisation)
        checks.require_organisations(tx.connection, new.statement.senders or (), "verstrekkers")
        checks.require_organisations(tx.connection, new.statement.receivers or (), "ontvangers")
        _require_sound(tx, subject, recorder, new)
        return _store(means, tx, subject, recorder, new)

    return means.person_work.on_ref(recorder, ref, work, take_away=_takes_away(new.statement.choice, new.said))


def renew(means: Means, recorder: Asker, statement_id: str, renewal: Renewal) -> Recorded:
    """A new statement with the scopes of one that is or was in force. Raises as ``record`` does, and ``Conflict``."""

    def work(tx: Transaction, subject: Subject) -> Recorded:
        row = checks.seen(tx.connection, statement_id, subject, recorder.organisation)
        if row.choice != Choice.YES or records.status(row, _parts(tx, statement_id), subject.at) not in _RENEWABLE:
            raise Conflict("Deze verklaring kan niet worden verlengd: leg een nieuwe vast.")
        said = renewal.said.on(to_statement(row, {}), Choice.YES)
        renewed = replace(
            said, id="", valid_from=renewal.valid_from, valid_until=renewal.valid_until, ended_at=None, own_at=None
        )
        new = NewStatement(renewed, renewal.notice, renewal.said, renews=statement_id)
        _require_sound(tx, subject, recorder, new)
        return _store(means, tx, subject, recorder, new)

    find, take_away = checks.finder(statement_id), _takes_away(Choice.YES, renewal.said)
    return means.person_work.on(recorder, find, work, f"niemand/{statement_id}", take_away=take_away)


def answer(means: Means, recorder: Asker, statement_id: str, choice: Choice, said: Said) -> Recorded:
    """What the person answered to a request of this recorder. Raises as ``record`` does, and ``Conflict``."""

    def work(tx: Transaction, subject: Subject) -> Recorded:
        checks.require_involved(subject, recorder.organisation)
        row = checks.found(tx.connection, statement_id)
        if records.status(row, {}, subject.at) is not StatementStatus.REQUESTED:
            raise Conflict("Deze vraag is al beantwoord, of kan niet meer worden beantwoord.")
        new = NewStatement(said.on(to_statement(row, {}), choice), row.notice, said, row.asked_by)
        _require_sound(tx, subject, recorder, new)
        confirmed = _in_force_at_once(new.statement, recorder)
        entry_id = _noted(means, tx, subject, recorder, new, statement_id)
        values = _said(means, PersonId(row.person_id), said)
        values |= {"choice": choice.value, "recorded_at": subject.at, "entry_id": entry_id}
        if not records.answer(tx.connection, statement_id, values):
            raise Conflict("Deze vraag is al beantwoord.")
        for sender in confirmed:
            records.confirm(tx.connection, statement_id, sender, subject.at)
        # A crash before the commit: the request still waits for its answer. After it: all that follows holds.
        drawn = _drawn(means, tx, subject, recorder, new, statement_id)
        return recorded(tx, statement_id, subject.at, recorder, drawn)

    find = checks.finder(statement_id, recorder.organisation)
    return means.person_work.on(recorder, find, work, f"niemand/{statement_id}", take_away=_takes_away(choice, said))


def recorded(
    tx: Transaction, statement_id: str, at: datetime, viewer: Asker, consequence: Consequence | None = None
) -> Recorded:
    """The statement as it stands in this transaction, to who asks."""
    row = checks.found(tx.connection, statement_id)
    grown = records.grown_at(tx.connection, records.Seer(viewer.organisation, at), [row.root]).get(row.root, ALWAYS)
    return Recorded(row, _parts(tx, statement_id), at, row.entry_id, consequence, grown)


def _takes_away(choice: Choice, said: Said | None) -> bool:
    """A ``nee``; and whatever a parent or guardian says, for with it what the child said itself stops to count."""
    return choice is Choice.NO or (said is not None and said.sixteen_at is not None)


def _require_sound(tx: Transaction, subject: Subject, recorder: Asker, new: NewStatement) -> None:
    checks.require_text(tx.connection, recorder.organisation, new.notice)
    if new.said is not None:
        checks.require_past(new.said.given_at, subject.at, "gegevenOp")
    if new.statement.choice is Choice.YES:
        checks.require_alive(subject)
        checks.require_one_receiver(subject, new.statement)
        checks.require_fitting(tx, new.statement)
        if new.said is not None:
            checks.require_grown(tx.connection, subject, recorder.organisation, new.statement)


def _store(means: Means, tx: Transaction, subject: Subject, recorder: Asker, new: NewStatement) -> Recorded:
    statement_id, person, at = means.new_id(), subject.known.person, subject.at
    confirmed = _in_force_at_once(new.statement, recorder)
    values = _values(new) | ({"given_at": at} if new.said is None else _said(means, person, new.said))
    values |= {
        "statement_id": statement_id,
        "person_id": person,
        "recorder": recorder.organisation,
        "system": recorder.system,
        "recorded_at": at,
        "asked_at": at if new.said is None else None,
        "entry_id": _noted(means, tx, subject, recorder, new, statement_id),
    }
    records.add_statement(tx.connection, values, confirmed)
    # A crash before the commit: nothing was said. After it: all that follows from it holds.
    return recorded(tx, statement_id, at, recorder, _drawn(means, tx, subject, recorder, new, statement_id))


def _noted(
    means: Means, tx: Transaction, subject: Subject, recorder: Asker, new: NewStatement, statement_id: str
) -> str:
    """Log a request, or a statement: of an answer and of a renewal, too, the entry holds all of it."""
    payload = entry(REQUEST if new.said is None else STATEMENT, subject.at, recorder)
    payload |= _content(statement_id, new, _in_force_at_once(new.statement, recorder))
    named = Parties(recorder.organisation, new.asked_by, new.statement)
    payload |= kept(means.terms, new.statement)
    payload |= for_receipt(tx.connection, means.key_store, subject.known, statement_id, named)
    return means.note(tx, subject.known.person, payload)


def _drawn(
    means: Means, tx: Transaction, subject: Subject, recorder: Asker, new: NewStatement, statement_id: str
) -> Consequence | None:
    """What follows from a ``nee``; and what a parent or guardian says counts from now on, not what a child said."""
    statements = subject.record.facts.statements
    if new.statement.choice is Choice.YES:
        own = (s.id for s in statements if s.choice is Choice.YES and s.by is Speaker.PERSON and s.id != statement_id)
        if new.said is not None and new.said.sixteen_at is not None:
            means.taken.note(tx, lines.closed(own, statement_id), subject.at)
        return None
    begins = max(subject.at, new.statement.valid_from)  # also what it closes only later
    means.taken.note(tx, lines.closed(closed_by(new.statement, statements, begins), statement_id), subject.at)
    closed = closed_by(new.statement, statements, subject.at)
    known = subject.known
    cause = Cause(
        *(statement_id, REFUSED, closed, known.person, known.root, new.statement),
        closed=tuple(s for s in statements if s.id in closed),
    )
    return means.draw(tx, cause, subject.at, recorder.organisation)


def _in_force_at_once(statement: Statement, recorder: Asker) -> list[Oin]:
    """Of a ``ja`` the recorder's own part, as verstrekker."""
    mine = recorder.organisation in (statement.senders or ())
    return [recorder.organisation] if mine and statement.choice is Choice.YES and not statement.requested else []


def _parts(tx: Transaction, statement_id: str) -> dict[Oin, datetime]:
    return records.parts_of(tx.connection, [statement_id])[statement_id]


def _values(new: NewStatement) -> dict[str, Any]:
    s = new.statement
    return {
        "basis": s.basis.value,
        "choice": s.choice.value,
        "purposes": _codes(s.purposes),
        "categories": _codes(s.categories),
        "senders": _codes(s.senders),
        "receivers": _codes(s.receivers),
        "given_at": s.given_at,
        "valid_from": s.valid_from,
        "valid_until": s.valid_until,
        "requested": s.requested,
        "notice": new.notice,
        "asked_by": new.asked_by,
        "renews": new.renews,
    }


def _said(means: Means, person: PersonId, said: Said) -> dict[str, Any]:
    return {
        "given_at": said.given_at,
        "manner": said.manner,
        "given_by": said.given_by,
        "sixteen_at": said.sixteen_at,
        "authority_sealed": means.sealed(person, said.authority, "bevoegdheid"),
    }


def _content(statement_id: str, new: NewStatement, confirmed: list[Oin]) -> dict[str, Any]:
    """A statement as the log has it: every fact of it, under the names of the wire. What is not said is left out."""
    s = new.statement
    content: dict[str, Any] = {
        "toestemmingId": statement_id,
        "grondslag": s.basis.value,
        "doelen": _codes(s.purposes),
        "categorieen": _codes(s.categories),
        "verstrekkers": _codes(s.senders),
        "ontvangers": _codes(s.receivers),
        "geldigVan": instants.write(s.valid_from),
        "verklaring": new.notice,
        "gevraagdDoor": new.asked_by,
        "vernieuwt": new.renews,
        "bevestigd": confirmed,
    }
    content = {name: value for name, value in content.items() if value is not None}
    content["geldigTot"] = None if s.valid_until is None else instants.write(s.valid_until)
    return content | ({} if new.said is None else _spoken(s.choice, new.said))


def _spoken(choice: Choice, said: Said) -> dict[str, Any]:
    spoken = {
        "keuze": choice.value,
        "gegevenOp": instants.write(said.given_at),
        "wijze": said.manner,
        "gegevenDoor": said.given_by,
    }
    if said.sixteen_at is not None:
        spoken["zestienOp"] = instants.write(said.sixteen_at)
    return spoken | bound("bevoegdheid", said.authority)


def _codes(values: Iterable[Any] | None) -> list[str] | None:
    return None if values is None else sorted(str(v) for v in values)
