"""Fetching an evidence log over HTTP, tile by tile (C2SP tlog-tiles), for the verifier. Standard library only."""

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from consent.verify.report import ADDRESS, CouldNotLook
from consent.verify.tree import Fetch

_TIMEOUT: Final = 20.0  # seconds
_MOST: Final = 256 * (2 + 65_535)  # bytes of the largest bundle there can be
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


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
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CouldNotLook(f"{path.name} is niet te lezen") from error


def _fetch(connection: HTTPConnection, target: str, headers: dict[str, str], path: str) -> bytes | None:
    try:
        answer = _answer(connection, target, headers)
        raw = answer.read(_MOST + 1)
        if answer.read(1):  # else the connection could not be used again
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        connection.close()
        raise CouldNotLook(f"{path}: de hub is niet te bereiken ({type(error).__name__})") from error
    if answer.status == 404 and path == "checkpoint":
        raise CouldNotLook(f"op dit adres staat geen logboek: {ADDRESS}")
    if answer.status == 404:
        return None
    if answer.status in (401, 403):
        raise CouldNotLook("de hub weigert: geef met --token-file een token met scope logboek:lezen")
    if answer.status != 200:
        raise CouldNotLook(f"{path}: de hub antwoordt met status {answer.status}")
    if len(raw) > _MOST:
        raise CouldNotLook(f"{path}: het antwoord is te groot")
    return raw


def _answer(connection: HTTPConnection, target: str, headers: dict[str, str]) -> HTTPResponse:
    """One answer; asked once more where the other side had closed the connection meanwhile."""
    used = connection.sock is not None
    try:
        connection.request("GET", target, headers=headers)
        return connection.getresponse()
    except (ConnectionError, HTTPException):
        connection.close()
        if not used:
            raise
    connection.request("GET", target, headers=headers)
    return connection.getresponse()
