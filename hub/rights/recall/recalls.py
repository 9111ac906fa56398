"""Recalling a wrong message: what has not arrived never will, and whoever got it is asked to delete or correct it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from contracts import instants
from contracts.errors import Conflict, Fault, NotFound, RequestInvalid
from contracts.identity import Oin, PersonId
from hub.delivery.states import State, Step, after
from hub.gate.person_work import Subject
from hub.rights.closing.undoing import undo_closing
from hub.rights.consent.checks import require_past
from hub.rights.consent.means import Means, entry
from hub.rights.stopping import Cause, notices_of
from hub.rights.taken import lines
from hub.store.persons import cases, people
from hub.store.persons.people import Known
from hub.store.region.access import Asker
from hub.store.traffic import deliveries, recalls
from hub.store.writer import Transaction

RECALL: Final = "terugroeping"
WRONG_PERSON: Final = "verkeerde-persoon"
WRONG_RECEIVER: Final = "verkeerde-ontvanger"
INCORRECT: Final = "onjuist"
REASONS: Final = (WRONG_PERSON, WRONG_RECEIVER, INCORRECT)
#: What did not belong there must go; what was wrong must be put right (AVG art. 16, 17, 19).
_NOTICE: Final = {
    WRONG_PERSON: "verwijdering.gevraagd",
    WRONG_RECEIVER: "verwijdering.gevraagd",
    INCORRECT: "rectificatie.kennisgeving",
}
#: States from which something could still leave, now or after a replay.
_RECALLABLE: Final = frozenset({State.WAITING, State.RELEASED, State.DELIVERED, State.UNPROCESSABLE, State.BURIED})


@dataclass(frozen=True, slots=True)
class NewRecall:
    """Which message, and why. ``receivers``: those it concerns (``None``: all). ``meant_for``: the sender's own ref of
    whom the message should have been about. ``discovered_at``: when the sender found out (``None``: now)."""

    message_id: str
    reason: str
    receivers: frozenset[Oin] | None = None
    meant_for: str | None = None
    discovered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was stopped, and who was asked. The rows: of ``recall``, of its deliveries that went, of its zaken."""

    row: Row[Any]
    given: tuple[Row[Any], ...]
    asked: tuple[Row[Any], ...]


class Recaller(NamedTuple):
    """Who recalls, and under which id."""

    asker: Asker
    id: str


@dataclass(frozen=True, slots=True)
class Recalls:
    """The verbs on recalls."""

    means: Means

    def recall(self, asker: Asker, new: NewRecall) -> Recalled:
        """Recall an own message, with this commit. A repeat tells the same again.

        Raises ``NotFound`` for what the asker did not send, ``RequestInvalid``, and ``Conflict`` where it was recalled
        for another reason.
        """

        def find(connection: Connection) -> Known | None:
            return recalls.whom(connection, new.message_id, asker.organisation)

        def work(tx: Transaction, subject: Subject) -> Recalled:
            rows = deliveries.of_message(tx.connection, new.message_id, lock=True)
            earlier = recalls.of_message(tx.connection, new.message_id)
            chosen = _chosen(rows, earlier, new)
            if not chosen:
                return _found(tx.connection, _repeated(earlier, new), rows)
            recall_id, about = self.means.new_id(), (new.message_id, asker.organisation, new.reason)
            _require_discovered(new, subject.at)
            _require_meant(tx.connection, asker, new, subject.known.root)
            self.means.taken.note(tx, [lines.chosen(RECALL, recall_id, about, [row.recipient for row in chosen])])
            return self._recall(tx, subject, Recaller(asker, recall_id), new, chosen)

        return self.means.person_work.on(asker, find, work, f"niemand/{new.message_id}", take_away=True)

    def again(self, tx: Transaction, subject: Subject, by: Recaller, new: NewRecall) -> bool:
        """Recall once more after a restore that forgot it; ``False`` where nothing of it is there."""
        rows = deliveries.of_message(tx.connection, new.message_id, lock=True)
        before = {receiver for row in recalls.of_message(tx.connection, new.message_id) for receiver in row.receivers}
        chosen = [row for row in rows if row.recipient in (new.receivers or ()) and row.recipient not in before]
        if chosen:
            self._recall(tx, subject, by, new, chosen)
        return bool(chosen)

    def _recall(
        self, tx: Transaction, subject: Subject, by: Recaller, new: NewRecall, rows: Sequence[Row[Any]]
    ) -> Recalled:
        (asker, recall_id), at, root = by, subject.at, subject.known.root
        stopped = [row for row in rows if row.state in _RECALLABLE]
        deliveries.change(tx.connection, [_stopped(row, new.reason, at) for row in stopped])
        values = {
            "recall_id": recall_id,
            "message_id": new.message_id,
            "organisation": asker.organisation,
            "reason": new.reason,
            "receivers": [row.recipient for row in rows],
            "stopped": [row.recipient for row in stopped],
            "meant_for": new.meant_for,
            "discovered_at": new.discovered_at or at,
            "at": at,
        }
        recalls.add(tx.connection, values)
        ended = self._undo_opening(tx, new, rows, root, at)
        undone = undo_closing(tx.connection, new.message_id, at)
        payload = {
            "terugroepingId": recall_id,
            "berichtId": new.message_id,
            "reden": new.reason,
            "ontvangers": values["receivers"],
            "gestopt": values["stopped"],
            "ontdektOp": instants.write(new.discovered_at or at),
        }
        over = [{"organisatie": who, "trajectId": trajectory} for who, trajectory in sorted(ended)]
        ended_for = {"betrokkenheidBeeindigd": over} if over else {}
        who = PersonId(rows[0].person_id)
        self.means.note(tx, who, entry(RECALL, at, asker) | payload | ended_for | undone)
        # A crash before the commit: nothing was recalled and nobody was asked. After it: all of it holds.
        cause = Cause(recall_id, RECALL, frozenset(), who, root, told=new.reason)
        gone = [row for row in rows if row.released_at is not None]
        self.means.stopper.notifier.tell(tx, notices_of(gone, cause, _NOTICE[new.reason]), at)
        self.means.stopper.stop_waiting(tx, cause, at)  # what waited behind an opening message that is no more
        (row,) = [one for one in recalls.of_message(tx.connection, new.message_id) if one.recall_id == recall_id]
        return _found(tx.connection, row, rows)

    def _undo_opening(
        self, tx: Transaction, new: NewRecall, rows: Sequence[Row[Any]], root: str, at: datetime
    ) -> list[tuple[Oin, str]]:
        """Who became involved by a message that was not for it, or not about this person, is so no longer."""
        if new.reason == INCORRECT:
            return []
        opened = [row.delivery_id for row in rows if row.opens]
        return recalls.end_involvements(tx.connection, opened, root, at) if opened else []


def found(connection: Connection, message_id: str) -> list[Recalled]:
    """All recalls of a message, with what became of them."""
    rows = deliveries.of_message(connection, message_id)
    return [_found(connection, row, rows) for row in recalls.of_message(connection, message_id)]


def _found(connection: Connection, row: Row[Any], rows: Sequence[Row[Any]]) -> Recalled:
    mine = sorted((r for r in rows if r.recipient in row.receivers), key=lambda r: str(r.recipient))
    given = tuple(r for r in mine if r.released_at is not None)
    return Recalled(row, given, tuple(cases.caused_by(connection, [row.recall_id])))


def _chosen(rows: Sequence[Row[Any]], earlier: Sequence[Row[Any]], new: NewRecall) -> list[Row[Any]]:
    """The deliveries that this recall is about: none when all of them were recalled before."""
    before = {receiver for row in earlier for receiver in row.receivers}
    if new.receivers is not None:
        if not new.receivers <= {row.recipient for row in rows}:
            raise RequestInvalid(
                faults=[Fault("ontvangers", "ONBEKEND", "Aan een van deze organisaties ging dit bericht niet.")]
            )
        if before & new.receivers and not new.receivers <= before:
            raise Conflict("Voor een van deze ontvangers is dit bericht al teruggeroepen.")
    return [
        row for row in rows if row.recipient not in before and (new.receivers is None or row.recipient in new.receivers)
    ]


def _repeated(earlier: Sequence[Row[Any]], new: NewRecall) -> Row[Any]:
    """The recall that is asked for again; ``Conflict`` when it was another one."""
    same = [
        row
        for row in earlier
        if row.reason == new.reason and (new.receivers is None or new.receivers == frozenset(row.receivers))
    ]
    if not same:
        raise Conflict("Dit bericht is al teruggeroepen, om een andere reden of voor andere ontvangers.")
    return same[-1]


def _require_discovered(new: NewRecall, at: datetime) -> None:
    if new.discovered_at is not None:
        require_past(new.discovered_at, at, "ontdektOp")


def _require_meant(connection: Connection, asker: Asker, new: NewRecall, root: str) -> None:
    """Of a message about the wrong person the sender may say whom it was meant for: by an own ref, of another one."""
    if new.meant_for is None:
        return
    key = (asker.organisation, new.meant_for)
    meant = people.resolve(connection, [key]).get(key)
    if meant is None:
        raise NotFound
    if new.reason != WRONG_PERSON or meant.root == root:
        raise RequestInvalid(
            faults=[Fault("bedoeldVoor", "NIET_PASSEND", "Noem hier alleen een ander dan over wie het bericht ging.")]
        )


def _stopped(row: Row[Any], reason: str, at: datetime) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in ("attempts", "channel", "released_at", "revealed")}
    state = after(State(row.state), Step.RECALL).value
    return kept | {"key": row.delivery_id, "state": state, "ended_at": at, "reason": reason}
