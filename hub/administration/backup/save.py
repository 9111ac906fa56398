"""Making a backup, also beside a running hub: data into one folder, keys into another, never both into one.

Order: the data; then the keys, which so hold all that the data needs; then the signer's memory and the erasure list,
so that nothing that was signed or erased while the copy was made is missing from them. The keys part gets its name
first: a crash anywhere leaves no part, or keys without data, never data without keys.
"""

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from hub.machine.clock import boot
from hub.machine.clock_guard import AHEAD, ClockGuard
from hub.ports import Clock, Random
from hub.settings import Settings
from hub.store import installation as facts_in_sql
from hub.store.database import glance, open_engine, reading
from hub.store.migrations import schema

#: A backup is kept no longer than this: after it, an erased person can be read from none (promise 6), and what went by
#: its term stands in none. Data without its keys could not be put back anyhow.
KEPT: Final = timedelta(days=30)
#: Names within a keys part.
MASTER: Final = "master.key"
KEYS: Final = "keys"
ERASURES: Final = "erasures.list"
TAKEN: Final = "intrekkingen.list"
#: How the name of a backup begins, as a format, and the whole of it.
INSTANT: Final = "%Y%m%dT%H%M%SZ"
BACKUP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_AT_WORK: Final = re.compile(rf"\.{BACKUP.pattern}\.new")
#: Of what is being thrown away, and of nothing else: no later run asks how old it is.
_GOING: Final = re.compile(rf"\.{BACKUP.pattern}\.gone")
_LEFT_BEHIND: Final = timedelta(days=1)  # what is still unfinished by then is of a run that was cut off


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of what lies in a folder of backups, by name.

    ``unknown``: what nobody here cleans up. ``stuck``: what should have been removed, or looked at, and could not be.
    """

    removed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    stuck: list[OSError] = field(default_factory=list)

    def fails(self, path: Path, error: OSError) -> None:
        """Add what could not be done; whatever within it was in the way, the entry of the folder is named."""
        self.stuck.append(OSError(error.errno, error.strerror or str(error), str(path)))


@dataclass(frozen=True, slots=True)
class Saved:
    """What was made, and what was cleaned up. Not ``settled``: the clock is in doubt, so no age was judged by it."""

    backup: str
    made_at: datetime
    data: Path
    keys: Path
    origin: str
    settled: bool
    cleaned: Cleaned


def back_up(settings: Settings, roots: dict[Part, Path], clock: Clock, random: Random, told: Told) -> Saved:
    """Make a backup in two folders that hold backups, and clean up what is older than ``KEPT``.

    Raises ``BackupRefused`` and what opening the hub raises; then neither folder holds a new backup. What could not be
    cleaned up raises nothing: the backup was made.
    """
    require_apart(roots, settings)
    keys = installation.load_keyring(settings)
    engine = open_engine(settings.database_url)
    try:
        facts = installation.require_whole(settings, engine, keys)
        now = clock.now()
        # Before the copies, which may take hours. The mark is of the hub that runs, or ran.
        settled = ClockGuard(clock, lambda: glance(engine), boot()).settled(now)
        name = f"{now:{INSTANT}}-{random(4).hex()}"
        with _staged(roots, name) as staged:
            for part, store in stores(settings).items():
                store.dump(staged[part], told)
            _copy_keys(settings, staged[Part.KEYS])
            _pack_archives(settings, facts[installation.LOG_ORIGIN], staged[Part.DATA])
            _require_one_key(settings, engine, keys, staged[Part.KEYS], random)
            _seal(settings, _about(facts, name, now), staged, keys)
    finally:
        engine.dispose()
    cleaned = Cleaned()
    # Data first: a cut in between leaves keys without data, as a cut in the making does.
    for part in (Part.DATA, Part.KEYS):
        _clean_up(roots[part], _Judge(part, _identity(facts), now, settled), cleaned)
    return Saved(
        backup=name,
        made_at=now,
        data=roots[Part.DATA] / name,
        keys=roots[Part.KEYS] / name,
        origin=facts[installation.LOG_ORIGIN],
        settled=settled,
        cleaned=cleaned,
    )


def require_apart(roots: dict[Part, Path], settings: Settings) -> None:
    """Raises ``BackupRefused`` when one folder is the other, or lies in it: who copies one would copy both.

    Nor may either lie in the folder of the hub: it would be lost with what it is a copy of.
    """
    data, keys = (roots[part].resolve() for part in (Part.DATA, Part.KEYS))
    if data == keys or data in keys.parents or keys in data.parents:
        raise BackupRefused("Gegevens en sleutels horen in twee mappen, waarvan de ene niet in de andere ligt")
    own = settings.data_dir.resolve()
    if any(folder == own or own in folder.parents for folder in (data, keys)):
        raise BackupRefused("Een backup hoort niet in de map van de hub: zij zouden samen verloren gaan")


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
    return Manifest(Part.DATA, name, now, _identity(facts), facts[installation.LOG_ORIGIN], schema.newest(), "", {})


def _identity(facts: dict[str, str]) -> str:
    """What tells this hub from another, also after a restore: its first origin and when it was begun."""
    return f"{installation.lineage(facts[installation.LOG_ORIGIN])[0]} {facts[installation.BEGUN_AT]}"


def _seal(settings: Settings, about: Manifest, staged: dict[Part, Path], keys: Keyring) -> None:
    kind = "postgresql" if settings.on_postgresql else "sqlite"
    for part, folder in staged.items():
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        files = manifest.measured(folder, names)
        made = Manifest(part, about.backup, about.made_at, about.hub, about.origin, about.schema, kind, files)
        made.write(folder, keys)
        for path in (path for path in (folder, *folder.rglob("*")) if path.is_dir()):
            durable.sync(path)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Tells what of one folder of backups may be thrown away."""

    part: Part
    hub: str
    now: datetime
    settled: bool

    def finished_with(self, folder: Path) -> bool:
        """True when it is to be thrown away. By the clock only where the clock is beyond doubt."""
        if _GOING.fullmatch(folder.name):
            return True
        return self.settled and (self._too_old(folder) or self._left_behind(folder))

    def knows(self, folder: Path) -> bool:
        """True when a later run will throw it away, once it is old enough."""
        if _AT_WORK.fullmatch(folder.name):
            return True
        about = _about_part(folder, self.part)
        if about is None or (self.settled and about.made_at > self.now + AHEAD):
            return False  # of a clock that ran ahead: for all that time it would be no 30 days old
        return self._is_ours(about)

    def _too_old(self, folder: Path) -> bool:
        """By its manifest. Keys go by their name when that is gone: keys that nobody can put back are still keys.

        Data that is not known to be this hub's is not thrown away: it may be the last that somebody has.
        """
        about = _about_part(folder, self.part)
        if about is not None:
            return about.made_at < self.now - KEPT and self._is_ours(about)
        named = None if self.part is Part.DATA else _instant(folder.name)
        return named is not None and named < self.now - KEPT

    def _is_ours(self, about: Manifest) -> bool:
        return self.part is Part.KEYS or about.hub == self.hub

    def _left_behind(self, folder: Path) -> bool:
        before = (self.now - _LEFT_BEHIND).timestamp()
        return bool(_AT_WORK.fullmatch(folder.name)) and folder.stat().st_mtime < before


def _clean_up(root: Path, judge: _Judge, cleaned: Cleaned) -> None:
    """Remove the parts that are older than ``KEPT``, each by itself: none that cannot be removed keeps another.

    A crash in between leaves a part of a part, under a name by which the next run removes it.
    """
    try:
        paths = sorted(root.iterdir())
    except OSError as error:
        cleaned.fails(root, error)
        return
    for path in paths:
        try:
            _clean_entry(path, judge, cleaned)
        except OSError as error:
            left = next((each for each in (_gone(path), path) if os.path.lexists(each)), None)
            if left is not None or not isinstance(error, FileNotFoundError):  # else another run removed it meanwhile
                cleaned.fails(left or path, error)


def _clean_entry(path: Path, judge: _Judge, cleaned: Cleaned) -> None:
    folder = path.is_dir() and not path.is_symlink()  # what lies behind a link does not lie here
    if folder and judge.finished_with(path):
        if _throw_away(path):
            cleaned.removed.add(path.name)
    elif not (judge.knows(path) if folder else path.name.endswith(".checkpoint")):
        cleaned.unknown.add(path.name)


def _throw_away(path: Path) -> bool:
    """False when another run is at it."""
    gone = _gone(path)
    if gone != path:
        # Its name first: half a part must not look like a whole one, nor like one that is still being made.
        try:
            durable.rename(path, gone)
        except FileNotFoundError:
            return False
    # A crash from here on leaves some of it under that name, and the next run goes on.
    shutil.rmtree(gone)
    return True


def _gone(path: Path) -> Path:
    """Under which name a part is thrown away."""
    name = BACKUP.search(path.name)
    return path if name is None else path.with_name(f".{name[0]}.gone")


def _instant(name: str) -> datetime | None:
    """When a backup of this name was made; ``None``: it is no such name, or of a day that there is not."""
    if not BACKUP.fullmatch(name):
        return None
    try:
        return instants.parse(f"{name[:8]}T{name[9:15]}+00:00")
    except ValueError:
        return None


def _about_part(path: Path, part: Part) -> Manifest | None:
    """The manifest of a part that bears the name of a backup; ``None``: it has none that can be read."""
    if not BACKUP.fullmatch(path.name):
        return None
    try:
        return manifest.read(path, part)
    except (BackupRefused, OSError):
        return None
