"""Files that are whole and on disk when a call returns, and what they are known by."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str


def measure(path: Path) -> Digest:
    """The digest of a file."""
    return _pass(path, None)


def copy(source: Path, target: Path) -> Digest:
    """Copy a file to a new one with mode 0600; the digest is of the bytes that were written, not of a second look."""
    target.unlink(missing_ok=True)
    return _pass(source, target)


def _pass(source: Path, target: Path | None) -> Digest:
    digest, size = hashlib.sha256(), 0
    descriptor = -1 if target is None else os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with source.open("rb") as file:
            while part := file.read(_CHUNK):
                digest.update(part)
                size += len(part)
                while descriptor >= 0 and part:
                    part = part[os.write(descriptor, part) :]
        if descriptor >= 0:
            os.fsync(descriptor)
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return Digest(size, digest.hexdigest())


def replace(path: Path, raw: bytes) -> None:
    """Write a file as a whole: a crash leaves what stood there, or all of this."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    rename(fresh, path)


def rename(source: Path, target: Path) -> None:
    """Give a file or folder its name, durably."""
    os.replace(source, target)
    sync(target.parent)


def sync(path: Path) -> None:
    """What stands in this file or folder is on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
