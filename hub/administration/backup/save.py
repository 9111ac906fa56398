"""Making a backup, also beside a running hub: data into one folder, keys into another, never both into one.

Order: the data; then the keys, which so hold all that the data needs; then the signer's memory and the erasure list,
so that nothing that was signed or erased while the copy was made is missing from them. The keys part gets its name
first: a crash anywhere leaves no part, or keys without data, never data without keys.
"""

import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from contracts import instants
from hub.administration import installation
from hub.administration.backup import durable, manifest
from hub.administration.backup.manifest import BackupRefused, Manifest, Part
from hub.administration.backup.stores import Told, stores
from hub.keys import keyring
from hub.keys.keyring import Keyring
from hub.ports import Clock, Random
from hub.settings import Settings
from hub.store import installation as facts_in_sql
from hub.store.database import open_engine, reading
from hub.store.migrations import schema

#: Keys are kept no longer than this: after it, an erased person cannot be read from any backup (promise 6).
KEYS_KEPT: Final = timedelta(days=30)
#: Names within a keys part.
MASTER: Final = "master.key"
KEYS: Final = "keys"
ERASURES: Final = "erasures.list"
TAKEN: Final = "intrekkingen.list"
BACKUP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_AT_WORK: Final = re.compile(r"\.[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.new")
_LEFT_BEHIND: Final = timedelta(days=1)  # what is still unfinished by then is of a run that was cut off


@dataclass(frozen=True, slots=True)
class Saved:
    """What was made, and what was cleaned up. ``unknown``: entries of the keys folder that nobody here cleans up."""

    backup: str
    made_at: datetime
    data: Path
    keys: Path
    origin: str
    removed: tuple[str, ...]
    unknown: tuple[str, ...]


def back_up(settings: Settings, roots: dict[Part, Path], clock: Clock, random: Random, told: Told) -> Saved:
    """Make a backup in two folders that hold backups, and clean up keys that are older than ``KEYS_KEPT``.

    Raises ``BackupRefused`` and what opening the hub raises; then neither folder holds a new backup.
    """
    require_apart(roots)
    keys = installation.load_keyring(settings)
    engine = open_engine(settings.database_url)
    try:
        facts = installation.require_whole(settings, engine, keys)
        now = clock.now()
        name = f"{now:%Y%m%dT%H%M%SZ}-{random(4).hex()}"
        with _staged(roots, name) as staged:
            for part, store in stores(settings).items():
                store.dump(staged[part], told)
            _copy_keys(settings, staged[Part.KEYS])
            _pack_archives(settings, facts[installation.LOG_ORIGIN], staged[Part.DATA])
            _require_one_key(settings, engine, keys, staged[Part.KEYS], random)
            _seal(settings, _about(facts, name, now), staged, keys)
    finally:
        engine.dispose()
    removed, unknown = clean_up(roots[Part.KEYS], now)
    for path in roots[Part.DATA].iterdir():
        if path.is_dir() and _left_behind(path, now):
            shutil.rmtree(path)
    done = {part: root / name for part, root in roots.items()}
    origin = facts[installation.LOG_ORIGIN]
    return Saved(name, now, done[Part.DATA], done[Part.KEYS], origin, removed, unknown)


def require_apart(roots: dict[Part, Path]) -> None:
    """Raises ``BackupRefused`` when one folder is the other, or lies in it: who copies one would copy both."""
    data, keys = (roots[part].resolve() for part in (Part.DATA, Part.KEYS))
    if data == keys or data in keys.parents or keys in data.parents:
        raise BackupRefused("Gegevens en sleutels horen in twee mappen, waarvan de ene niet in de andere ligt")


@contextmanager
def _staged(roots: dict[Part, Path], name: str) -> Iterator[dict[Part, Path]]:
    """Two folders to fill; they get their name when the block ends well, and disappear when it does not."""
    staged = {part: root / f".{name}.new" for part, root in roots.items()}
    try:
        for part, folder in staged.items():
            roots[part].mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(mode=0o700)
        yield staged
        for part in (Part.KEYS, Part.DATA):
            # A crash before the second: keys without data, which nobody can put back, and which are cleaned up in time.
            durable.rename(staged[part], roots[part] / name)
    finally:
        for folder in staged.values():
            shutil.rmtree(folder, ignore_errors=True)


def _copy_keys(settings: Settings, target: Path) -> None:
    (target / KEYS).mkdir(mode=0o700)
    for path in sorted(installation.keys_folder(settings).iterdir()):
        if path.is_file() and path != settings.master_key and not path.name.endswith(".new"):
            durable.copy(path, target / KEYS / path.name)
    durable.copy(settings.master_key, target / MASTER)
    for path in installation.signer_states(settings):
        durable.copy(path, target / path.name)
    # Last of all, so that they name whose key was destroyed, and what was taken away, while this backup was made.
    for path, name in ((installation.erasures(settings), ERASURES), (installation.taken(settings), TAKEN)):
        if path.exists():
            durable.copy(path, target / name)


def _pack_archives(settings: Settings, origin: str, target: Path) -> None:
    """The folders of the log's earlier origins, one file each: thousands of tiles make a slow backup."""
    for folder in installation.archives(settings, origin).values():
        path = target / f"{folder.name}.tar"
        with tarfile.open(path, "w") as tar:
            tar.add(folder, folder.name)
        path.chmod(0o600)
        durable.sync(path)


def _require_one_key(settings: Settings, engine: Engine, keys: Keyring, staged: Path, random: Random) -> None:
    """Raises ``BackupRefused`` if the master key was replaced while the copy was made: its parts are of two keys."""
    with reading(engine) as connection:
        fact = facts_in_sql.read(connection, installation.MASTER_CHECK)
    copied = keyring.load(staged / KEYS, staged / MASTER)
    with installation.key_store(settings, keys, random) as store:
        same = store.check_value()
    if not same or {fact, copied.check_value} != {keys.check_value}:
        raise BackupRefused("De hoofdsleutel is intussen vervangen; er is geen backup gemaakt. Doe het opnieuw")


def _about(facts: dict[str, str], name: str, now: datetime) -> Manifest:
    """The manifest of the data, with no files yet."""
    origin = facts[installation.LOG_ORIGIN]
    identity = f"{installation.lineage(origin)[0]} {facts[installation.BEGUN_AT]}"
    return Manifest(Part.DATA, name, now, identity, origin, schema.newest(), "", {})


def _seal(settings: Settings, about: Manifest, staged: dict[Part, Path], keys: Keyring) -> None:
    kind = "postgresql" if settings.on_postgresql else "sqlite"
    for part, folder in staged.items():
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        files = manifest.measured(folder, names)
        made = Manifest(part, about.backup, about.made_at, about.hub, about.origin, about.schema, kind, files)
        made.write(folder, keys)
        for path in (path for path in (folder, *folder.rglob("*")) if path.is_dir()):
            durable.sync(path)


def clean_up(root: Path, now: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove the keys parts that are older than ``KEYS_KEPT``; what was removed, and what is not known here.

    A crash in between leaves a part of a keys part, which the next run removes.
    """
    removed: list[str] = []
    unknown: list[str] = []
    for path in sorted(root.iterdir()):
        if path.is_dir() and (_too_old(path, now) or _left_behind(path, now)):
            # Its name first: half a part must not look like a whole one.
            gone = path if path.name.startswith(".") else path.with_name(f".{path.name}.new")
            if gone != path:
                durable.rename(path, gone)
            shutil.rmtree(gone)
            removed.append(path.name)
        elif not _known(path):
            unknown.append(path.name)
    return tuple(removed), tuple(unknown)


def _too_old(path: Path, now: datetime) -> bool:
    """By its manifest, or by its name when the manifest is gone: keys that nobody can put back are still keys."""
    if not BACKUP.fullmatch(path.name):
        return False
    try:
        made_at = manifest.read(path, Part.KEYS).made_at
    except BackupRefused:
        made_at = instants.parse(f"{path.name[:8]}T{path.name[9:15]}+00:00")
    return made_at < now - KEYS_KEPT


def _left_behind(path: Path, now: datetime) -> bool:
    return bool(_AT_WORK.fullmatch(path.name)) and path.stat().st_mtime < (now - _LEFT_BEHIND).timestamp()


def _known(path: Path) -> bool:
    if path.is_dir():
        return bool(_AT_WORK.fullmatch(path.name)) or (BACKUP.fullmatch(path.name) is not None and _readable(path))
    return path.name.endswith(".checkpoint")


def _readable(path: Path) -> bool:
    try:
        manifest.read(path, Part.KEYS)
    except BackupRefused:
        return False
    return True
