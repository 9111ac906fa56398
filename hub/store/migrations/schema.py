"""Brings a database to the schema of this code, and refuses one that is older or newer.

Steps are numbered; the number of the newest one is the version of the code. ``pre`` steps may run beside the previous
release, ``post`` steps only when it is gone. A test compares the outcome of the steps with the tables of the code.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, MetaData, inspect, text

_FOLDER: Final = Path(__file__).parent
_NONE: Final = "0000"
_LOCK: Final = 0x6875_625F_7363_6865  # advisory lock of all who migrate ("hub_sche")


class SchemaMismatch(RuntimeError):
    """The database does not have the schema of this code. The text says what the operator must do."""


def target() -> MetaData:
    """Every table of the hub, of the facts about persons and of the evidence log."""
    from consent.log.tables import ledger_entry
    from consent.store.tables import person
    from hub.store.tables import organisation

    return _one(ledger_entry.metadata, person.metadata, organisation.metadata)


def _one(first: MetaData, *others: MetaData) -> MetaData:
    """The MetaData that these modules hang their tables on; importing them has filled it."""
    if any(other is not first for other in others):
        raise RuntimeError("the tables hang on more than one MetaData")
    return first


def newest() -> str:
    """The number of the newest step, such as ``0003``; ``0000`` when there is none."""
    return max((path.name.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py")), default=_NONE)


def version(connection: Connection) -> str | None:
    """The step at which this database stands; ``None`` when it was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def require_current(connection: Connection) -> None:
    """Raises ``SchemaMismatch`` unless the database stands at the newest step of this code."""
    found, wanted = version(connection), newest()
    if found == wanted:
        return
    if found is None:
        raise SchemaMismatch("De database heeft nog geen tabellen. Draai eerst: hub init")
    if found < wanted:
        raise SchemaMismatch(f"Het schema van de database is oud ({found}, nodig {wanted}). Draai eerst: hub migrate")
    raise SchemaMismatch(f"Het schema van de database ({found}) is nieuwer dan deze hub ({wanted}): werk de hub bij")


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Run every step that is still missing, all or nothing. Returns the step before and the step after.

    Two at once wait for one another. A crash in between leaves the database as it was.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with _migrating(engine) as connection:
        before = version(connection)
        if before is not None and before > newest():
            require_current(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return before, newest()


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """The one transaction of all steps."""
    with engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # SQLite alters a table by making it anew; with foreign keys on, dropping the old one would take rows along.
            raw.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if not sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)::text"), {"key": _LOCK})
            yield connection
            if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise SchemaMismatch("Na de stappen verwijst een rij naar niets; er is niets veranderd.")
        if sqlite:
            raw.execute("PRAGMA foreign_keys=ON")
