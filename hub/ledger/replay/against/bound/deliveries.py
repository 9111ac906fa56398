"""Deliveries, held against what stands beside them: their message, their attempts, their line and their mailbox.

The log tells of none of it by itself; but of the message, of the first release, and of each acknowledgement it does.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, or_, select

from consent.store import tables as facts
from consent.store.any_of import any_of
from contracts import catalogue
from hub.delivery.states import State
from hub.ledger.replay.against.rows import Wrong, every, pages, plain, stream
from hub.ledger.replay.shelf import Shelf
from hub.ledger.replay.traffic import release_of
from hub.store.tables import attempt, delivery, mailbox, message, trajectory

_OTHER: Final = "anders dan het bericht waarvan dit een levering is"
_DELIVERIES: Final = (
    select(
        *(c for c in delivery.c if c.name not in ("seq", "reply_sealed", "lease_token", "lease_until", "next_at")),
        *(message.c.organisation.label("sender"), message.c.kind.label("of_kind"), message.c.case_id),
        *(facts.person.c.root, attempt.c.at.label("first_at")),
    )
    .join(message, message.c.message_id == delivery.c.message_id)
    .outerjoin(facts.person, facts.person.c.person_id == message.c.person_id)
    .outerjoin(attempt, and_(attempt.c.delivery_id == delivery.c.delivery_id, attempt.c.number == 1))
)
_ATTEMPTS: Final = (
    select(attempt.c.delivery_id, func.count().label("many"), func.max(attempt.c.number).label("last"))
    .add_columns(func.min(attempt.c.number).label("first"))
    .where(any_of(attempt.c.delivery_id, "ids"))
    .group_by(attempt.c.delivery_id)
)
_LOST: Final = (
    select(attempt.c.delivery_id, attempt.c.number)
    .outerjoin(delivery, delivery.c.delivery_id == attempt.c.delivery_id)
    .where(delivery.c.delivery_id.is_(None))
)
_NUMBERED: Final = (
    select(delivery.c.recipient, func.count(delivery.c.sequence).label("many"))
    .add_columns(func.coalesce(func.max(delivery.c.sequence), 0).label("last"))
    .group_by(delivery.c.recipient)
)
_SKIPPED: Final = select(delivery.c.delivery_id).join(mailbox, mailbox.c.organisation == delivery.c.recipient)
_INVOLVED: Final = (
    select(facts.involvement, delivery.c.recipient, delivery.c.opens, delivery.c.released_at)
    .add_columns(message.c.person_id.label("about"), message.c.trajectory_id.label("named"))
    .add_columns(trajectory.c.opened_by.label("begun_by"))
    .outerjoin(delivery, delivery.c.delivery_id == facts.involvement.c.opened_by)
    .outerjoin(message, message.c.message_id == delivery.c.message_id)
    .outerjoin(trajectory, trajectory.c.trajectory_id == facts.involvement.c.trajectory_id)
)


def _texts() -> Shelf[str]:
    return Shelf(str, str)


@dataclass(slots=True)
class Acknowledged:
    """When each message was acknowledged by whom, as the log tells it: by ``release_of``, on disk."""

    told: Shelf[str] = field(default_factory=_texts)

    def hear(self, said: Mapping[str, Any]) -> None:
        """Take in one entry."""
        if said["soort"] == "bevestiging":
            for one in said["berichten"]:
                self.told[release_of(one["berichtId"], said["ontvanger"])] = said["op"]


def compare_beside(connection: Connection, told: Acknowledged, erased: Collection[str], wrong: Wrong) -> None:
    """``erased``: handles of whom the log tells nothing."""
    for rows in pages(connection, _DELIVERIES, delivery.c.delivery_id):
        made = {row.delivery_id: row for row in connection.execute(_ATTEMPTS, {"ids": [r.delivery_id for r in rows]})}
        at = told.told.see([release_of(row.message_id, row.recipient) for row in rows])
        for row in rows:
            for why in _otherwise(row, made.get(row.delivery_id), at.get(release_of(row.message_id, row.recipient))):
                wrong(f"delivery {row.delivery_id}", why)
    for lost in stream(connection, _LOST):
        wrong(f"attempt {lost.delivery_id}/{lost.number}", "de tabel van leveringen kent deze levering niet")
    _mailboxes(connection, wrong)
    _involvements(connection, erased, wrong)


def _otherwise(row: Row[Any], attempts: Row[Any] | None, at: str | None) -> Iterator[str]:
    kind = catalogue.by_name(row.of_kind)
    ours = {"organisation": row.sender, "kind": row.of_kind, "notice": row.case_id is not None}
    ours |= {"line": row.root if row.root is not None else row.message_id}
    ours |= {} if kind is None else {"opens": kind.opens}
    other = sorted(name for name, value in ours.items() if getattr(row, name) != value)
    if row.notice and not row.overtakes:
        other.append("overtakes")
    if other:
        yield f"{', '.join(other)}: {_OTHER}"
    seen = (0, None, None) if attempts is None else (attempts.many, attempts.first, attempts.last)
    if seen != ((row.attempts, 1, row.attempts) if row.attempts else (0, None, None)):
        yield "attempt: niet alle pogingen van deze levering staan er, of meer dan er waren"
    elif row.first_at != row.released_at:
        yield "attempt.at: de eerste poging was niet bij de eerste vrijgave"
    if row.state in (State.CONFIRMED, State.UNPROCESSABLE) and at is not None and plain(row.acknowledged_at) != at:
        yield "acknowledged_at: het logboek zegt een ander moment"


def _mailboxes(connection: Connection, wrong: Wrong) -> None:
    """Numbers follow one another, and nothing was passed over that nobody acknowledged."""
    numbered = {row.recipient: row for row in connection.execute(_NUMBERED)}
    rows = {row.organisation: row for row in every(connection, mailbox)}
    for organisation in sorted(numbered.keys() | rows.keys()):
        given, row = numbered.get(organisation), rows.get(organisation)
        last = 0 if row is None else row.last_sequence
        if (last, last) != ((0, 0) if given is None else (given.many, given.last)):
            wrong(f"mailbox {organisation}", "last_sequence: de volgnummers van de leveringen zijn anders")
        if row is not None and not 0 <= row.acknowledged <= last:
            wrong(f"mailbox {organisation}", "acknowledged: hoger dan wat is uitgegeven")
    unheard = or_(delivery.c.state == State.DELIVERED.value, delivery.c.acknowledged_at.is_(None))
    below = (delivery.c.sequence <= mailbox.c.acknowledged) & unheard
    for row in stream(connection, _SKIPPED.where(below)):
        wrong(f"delivery {row.delivery_id}", "mailbox.acknowledged: overgeslagen, en nooit bevestigd")


def _involvements(connection: Connection, erased: Collection[str], wrong: Wrong) -> None:
    """Each began with a traject, or by the release that its row names."""
    for row in stream(connection, _INVOLVED):
        if row.person_id in erased:
            continue
        if row.opened_by is None:
            good = row.organisation == row.begun_by
        else:
            by = (row.recipient, row.opens, row.about, row.named)
            good = by == (row.organisation, True, row.person_id, row.trajectory_id) and row.released_at is not None
        if not good:
            wrong(f"involvement {row.involvement_id}", "opened_by: daardoor begon deze betrokkenheid niet")
