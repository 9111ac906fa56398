"""Texts of notices (`verklaring`): published once, never changed, and invalidated as a whole version.

A change of notices shuts everybody out (``regels`` exclusively): nothing is recorded, accepted or released meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row

from consent.facts import Choice, StatementStatus
from consent.keys import SYSTEM_KEY, evidence_key
from consent.receipt.account import State
from consent.store import notice_texts, records
from consent.store.reading import read_persons
from contracts.errors import Conflict, NotFound
from contracts.identity import Oin, PersonId
from hub.keys.sealing import seal
from hub.ledger.evidence import Fact, bound
from hub.rights.consent.ending import INVALID, INVALIDATION, cause_of
from hub.rights.consent.means import Means, entry
from hub.rights.receipts.binding import ended
from hub.rights.stopping import Consequence, stopped_of
from hub.rights.taken import lines
from hub.store.locks import Locks
from hub.store.refusals import logged
from hub.store.region.access import Asker, require_active
from hub.store.traffic import deliveries
from hub.store.writer import Transaction

T = TypeVar("T")
_RULES: Final = Locks(rules_exclusive=True)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a notice, in whatever languages."""

    id: str
    number: str

    def named(self) -> dict[str, str]:
        """As the wire names it."""
        return {"id": self.id, "versie": self.number}


@dataclass(frozen=True, slots=True)
class Touched:
    """What an invalidation touches: statements in all; of messages the organisation's own sendings and receipts."""

    at: datetime
    statements: int
    waiting: int
    given: int
    notices: int | None  # None: in a preview nobody is told


def publish(means: Means, asker: Asker, version: Version, language: str, text: str) -> tuple[Row[Any], bool]:
    """Publish a text; whether it is new. Raises ``Conflict`` for another text than that of this version."""
    digest = sha256(text.encode()).hexdigest()

    def work(tx: Transaction) -> tuple[Row[Any], bool]:
        known = notice_texts.of_version(tx.connection, asker.organisation, version.id, version.number)
        if language in known:
            if known[language].sha256 != digest:
                raise Conflict("Onder deze versie staat al een andere tekst: geef een nieuwe versie uit.")
            return known[language], False
        if any(row.invalid_at is not None for row in known.values()):
            raise Conflict("Deze versie is ongeldig verklaard: geef een nieuwe versie uit.")
        _require_same_as_named(tx.connection, asker.organisation, version, language, digest)
        values = {"organisation": asker.organisation, "notice_id": version.id, "version": version.number}
        values |= {"language": language, "text": text, "sha256": digest}
        notice_texts.add(tx.connection, values | {"published_at": tx.now})
        named = version.named() | {"taal": language, "sha256": digest}
        fact = Fact(None, entry("verklaring-gepubliceerd", tx.now, asker) | {"verklaring": named})
        means.evidence.append(tx.connection, [fact])
        # A crash before the commit: it was never published. After it: nobody can change a letter of it.
        found = notice_texts.of_version(tx.connection, asker.organisation, version.id, version.number)
        return found[language], True

    return _alone(means, asker, work)


def invalidate(means: Means, asker: Asker, version: Version, reason: str) -> Touched:
    """The text was wrong: no consent that rests on it holds any more. Raises ``NotFound``.

    Repeating it tells the same again. A refusal needs no informing (AVG art. 4(11)): a ``nee`` stands.
    """

    def work(tx: Transaction) -> Touched:
        known = notice_texts.of_version(tx.connection, asker.organisation, version.id, version.number)
        if not known:
            raise NotFound
        before = next((row.invalid_at for row in known.values() if row.invalid_at is not None), None)
        if before is not None:
            return _told_again(means, tx, asker.organisation, version, before)
        key = means.key_store.ensure([SYSTEM_KEY])[SYSTEM_KEY]
        place = f"verklaring/{asker.organisation}/{version.id}/{version.number}"
        sealed = seal(key, reason.encode(), place.encode(), means.random)
        means.taken.note(tx, [lines.text(asker.organisation, version.id, version.number)])
        wanted = (version.id, version.number)
        notice_texts.invalidate(tx.connection, asker.organisation, wanted, tx.now, sealed)
        rows = _mark(means, tx, asker, version, reason)
        told = {"verklaring": version.named(), "toestemmingen": len(rows)} | bound("reden", reason)
        means.evidence.append(tx.connection, [Fact(None, entry("verklaring-ongeldig", tx.now, asker) | told)])
        drawn = _drawn(means, tx, asker.organisation, rows)
        # A crash before the commit: every statement stands and nobody was told otherwise. After it: none does.
        return _touched(tx.now, asker.organisation, drawn, [ends for each in drawn for ends in each.stopped])

    return _alone(means, asker, work)


def preview(means: Means, organisation: Oin, version: Version, at: datetime) -> Touched:
    """What ``invalidate`` would touch if it were done now. Holds no lock and changes nothing. Raises ``NotFound``."""
    with means.person_work.look() as connection:
        if not notice_texts.of_version(connection, organisation, version.id, version.number):
            raise NotFound
        rows = _standing(connection, organisation, version)
        ids = frozenset(row.statement_id for row in rows)
        waiting = [
            ends for root in {row.root for row in rows} for ends in means.stopper.would_stop(connection, at, root, ids)
        ]
        given = {
            (row.message_id, row.recipient)
            for row in deliveries.released_under(connection, ids)
            if organisation in (row.organisation, row.recipient)
        }
    return Touched(at, len(rows), stopped_of(waiting, organisation), len(given), None)


def _alone(means: Means, asker: Asker, work: Callable[[Transaction], T]) -> T:
    """Do it while nobody decides."""

    def verb(tx: Transaction, jobs: Sequence[None]) -> list[T]:
        require_active(tx.connection, asker, tx.now)
        return [work(tx) for _ in jobs]

    with logged():
        outcome: T = means.person_work.writer.do(verb, None, _RULES, urgent=True)
    return outcome


def _standing(connection: Connection, organisation: Oin, version: Version) -> list[Row[Any]]:
    """What rests on it still, of what this organisation recorded: every ``ja`` and every request."""
    return [
        row
        for row in records.naming_notice(connection, organisation, version.id, version.number)
        if row.choice == Choice.YES and row.ended_at is None and row.invalid_at is None
    ]


def _mark(
    means: Means, tx: Transaction, asker: Asker, version: Version, reason: str
) -> list[tuple[Row[Any], datetime]]:
    """Every statement that rests on it becomes invalid, each with its entry; the instant is that of its person."""
    rows = _standing(tx.connection, asker.organisation, version)
    persons = read_persons(tx.connection, {row.root for row in rows})
    # Who was erased, though the mark of it is still to come, has no key: of that person nothing can go any more.
    keys = means.key_store.find({evidence_key(PersonId(row.person_id)) for row in rows})
    marked, facts, invalid = [], [], []
    for row in rows:
        key = keys.get(evidence_key(PersonId(row.person_id)))
        if key is None:
            continue
        at = max(tx.now, persons[row.root].latest)
        sealed = seal(key, reason.encode(), b"toestemming/reden", means.random)
        invalid.append((row.statement_id, at, sealed))
        what = {"toestemmingId": row.statement_id, "verklaring": version.named()} | bound("reden", reason)
        told = ended(entry(INVALIDATION, at, asker) | what, Oin(row.recorder), State.INVALIDATED)
        facts += [Fact(PersonId(row.person_id), payload) for payload in told]
        marked.append((row, at))
    by, how = asker.organisation, StatementStatus.INVALID.value
    means.taken.note(tx, [lines.ended(how, row.statement_id, by) for row, _ in marked])
    records.invalidate(tx.connection, invalid)
    means.evidence.append(tx.connection, facts)
    return marked


def _drawn(
    means: Means, tx: Transaction, organisation: Oin, marked: Sequence[tuple[Row[Any], datetime]]
) -> list[Consequence]:
    """What follows. Everybody waits for this transaction, so of what nothing can follow nothing is asked."""
    ids, roots = {row.statement_id for row, _ in marked}, {row.root for row, _ in marked}
    used, waiting = deliveries.that_moved(tx.connection, ids, roots)
    return [
        means.draw(tx, cause_of(row, INVALID), at, organisation)
        if row.statement_id in used or row.root in waiting
        else Consequence(at, (), (), ())
        for row, at in marked
    ]


def _told_again(means: Means, tx: Transaction, organisation: Oin, version: Version, before: datetime) -> Touched:
    """What was told when it was invalidated; nothing happens."""
    rows = [
        row
        for row in records.naming_notice(tx.connection, organisation, version.id, version.number)
        if row.invalid_at is not None and row.invalid_at >= before
    ]
    told = [means.stopper.tell_again(tx, cause_of(row, INVALID), row.invalid_at) for row in rows]
    # Of two statements of one person each tells of all that was stopped with them: it counts once.
    by_person = {row.root: each for row, each in zip(rows, told, strict=True)}
    return _touched(before, organisation, told, [ends for each in by_person.values() for ends in each.stopped])


def _touched(
    at: datetime, organisation: Oin, drawn: Sequence[Consequence], stopped: Sequence[tuple[Oin, Oin]]
) -> Touched:
    given = {(g.message_id, g.receiver) for each in drawn for g in each.given if organisation in (g.sender, g.receiver)}
    return Touched(
        at,
        len(drawn),
        stopped_of(stopped, organisation),
        len(given),
        sum(organisation in ends for each in drawn for ends in each.notices),
    )


def _require_same_as_named(
    connection: Connection, organisation: Oin, version: Version, language: str, digest: str
) -> None:
    """What was recorded before the text was published must have named this very text."""
    for row in records.naming_notice(connection, organisation, version.id, version.number):
        if row.notice["taal"] == language and row.notice["sha256"] != digest:
            raise Conflict("Er zijn al verklaringen vastgelegd met een andere tekst onder deze versie.")
