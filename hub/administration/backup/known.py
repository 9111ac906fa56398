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
from hub.administration.backup.save import ERASURES, TAKEN
from hub.keys.erasure_list import ErasureList
from hub.keys.handle_list import HandleList, ListBroken
from hub.keys.keyring import Keyring
from hub.keys.taken_list import TakenList, acts, begun
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
class Taken:
    """What was taken away, as far as any list tells. ``whole_since``: from then on a list that counts as whole tells
    all of it; ``None``: there is none. ``own_since``: since when this hub's own list is kept."""

    acts: dict[str, datetime]
    whole_since: datetime | None
    own_since: datetime | None
    nothing_more: bool

    def whole(self, state: datetime) -> bool:
        """True when all is known that was taken away since the database was as it is now, at ``state``."""
        return self.nothing_more or (self.whole_since is not None and self.whole_since <= state)


@dataclass(frozen=True, slots=True)
class Known:
    """``latest``: checkpoints that say up to where the log went; ``others``: that it went at least so far."""

    latest: tuple[Signed, ...]
    others: tuple[Signed, ...]
    erased: dict[str, datetime]
    taken: Taken
    made_at: datetime | None  # of the backup; None: the database was put back by other means


@dataclass(frozen=True, slots=True)
class Named:
    """Files that the operator names: checkpoints, erasure lists and lists of what was taken away."""

    checkpoints: Sequence[Path] = ()
    erasures: Sequence[Path] = ()
    taken: Sequence[Path] = ()
    nothing_taken: bool = False  # the operator knows that nothing was taken away that no list names


def gather(settings: Settings, keys: Keyring, origin: str, named: Named, backup: tuple[Path, Manifest] | None) -> Known:
    """All that is known. Raises ``BackupRefused`` for a named file that is not what it should be."""
    base = installation.lineage(origin)[0]
    beside = [] if backup is None else _beside(*backup)
    latest = [_named(path, keys, base) for path in named.checkpoints]
    latest += _found(installation.signer_states(settings), keys, base)
    claims = [] if backup is None else sorted(backup[0].parent.glob("bewijslogboek-*.checkpoint"))
    states = [path for folder in beside for path in sorted(folder.glob("signer*.state"))]
    for path in (*named.erasures, *named.taken):
        if not path.is_file():
            raise BackupRefused(f"{path} is er niet")
    lists = [installation.erasures(settings), *named.erasures, *(folder / ERASURES for folder in beside)]
    taken = _taken(settings, named, [folder / TAKEN for folder in beside], trusted=_left_here(settings, latest))
    made_at = None if backup is None else backup[1].made_at
    return Known(tuple(latest), tuple(_found([*claims, *states], keys, base)), _erased(lists), taken, made_at)


def _left_here(settings: Settings, latest: Sequence[Signed]) -> bool:
    """True when the data folder is the one that the hub had at the last: of SQLite, where one machine does all.

    Its signer's memory is there, and nothing that is named is later.
    """
    notes = {path.read_text(encoding="utf-8", errors="replace") for path in installation.signer_states(settings)}
    here = [each for each in latest if each.note in notes]
    last = max((each.order for each in latest), default=None)
    return not settings.on_postgresql and any(each.order == last for each in here)


def _taken(settings: Settings, named: Named, beside: Iterable[Path], *, trusted: bool) -> Taken:
    """A list that the operator names counts as whole; the hub's own one only where it must be.

    Each knows only its own machine: all of it is known from where the latest of them begins.
    """
    own = installation.taken(settings)
    listed = {path: _read(TakenList(path)) for path in (own, *named.taken, *beside)}
    counted = [*named.taken, *([own] if trusted else [])]
    since = [at for path in counted if (at := begun(listed[path])) is not None]
    found: dict[str, datetime] = {}
    for one in listed.values():
        found = acts(one) | found
    return Taken(found, max(since, default=None), begun(listed[own]), named.nothing_taken)


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
        found = _read(ErasureList(path)) | found
    return found


def _read(listed: HandleList) -> dict[str, datetime]:
    try:
        return listed.read()
    except ListBroken as error:
        raise BackupRefused(f"{listed.path}: {error}. Zonder {listed.name} wordt niets teruggezet") from error
