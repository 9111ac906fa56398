"""Destroys named keys of a person, in an order in which a crash at any point loses nothing and revives nobody.

    1  one transaction under the person's exclusive lock: the entry in the log, the rows that change, and the intention
       (a row of ``erasure`` without a done mark)                                                            ``begin``
    2  the erasure list outside the database, durable                                                       ``finish``
    3  the keys
    4  the done mark

Steps 2 to 4 are done again until they are done: by whoever asked for it, by its repeat, at the start of the hub and,
where they failed, every minute. The list comes after the commit, or an erasure that was never committed would come true
at a restore; and before the keys, or a restore could revive somebody whom nothing remembers. Until step 4 is done
``hub ledger verify --db`` says that it is unfinished.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, Row

from consent.keys import KeyStore, evidence_key
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.keys.erasing import destroy, keys_of, lines, remember
from hub.keys.erasure_list import ErasureList
from hub.keys.messages import body_aad, keys_of_body, receipt_aad
from hub.keys.sealing import SealBroken, seal, unseal
from hub.ledger.evidence import Evidence, Fact
from hub.ledger.replay.check import named
from hub.ports import Random
from hub.store.database import wipe
from hub.store.locks import Locks
from hub.store.persons import erasures
from hub.store.tables import local_number, message, person_bsn
from hub.store.writer import Transaction, Writer

#: What the entry is called that says whose content was destroyed, and the one that names entries that are unreadable.
ERASURE: Final = "wissing"
UNREADABLE: Final = "vernietiging"
#: Seconds before what could not be finished is tried again.
INTERVAL: Final = 60.0
_EMPTIED: Final = (local_number, person_bsn, message)


@dataclass(frozen=True, slots=True)
class Destruction:
    """What is destroyed, and why.

    ``persons``: every handle of one person; ``person``: that under whose evidence key it is logged. ``organisation``:
    whose content; ``None``: everybody's, and the person is erased as a whole. ``evidence``: the evidence with it (AVG
    7(1), 5(2): not before its term). ``reason``: a code. ``told``: what its entry says beside this.
    """

    id: str
    person: PersonId
    persons: frozenset[PersonId]
    organisation: Oin | None
    reason: str
    evidence: bool = False
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """How the erasure list names it."""
        return lines(self.persons, self.organisation, evidence=self.evidence)


@dataclass(frozen=True, slots=True)
class Eraser:
    """Begins and finishes. ``look`` opens a read-only connection; ``left`` is set when something could not be done."""

    engine: Engine
    writer: Writer
    look: Callable[[], AbstractContextManager[Connection]]
    key_store: KeyStore
    evidence: Evidence
    erased: ErasureList
    random: Random
    left: threading.Event = field(default_factory=threading.Event)

    def begin(self, tx: Transaction, what: Destruction, at: datetime) -> Row[Any]:
        """Step 1, in the caller's transaction, which holds the person's exclusive lock; the row of ``erasure``.

        After its commit call ``finish``. Raises ``consent.keys.KeyDestroyed`` when the evidence is gone already.
        """
        keys = self._keys(tx.connection, what, at)
        if not what.evidence:
            self._keep_notices(tx.connection, what)
        taken = erasures.take_out(tx.connection, what.persons, what.organisation, at)
        payload = entry(what.lines, taken, what.reason, at) | {"wissingId": what.id, **what.told}
        (leaf,) = self.evidence.append(tx.connection, [Fact(what.person, payload)])
        names = _names(tx.connection, what.persons) if what.evidence else None
        if names is not None:
            self.evidence.append(tx.connection, [Fact(None, unreadable(n, at, what.reason)) for n in names.values()])
        values = {
            "erasure_id": what.id,
            "person_id": what.person,
            "persons": sorted(what.persons),
            "organisation": what.organisation,
            "evidence": None if names is None else {key_id: named(ids) for key_id, ids in names.items()},
            "reason": what.reason,
            "messages": taken.messages,
            "keys": keys,
            "at": at,
            "entry_id": leaf.entry_id,
        }
        erasures.add(tx.connection, values)
        # A crash before the caller's commit: nothing was erased. After it: the ref names nobody, nothing goes out, and
        # the keys go at the next start.
        found = erasures.find(tx.connection, what.id)
        if found is None:
            raise LookupError("the erasure that was just written is not there")
        return found

    def _keys(self, connection: Connection, what: Destruction, at: datetime) -> int:
        """How many keys go with it, those apart that an earlier erasure has yet to destroy."""
        begun = {
            line
            for row in erasures.unfinished(connection)
            for line in lines(row.persons, row.organisation, evidence=row.evidence is not None)
        }
        return len(self.key_store.find(keys_of(self.key_store, dict.fromkeys(what.lines, at))).keys() - begun)

    def _keep_notices(self, connection: Connection, what: Destruction) -> None:
        """Notices go out also when the content of their verstrekker is gone (AVG 19): off its key with them."""
        rows = erasures.unread_notices(connection, what.persons, what.organisation)
        keys = self.key_store.find({name for row in rows for name in keys_of_body(row)})
        for row in rows:
            best, other = keys_of_body(row)
            if other in keys and best in keys and (plain := _plain(row, keys[other])) is not None:
                sealed = seal(keys[best], plain[0], body_aad(row.message_id), self.random)
                receipt = seal(keys[best], plain[1], receipt_aad(row.message_id), self.random)
                erasures.reseal(connection, row.message_id, sealed, receipt)

    def finish(self, only: str | None = None) -> None:
        """Steps 2 to 4 for all that was begun, or for one of them. Repeating it is harmless, beside others too.

        Raises ``OSError`` when the list cannot be written (then no key is destroyed), and what the stores raise.
        """
        with self.look() as connection:
            rows = erasures.unfinished(connection)
        for row in rows:
            if only in (None, row.erasure_id):
                self._finish(row)

    def finish_soon(self, only: str | None = None) -> bool:
        """The same, but what cannot be done now is left for the next look; whether it was done."""
        try:
            self.finish(only)
        except Exception as error:  # noqa: BLE001 - told by its class; a ``Finisher`` tries again every minute
            structlog.get_logger().error("not erased", exc_info=error)
            self.left.set()
            return False
        return True

    def _finish(self, row: Row[Any]) -> None:
        gone = dict.fromkeys(lines(row.persons, row.organisation, evidence=row.evidence is not None), row.at)
        remember(self.erased, gone)
        # A crash here: the list names keys that are still there. They go at the next start, or at a restore.
        destroy(self.key_store, keys_of(self.key_store, gone))
        # A crash here: all is gone, and only the mark of it is missing.
        wipe(self.engine, _EMPTIED)
        self.writer.do(self._mark, row, Locks(exclusive=frozenset({row.root or row.person_id})))

    def _mark(self, tx: Transaction, rows: Sequence[Row[Any]]) -> list[bool]:
        """Step 4. What was logged of the person between steps 1 and 3 is unreadable too: then all is named anew."""
        done: list[bool] = []
        for row in rows:
            for key_id, name in (row.evidence or {}).items():
                ids = erasures.entries_under(tx.connection, key_id)
                if named(ids) != name:
                    self.evidence.append(tx.connection, [Fact(None, unreadable(ids, tx.now, row.reason))])
            done.append(erasures.finish(tx.connection, row.erasure_id, tx.now))
        return done


class Finisher:
    """One thread that finishes what was begun: at the start, whenever something was left, and every minute."""

    def __init__(self, eraser: Eraser) -> None:
        self._eraser = eraser
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eraser", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the step under way."""
        self._stopping.set()
        self._eraser.left.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._eraser.left.set()  # a crash may have left something
        while not self._stopping.is_set():
            self._eraser.left.wait(INTERVAL)  # by itself too: another process may have left something
            self._eraser.left.clear()
            # A stop sets its word first, then wakes: asked here, what was begun is left for the next start.
            if not self._stopping.is_set() and not self._eraser.finish_soon():
                self._stopping.wait(INTERVAL)


def entry(gone: Sequence[str], taken: erasures.Taken, reason: str, at: datetime) -> dict[str, Any]:
    """What the log says of destroyed content: which keys, how many messages, and who is involved no longer."""
    over = [{"organisatie": who, "trajectId": trajectory} for who, trajectory in taken.involvements]
    ended = {"betrokkenheidBeeindigd": over} if over else {}
    said = {"soort": ERASURE, "op": instants.write(at), "reden": reason}
    return said | {"sleutels": sorted(gone), "berichten": taken.messages} | ended


def unreadable(ids: Sequence[str], at: datetime, reason: str) -> dict[str, Any]:
    """The entry that names entries which can no longer be read; about no person."""
    said = {"soort": UNREADABLE, "op": instants.write(at), "reden": reason}
    return said | {"aantal": len(ids), "vermeldingen": named(ids)}


def _names(connection: Connection, persons: frozenset[PersonId]) -> dict[str, list[str]]:
    """Under each evidence key the entries that it opens; not of one that opens nothing."""
    found = {key_id: erasures.entries_under(connection, key_id) for key_id in map(evidence_key, sorted(persons))}
    return {key_id: ids for key_id, ids in found.items() if ids}


def _plain(row: Row[Any], key: bytes) -> tuple[bytes, bytes] | None:
    try:
        return (
            unseal(key, row.body, body_aad(row.message_id)),
            unseal(key, row.receipt, receipt_aad(row.message_id)),
        )
    except SealBroken:  # it lies under the other key already
        return None
