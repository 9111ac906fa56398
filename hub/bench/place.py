"""Where a measurement takes place: a hub of its own in a temporary folder, or the one that the environment names."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from consent.keys import SCHEMA as KEYS_SCHEMA
from contracts.errors import Conflict
from hub import settings as environment
from hub.administration import installation
from hub.bench.processes import free_port
from hub.machine.clock import SystemClock
from hub.settings import Settings
from hub.store.database import open_engine, reading
from hub.store.migrations import schema


class DatabaseInUse(Conflict):
    """There is a hub in the database already; a measurement would mix its messages with those of others."""


@dataclass(frozen=True, slots=True)
class Place:
    """A hub to measure: its settings, the environment of its processes, and a folder for logs."""

    settings: Settings
    env: Mapping[str, str]
    folder: Path

    @property
    def log(self) -> Path:
        """Where every process of the measurement writes its log."""
        return self.folder / "processes.log"


@contextmanager
def place(environ: Mapping[str, str], webhook_port: int, *, fill: bool) -> Iterator[Place]:
    """A hub that is made for this measurement and taken away after it; with ``fill`` the existing one, which stays.

    Raises ``DatabaseInUse`` when the database that the environment names is not empty and ``fill`` is not said.
    """
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        env = dict(environ) | {
            "HUB_ENV": "demo",
            "HUB_HOST": "127.0.0.1",
            "HUB_PORT": str(free_port()),
            "HUB_METRICS_PORT": str(free_port()),
            "HUB_WEBHOOK_TOEGESTAAN": f"127.0.0.1:{webhook_port}",
            "HUB_LOG_LEVEL": "WARNING",
        }
        env["HUB_BASE_URL"] = f"http://127.0.0.1:{env['HUB_PORT']}"
        if not fill:
            env["HUB_DATA_DIR"] = f"{folder}/var"
            env.pop("HUB_MASTER_KEY_FILE", None)
        found = Place(environment.load(_own(env)), env, Path(folder))
        if fill:
            yield found
            return
        _refuse_used(found.settings)
        installation.initialise(found.settings, SystemClock(), os.urandom)
        try:
            yield found
        finally:
            _take_away(found.settings)


def _own(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(environment.PREFIX)}


def _refuse_used(settings: Settings) -> None:
    if not settings.on_postgresql:
        return
    engine = open_engine(settings.database_url)
    try:
        with reading(engine) as connection:
            if schema.version(connection) is not None:
                raise DatabaseInUse("In deze database staat al een hub. Met --fill wordt die gemeten, en gevuld")
    finally:
        engine.dispose()


def _take_away(settings: Settings) -> None:
    """The tables that this measurement made in an empty database. Files go with their folder."""
    if not settings.on_postgresql:
        return
    engine = open_engine(settings.database_url)
    try:
        with engine.begin() as connection:
            schema.target().drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
            connection.execute(text(f"DROP SCHEMA IF EXISTS {KEYS_SCHEMA} CASCADE"))
    finally:
        engine.dispose()
