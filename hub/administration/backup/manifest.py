"""What a part of a backup holds: every file with its digest, sealed under a key that only the keys part leads to.

Whoever holds the data part alone can change a file, and even the digests beside it, but not the seal. Whoever holds
both parts holds all that the hub holds; nothing here protects against that.
"""

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from contracts import instants
from contracts.canonical import canonical
from contracts.errors import Conflict
from hub.administration.backup import durable
from hub.administration.backup.durable import Digest
from hub.keys.keyring import Keyring

NAME: Final = "manifest.json"
_FORMAT: Final = 1
_PURPOSE: Final = "backup-manifest"
_FILE: Final = re.compile(r"(?:keys/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BackupRefused(Conflict):
    """A backup cannot be made or put back as things are. The detail names the place; nothing was changed."""


class Part(StrEnum):
    """The two halves of a backup, which are kept apart."""

    DATA = "gegevens"
    KEYS = "sleutels"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One part of one backup. ``hub`` tells installations apart: its first origin and when it was begun."""

    part: Part
    backup: str
    made_at: datetime
    hub: str
    origin: str
    schema: str
    database: str  # sqlite or postgresql
    files: Mapping[str, Digest]

    def body(self) -> dict[str, Any]:
        """The members under the seal."""
        return {
            "formaat": _FORMAT,
            "deel": self.part.value,
            "backup": self.backup,
            "gemaaktOp": instants.write(self.made_at),
            "hub": self.hub,
            "logboek": self.origin,
            "schema": self.schema,
            "database": self.database,
            "bestanden": [
                {"naam": name, "grootte": each.size, "sha256": each.sha256} for name, each in sorted(self.files.items())
            ],
        }

    def write(self, folder: Path, keys: Keyring) -> None:
        """Put the manifest beside its files, under its seal."""
        body = self.body()
        durable.replace(folder / NAME, canonical(body | {"zegel": _seal(body, keys)}))

    def require_seal(self, folder: Path, keys: Keyring) -> None:
        """Raises ``BackupRefused`` unless the seal is one of these keys over this very manifest."""
        given = str(_object(folder).get("zegel", ""))
        if not hmac.compare_digest(given.encode(), _seal(self.body(), keys).encode()):
            raise BackupRefused(f"{folder / NAME}: het zegel hoort niet bij deze backup en deze sleutels")

    def require_files(self, folder: Path) -> None:
        """Raises ``BackupRefused`` unless every file is there, byte for byte."""
        for name in self.files:
            self.require(folder / name, name, durable.measure(folder / name) if (folder / name).is_file() else None)

    def require(self, place: Path, name: str, found: Digest | None) -> None:
        """Raises ``BackupRefused`` unless what was found is what this file is known by."""
        if found is None:
            raise BackupRefused(f"{place} ontbreekt in de backup")
        if found != self.files[name]:
            raise BackupRefused(f"{place} is niet meer wat er in de backup is gezet")


def _seal(body: Mapping[str, Any], keys: Keyring) -> str:
    return hmac.digest(keys.derive(_PURPOSE), canonical(body), "sha256").hex()


def measured(folder: Path, names: Iterable[str]) -> dict[str, Digest]:
    """The digests of these files of a folder."""
    return {name: durable.measure(folder / name) for name in names}


def read(folder: Path, part: Part) -> Manifest:
    """The manifest of a part, not yet checked against files or seal. Raises ``BackupRefused``."""
    value = _object(folder)
    try:
        manifest = Manifest(
            part=Part(value["deel"]),
            backup=str(value["backup"]),
            made_at=instants.parse(value["gemaaktOp"]),
            hub=str(value["hub"]),
            origin=str(value["logboek"]),
            schema=str(value["schema"]),
            database=str(value["database"]),
            files={str(each["naam"]): Digest(int(each["grootte"]), str(each["sha256"])) for each in value["bestanden"]},
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BackupRefused(f"{folder / NAME} is geen manifest van een backup") from error
    if value.get("formaat") != _FORMAT or not all(_FILE.fullmatch(name) for name in manifest.files):
        raise BackupRefused(f"{folder / NAME} is geen manifest dat deze hub kent")
    if manifest.part is not part:
        raise BackupRefused(f"{folder} is het deel {manifest.part.value}; hier hoort het deel {part.value}")
    return manifest


def _object(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / NAME).read_bytes())
    except FileNotFoundError as error:
        raise BackupRefused(f"In {folder} ligt geen backup ({NAME} ontbreekt)") from error
    except (ValueError, RecursionError) as error:
        raise BackupRefused(f"{folder / NAME} is geen manifest van een backup") from error
    if not isinstance(value, dict):
        raise BackupRefused(f"{folder / NAME} is geen manifest van een backup")
    return value
