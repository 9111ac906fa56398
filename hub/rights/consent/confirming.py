"""Confirming: a verstrekker its own part of a ``ja``; the person, at 16, what a parent or guardian said."""

from datetime import datetime
from typing import Any

from consent.facts import Choice, StatementStatus
from consent.store import records
from consent.store.reading import to_statement
from contracts import instants
from contracts.errors import Conflict, NotFound
from hub.gate.person_work import Subject
from hub.rights.consent import checks
from hub.rights.consent.means import Means, entry
from hub.rights.consent.recording import Recorded, recorded
from hub.rights.receipts.binding import bound
from hub.store.region.access import Asker
from hub.store.writer import Transaction

_STANDING = frozenset({StatementStatus.GIVEN, StatementStatus.TO_CONFIRM})


def confirm(means: Means, recorder: Asker, statement_id: str) -> Recorded:
    """A named verstrekker, involved, puts its own part in force.

    Raises ``NotFound``, ``Conflict``; ``RequestInvalid`` for one with more receivers of who was shielded since.
    """

    def work(tx: Transaction, subject: Subject) -> Recorded:
        row = checks.seen(tx.connection, statement_id, subject, recorder.organisation)
        checks.require_alive(subject)
        if row.choice != Choice.YES or recorder.organisation not in (row.senders or ()):
            raise NotFound
        if recorded(tx, statement_id, subject.at, recorder).status not in _STANDING:
            raise Conflict("Deze toestemming kan niet (meer) worden bevestigd.")
        if records.confirm(tx.connection, statement_id, recorder.organisation, subject.at):
            checks.require_one_receiver(subject, to_statement(row, {}))  # as of a new one: it comes into force by this
            payload = entry("bevestiging-toestemming", subject.at, recorder) | {"toestemmingId": statement_id}
            means.note(tx, row.person_id, payload | _binding(means, tx, subject, recorder, statement_id))
        return recorded(tx, statement_id, subject.at, recorder)

    return means.person_work.on(recorder, checks.finder(statement_id), work, f"niemand/{statement_id}")


def confirm_own(means: Means, recorder: Asker, statement_id: str, said_at: datetime) -> Recorded:
    """The person, 16 by then, makes it an own statement. Raises ``NotFound``, ``RequestInvalid``, ``Conflict``.

    What a parent or guardian said, or what the person said too young, as far as this organisation may know; where it
    may not, the way on is that the person says it again. A ``nee`` needs no confirming: it stands until the person says
    otherwise, by a statement of its own.
    """

    def work(tx: Transaction, subject: Subject) -> Recorded:
        row = checks.seen(tx.connection, statement_id, subject, recorder.organisation)
        checks.require_alive(subject)
        now = recorded(tx, statement_id, subject.at, recorder)
        too_young = row.given_at < now.grown  # also when a parent or guardian spoke: it is under 16 that they do
        if not too_young or row.choice != Choice.YES or now.status not in _STANDING:
            raise Conflict("Deze toestemming wacht niet op een bevestiging door de betrokkene.")
        checks.require_past(said_at, subject.at, "op")
        if said_at < now.grown:
            raise checks.fault("op", "ONDER_ZESTIEN", "De betrokkene was toen nog geen 16.")
        if records.confirm_own(tx.connection, statement_id, said_at, now.grown):
            checks.require_one_receiver(subject, to_statement(row, {}))
            payload = entry("bevestiging-betrokkene", subject.at, recorder) | {
                "toestemmingId": statement_id,
                "gegevenDoor": "betrokkene",
                "zelfBevestigdOp": instants.write(said_at),
            }
            means.note(tx, row.person_id, payload | _binding(means, tx, subject, recorder, statement_id))
        return recorded(tx, statement_id, subject.at, recorder)

    return means.person_work.on(recorder, checks.finder(statement_id), work, f"niemand/{statement_id}")


def _binding(means: Means, tx: Transaction, subject: Subject, recorder: Asker, statement_id: str) -> dict[str, Any]:
    """By which a receipt can show under which ref this organisation knows the person."""
    return bound(tx.connection, means.key_store, subject.known, statement_id, [recorder.organisation])
