"""After a restore to an older state: what was taken away since is taken away again, or held.

What a line of the list tells in full is done again, in the name of who did it and by the hub itself. Of a ``nee`` or a
stopverzoek the list tells only which ``ja`` it closed: these are held. So is every ``ja`` where no list is known that
tells what came after the backup.

Held is: no part of it is in force (``te-bevestigen``) until its verstrekker, who asks the person, confirms it anew.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select

from consent.facts import Choice, StatementStatus
from consent.keys import SYSTEM_KEY, KeyDestroyed, evidence_key
from consent.receipt.account import State
from consent.store import notice_texts, records
from consent.store.reading import read_persons
from consent.store.records import End
from consent.store.tables import (
    notice_text,
    objection,
    person,
    restriction,
    secrecy_release,
    shield,
    statement,
    statement_part,
    stop,
)
from contracts.identity import Oin, PersonId, Purpose
from hub.delivery.mailbox import HUB_SYSTEM
from hub.gate.person_work import Subject
from hub.keys.sealing import seal
from hub.ledger.evidence import Fact
from hub.rights.consent.ending import INVALID, INVALIDATION, REVOKED, WITHDRAWN, cause_of, ended_cause
from hub.rights.consent.means import UNCONFIRMED, WITHDRAWAL, Means, entry
from hub.rights.limits.flows import Flows, Limit
from hub.rights.limits.objections import Objections
from hub.rights.limits.restrictions import Restrictions
from hub.rights.limits.shields import Shields, Terms
from hub.rights.recall.recalls import NewRecall, Recaller, Recalls
from hub.rights.receipts.binding import ended
from hub.rights.taken import lines
from hub.rights.taken.lines import Line, apart
from hub.store.persons.people import Known
from hub.store.region.access import Asker
from hub.store.traffic import recalls
from hub.store.writer import Transaction

#: An instant on the list stands for a whole millisecond.
_TICK: Final = timedelta(milliseconds=1)
#: Why it is told once more.
RESTORED: Final = "herstel"
_REASON: Final = "Na een herstel opnieuw vastgelegd. De redenen zijn bekend bij wie het bezwaar vastlegde."
_PAGE: Final = 1_000
_STANDING: Final = secrecy_release.c.ended_at.is_(None)

#: How a statement may have ended: what the log calls the act, what a receipt shows, and why what waits stops.
_ENDS: Final = {
    StatementStatus.WITHDRAWN.value: (WITHDRAWAL, State.WITHDRAWN, WITHDRAWN),
    StatementStatus.REVOKED.value: ("herroeping", State.REVOKED, REVOKED),
    StatementStatus.INVALID.value: (INVALIDATION, State.INVALIDATED, INVALID),
}


def take_again(means: Means, tx: Transaction, listed: Mapping[str, datetime]) -> int:
    """Take away again what the list names and this database does not know of; how many acts that were."""
    done = 0
    for text, at in sorted(listed.items(), key=lambda each: (each[1], each[0])):
        line = Line.read(text)
        do = _end if line.act in _ENDS else _ACTS.get(line.act)
        if do is None:
            raise ValueError("the list of what was taken away holds an act that this hub does not know")
        try:
            with tx.connection.begin_nested():
                done += do(means, tx, line, at)
        except KeyDestroyed:
            continue  # who was erased: nothing of that person can go any more
    return done


def hold_all(means: Means, tx: Transaction) -> int:
    """Hold every ``ja``, and end every release from secrecy; how many of the first."""
    held: set[str] = set()
    query = (
        select(statement_part, statement.c.person_id)
        .join(statement, statement.c.statement_id == statement_part.c.statement_id)
        .join(person, person.c.person_id == statement.c.person_id)
        .where(
            statement.c.choice == Choice.YES.value,
            *(statement.c.ended_at.is_(None), statement.c.invalid_at.is_(None), person.c.erased_at.is_(None)),
        )
        .order_by(statement_part.c.statement_id, statement_part.c.sender)
    )
    rows = list(tx.connection.execute(query))
    for start in range(0, len(rows), _PAGE):
        part = _told_of(means, rows[start : start + _PAGE])
        means.evidence.append(tx.connection, [_held(row, tx.now) for row in part])
        for row in part:
            records.unconfirm(tx.connection, row.statement_id, Oin(row.sender))
            held.add(row.statement_id)
    for release_id in tx.connection.scalars(select(secrecy_release.c.release_id).where(_STANDING)).all():
        try:
            with tx.connection.begin_nested():
                _end_secrecy(means, tx, Line(lines.SECRECY, release_id, ()), tx.now)
        except KeyDestroyed:
            continue
    return len(held)


def _told_of(means: Means, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those of whose person something can still be logged; of the others nothing can go any more."""
    keys = means.key_store.find({evidence_key(PersonId(row.person_id)) for row in rows})
    return [row for row in rows if evidence_key(PersonId(row.person_id)) in keys]


def _held(row: Row[Any], at: datetime) -> Fact:
    said = entry(UNCONFIRMED, at, _by(row.sender)) | {"toestemmingId": row.statement_id, "reden": RESTORED}
    return Fact(PersonId(row.person_id), said)


def _by(organisation: str) -> Asker:
    return Asker(Oin(organisation), HUB_SYSTEM)


def _subject(tx: Transaction, known: Known, by: str) -> Subject:
    return Subject(known, Oin(by), tx, read_persons(tx.connection, [known.root])[known.root])


def _known(tx: Transaction, handle: str) -> Known | None:
    """The person behind a handle; nobody, where it was made after the backup or erased."""
    query = select(person.c.root).where(person.c.person_id == handle, person.c.erased_at.is_(None))
    root = tx.connection.scalar(query)
    return None if root is None else Known(PersonId(handle), root)


def _end(means: Means, tx: Transaction, line: Line, _at: datetime) -> bool:
    row, (by,) = records.find_statement(tx.connection, line.id), line.rest
    if row is None or row.ended_at is not None:
        return False
    if line.act == StatementStatus.INVALID and row.invalid_at is not None:  # a withdrawal of it says more: it closes
        return False
    kind, shown, code = _ENDS[line.act]
    subject = _subject(tx, Known(PersonId(row.person_id), row.root), by)
    if line.act == StatementStatus.INVALID:
        cause = cause_of(row, code)
        records.invalidate(tx.connection, [(line.id, subject.at, None)])
    else:
        cause = ended_cause(row, code, subject.record.facts.statements, subject.at)
        records.end(tx.connection, line.id, End(StatementStatus(line.act), Oin(by), subject.at, None))
    payload = entry(kind, subject.at, _by(by)) | {"toestemmingId": line.id, "reden": RESTORED}
    means.note_all(tx, row.person_id, ended(payload, Oin(row.recorder), shown))
    means.draw(tx, cause, subject.at, Oin(by))
    return True


def _close(means: Means, tx: Transaction, line: Line, at: datetime) -> bool:
    """Hold a ``ja``, as far as it was in force when it was closed; not where what closed it is here."""
    row, (cause,) = records.find_statement(tx.connection, line.id), line.rest
    if row is None or row.ended_at is not None or _is_here(tx, cause):
        return False
    parts = records.parts_of(tx.connection, [line.id])[line.id]
    mine = [sender for sender, confirmed_at in sorted(parts.items()) if confirmed_at < at + _TICK]
    for sender in mine:
        records.unconfirm(tx.connection, line.id, sender)
        said = entry(UNCONFIRMED, tx.now, _by(sender)) | {"toestemmingId": line.id, "reden": RESTORED}
        means.note(tx, row.person_id, said)
    return bool(mine)


def _is_here(tx: Transaction, cause: str) -> bool:
    said = select(statement.c.statement_id).where(statement.c.statement_id == cause, ~statement.c.requested)
    stopped = select(stop.c.stop_id).where(stop.c.stop_id == cause)
    return any(tx.connection.execute(query).first() is not None for query in (said, stopped))


def _end_secrecy(means: Means, tx: Transaction, line: Line, _at: datetime) -> bool:
    row = records.find_secrecy_release(tx.connection, line.id)
    if row is None or not records.end_secrecy_release(tx.connection, line.id, tx.now):
        return False
    means.note(tx, row.person_id, entry("ontheffing-ingetrokken", tx.now, _by(row.holder)) | {"ontheffingId": line.id})
    return True


def _invalidate_text(means: Means, tx: Transaction, line: Line, _at: datetime) -> bool:
    """The statements that rest on it have lines of their own."""
    query = select(notice_text.c.notice_id, notice_text.c.version).distinct()
    for row in tx.connection.execute(query.where(notice_text.c.organisation == line.id)).all():
        if lines.text(line.id, row.notice_id, row.version) != line.write():
            continue
        key = means.key_store.ensure([SYSTEM_KEY])[SYSTEM_KEY]
        place = f"verklaring/{line.id}/{row.notice_id}/{row.version}"
        sealed = seal(key, RESTORED.encode(), place.encode(), means.random)
        named = (row.notice_id, row.version)
        if notice_texts.invalidate(tx.connection, Oin(line.id), named, tx.now, sealed):
            told = {"verklaring": {"id": row.notice_id, "versie": row.version}, "toestemmingen": 0, "reden": RESTORED}
            fact = Fact(None, entry("verklaring-ongeldig", tx.now, _by(line.id)) | told)
            means.evidence.append(tx.connection, [fact])
            return True
    return False


def _restrict(means: Means, tx: Transaction, line: Line, _at: datetime) -> bool:
    handle, by, *flows, reason = line.rest
    known = _known(tx, handle)
    here = select(restriction.c.restriction_id).where(restriction.c.restriction_id == line.id)
    if known is None or tx.connection.execute(here).first() is not None:
        return False
    new = Limit(line.id, _flows(flows), reason)
    Restrictions(means).add(tx, _subject(tx, known, by), _by(by), new)
    return True


def _object(means: Means, tx: Transaction, line: Line, _at: datetime) -> bool:
    handle, by, *flows = line.rest
    known = _known(tx, handle)
    here = select(objection.c.objection_id).where(objection.c.objection_id == line.id)
    if known is None or tx.connection.execute(here).first() is not None:
        return False
    Objections(means).add(tx, _subject(tx, known, by), _by(by), Limit(line.id, _flows(flows), _REASON))
    return True


def _flows(told: Sequence[str]) -> Flows:
    senders, receivers, purpose = (apart(each) for each in told)
    (named,) = purpose or (None,)
    among = None if receivers is None else frozenset(map(Oin, receivers))
    return Flows(frozenset(map(Oin, senders or ())), among, None if named is None else Purpose(named))


def _shield(means: Means, tx: Transaction, line: Line, _at: datetime) -> bool:
    handle, by, receivers, reason = line.rest
    known = _known(tx, handle)
    here = select(shield.c.shield_id).where(shield.c.shield_id == line.id)
    if known is None or tx.connection.execute(here).first() is not None:
        return False
    new = Terms(line.id, reason, frozenset(map(Oin, apart(receivers) or ())))
    return Shields(means).again(tx, _subject(tx, known, by), _by(by), new)


def _recall(means: Means, tx: Transaction, line: Line, _at: datetime) -> bool:
    message_id, by, receivers, reason = line.rest
    known = recalls.whom(tx.connection, message_id, Oin(by))
    if known is None:
        return False
    new = NewRecall(message_id, reason, frozenset(map(Oin, apart(receivers) or ())))
    return Recalls(means).again(tx, _subject(tx, known, by), Recaller(_by(by), line.id), new)


_Do = Callable[[Means, Transaction, Line, datetime], bool]
_ACTS: Final[dict[str, _Do]] = {
    lines.CLOSED: _close,
    lines.SECRECY: _end_secrecy,
    lines.TEXT: _invalidate_text,
    lines.RESTRICTION: _restrict,
    lines.OBJECTION: _object,
    lines.SHIELD: _shield,
    lines.RECALL: _recall,
}
