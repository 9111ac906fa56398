"""Making a hub and opening it again: keys, tables, the origin of its log, the signer's memory.

<data dir>/             0700
  keys/                 hub.keys.keyring
  hub.db, keys.db       on SQLite
  signer.state          the signer's memory: the last checkpoint that it signed (signer-2.state: of the second origin)
  erasures.list         hub.keys.erasure_list
  intrekkingen.list     hub.keys.taken_list
  bewijslogboek-1/      the log of an earlier origin, as tiles (only after a restore to an older state)
  init.unfinished       only while ``initialise`` is at work: tells an interrupted beginning from a finished hub
  restore.unfinished    the same for a restore
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import Engine

from consent.keys import SYSTEM_KEY, KeyStore, open_key_engine
from consent.log.signer import LogForked, Signer
from contracts import instants
from contracts.errors import Conflict
from hub.administration.folder import FolderLock
from hub.keys import keyring
from hub.keys.keyring import Keyring
from hub.keys.taken_list import TakenList
from hub.ports import Clock, Random
from hub.settings import Settings
from hub.store import installation
from hub.store.database import open_engine, reading
from hub.store.migrations import schema

#: Names in the table ``installation``.
LOG_ORIGIN: Final = "log_origin"  # fixed at ``init``: the name under which checkpoints are signed
MASTER_CHECK: Final = "master_check"  # Keyring.check_value: tells another master key
BEGUN_AT: Final = "begun_at"  # written last: the hub is whole
#: In the folder of a log that ended: which log succeeds it, and how anybody can check that.
SUCCESSOR: Final = "opvolger.json"
_UNFINISHED: Final = "init.unfinished"
_RESTORING: Final = "restore.unfinished"
_ORIGIN: Final = re.compile(r"(.*?)(?:/([2-9]|[1-9][0-9]{1,5}))?")


class AlreadyThere(Conflict):
    """There is a hub, or a part of one; the detail names what was found. Nothing was changed."""


class NotInitialised(Conflict):
    """There is no whole hub here, or its keys and its database do not belong together. The detail says which."""


@dataclass(frozen=True, slots=True)
class Made:
    """What ``initialise`` made."""

    origin: str
    verifier: str  # the log's verifier key, ``name+hash+key`` (c2sp.org/signed-note)
    schema: str


def keys_folder(settings: Settings) -> Path:
    """Where the hub's own keys lie."""
    return settings.data_dir / "keys"


def signer_state(settings: Settings, origin: str = "") -> Path:
    """Where the signer of this origin (left out: the first) remembers what it signed."""
    number = lineage(origin)[1]
    return settings.data_dir / ("signer.state" if number == 1 else f"signer-{number}.state")


def signer_states(settings: Settings) -> list[Path]:
    """The memories that are there, of all origins."""
    return sorted(settings.data_dir.glob("signer*.state"))


def erasures(settings: Settings) -> Path:
    """Where the erasure list lies (``hub.keys.erasure_list``)."""
    return settings.data_dir / "erasures.list"


def taken(settings: Settings) -> Path:
    """Where the list of what was taken away lies (``hub.keys.taken_list``)."""
    return settings.data_dir / "intrekkingen.list"


def restoring(settings: Settings) -> Path:
    """The mark of a restore that is not finished."""
    return settings.data_dir / _RESTORING


def lineage(origin: str) -> tuple[str, int]:
    """The first origin of a log, and which one in line this is: ``h/bewijslogboek/2`` is the second."""
    match = _ORIGIN.fullmatch(origin)
    return (match[1], int(match[2] or 1)) if match else (origin, 1)


def archive(settings: Settings, origin: str) -> Path:
    """Where the log of an origin lies once another one began."""
    return settings.data_dir / f"bewijslogboek-{lineage(origin)[1]}"


def archives(settings: Settings, current: str) -> dict[str, Path]:
    """The logs of earlier origins that lie here, by origin."""
    return {each: folder for each in ancestors(current) if (folder := archive(settings, each)).is_dir()}


def ancestors(current: str) -> list[str]:
    """The origins before this one, oldest first."""
    base, number = lineage(current)
    return [base if n == 1 else f"{base}/{n}" for n in range(1, number)]


def load_keyring(settings: Settings) -> Keyring:
    """The hub's own keys. Raises ``hub.keys.files.KeysRefused``."""
    return keyring.load(keys_folder(settings), settings.master_key_file)


@contextmanager
def key_store(settings: Settings, keys: Keyring, random: Random) -> Iterator[KeyStore]:
    """The persons' keys, for as long as the block lasts."""
    engine = open_key_engine(settings.keys_url)
    try:
        yield KeyStore(engine, keys.master, random)
    finally:
        engine.dispose()


def initialise(settings: Settings, clock: Clock, random: Random) -> Made:
    """Make a hub where there is none. Raises ``AlreadyThere``; an interrupted beginning is taken up again."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FolderLock(settings.data_dir):
        engine = open_engine(settings.database_url)
        try:
            return _initialise(settings, engine, clock, random)
        finally:
            engine.dispose()


def _initialise(settings: Settings, engine: Engine, clock: Clock, random: Random) -> Made:
    mark = settings.data_dir / _UNFINISHED
    if not mark.exists():
        _refuse_existing(settings, engine)
        _make_durable(mark)
    # A crash anywhere from here leaves the mark, and the next run goes on; what is there already is never made again.
    if not keys_folder(settings).exists():
        keyring.init(keys_folder(settings), random, settings.master_key_file)
    keys = load_keyring(settings)
    schema.migrate(engine)
    with key_store(settings, keys, random) as store:
        store.create_tables()
        store.ensure([SYSTEM_KEY])
    origin = f"{urlsplit(settings.base_url).netloc}/bewijslogboek"
    signer = Signer(signer_state(settings), keys.log_keys, origin)
    begun = clock.now()
    TakenList(taken(settings)).begin(begun)
    with engine.begin() as connection:
        if not signer_state(settings).exists():
            signer.initialise(connection)
        for name, value in (
            (LOG_ORIGIN, origin),
            (MASTER_CHECK, keys.check_value),
            (BEGUN_AT, instants.write(begun)),
        ):
            installation.write(connection, name, value)
    mark.unlink()
    return Made(origin, signer.verifier.vkey, schema.newest())


def _refuse_existing(settings: Settings, engine: Engine) -> None:
    parts = (keys_folder(settings), *signer_states(settings), restoring(settings))
    found = [str(path) for path in parts if path.exists()]
    with reading(engine) as connection:
        if schema.version(connection) is not None:
            found.append("de tabellen in de database")
    if found:
        raise AlreadyThere(f"Hier staat al een hub; er is niets veranderd. Gevonden: {', '.join(found)}")


def _make_durable(mark: Path) -> None:
    mark.touch(mode=0o600)
    folder = os.open(mark.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def migrate(settings: Settings) -> tuple[str | None, str]:
    """Run the missing steps of the schema; the step before and after. On SQLite never beside a running hub."""
    if settings.on_postgresql:
        return _migrate(settings)
    if not settings.data_dir.is_dir():
        raise NotInitialised("Hier staat nog geen hub. Draai eerst: hub init")
    with FolderLock(settings.data_dir):
        return _migrate(settings)


def _migrate(settings: Settings) -> tuple[str | None, str]:
    engine = open_engine(settings.database_url)
    try:
        with reading(engine) as connection:
            if schema.version(connection) is None:
                raise NotInitialised("Hier staat nog geen hub. Draai eerst: hub init")
        return schema.migrate(engine)
    finally:
        engine.dispose()


def require_whole(settings: Settings, engine: Engine, keys: Keyring) -> dict[str, str]:
    """The installation's facts, once schema and master key are seen to be this hub's.

    Raises ``SchemaMismatch`` (naming the command that mends it) and ``NotInitialised``.
    """
    if restoring(settings).exists():
        raise NotInitialised("Een herstel is niet afgemaakt. Doe het opnieuw: hub restore")
    with reading(engine) as connection:
        schema.require_current(connection)
        facts = installation.read_all(connection)
    if BEGUN_AT not in facts:
        raise NotInitialised("De hub is nog niet af. Draai eerst: hub init")
    if facts.get(MASTER_CHECK) != keys.check_value:
        raise NotInitialised("De hoofdsleutel hoort niet bij deze database")
    return facts


def require_continued(settings: Settings, engine: Engine, keys: Keyring, origin: str) -> None:
    """Raises ``NotInitialised`` if the database is older than what its log has signed, or was changed by hand.

    A hub that started on it would send what was withdrawn or erased since; only an explicit act makes it whole again.
    """
    with reading(engine) as connection:
        try:
            Signer(signer_state(settings, origin), keys.log_keys, origin).require_continued(connection)
        except LogForked as error:
            raise NotInitialised(
                "De database is ouder dan wat het bewijslogboek heeft getekend, of is veranderd; er start niets."
                " Is de database teruggezet? Draai dan: hub restore --ter-plaatse"
            ) from error
