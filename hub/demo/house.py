"""Where the demo lives: one folder, held by one demo at a time, begun anew by each run."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import Conflict

#: How long to wait for the processes of a run that was just killed: the kernel ends them, at once but not instantly.
_LET_GO_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class House:
    """The folder. ``lock``: the descriptor of the lock on it; every process of the demo holds it open."""

    folder: Path
    lock: int

    @property
    def hub(self) -> Path:
        """The hub's data folder."""
        return self.folder / "hub"

    @property
    def partners(self) -> Path:
        """The partners' folders."""
        return self.folder / "partners"

    @property
    def logs(self) -> Path:
        """What the processes say."""
        return self.folder / "logs"

    def clear(self) -> None:
        """Take away what an earlier run left; nothing else in the folder is touched."""
        for each in (self.hub, self.partners, self.logs):
            if each.exists():
                shutil.rmtree(each)
            each.mkdir(mode=0o700)


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """The folder, for as long as the block lasts. Raises ``Conflict`` when another demo lives in it."""
    if not folder.parent.exists():
        folder.parent.mkdir(mode=0o700)  # the data folder, when nothing else made it yet: for its owner alone
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "demo.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _hold(lock, time.monotonic() + _LET_GO_SECONDS)
        yield House(folder, lock)
    finally:
        os.close(lock)


def _hold(lock: int, until: float) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Conflict("In deze map speelt al een demo; sluit die eerst af met Ctrl-C") from None
            time.sleep(0.1)
        else:
            return
