"""The two stores of a hub, copied out while it runs and put back where there is nothing: the data, and the keys.

SQLite: the online backup API, within one read transaction: a moment of the database, whatever is written meanwhile.
PostgreSQL: ``pg_dump`` and ``pg_restore`` of the hub's own tables, in one snapshot and one transaction.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.schema import CreateSchema

from consent.keys import SCHEMA as KEY_SCHEMA
from consent.keys import key_metadata
from hub.administration.backup import durable
from hub.administration.backup.durable import Digest
from hub.administration.backup.manifest import BackupRefused, Part
from hub.settings import Settings
from hub.store.migrations import schema

#: Told while something long is under way: what, how much of it is done, how much there is.
Told = Callable[[str, int, int], None]

_PAGES: Final = 4_096  # of SQLite, between two words of progress
_PACKAGES: Final = Path("/usr/lib/postgresql")
_NAMES: Final = {Part.DATA: "hub", Part.KEYS: "keys"}


@dataclass(frozen=True, slots=True)
class Store:
    """One store of the hub that the settings name."""

    part: Part
    url: str

    @property
    def postgresql(self) -> bool:
        """True on PostgreSQL."""
        return make_url(self.url).get_backend_name() == "postgresql"

    @property
    def file(self) -> str:
        """The name of its copy in a backup."""
        return f"{_NAMES[self.part]}.{'pgdump' if self.postgresql else 'db'}"

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(make_url(self.url).database or "")

    def occupied(self) -> bool:
        """True when something stands there: nothing is ever put over it."""
        if not self.postgresql:
            return any(self.path.with_name(self.path.name + end).exists() for end in ("", "-wal", "-journal"))
        engine = create_engine(_psycopg(self.url), hide_parameters=True)
        try:
            within = KEY_SCHEMA if self.part is Part.KEYS else None
            found = set(inspect(engine).get_table_names(schema=within))
        finally:
            engine.dispose()
        return bool(found & self._tables())

    def _tables(self) -> set[str]:
        if self.part is Part.KEYS:
            return set(key_metadata.tables)
        return {*schema.target().tables, "alembic_version"}

    def dump(self, folder: Path, told: Told) -> None:
        """Copy the store into a folder; the hub may run."""
        target = folder / self.file
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if self.postgresql:
            self._dump_postgresql(target, told)
        else:
            _dump_sqlite(self.path, target, self.part, told)
        durable.sync(target)

    def _dump_postgresql(self, target: Path, told: Told) -> None:
        engine = create_engine(_psycopg(self.url), hide_parameters=True)
        try:
            with engine.connect() as connection:
                own = connection.scalar(text("SELECT current_schema()"))
            within = KEY_SCHEMA if self.part is Part.KEYS else own
            wanted = [f'--table="{within}"."{name}"' for name in sorted(self._tables())]
            told(self.part.value, 0, 1)
            _run(engine, "pg_dump", ["--format=custom", f"--file={target}", *wanted])
        finally:
            engine.dispose()
        told(self.part.value, 1, 1)

    def load(self, source: Path, require: Callable[[Digest], None], told: Told) -> None:
        """Put a copy back where nothing stands, all or nothing. ``require`` refuses another copy by raising."""
        told(self.part.value, 0, 1)
        if self.postgresql:
            require(durable.measure(source))
            self._load_postgresql(source)
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = self.path.with_name(f".{self.path.name}.new")
            require(durable.copy(source, fresh))
            durable.rename(fresh, self.path)
        told(self.part.value, 1, 1)

    def _load_postgresql(self, source: Path) -> None:
        engine = create_engine(_psycopg(self.url), hide_parameters=True)
        try:
            if self.part is Part.KEYS:
                with engine.begin() as connection:
                    connection.execute(CreateSchema(KEY_SCHEMA, if_not_exists=True))
            _run(engine, "pg_restore", ["--single-transaction", "--exit-on-error", str(source)])
        finally:
            engine.dispose()


def stores(settings: Settings) -> dict[Part, Store]:
    """The data and the keys of this hub, in the order in which they must be copied out.

    A key is durable before the first row that needs it: keys that are copied after the data hold all that it needs.
    """
    return {Part.DATA: Store(Part.DATA, settings.database_url), Part.KEYS: Store(Part.KEYS, settings.keys_url)}


def _dump_sqlite(path: Path, target: Path, part: Part, told: Told) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as source,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        # The read transaction holds one moment of the database; without it every commit would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchall()
        source.backup(copy, pages=_PAGES, progress=lambda _, left, of: told(part.value, of - left, of))
        source.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=DELETE").fetchall()  # one file, without a log beside it
        if copy.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
            raise BackupRefused(f"{path} is beschadigd; er is geen backup gemaakt")


def _psycopg(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")


def _run(engine: Engine, program: str, arguments: Sequence[str]) -> None:
    """Run a program of PostgreSQL on this database. The password goes by the environment, never by the command line."""
    parsed = engine.url
    where = parsed.translate_connect_args(username="user", database="dbname") | dict(parsed.query)
    password = where.pop("password", None)
    environment = dict(os.environ) | ({} if password is None else {"PGPASSWORD": str(password)})
    command = [_find(engine, program), "--no-owner", "--no-privileges", "--no-password"]
    command += [f"--dbname={make_conninfo(**where)}", *arguments]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        # Its own words may hold a piece of a row; its code says that it went wrong, the server's log says where.
        raise BackupRefused(f"{program} eindigde met code {done.returncode}; er is niets veranderd")


def _find(engine: Engine, program: str) -> str:
    """The program in the version of the server or a newer one. Raises ``BackupRefused`` with the line that mends it."""
    with engine.connect() as connection:
        major = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    packaged = sorted(
        (int(path.parents[1].name), str(path))
        for path in _PACKAGES.glob(f"*/bin/{program}")
        if path.parents[1].name.isdigit()
    )
    for version, path in packaged:
        if version >= major:
            return path
    found = shutil.which(program)
    if found is not None and _version(found) >= major:
        return found
    raise BackupRefused(
        f"{program} van PostgreSQL {major} of nieuwer ontbreekt. Installeer het met:"
        f" sudo apt-get install --yes postgresql-client-{major}"
    )


def _version(program: str) -> int:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"(\d+)(?:\.\d+)*", done.stdout)
    return int(number[1]) if number else 0
