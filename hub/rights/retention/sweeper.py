"""The part "bewaring": looks every hour for what is past its term, and takes it away in small steps.

    content     messages past their term are emptied; undeliverable ones are warned of before            (``lapse``)
    keys        an organisation that is done with a person loses its content key     (``hub.rights.erasure.destroying``)
    evidence    when its term is over, the evidence key, and the person is erased as a whole             (the same)

One process at a time has the turn (a lease in ``installation``); a second one beside it would find nothing more to do.
Every step decides anew under the person's lock, is one transaction of the one writer, and may be done again. While the
time is not beyond doubt (``ClockGuard.settled``) nothing is destroyed.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from consent.keys import content_key, evidence_key
from contracts import instants
from contracts.identity import Oin, PersonId
from contracts.retention.terms import WARNING_DAYS, Terms
from hub.machine.clock_guard import SETTLING, ClockGuard
from hub.ports import Clock, NewId
from hub.rights.erasure.destroying import Destruction, Eraser
from hub.rights.retention.closing import evidence_over, finished
from hub.rights.retention.lapse import RETENTION, Line, lapse, lines
from hub.store import installation
from hub.store.database import wipe
from hub.store.locks import Locks
from hub.store.persons import remains
from hub.store.persons.remains import Remains
from hub.store.tables import delivery, message, message_key
from hub.store.traffic import lapses
from hub.store.traffic.lapses import Kept
from hub.store.writer import Transaction, Writer, WriterStopped
from hub.telemetry import Metrics

#: Seconds between two looks.
INTERVAL: Final = 3_600.0
#: Seconds between two batches, so that what partners wait for goes in between.
PAUSE: Final = 0.02
#: Names in the table ``installation``: whose turn it is until when, and up to when warnings were given.
TURN: Final = "bewaring_beurt"
WARNED: Final = "bewaring_gewaarschuwd"
_LEASE: Final = timedelta(minutes=10)
_PAGE: Final = 200  # messages, and persons, looked at together
_BATCH: Final = 16  # persons in one transaction
_LOCK: Final = Locks(exclusive=frozenset({"bewaring"}))
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NotNow(Exception):
    """Nothing may be destroyed now: the time is in doubt, or another process has the turn."""


class ClockInDoubt(NotNow):
    """The time is in doubt: soon after a start, after a jump, or until an operator accepts it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the sweeper works with. ``look`` opens a read-only connection."""

    writer: Writer
    look: Callable[[], AbstractContextManager[Connection]]
    eraser: Eraser
    terms: Terms
    clock: Clock
    clock_guard: ClockGuard
    new_id: NewId
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Swept:
    """What one look took away: emptied messages, destroyed content keys, persons whose evidence went; and warnings."""

    messages: int = 0
    organisations: int = 0
    persons: int = 0
    warned: int = 0


class Sweeper:
    """One thread. ``sweep`` is what it does."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._token = tools.new_id()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bewaring", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the step under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        doubted = False  # just after a start it is in doubt as a rule: only what lasts is worth a word
        while not self._stopping.is_set():
            wait = INTERVAL
            try:
                self.sweep()
            except WriterStopped:
                return
            except ClockInDoubt:
                if doubted:
                    structlog.get_logger().warning("nothing destroyed at its term: the clock is not confirmed")
                wait, doubted = SETTLING, True
            except NotNow:
                wait = SETTLING
            except Exception as error:  # noqa: BLE001 - told by its class; the next look tries again
                structlog.get_logger().error("not swept", exc_info=error)
                wait = SETTLING
            self._stopping.wait(wait)

    def sweep(self) -> Swept:
        """One look at everything. Raises ``NotNow``, and what the stores raise."""
        self._take_turn()
        messages, warned = self._contents()
        if messages:
            wipe(self._tools.eraser.engine, (message, message_key, delivery))
        organisations, persons = self._keys()
        return Swept(messages, organisations, persons, warned)

    def _take_turn(self) -> None:
        if not self._tools.writer.do(self._turn, self._token, _LOCK):
            raise NotNow

    def _turn(self, tx: Transaction, tokens: Sequence[str]) -> list[bool]:
        """Take or keep the turn, under the database's own time."""
        mine: list[bool] = []
        for token in tokens:
            holder, _, until = (installation.read(tx.connection, TURN) or "").partition(" ")
            taken = holder not in ("", token) and tx.now < instants.parse(until)
            self._require_time(tx)
            if not taken:
                installation.write(tx.connection, TURN, f"{token} {instants.write(tx.now + _LEASE)}")
            mine.append(not taken)
        return mine

    # -- content ------------------------------------------------------------------------------------------------------
    def _contents(self) -> tuple[int, int]:
        """Empty what is past its term, warn of what nobody fetched; how many of each."""
        emptied, warned, after, now = 0, 0, 0, self._tools.clock.now()
        with self._tools.look() as connection:
            told = installation.read(connection, WARNED)
        since = _LONG_AGO if told is None else instants.parse(told)
        while not self._stopping.is_set():
            with self._tools.look() as connection:
                page = lapses.page(connection, now - self._tools.terms.shortest, after, _PAGE)
            if not page:
                # A crash before this: the next look warns of the same once more.
                self._tools.writer.do(_note_warned, now, _LOCK)
                break
            after = page[-1].seq
            warned += self._warn(page, since, now)
            emptied += self._empty(lines(self._tools.terms, page, now))
        return emptied, warned

    def _empty(self, due: Sequence[Line]) -> int:
        count = 0
        for place in range(0, len(due), _BATCH):
            batch = due[place : place + _BATCH]
            locks = [Locks(exclusive=frozenset({line.lock})) for line in batch]
            for outcome in self._tools.writer.do_all(self._lapse, batch, locks):
                if isinstance(outcome, (NotNow, WriterStopped)):
                    raise outcome
                if isinstance(outcome, Exception):  # of one person, which must not hold up the others
                    structlog.get_logger().error("not lapsed", exc_info=outcome)
                else:
                    count += outcome
            self._pause()
        self._tools.metrics.lapse.add(count)
        return count

    def _lapse(self, tx: Transaction, due: Sequence[Line]) -> list[int]:
        self._require_time(tx)
        return [lapse(self._tools.eraser.evidence, self._tools.terms, tx, line) for line in due]

    def _warn(self, page: Iterable[Kept], since: datetime, now: datetime) -> int:
        """Tell of content that nobody fetched when it passes one of the marks."""
        count = 0
        for one in page:
            passed = [d for d in WARNING_DAYS if since < one.accepted_at + timedelta(days=d) <= now]
            if passed and None in one.ends.values():
                count += 1
                self._tools.metrics.warn.add(days=str(passed[-1]))
                log, days = structlog.get_logger(), passed[-1]
                log.warning("undelivered", message_id=one.message_id, organisation=one.organisation, days=days)
        return count

    # -- keys ---------------------------------------------------------------------------------------------------------
    def _keys(self) -> tuple[int, int]:
        """Destroy the keys that nothing needs; of how many organisations with a person, and of how many persons."""
        organisations = persons = 0
        after = ""
        while not self._stopping.is_set():
            with self._tools.look() as connection:
                page = remains.roots(connection, after, _PAGE)
                found = remains.of(connection, page)
            if not page:
                break
            after = page[-1]
            now = self._tools.clock.now()
            for left in (one for one in found if self._is_over(one, now)):
                self._take_turn()
                done = self._tools.writer.do(self._close, left.root, Locks(exclusive=frozenset({left.root})))
                # A crash here: it is begun, and is finished at the next start.
                self._tools.eraser.finish_soon()
                organisations += done[0]
                persons += done[1]
                self._pause()
        return organisations, persons

    def _is_over(self, left: Remains, now: datetime) -> bool:
        """Whether anything of this person may go; of one who cannot be judged nothing, and the others go on."""
        try:
            return self._over(left, now) is not None
        except Exception as error:  # noqa: BLE001 - told by its class; the next look tries again
            structlog.get_logger().error("not closed", exc_info=error)
            return False

    def _over(self, left: Remains, now: datetime) -> list[Oin] | None:
        """Whose content keys may go, or all of it (an empty list: the evidence too); ``None``: nothing."""
        holders, living = self._alive(left)
        if holders:
            return finished(self._tools.terms, left, holders, now) or None
        return [] if living and evidence_over(self._tools.terms, left, now) else None

    def _alive(self, left: Remains) -> tuple[set[Oin], list[PersonId]]:
        """Whose content key about this person is there, and the handles whose evidence key is."""
        holders = {content_key(PersonId(ref.person_id), Oin(ref.organisation)): ref.organisation for ref in left.refs}
        names = {evidence_key(PersonId(handle)): PersonId(handle) for handle in sorted(left.members)}
        alive = self._tools.eraser.key_store.find([*holders, *names])
        return {Oin(o) for name, o in holders.items() if name in alive}, [h for n, h in names.items() if n in alive]

    def _close(self, tx: Transaction, roots: Sequence[str]) -> list[tuple[int, int]]:
        """Begin to destroy what is over, as it now is. The transaction holds the person's exclusive lock."""
        self._require_time(tx)
        done: list[tuple[int, int]] = []
        for left in remains.of(tx.connection, roots):
            over = self._over(left, tx.now)
            _, living = self._alive(left)
            if over is None or not living:  # nothing was over after all, or nothing could be said of it
                done.append((0, 0))
                continue
            whose: list[Oin | None] = [*over] or [None]
            for organisation in whose:
                self._begin(tx, left, living[0], organisation)
            done.append((len(over), int(not over)))
        return done

    def _begin(self, tx: Transaction, left: Remains, handle: PersonId, organisation: Oin | None) -> None:
        handles = frozenset(map(PersonId, left.members))
        told = {} if organisation is None else {"organisatie": organisation}
        whole = organisation is None
        what = Destruction(self._tools.new_id(), handle, handles, organisation, RETENTION, evidence=whole, told=told)
        self._tools.eraser.begin(tx, what, max(tx.now, left.record.latest))

    def _require_time(self, tx: Transaction) -> None:
        if not self._tools.clock_guard.settled(tx.now):
            raise ClockInDoubt

    def _pause(self) -> None:
        self._stopping.wait(PAUSE)


def _note_warned(tx: Transaction, moments: Sequence[datetime]) -> list[None]:
    for until in moments:
        installation.write(tx.connection, WARNED, instants.write(until))
    return [None for _ in moments]
