"""Writing down what is taken away, durably, before the transaction that takes it away may commit.

The line is written by a thread of its own while the transaction goes on with what follows from the act, so that the
lock on the person, or on the whole of SQLite, is held no longer than the slower of the two takes.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import structlog

from contracts.errors import LogUnavailable
from hub.keys.handle_list import ListBroken
from hub.keys.taken_list import TakenList
from hub.store.writer import Transaction


class Taken:
    """The list of one hub."""

    def __init__(self, path: Path) -> None:
        self._list: Final = TakenList(path)

    def begin(self, at: datetime) -> None:
        """Keep the list from now on."""
        self._list.begin(at)

    def note(self, tx: Transaction, lines: Sequence[str], at: datetime | None = None) -> None:
        """Remember these acts of this transaction, which hold from ``at`` on (its own time, where not named).

        Where that fails the transaction does: nobody is told of a withdrawal that a restore would forget. What is
        undone by its savepoint leaves its lines: a restore to a state before them may then take away too much.
        """
        if lines:
            tx.before_commit(_durable(_thread().submit(self._list.add, lines, at or tx.now)))


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "taken")


def _durable(written: "Future[None]") -> Callable[[], None]:
    def see() -> None:
        try:
            written.result()
        except (OSError, ListBroken) as error:
            structlog.get_logger().error("list not written", exc_info=error)
            raise LogUnavailable(headers={"Retry-After": "5"}) from error

    return see
