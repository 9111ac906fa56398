"""What the operator still has that is younger than the backup: checkpoints that were signed, persons who were erased.

It lies in the data folder that is restored into, beside the keys that are put back (younger keys parts, and the first
checkpoints of origins that earlier restores began), and in files that the operator names.

Only what lies in the data folder or is named says up to where the log went. A backup cannot say it of itself: the hub
may have gone on signing after it was made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from consent.log.note import Checkpoint, NoteInvalid, Verifier, open_checkpoint
from hub.administration import installation
from hub.administration.backup import manifest
from hub.administration.backup.manifest import BackupRefused, Manifest, Part
from hub.administration.backup.save import ERASURES
from hub.keys.erasure_list import ErasureList, ErasureListBroken
from hub.keys.keyring import Keyring
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint of this hub's log, as a note, and what it says.

    Not ``verified``: it names this log, but no key of the backup signed it, such as one of a key that came later. It
    still says that the log went on.
    """

    note: str
    head: Checkpoint
    verified: bool = True

    @property
    def order(self) -> tuple[int, int]:
        """A later origin is later than any size of an earlier one."""
        return installation.lineage(self.head.origin)[1], self.head.size


@dataclass(frozen=True, slots=True)
class Known:
    """``latest``: checkpoints that say up to where the log went; ``others``: that it went at least so far."""

    latest: tuple[Signed, ...]
    others: tuple[Signed, ...]
    erased: dict[str, datetime]


@dataclass(frozen=True, slots=True)
class Named:
    """Files that the operator names: checkpoints and erasure lists."""

    checkpoints: Sequence[Path] = ()
    erasures: Sequence[Path] = ()


def gather(settings: Settings, keys: Keyring, origin: str, named: Named, backup: tuple[Path, Manifest] | None) -> Known:
    """All that is known. Raises ``BackupRefused`` for a named file that is not what it should be."""
    base = installation.lineage(origin)[0]
    beside = [] if backup is None else _beside(*backup)
    latest = [_named(path, keys, base) for path in named.checkpoints]
    latest += _found(installation.signer_states(settings), keys, base)
    claims = [] if backup is None else sorted(backup[0].parent.glob("bewijslogboek-*.checkpoint"))
    states = [path for folder in beside for path in sorted(folder.glob("signer*.state"))]
    for path in named.erasures:
        if not path.is_file():
            raise BackupRefused(f"{path} is er niet")
    lists = [installation.erasures(settings), *named.erasures, *(folder / ERASURES for folder in beside)]
    return Known(tuple(latest), tuple(_found([*claims, *states], keys, base)), _erased(lists))


def _beside(folder: Path, about: Manifest) -> list[Path]:
    """The keys parts of this hub that lie in one folder, this one among them."""
    found = [folder]
    for each in sorted(folder.parent.iterdir()):
        if each == folder or not (each / manifest.NAME).is_file():
            continue
        try:
            other = manifest.read(each, Part.KEYS)
        except BackupRefused:
            continue  # not a keys part: nothing that is missed here was ever promised
        if other.hub == about.hub:
            found.append(each)
    return found


def _found(paths: Iterable[Path], keys: Keyring, base: str) -> list[Signed]:
    """The checkpoints of this log among these files; others are of another hub."""
    return [found for path in paths if (found := _signed(path, keys, base)) is not None]


def _signed(path: Path, keys: Keyring, base: str) -> Signed | None:
    """The checkpoint of this log in a file; ``None`` if it holds none."""
    try:
        note = path.read_text(encoding="utf-8")
        head = Checkpoint.parse(note.rpartition("\n\n")[0] + "\n")
    except (NoteInvalid, UnicodeDecodeError):
        return None
    if installation.lineage(head.origin)[0] != base:
        return None
    try:
        return Signed(note, open_checkpoint(note, verifiers(keys, head.origin)))
    except NoteInvalid:
        return Signed(note, head, verified=False)


def _named(path: Path, keys: Keyring, base: str) -> Signed:
    found = _signed(path, keys, base)
    if found is None or not found.verified:
        raise BackupRefused(f"{path} is geen checkpoint van dit logboek")
    return found


def verifiers(keys: Keyring, origin: str) -> list[Verifier]:
    """The keys that sign, or signed, the log of this origin."""
    return keys.log_keys().verifiers(origin)


def _erased(lists: Iterable[Path]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for path in lists:
        try:
            listed = ErasureList(path).read()
        except ErasureListBroken as error:
            raise BackupRefused(f"{path}: {error}. Zonder wislijst wordt niets teruggezet") from error
        found = listed | found
    return found
