"""The erasure list: whose keys were destroyed, kept outside the database, so that no restore brings anybody back.

    2026-11-23T12:00:00.000Z 4kq… 9f86d081        an instant, a handle, the head of SHA-256 over the two

A handle is random and says nothing about who it was. It is a person's handle, which stands for every key of that
person; ``inhoud/`` and that handle (``content_of``), for every content key, while the evidence stays until its term;
or the id of one key (``consent.keys.content_key``, ``evidence_key``), which stands for that key alone.

The order of an erasure: this list, durable; then the key. A crash between the two leaves a person on the list whose
key the erasure destroys when it is done again; the other way about, a restore could revive somebody nobody remembers.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from contracts import instants

_HANDLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")
_CHECK: Final = 8  # hex digits: finds damage, not a forger, who could as well take the list away
_CONTENT: Final = "inhoud/"


def content_of(person: str) -> str:
    """The line that stands for all content about a person."""
    return f"{_CONTENT}{person}"


def person_of(line: str) -> str | None:
    """Whom a line names as a whole; ``None``: it names one key."""
    rest = line.removeprefix(_CONTENT)
    return None if "/" in rest else rest


def organisation_of(line: str) -> tuple[str, str] | None:
    """(person, organisation) of a line that names one content key."""
    person, _, organisation = line.removeprefix(_CONTENT).partition("/")
    return (person, organisation) if line.startswith(_CONTENT) and organisation else None


class ErasureListBroken(Exception):
    """A line of the list was changed or lost a part. Its text names the line; nobody may be restored by guess."""


class ErasureList:
    """The erasure list in one file. Safe for threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, handles: Iterable[str], at: datetime) -> None:
        """Put persons (or single keys) on the list; durable when this returns. Repeating it is harmless.

        Call it before the key is destroyed. Raises ``OSError`` when it cannot be written: then nothing may be
        destroyed. Raises ``ValueError`` for what is no handle, and ``ErasureListBroken``.
        """
        wanted = list(handles)
        if any(not _HANDLE.fullmatch(each) for each in wanted):
            raise ValueError("a handle on the erasure list is letters, digits and ._/-")
        new = not self._path.exists()
        with self._locked() as descriptor:
            there = _all(descriptor)
            end, known = _parse(there)
            raw = b"\n" if end and there[end - 1 : end] != b"\n" else b""
            raw += b"".join(_line(each, at) for each in dict.fromkeys(wanted) if each not in known)
            os.ftruncate(descriptor, end)  # half a line of a crash: its append never returned, so nothing followed
            os.lseek(descriptor, end, os.SEEK_SET)
            _write(descriptor, raw)
            os.fsync(descriptor)
        # A crash before this line leaves a whole list or half a last line; both are read as a list.
        if new:
            _sync(self._path.parent)

    def read(self) -> dict[str, datetime]:
        """Every handle with the instant of its erasure; empty when there is no list. Raises ``ErasureListBroken``."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        return _parse(raw)[1]

    @contextmanager
    def _locked(self) -> Iterator[int]:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _line(handle: str, at: datetime) -> bytes:
    text = f"{instants.write(at)} {handle}"
    return f"{text} {sha256(text.encode()).hexdigest()[:_CHECK]}\n".encode()


def _parse(raw: bytes) -> tuple[int, dict[str, datetime]]:
    """Where the last whole line ends, and what stands in the whole lines; the first word about a handle counts.

    What follows the last newline is half a line of a crash, or a whole one that lost its newline.
    """
    end = raw.rfind(b"\n") + 1
    lines, tail = raw[:end].split(b"\n")[:-1], raw[end:]
    if _read(tail) is not None:
        lines, end = [*lines, tail], len(raw)
    elif _read(tail[:-1]) is not None:  # its newline was changed into something else
        lines = [*lines, tail]
    found: dict[str, datetime] = {}
    for number, line in enumerate(lines, start=1):
        listed = _read(line)
        if listed is None:
            raise ErasureListBroken(f"Regel {number} van de wislijst is beschadigd")
        found.setdefault(*listed)
    return end, found


def _read(line: bytes) -> tuple[str, datetime] | None:
    """Handle and instant of a line; ``None`` if it is not one that was written here."""
    text, _, check = line.decode("ascii", "replace").rpartition(" ")
    at, _, handle = text.partition(" ")
    if sha256(text.encode()).hexdigest()[:_CHECK] != check or not _HANDLE.fullmatch(handle):
        return None
    try:
        return handle, instants.parse(at)
    except ValueError:
        return None


def _all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _write(descriptor: int, raw: bytes) -> None:
    while raw:
        raw = raw[os.write(descriptor, raw) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
