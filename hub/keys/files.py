"""Key files: for their owner alone, durable when written, replaced as a whole."""

import os
import stat
from pathlib import Path


class KeysRefused(Exception):
    """The keys cannot be made or used as they lie there. Its text is one sentence for the operator."""


def private(path: Path) -> None:
    """Raises ``KeysRefused`` if others than the owner may use it."""
    mode = path.stat().st_mode
    if stat.S_IMODE(mode) & 0o077:
        raise KeysRefused(f"{path} staat open voor anderen dan de eigenaar; geef hem de rechten 0600 (een map: 0700).")


def read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner may use. Raises ``KeysRefused``."""
    try:
        private(path)
        return path.read_bytes()
    except OSError as error:
        raise KeysRefused(f"{path} is niet te lezen: {error.strerror}.") from error


def write_new(path: Path, raw: bytes) -> None:
    """Write a file that must not be there yet; it is durable when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, raw: bytes) -> None:
    """Write a file whether or not it is there. A crash at any moment leaves the old one or the new one, whole."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, raw)
    move(fresh, path)


def move(source: Path, target: Path) -> None:
    """Rename within one folder, durably; what stood there is gone."""
    os.replace(source, target)
    sync(target.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
