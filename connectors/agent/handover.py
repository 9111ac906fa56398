"""Handing over incoming messages as files, each exactly once, also when the power fails in between.

The order is: write ``.part`` and force it to disk; note in the state that it will be handed over; rename; note that it
was. A crash before the note: nothing is handed over, and the hub gives it again. A crash after it: ``recover`` renames
what is still a part; a part that is gone was renamed, and may already have been taken away by the partner's system.
"""

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.agent.state import State

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is handed over together: an id that says it is the same, its files by name, the highest sequence if any."""

    id: str
    files: Mapping[str, bytes]
    sequence: str | None = None


class Inbox:
    """The folder in which the partner's system looks. It takes files without ``.part``."""

    def __init__(self, folder: Path, state: State) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._state = state
        self._lock = threading.Lock()  # a receiver has several threads, and the same delivery may come twice at once

    def recover(self) -> None:
        """Finish what an earlier run began."""
        with self._lock:
            self._finish(self._state.pending())

    def hand_over(self, delivery: Delivery, at: float) -> bool:
        """Hand over; False when this delivery was handed over before. Raises ``OSError`` when the disk refuses."""
        with self._lock:
            return self._hand_over(delivery, at)

    def _hand_over(self, delivery: Delivery, at: float) -> bool:
        if self._state.is_delivered(delivery.id):
            self._finish(self._state.pending())
            return False
        files = [self._write(name, content) for name, content in delivery.files.items()]
        _sync_folder(self._folder)
        # A crash before this commit leaves parts that the next attempt overwrites; after it, ``recover`` goes on.
        if not self._state.begin(files, delivery.id, at, delivery.sequence):
            return False
        self._finish(files)
        return True

    def _finish(self, files: Sequence[tuple[Path, Path]]) -> None:
        for part, final in files:
            self._rename(part, final)

    def _write(self, name: str, content: bytes) -> tuple[Path, Path]:
        if not _NAME.fullmatch(name) or name.endswith(".part"):
            raise ValueError("geen veilige bestandsnaam")
        part = self._folder / f"{name}.part"
        descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        return part, self._folder / name

    def _rename(self, part: Path, final: Path) -> None:
        if part.exists():
            part.replace(final)
            _sync_folder(part.parent)
        self._state.finish(part)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
