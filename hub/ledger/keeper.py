"""Keeps the evidence log going: gives committed entries their place, then signs what is committed.

Both go through the one writer, so that on SQLite they take their turn like all else. A crash anywhere repeats the same
steps at the next start and signs the same checkpoint.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, exists, select

from consent.log import reading as log
from consent.log.sequencer import sequence
from consent.log.signer import LogForked, Signer
from consent.log.tables import ledger_pending
from hub.machine.clock_guard import ClockGuard
from hub.ports import Clock
from hub.store.database import reading
from hub.store.locks import LOG, Locks
from hub.store.writer import Transaction, Writer, WriterStopped

#: Seconds between two looks at the queue.
INTERVAL: Final = 0.1
_LIMIT: Final = 1_024  # entries that one transaction sequences: a withdrawal may wait for it
_LOG: Final = Locks(exclusive=frozenset({LOG}))
_TROUBLED: Final = 1.0  # seconds to wait after an error
#: Seconds of trouble without a pause after which the log counts as not kept; a lock that was not free is sooner over.
_TOO_LONG: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Turn:
    """One step of the keeper; the verbs take it as their only item."""


@dataclass(frozen=True, slots=True)
class LogParts:
    """What keeping the log needs."""

    engine: Engine
    writer: Writer
    signer: Signer
    clock: Clock
    clock_guard: ClockGuard


class LogKeeper:
    """One thread that sequences and signs. ``trouble`` hears the class of an error; the keeper goes on."""

    def __init__(self, parts: LogParts, trouble: Callable[[str, str], None]) -> None:
        self._engine = parts.engine
        self._writer = parts.writer
        self._signer = parts.signer
        self._clock = parts.clock
        self._clock_guard = parts.clock_guard
        self._trouble = trouble
        self._signed = threading.Condition()
        self._stopping = threading.Event()
        self._broken = False
        self._looked = False  # whether the signer saw the log since this process began
        self._troubled_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="log-keeper", daemon=True)

    def start(self) -> None:
        """Begin to keep the log."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the step under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def alive(self) -> bool:
        """False when nothing is signed any more: the log would fork, or it cannot be written for some seconds now."""
        since = self._troubled_since
        stuck = since is not None and self._clock.monotonic() - since >= _TOO_LONG
        return self._thread.is_alive() and not self._broken and not stuck

    def wait_for(self, entry_id: str, seconds: float) -> bool:
        """Wait until a checkpoint covers the entry, at most so long; whether one does."""
        deadline = self._clock.monotonic() + seconds
        while True:
            with reading(self._engine) as connection:
                index = log.index_of(connection, entry_id)
                if index is not None and index < log.signed_size(connection):
                    return True
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return False
            with self._signed:
                self._signed.wait(min(left, INTERVAL))

    def keep_once(self) -> bool:
        """Sequence and sign what is there; False when there was nothing to do.

        The first look always asks the signer: a database that was put back to an older state has nothing new to sign.
        """
        with reading(self._engine) as connection:
            queued = connection.scalar(select(exists().select_from(ledger_pending)))
            behind = log.size(connection) > log.signed_size(connection)
        if not queued and not behind and self._looked:
            return False
        if queued:
            self._writer.do(self._sequence, _Turn(), _LOG)
        # A crash here: entries have their index and no checkpoint yet. The next look signs them.
        note = self._writer.do(self._prepare, _Turn(), _LOG)
        self._looked = True
        if note is not None:
            # A crash here: the state file knows the signature. The next look publishes the very same one.
            self._writer.do(self._publish, note, _LOG)
        with self._signed:
            self._signed.notify_all()
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.keep_once()
                self._troubled_since = None
            except WriterStopped:
                return
            except LogForked as error:
                self._broken = True  # never sign a fork: an operator must look
                self._trouble("logboek", type(error).__name__)
                return
            except Exception as error:  # noqa: BLE001 - told by its class; the next look tries again
                self._trouble("logboek", type(error).__name__)
                if self._troubled_since is None:
                    self._troubled_since = self._clock.monotonic()
                self._stopping.wait(_TROUBLED)
                continue
            # Also after work: three commits for each entry would leave the writer little time for messages.
            self._stopping.wait(INTERVAL)

    def _sequence(self, tx: Transaction, items: Sequence[_Turn]) -> list[int | None]:
        self._clock_guard.mark(tx.connection, tx.now)
        return [sequence(tx.connection, _LIMIT) for _ in items]

    def _prepare(self, tx: Transaction, items: Sequence[_Turn]) -> list[str | None]:
        return [self._signer.prepare(tx.connection) for _ in items]

    def _publish(self, tx: Transaction, notes: Sequence[str]) -> list[bool]:
        return [self._signer.publish(tx.connection, note) for note in notes]
