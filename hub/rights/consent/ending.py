"""Ending a statement: withdrawn by the person, revoked by its recorder (recorded wrongly), or found invalid.

Each is in force with its commit, and draws its consequences in the same transaction. Repeating it tells the same again.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from consent.facts import Statement, StatementStatus
from consent.receipt.account import State
from consent.store import records
from consent.store.reading import to_statement
from consent.store.records import End
from contracts.errors import Conflict
from contracts.identity import Oin, PersonId
from hub.gate.person_work import Subject
from hub.ledger.evidence import bound
from hub.rights.consent import checks
from hub.rights.consent.means import WITHDRAWAL, Means, entry
from hub.rights.receipts.binding import ended
from hub.rights.stopping import Cause, Consequence, outlived
from hub.rights.taken import lines
from hub.store.region.access import Asker
from hub.store.writer import Transaction

WITHDRAWN: Final = "toestemming-ingetrokken"
REVOKED: Final = "toestemming-herroepen"
INVALID: Final = "toestemming-ongeldig"
INVALIDATION: Final = "ongeldigverklaring"
CODES: Final = {StatementStatus.WITHDRAWN: WITHDRAWN, StatementStatus.REVOKED: REVOKED}


def cause_of(row: Row[Any], code: str) -> Cause:
    """A statement that is taken away."""
    cause = Cause(row.statement_id, code, frozenset({row.statement_id}), PersonId(row.person_id), row.root)
    # To a receiver it is one whether it was recorded wrongly or its authority was wrong: there was no valid consent.
    return replace(cause, told=INVALID) if code == REVOKED else cause


def ended_cause(row: Row[Any], code: str, statements: Iterable[Statement], at: datetime) -> Cause:
    """A statement that ended at ``at``, by withdrawal or revocation: it counts as a ``nee`` from then on.

    So it closes the older ``ja``'s of the same flows, such as the one that it renewed: what went under these is named
    and told as well; not as if these had never been valid, where it was itself recorded wrongly. Of a request that was
    recorded wrongly nobody was asked anything: it closes nothing.
    """
    cause, said = cause_of(row, code), to_statement(row, {})
    if said.requested and code == REVOKED:
        return cause
    others = outlived(said, statements, at)
    closed = (said, *(s for s in statements if s.id in others))
    of_closed = WITHDRAWN if code == REVOKED else None
    return replace(
        cause, statements=cause.statements | others, refusal=said, closed=closed, told_of_closed=of_closed
    )


def withdraw(means: Means, recorder: Asker, statement_id: str, given_by: str, reason: str | None) -> Consequence:
    """Withdraw a statement in the person's name. Who was asked and says so before any answer, has said ``nee``.

    By whoever is involved; by its recorder and its verstrekkers also when they no longer are (AVG art. 7(3)).
    """

    def work(tx: Transaction, subject: Subject) -> Consequence:
        checks.require_ever_involved(subject, recorder.organisation)  # first: to a stranger it is as if there were none
        row = checks.found(tx.connection, statement_id)
        if recorder.organisation not in {row.recorder, *(row.senders or ())}:
            checks.require_involved(subject, recorder.organisation)
        if row.ended_at is not None:
            return _again(means, tx, row)
        detail = {"toestemmingId": statement_id, "gegevenDoor": given_by} | bound("reden", reason)
        cause = _end(means, tx, (subject, row), recorder, (StatementStatus.WITHDRAWN, reason))
        payload = entry(WITHDRAWAL, subject.at, recorder) | detail
        means.note_all(tx, row.person_id, ended(payload, Oin(row.recorder), State.WITHDRAWN))
        # A crash before the commit: nothing was withdrawn and nobody was told so. After it: all of it holds.
        return means.draw(tx, cause, subject.at, recorder.organisation)

    find = checks.finder(statement_id)
    return means.person_work.on(recorder, find, work, f"niemand/{statement_id}", take_away=True)


def revoke(means: Means, recorder: Asker, statement_id: str, reason: str) -> Consequence:
    """Its recorder takes back what it recorded wrongly. Raises ``NotFound``, ``Conflict``.

    Also when it is no longer involved: who wrote something wrong down has to mend it (AVG art. 5(1)(d)).
    """

    def work(tx: Transaction, subject: Subject) -> Consequence:
        row = checks.found(tx.connection, statement_id)
        if row.ended_as == StatementStatus.REVOKED:
            return _again(means, tx, row)
        _require_standing(row)
        cause = _end(means, tx, (subject, row), recorder, (StatementStatus.REVOKED, reason))
        payload = entry("herroeping", subject.at, recorder) | {"toestemmingId": statement_id} | bound("reden", reason)
        means.note_all(tx, row.person_id, ended(payload, Oin(row.recorder), State.REVOKED))
        # A crash before the commit: it still stands and nobody was told otherwise. After it: all of it holds.
        return means.draw(tx, cause, subject.at, recorder.organisation)

    find = checks.finder(statement_id, recorder.organisation)
    return means.person_work.on(recorder, find, work, f"niemand/{statement_id}", take_away=True)


def invalidate(means: Means, recorder: Asker, statement_id: str, reason: str) -> Consequence:
    """Its recorder found that who gave it had no authority. Raises ``NotFound``, ``Conflict``."""

    def work(tx: Transaction, subject: Subject) -> Consequence:
        row = checks.found(tx.connection, statement_id)
        if row.ended_at is None and row.invalid_at is not None:
            return means.stopper.tell_again(tx, cause_of(row, INVALID), row.invalid_at)
        _require_standing(row)
        means.taken.note(tx, [lines.ended(StatementStatus.INVALID.value, statement_id, recorder.organisation)])
        sealed = means.sealed(PersonId(row.person_id), reason, "reden")
        records.invalidate(tx.connection, [(statement_id, subject.at, sealed)])
        payload = entry(INVALIDATION, subject.at, recorder) | {"toestemmingId": statement_id} | bound("reden", reason)
        means.note_all(tx, row.person_id, ended(payload, Oin(row.recorder), State.INVALIDATED))
        # A crash before the commit: it still stands and nobody was told otherwise. After it: all of it holds.
        return means.draw(tx, cause_of(row, INVALID), subject.at, recorder.organisation)

    find = checks.finder(statement_id, recorder.organisation)
    return means.person_work.on(recorder, find, work, f"niemand/{statement_id}", take_away=True)


def _end(
    means: Means,
    tx: Transaction,
    whom: tuple[Subject, Row[Any]],
    recorder: Asker,
    how: tuple[StatementStatus, str | None],
) -> Cause:
    (subject, row), (status, reason) = whom, how
    cause = ended_cause(row, CODES[status], subject.record.facts.statements, subject.at)
    # A restore may know those that it closed, and nothing of the statement itself.
    closed = lines.closed(cause.statements - {row.statement_id}, row.statement_id)
    means.taken.note(tx, [lines.ended(status.value, row.statement_id, recorder.organisation), *closed], subject.at)
    sealed = means.sealed(PersonId(row.person_id), reason, "reden")
    records.end(tx.connection, row.statement_id, End(status, recorder.organisation, subject.at, sealed))
    return cause


def _again(means: Means, tx: Transaction, row: Row[Any]) -> Consequence:
    """It ended before: the same is told as then."""
    return means.stopper.tell_again(tx, cause_of(row, CODES[StatementStatus(row.ended_as)]), row.ended_at)


def _require_standing(row: Row[Any]) -> None:
    if row.ended_at is not None or row.invalid_at is not None:
        raise Conflict("Deze verklaring is al op een andere manier geëindigd.")
