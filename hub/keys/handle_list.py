"""A list of handles in one file beside the database, so that no restore forgets what stands on it.

    2026-11-23T12:00:00.000Z 4kq… 9f86d081        an instant, a handle, the head of SHA-256 over the two

A handle says nothing about who it was. What each stands for says the list itself (``erasure_list``, ``taken_list``).
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from contracts import instants

_HANDLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63999}")
_CHECK: Final = 8  # hex digits: finds damage, not a forger, who could as well take the list away


class ListBroken(Exception):
    """A line of the list was changed or lost a part. Its text names the line; nobody may be restored by guess."""


class HandleList:
    """A list in one file. Safe for threads and processes at once."""

    #: How people call it, and how long a handle on it may be.
    name = "lijst"
    longest = 64_000

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, handles: Iterable[str], at: datetime) -> None:
        """Put handles on the list; durable when this returns. Repeating it is harmless.

        Call it before the act itself. Raises ``OSError`` when it cannot be written: then nothing may be done. Raises
        ``ValueError`` for what is no handle, and ``ListBroken``.
        """
        wanted = self._handles(handles)
        new = not self.path.exists()
        with self._locked() as descriptor:
            there = _all(descriptor)
            end, known = self._parse(there)
            raw = b"\n" if end and there[end - 1 : end] != b"\n" else b""
            raw += b"".join(_line(each, at) for each in dict.fromkeys(wanted) if each not in known)
            os.ftruncate(descriptor, end)  # half a line of a crash: its append never returned, so nothing followed
            os.lseek(descriptor, end, os.SEEK_SET)
            _write(descriptor, raw)
            os.fsync(descriptor)
        # A crash before this line leaves a whole list or half a last line; both are read as a list.
        if new:
            _sync(self.path.parent)

    def add(self, handles: Sequence[str], at: datetime) -> None:
        """The same without a look at what stands there: as fast with a long list as with a short one.

        A handle that stood there stands there twice, and its first line counts.
        """
        raw = b"".join(_line(each, at) for each in self._handles(handles))
        if not self.path.exists():
            return self.append(handles, at)
        with self._locked() as descriptor:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            whole = end > 0 and os.pread(descriptor, 1, end - 1) == b"\n"
            if whole:
                _write(descriptor, raw)
                os.fsync(descriptor)
        return None if whole else self.append(handles, at)  # half a line of a crash, which that one mends

    def _handles(self, handles: Iterable[str]) -> list[str]:
        wanted = list(handles)
        if any(len(each) > self.longest or not _HANDLE.fullmatch(each) for each in wanted):
            raise ValueError("a handle on the list is letters, digits and ._/-")
        return wanted

    def read(self) -> dict[str, datetime]:
        """Every handle with its instant; empty when there is no list. Raises ``ListBroken``."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        return self._parse(raw)[1]

    def _parse(self, raw: bytes) -> tuple[int, dict[str, datetime]]:
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
                raise ListBroken(f"Regel {number} van de {self.name} is beschadigd")
            found.setdefault(*listed)
        return end, found

    @contextmanager
    def _locked(self) -> Iterator[int]:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _line(handle: str, at: datetime) -> bytes:
    text = f"{instants.write(at)} {handle}"
    return f"{text} {sha256(text.encode()).hexdigest()[:_CHECK]}\n".encode()


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
