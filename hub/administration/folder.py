"""The lock on the data folder: one hub at a time works in it. The kernel drops it when its holder dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class FolderBusy(RuntimeError):
    """Another process works in this data folder."""


class FolderLock:
    """Holds a data folder until it is closed. Raises ``FolderBusy`` at once when another holds it; it never waits."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise FolderBusy(f"In de map {folder} draait al een hub") from None

    def close(self) -> None:
        """Let the folder go."""
        os.close(self._descriptor)

    def __enter__(self) -> "FolderLock":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
