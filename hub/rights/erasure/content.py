"""Erasing the content of one organisation about a person: its keys, its ref, and a question to all who got it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from consent.facts import Choice, StatementStatus
from consent.receipt.account import State as Ended
from consent.store import records
from consent.store.records import End
from contracts import instants
from contracts.identity import Oin
from hub.delivery.mailbox import HUB_SYSTEM
from hub.delivery.states import State
from hub.gate.person_work import Subject
from hub.rights.consent import checks
from hub.rights.consent.means import UNCONFIRMED, WITHDRAWAL, Means
from hub.rights.erasure.destroying import ERASURE, Destruction, Eraser
from hub.rights.receipts.binding import ended
from hub.rights.stopping import Cause, notices_of
from hub.rights.taken import lines
from hub.store.persons import people
from hub.store.traffic import deliveries
from hub.store.writer import Transaction

#: What receivers are asked (AVG 17(2), 19).
_NOTICE: Final = "verwijdering.gevraagd"


@dataclass(frozen=True, slots=True)
class Part:
    """One organisation's content about a person, and why it goes. ``told``: what its entry in the log says beside."""

    id: str
    organisation: Oin
    reason: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """What erasing works with."""

    means: Means
    eraser: Eraser


def erase_content(tools: Tools, tx: Transaction, subject: Subject, part: Part) -> None:
    """Erase it, under the person's exclusive lock; after the commit the keys must go (``Eraser.finish``).

    The organisation's ref names nobody from here, and it is involved no longer: what others had waiting for it stops.
    Whoever got one of its messages is asked to delete it.
    """
    at, known = subject.at, subject.known
    given = deliveries.released_about(tx.connection, known.root, [part.organisation])
    handles = people.handles(tx.connection, known.root)
    what = Destruction(part.id, known.person, handles, part.organisation, part.reason, told=part.told)
    _end_consents(tools.means, tx, subject, part)
    tools.eraser.begin(tx, what, at)
    cause = Cause(part.id, ERASURE, frozenset(), known.person, known.root)
    fresh = [row for row in given if row.state != State.ERASED]  # of what was erased before they were told then
    tools.means.stopper.notifier.tell(tx, notices_of(fresh, cause, _NOTICE), at)
    tools.means.stopper.stop_waiting(tx, cause, at)


def _end_consents(means: Means, tx: Transaction, subject: Subject, part: Part) -> None:
    """Who wants it gone no longer says yes to its being shared: no ``ja`` of before revives with a later involvement.

    One of which this is the only verstrekker is withdrawn; of one that others rest on too, its own part is in force no
    more. Receivers hear of it by the question to delete.
    """
    own = part.organisation
    for said in subject.record.facts.statements:
        if said.choice is not Choice.YES or said.ended_at is not None or own not in said.confirmed:
            continue
        row = checks.found(tx.connection, said.id)
        told = {"op": instants.write(subject.at), "organisatie": own, "toestemmingId": said.id, "oorzaak": part.id}
        told["systeem"] = part.told.get("systeem", HUB_SYSTEM)
        if said.senders == frozenset({own}):
            means.taken.note(tx, [lines.ended(StatementStatus.WITHDRAWN.value, said.id, own)])
            records.end(tx.connection, said.id, End(StatementStatus.WITHDRAWN, own, subject.at, None))
            act = told | {"soort": WITHDRAWAL, "gegevenDoor": "betrokkene"}
            for entry in ended(act, Oin(row.recorder), Ended.WITHDRAWN):
                means.note(tx, row.person_id, entry)
        else:
            means.taken.note(tx, lines.closed([said.id], part.id), subject.at)
            records.unconfirm(tx.connection, said.id, own)
            means.note(tx, row.person_id, told | {"soort": UNCONFIRMED})
