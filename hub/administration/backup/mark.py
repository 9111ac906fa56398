"""The mark of a restore that is at work: whose it is, and what must not be forgotten if it is cut off."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hub.administration.backup import durable
from hub.administration.backup.manifest import BackupRefused


@dataclass(frozen=True, slots=True)
class Mark:
    """``run``: the backup that is put back, or an id of its own when the database was put back by other means."""

    run: str
    placed: bool = False  # all files and tables stand; what is left is to erase, to settle the log, to verify
    destroyed: tuple[str, ...] = ()  # keys that this restore destroys, and that the log must name as erased


class Marks:
    """Keeps the mark in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Mark | None:
        """The mark of an interrupted restore. Raises ``BackupRefused`` if it cannot be read."""
        try:
            value = json.loads(self._path.read_bytes())
            return Mark(str(value["run"]), bool(value["placed"]), tuple(map(str, value["destroyed"])))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise BackupRefused(f"{self._path} is beschadigd; leeg de map en begin opnieuw") from error

    def require(self) -> Mark:
        """The mark, which the caller knows to be there."""
        mark = self.read()
        if mark is None:
            raise BackupRefused(f"{self._path} is verdwenen terwijl het herstel liep")
        return mark

    def write(self, mark: Mark) -> Mark:
        """Put the mark there, durably."""
        durable.replace(self._path, json.dumps(asdict(mark)).encode())
        return mark

    def add_destroyed(self, mark: Mark, ids: set[str]) -> Mark:
        """Remember, before they are destroyed, which keys are."""
        return mark if ids <= set(mark.destroyed) else self.write(_with(mark, ids))

    def remove(self) -> None:
        """The restore is finished."""
        os.unlink(self._path)
        durable.sync(self._path.parent)


def _with(mark: Mark, ids: set[str]) -> Mark:
    return replace(mark, destroyed=tuple(sorted({*mark.destroyed, *ids})))
