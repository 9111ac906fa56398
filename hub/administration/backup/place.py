"""Putting the files and tables of a backup back where there is nothing. Each step appears as a whole, or not at all.

Order: the hub's own keys, the erasure list, the persons' keys, then the erasures once more; only then the data. So
there is no moment at which the data of an erased person could be opened, nor one at which a hub could start on it.
An interrupted run is taken up by the next: a step that was done is not done again.
"""

import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hub.administration import installation
from hub.administration.backup import durable, manifest
from hub.administration.backup.manifest import BackupRefused, Manifest, Part
from hub.administration.backup.save import BACKUP, INSTANT, KEYS, MASTER
from hub.administration.backup.stores import Told, stores
from hub.administration.installation import AlreadyThere
from hub.keys import keyring
from hub.keys.keyring import Keyring
from hub.machine.clock_guard import AHEAD
from hub.settings import Settings
from hub.store.migrations import schema


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup whose two parts belong together and whose files are what was put in."""

    data: Path
    keys: Path
    about_data: Manifest
    about_keys: Manifest
    keyring: Keyring


def open_backup(settings: Settings, data: Path, keys: Path, told: Told, now: datetime) -> Backup:
    """Look at both parts, every byte of them, before anything is done. Raises ``BackupRefused``.

    Each is the part itself, or the folder in which it lies: of ``data`` then the newest, of ``keys`` the one with it.
    """
    data = _newest(data, now)
    about = manifest.read(data, Part.DATA)
    keys = keys if (keys / manifest.NAME).exists() else keys / about.backup
    about_keys = manifest.read(keys, Part.KEYS)
    if (about.backup, about.hub) != (about_keys.backup, about_keys.hub):
        raise BackupRefused("Gegevens en sleutels zijn van twee verschillende backups")
    if about.database != ("postgresql" if settings.on_postgresql else "sqlite"):
        raise BackupRefused(f"De backup is van een hub op {about.database}; HUB_DATABASE_URL noemt een andere database")
    if about.schema > schema.newest():
        raise BackupRefused(f"De backup is van een nieuwere hub (schema {about.schema}): werk deze hub eerst bij")
    for step, (folder, each) in enumerate(((keys, about_keys), (data, about))):
        told("controle", step, 2)
        each.require_files(folder)
    ring = _keyring(settings, keys)
    for folder, each in ((keys, about_keys), (data, about)):
        each.require_seal(folder, ring)
    _require_files_of(settings, about, about_keys)
    return Backup(data, keys, about, about_keys, ring)


def _newest(folder: Path, now: datetime) -> Path:
    """The folder itself where it holds a manifest; else the newest backup that lies in it, if there is one.

    Raises ``BackupRefused`` where that one is of after ``now``: one of the two clocks was wrong, and only the operator
    can tell which. With the first wrong it is not the newest; with the second, an older one would lose what came since.
    """
    if (folder / manifest.NAME).exists() or not folder.is_dir():
        return folder
    # A backup begins with its instant, so the last name is the newest; one without a manifest was never finished.
    dated = (each for each in folder.iterdir() if BACKUP.fullmatch(each.name) and (each / manifest.NAME).is_file())
    newest = max(dated, key=lambda each: each.name, default=folder)
    if newest != folder and newest.name > f"{now + AHEAD:{INSTANT}}":
        raise BackupRefused(
            f"De nieuwste backup in {folder} is van na nu: {newest.name}. Nu is het {now:{INSTANT}}. Zet de klok goed"
            " als die niet klopt. Klopt die wel, noem dan zelf de backup die terug moet, niet de map waarin die ligt"
        )
    return newest


def _keyring(settings: Settings, keys: Path) -> Keyring:
    """The hub's own keys, read from a copy: a medium that keeps no file modes must not make them unreadable."""
    staged = settings.data_dir / ".keys.new"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    try:
        for path in (keys / KEYS).iterdir():
            durable.copy(path, staged / path.name)
        durable.copy(keys / MASTER, staged / MASTER)
        ring = keyring.load(staged)
        log_keys = ring.log_keys()  # they are read anew each time, and these files go
        return replace(ring, log_keys=lambda: log_keys)
    except OSError as error:
        raise BackupRefused(f"De sleutels in {keys} zijn niet te lezen") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _require_files_of(settings: Settings, about: Manifest, about_keys: Manifest) -> None:
    for part, each in ((Part.DATA, about), (Part.KEYS, about_keys)):
        if stores(settings)[part].file not in each.files:
            raise BackupRefused(f"In het deel {part.value} van de backup ontbreekt de database")


def refuse_existing(settings: Settings, backup: Backup) -> None:
    """Raises ``AlreadyThere`` if there is a hub, or a part of one; the signer's memory and the erasure list may stay.

    Both were left by the hub that is restored, and say what happened after the backup was made.
    """
    found = [str(installation.keys_folder(settings))] if installation.keys_folder(settings).exists() else []
    for part, store in stores(settings).items():
        if store.occupied():
            found.append(str(store.path) if not store.postgresql else f"tabellen van het deel {part.value}")
    if found:
        raise AlreadyThere(f"Hier staat al een hub; er is niets veranderd. Gevonden: {', '.join(found)}")
    master = settings.master_key_file
    if master is not None and master.exists() and keyring.read_master(master) != backup.keyring.master:
        raise AlreadyThere(f"In {master} staat een andere hoofdsleutel; er is niets veranderd")


def place_keys(settings: Settings, backup: Backup, told: Told) -> None:
    """The hub's own keys and the store of the persons' keys."""
    folder = installation.keys_folder(settings)
    if not folder.exists():
        staged = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(mode=0o700)
        for name in backup.about_keys.files:
            if name.startswith(f"{KEYS}/"):
                _copy(backup.keys, backup.about_keys, name, staged / name.partition("/")[2])
        if settings.master_key_file is None:
            _copy(backup.keys, backup.about_keys, MASTER, staged / MASTER)
        elif not settings.master_key_file.exists():
            settings.master_key_file.parent.mkdir(parents=True, exist_ok=True)
            _copy(backup.keys, backup.about_keys, MASTER, settings.master_key_file)
            durable.sync(settings.master_key_file.parent)
        durable.sync(staged)
        durable.rename(staged, folder)
    _load(settings, Part.KEYS, backup.keys, backup.about_keys, told)


def place_data(settings: Settings, backup: Backup, told: Told) -> None:
    """The data, and the logs of earlier origins."""
    _load(settings, Part.DATA, backup.data, backup.about_data, told)
    for name in backup.about_data.files:
        if name.endswith(".tar"):
            _unpack(backup.data / name, settings.data_dir)


def _load(settings: Settings, part: Part, folder: Path, about: Manifest, told: Told) -> None:
    store = stores(settings)[part]
    if not store.occupied():
        source = folder / store.file
        store.load(source, lambda found: about.require(source, store.file, found), told)


def _copy(folder: Path, about: Manifest, name: str, target: Path) -> None:
    about.require(folder / name, name, durable.copy(folder / name, target))


def _unpack(path: Path, target: Path) -> None:
    final = target / path.stem
    if final.exists():
        return  # it outlived the hub, or an interrupted run put it there
    staged = target / f".{path.stem}.new"
    shutil.rmtree(staged, ignore_errors=True)
    with tarfile.open(path) as tar:
        tar.extractall(staged, filter="data")
    _sync_all(staged.rglob("*"))
    durable.rename(staged / path.stem, final)
    staged.rmdir()


def _sync_all(paths: Iterable[Path]) -> None:
    for path in paths:
        durable.sync(path)
