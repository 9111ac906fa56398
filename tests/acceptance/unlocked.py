"""A hub without the gate's lock, and the same in all else: the control of the race. It exists in tests only.

What makes releases and the acts that take away exclude each other is one lock in three shapes: the single writing
thread, SQLite's ``BEGIN IMMEDIATE`` before the first deciding read, and PostgreSQL's advisory and row locks. Here
several threads write, PostgreSQL takes no locks, and SQLite begins with the first write: what is decided on is read
before, and may be old by then. Each transaction still writes all or nothing. Commands are processes of their own and
keep their lock; this hub does not wait for it. ``python -m tests.acceptance.unlocked`` serves it.
"""

import threading
from collections.abc import Collection
from typing import Any

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server
from sqlalchemy import Connection, Engine, Row, event

from hub import serving, settings
from hub.store import database, writer
from hub.store.traffic import deliveries

_WRITERS = 4
_WRITES = ("INSERT", "UPDATE", "DELETE", "SAVEPOINT")


def worker() -> Flask:
    """The hub's own worker, built after its lock was taken away."""
    writer.take = _nothing  # type: ignore[assignment]
    database._begin_sqlite = _nothing  # type: ignore[assignment]
    event.listen(Engine, "before_cursor_execute", _begin_to_write)
    writer.Turnstile.turn = _no_turn  # type: ignore[method-assign,assignment]
    deliveries.by_id = _by_id  # type: ignore[assignment]
    start = writer.Writer.start

    def start_many(self: writer.Writer) -> None:
        start(self)
        for _ in range(_WRITERS - 1):
            threading.Thread(target=self._run, daemon=True).start()

    writer.Writer.start = start_many  # type: ignore[method-assign]
    return serving.worker()


def _nothing(*_: Any) -> None:
    """No lock."""


def _begin_to_write(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if connection.dialect.name == "sqlite" and statement.split(maxsplit=1)[0] in _WRITES:
        driver = connection.connection.dbapi_connection
        if not driver.in_transaction:
            driver.execute("BEGIN IMMEDIATE")


class _Free:
    def __enter__(self) -> None:
        """No waiting."""

    def __exit__(self, *_: Any) -> None:
        """Nothing was held."""


def _no_turn(_: Any) -> _Free:
    return _Free()


def _by_id(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    """The same rows, not locked."""
    found = connection.execute(deliveries.rows().where(deliveries.delivery.c.delivery_id.in_(list(ids))))
    return {row.delivery_id: row for row in found}


def main() -> None:
    """Serve until SIGTERM."""
    found = settings.from_process()
    Server(
        "tests.acceptance.unlocked:worker",
        factory=True,
        address=found.host,
        port=found.port,
        interface=Interfaces.WSGI,
        workers=found.workers,
        blocking_threads=found.threads,
    ).serve()


if __name__ == "__main__":
    main()
