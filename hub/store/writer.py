"""The one writer of a process: takes waiting units of work together, and commits them in one transaction.

Withdrawals and other urgent work go first, in a transaction of their own, and before those are answered who were in the
one under way. One commit holds at most ``MAX_WEIGHT`` persons' locks, but for a unit that needs more by itself, and
fewer where so many take longer than a withdrawal should wait.
Neighbouring units of the same verb are handed to it together: a verb written for many pays its statements once.
If such a transaction fails, it is repeated with a savepoint per unit: one bad row cannot fail its neighbours.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from hub.ports import Clock
from hub.store.locks import MAX_WEIGHT, Locks, Turnstile, take

#: How long a transaction of many should take, seconds: nobody can withdraw while it runs.
_TURN: Final = 0.05
#: So many are taken together however long it takes: alone, each would cost several times as much.
_LEAST: Final = 32

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

#: Does one thing for many items in one transaction. The outcomes are in order; an exception among them is that item's
#: own.
Verb = Callable[["Transaction", Sequence[Item]], Sequence[Outcome | Exception]]


@dataclass(slots=True)
class Transaction:
    """One open transaction that holds its locks. ``now`` was read after them. Only the writer commits it.

    ``alone``: it is for one unit, whose error undoes all of it.
    """

    connection: Connection
    now: datetime
    alone: bool = False
    _before: list[Callable[[], None]] = field(default_factory=list)
    _after: list[Callable[[], None]] = field(default_factory=list)
    _complete: bool = False  # all was written; from here only the commit itself can fail

    def before_commit(self, call: Callable[[], None]) -> None:
        """Have ``call`` run when all was written, just before the commit: what it raises undoes the transaction.

        Also where a savepoint undid what asked for it: it may only see that something is durable.
        """
        self._before.append(call)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have ``call`` run when the commit is durable: a nudge, never something that must not be lost."""
        self._after.append(call)

    def lost(self) -> bool:
        """True when SQLite rolled all of it back by itself, as it does on a full disk (SQLITE_FULL, SQLITE_IOERR)."""
        driver: Any = self.connection.connection.dbapi_connection
        return self.connection.dialect.name == "sqlite" and not driver.in_transaction


@dataclass(slots=True, eq=False)
class _Unit:
    verb: Callable[[Transaction, Sequence[Any]], Sequence[Any]]
    item: Any
    locks: Locks
    urgent: bool = False
    done: Future[Any] = field(default_factory=Future)

    @property
    def weight(self) -> int:
        """What it takes of a transaction: its persons, at least one."""
        return max(1, len(self.locks.shared | self.locks.exclusive))

    def outcome(self) -> Any:
        """Wait for the outcome; an error is one, too."""
        error = self.done.exception()
        return self.done.result() if error is None else error


class _CommitFailed(Exception):
    """The commit itself failed, after all was written."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


class WriterStopped(RuntimeError):
    """The process is going down; the caller may try again elsewhere."""


class Transactions:
    """Opens transactions as the gate needs them: the turn, the begin, the locks, then the time."""

    def __init__(self, engine: Engine, clock: Clock, turnstile: Turnstile | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._turnstile = turnstile

    def monotonic(self) -> float:
        """Seconds, to measure how long something took."""
        return self._clock.monotonic()

    @contextmanager
    def open(self, locks: Locks) -> Iterator[Transaction]:
        """One transaction; commits at the end of the block, rolls back when it raises."""
        with self._turn(), self._engine.connect() as connection:
            with connection.begin():
                transaction = Transaction(connection, self._now(take(connection, locks)))
                yield transaction
                for call in transaction._before:
                    call()
                transaction._complete = True
                # A crash before the commit returns loses the whole unit, and its caller was never answered.
            for call in transaction._after:
                _tell(call)

    def _turn(self) -> AbstractContextManager[None]:
        return self._turnstile.turn() if self._turnstile is not None else nullcontext()

    def _now(self, told: datetime | None) -> datetime:
        """The time that all processes on one database share: ``told`` by it, or this machine's."""
        return self._clock.now() if told is None else told


class Writer:
    """Hands units of work to the writing thread and waits for their commit."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._urgent: deque[_Unit] = deque()
        self._normal: deque[_Unit] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._limit = MAX_WEIGHT  # what is taken of ordinary work at a time
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way, refuse the rest."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def alive(self) -> bool:
        """False when nothing would be written any more."""
        return self._thread.is_alive() and not self._stopping

    def begin(
        self,
        verb: Verb[Item, Outcome],
        item: Item,
        locks: Locks = Locks(),  # noqa: B008 - a frozen value
        *,
        urgent: bool = False,
    ) -> "Future[Outcome]":
        """Queue one unit; the future holds the verb's outcome once it is durable, or what the verb raised."""
        unit = _Unit(verb, item, locks, urgent)
        self._queue([unit], self._urgent if urgent else self._normal)
        return unit.done

    def do_all(
        self,
        verb: Callable[[Transaction, Sequence[Item]], Sequence[Outcome]],
        items: Sequence[Item],
        locks: Sequence[Locks],
    ) -> list[Outcome | Exception]:
        """Queue a unit for each item, in one go, and wait for all. The outcomes are in order, errors among them."""
        units = [_Unit(verb, item, lock) for item, lock in zip(items, locks, strict=True)]
        self._queue(units, self._normal)
        return [unit.outcome() for unit in units]

    def _queue(self, units: Sequence[_Unit], queue: "deque[_Unit]") -> None:
        with self._wake:
            if self._stopping:
                raise WriterStopped("the writer is stopping")
            queue.extend(units)
            self._wake.notify()

    def do(
        self,
        verb: Verb[Item, Outcome],
        item: Item,
        locks: Locks = Locks(),  # noqa: B008 - a frozen value
        *,
        urgent: bool = False,
    ) -> Outcome:
        """Queue one unit and wait until it is durable. Raises what the verb raised for this item."""
        return self.begin(verb, item, locks, urgent=urgent).result()

    def _run(self) -> None:
        while (units := self._next()) is not None:
            began = self._transactions.monotonic()
            outcomes = self._outcomes(units)
            if not units[0].urgent:
                self._pace(units, self._transactions.monotonic() - began)
                # All who are answered wake up at once, and work in this same process: who waits to take something away
                # would wait for them, too. What is durable can be told a moment later.
                self._urgent_first()
            _answer(units, outcomes)

    def _next(self) -> list[_Unit] | None:
        with self._wake:
            while not self._urgent and not self._normal:
                if self._stopping:
                    return None
                self._wake.wait()
            return _taken(self._urgent, MAX_WEIGHT) if self._urgent else _taken(self._normal, self._limit)

    def _urgent_first(self) -> None:
        """What is urgent by now, once: ordinary work is answered after it, however much more comes."""
        with self._wake:
            units = _taken(self._urgent, MAX_WEIGHT) if self._urgent else []
        if units:
            _answer(units, self._outcomes(units))

    def _pace(self, units: Sequence[_Unit], took: float) -> None:
        """Take fewer at a time where they took long; more again where as many as might be were soon done."""
        if took > _TURN:
            self._limit = max(_LEAST, self._limit // 2)
        elif took < _TURN / 2 and sum(unit.weight for unit in units) > self._limit // 2:
            self._limit = min(MAX_WEIGHT, self._limit * 2)

    def _outcomes(self, units: list[_Unit]) -> Sequence[Any]:
        """What came of each, durable when this returns: an error is an outcome, too. Never raises."""
        try:
            try:
                return self._together(units)
            except _CommitFailed as error:
                return [error.cause] * len(units)  # nobody knows whether it is durable: never done twice
            except Exception as error:  # noqa: BLE001 - repeated one by one below, where each raises its own
                if len(units) == 1:
                    return [error]
            return self._one_by_one(units)
        except BaseException as error:  # noqa: BLE001 - handed to those who wait; the writer lives on
            return [error] * len(units)

    def _together(self, units: list[_Unit]) -> list[Any]:
        transaction: Transaction | None = None
        outcomes: list[Any] = []
        try:
            with self._transactions.open(_union(units)) as transaction:
                transaction.alone = len(units) == 1
                for verb, group in groupby(units, key=lambda unit: unit.verb):
                    outcomes.extend(verb(transaction, [unit.item for unit in group]))
                if len(outcomes) != len(units):
                    raise RuntimeError("a verb must answer every item")
        except Exception as error:
            if transaction is not None and transaction._complete:
                raise _CommitFailed(error) from error
            raise
        return outcomes

    def _one_by_one(self, units: list[_Unit]) -> list[Any]:
        with self._transactions.open(_union(units)) as transaction:
            return apart(transaction, units, lambda unit: unit.verb(transaction, [unit.item])[0])


def apart(
    transaction: Transaction, items: Sequence[Item], work: Callable[[Item], Outcome]
) -> list[Outcome | Exception]:
    """Do something for each item within a savepoint: an error undoes that item alone, and is its outcome.

    For verbs whose items are often refused: what a verb raises has all its neighbours repeated, so that one caller who
    is refused all the time would make everybody slow.
    """
    if transaction.alone:
        return [work(item) for item in items]
    outcomes: list[Outcome | Exception] = []
    for item in items:
        pending = list(transaction._after)
        try:
            with transaction.connection.begin_nested():
                outcomes.append(work(item))
        except Exception as error:
            if transaction.lost():
                raise  # with it went what was written for the items before it
            transaction._after[:] = pending
            outcomes.append(error)
    return outcomes


def _tell(call: Callable[[], None]) -> None:
    """What was committed is committed: an error here must not look as if it were not, or it would be done again."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - told by its class and places
        structlog.get_logger().error("after commit", exc_info=error)


def _taken(queue: "deque[_Unit]", limit: int) -> list[_Unit]:
    """The next of this queue, which is not empty: as many as may share a transaction."""
    units = [queue.popleft()]
    # A change of the rules shuts everybody out: it goes alone.
    alone, weight = units[0].locks.rules_exclusive, units[0].weight
    while queue and not alone and not queue[0].locks.rules_exclusive:
        weight += queue[0].weight
        if weight > limit:
            break
        units.append(queue.popleft())
    return units


def _answer(units: Sequence[_Unit], outcomes: Sequence[Any]) -> None:
    """Tell each its outcome. What was done is durable: only now may anybody be answered."""
    for unit, outcome in zip(units, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            unit.done.set_exception(outcome)
        else:
            unit.done.set_result(outcome)


def _union(units: Sequence[_Unit]) -> Locks:
    if len(units) == 1:
        return units[0].locks
    return Locks(
        frozenset().union(*(u.locks.shared for u in units)),
        frozenset().union(*(u.locks.exclusive for u in units)),
        any(u.locks.rules_exclusive for u in units),
    )


def single(transactions: Transactions, work: Callable[[Transaction], Outcome], locks: Locks = Locks()) -> Outcome:  # noqa: B008
    """One short transaction of a command's own, beside a running hub."""
    with transactions.open(locks) as transaction:
        return work(transaction)
