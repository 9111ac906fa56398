"""Release from professional secrecy (`ontheffing geheimhouding`): only by a woonzorg organisation, for itself."""

from typing import Any

from sqlalchemy import Connection

from consent.store import records
from contracts import instants
from contracts.identity import Oin, PersonId, Role
from hub.gate.person_work import Subject
from hub.rights.candidates import require_role
from hub.rights.consent import checks
from hub.rights.consent.means import Means, entry
from hub.rights.stopping import Cause, Consequence
from hub.rights.taken import lines
from hub.store.persons.people import Known
from hub.store.region.access import Asker
from hub.store.writer import Transaction


def release(means: Means, holder: Asker, ref: str, values: dict[str, Any]) -> str:
    """The person released it from secrecy towards one receiver; the id. Raises ``NotFound``, ``Refused``."""

    def work(tx: Transaction, subject: Subject) -> str:
        checks.require_involved(subject, holder.organisation)
        checks.require_alive(subject)
        checks.require_organisations(tx.connection, {Oin(values["receiver"])}, "ontvanger")
        checks.require_past(values["at"], subject.at, "op")
        release_id = means.new_id()
        row = values | {
            "release_id": release_id,
            "person_id": subject.known.person,
            "holder": holder.organisation,
            "recorded_at": subject.at,
        }
        records.add_secrecy_release(tx.connection, row)
        payload = entry("ontheffing", subject.at, holder) | {
            "ontheffingId": release_id,
            "ontvanger": values["receiver"],
            "onderwerpen": values["subjects"],
            "gegevenOp": instants.write(values["at"]),
            "wijze": values["manner"],
        }
        means.note(tx, subject.known.person, payload)
        return release_id

    # The role comes first: who may never do this must not learn from the answer whom its ref names.
    with means.person_work.look() as connection:
        require_role(connection, holder.organisation, frozenset({Role.WOONZORG}))
    return means.person_work.on_ref(holder, ref, work)


def withdraw(means: Means, holder: Asker, release_id: str) -> Consequence:
    """Withdraw a release from secrecy; what waits on it is stopped. Raises ``NotFound``."""

    def find(connection: Connection) -> Known | None:
        row = records.find_secrecy_release(connection, release_id)
        mine = row is not None and row.holder == holder.organisation
        return Known(PersonId(row.person_id), row.root) if mine and row is not None else None

    def work(tx: Transaction, subject: Subject) -> Consequence:
        person, at = subject.known.person, subject.at
        cause = Cause(release_id, "ontheffing-ingetrokken", frozenset({release_id}), person, subject.known.root)
        row = records.find_secrecy_release(tx.connection, release_id)
        if row is not None and row.ended_at is not None:
            return means.stopper.tell_again(tx, cause, row.ended_at)
        means.taken.note(tx, [lines.secrecy(release_id)])
        records.end_secrecy_release(tx.connection, release_id, at)
        means.note(tx, person, entry("ontheffing-ingetrokken", at, holder) | {"ontheffingId": release_id})
        # A crash before the commit: nothing was withdrawn and nobody was told so. After it: all of it holds.
        return means.stopper.draw(tx, cause, at)

    return means.person_work.on(holder, find, work, f"niemand/{release_id}", take_away=True)
