"""Fetching an evidence log over HTTP, tile by tile (C2SP tlog-tiles), for the verifier. Standard library only."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from pathlib import Path
from threading import Timer
from typing import Final
from urllib.parse import urlsplit

from consent.log.tiles import MAX_ENTRY, WIDTH
from consent.verify.report import ADDRESS, CouldNotLook
from consent.verify.tree import Fetch

_TIMEOUT: Final = 20.0  # seconds without a byte
_WHOLE: Final = 120.0  # seconds for one answer, from the first byte asked to the last byte read
#: Bytes of the largest answer there can be below a path (C2SP tlog-tiles); of anything else, a checkpoint is small.
_MOST: Final = {"tile/entries/": WIDTH * (2 + MAX_ENTRY), "tile/": WIDTH * 32, "": 65_536}
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class _Unmeasured(Exception):
    """An answer that says neither how long it is nor where it ends."""


@contextmanager
def url_fetch(url: str, token_file: Path | None) -> Iterator[Fetch]:
    """Reads below ``url``. Raises ``CouldNotLook`` for anything but bytes or 404: an outage proves nothing."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise CouldNotLook(f"--url is geen adres; {ADDRESS}") from error
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK)):
        raise CouldNotLook("--url is een https-adres")
    headers = {} if token_file is None else {"Authorization": f"Bearer {_token(token_file)}"}
    if parts.scheme == "https":
        made: HTTPConnection = HTTPSConnection(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
    else:
        made = HTTPConnection(host, port, timeout=_TIMEOUT)
    prefix = parts.path.rstrip("/")
    with closing(made) as connection:
        yield lambda path: _fetch(connection, f"{prefix}/{path}", headers, path)


def _token(path: Path) -> str:
    try:
        raw = path.read_bytes().strip()
    except OSError as error:
        raise CouldNotLook(f"{path.name} is niet te lezen") from error
    if not _TOKEN.fullmatch(raw):
        raise CouldNotLook(f"in {path.name} staat geen token")
    return raw.decode("ascii")


def _fetch(connection: HTTPConnection, target: str, headers: dict[str, str], path: str) -> bytes | None:
    most = next(size for below, size in _MOST.items() if path.startswith(below))
    used = connection.sock is not None
    try:
        try:
            status, raw = _asked(connection, target, headers, most)
        except (ConnectionError, HTTPException):
            connection.close()
            if not used:
                raise
            status, raw = _asked(connection, target, headers, most)  # the other side had closed it meanwhile
    except _Unmeasured as error:
        raise CouldNotLook(f"{path}: het antwoord noemt geen lengte; zo is niet te zien of het heel is") from error
    except (OSError, HTTPException, ValueError) as error:
        connection.close()
        raise CouldNotLook(f"{path}: de hub is niet te bereiken ({type(error).__name__})") from error
    if status == 404 and path == "checkpoint":
        raise CouldNotLook(f"op dit adres staat geen logboek: {ADDRESS}")
    if status == 404:
        return None
    if status in (401, 403):
        raise CouldNotLook("de hub weigert: geef met --token-file een token met scope logboek:lezen")
    if status != 200:
        raise CouldNotLook(f"{path}: de hub antwoordt met status {status}")
    return raw


def _asked(connection: HTTPConnection, target: str, headers: dict[str, str], most: int) -> tuple[int, bytes]:
    """Status and body of one answer; of a larger body than ``most`` one byte more: so it is no part of a log."""
    if connection.sock is None:
        connection.connect()
    with _deadline(connection.sock):
        connection.request("GET", target, headers=headers)
        with connection.getresponse() as answer:
            sized = answer.chunked or answer.length is not None  # no number, or one below nought, is no length
            raw = answer.read(most + 1)
            if answer.length and len(raw) <= most:
                raise IncompleteRead(raw, answer.length)
            if answer.status == 200 and not sized and len(raw) <= most:
                raise _Unmeasured  # it ends where the connection ended, and an outage may have ended that
            if not answer.isclosed():  # more would follow: the connection could not be used again
                connection.close()
    return answer.status, raw


@contextmanager
def _deadline(line: socket.socket) -> Iterator[None]:
    """Breaks off an answer that comes drop by drop. Raises ``TimeoutError``, whatever was read of it."""
    late = False

    def end() -> None:
        nonlocal late
        late = True
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = Timer(_WHOLE, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if late:
            raise TimeoutError
