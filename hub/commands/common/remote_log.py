"""Fetching an evidence log over HTTP, tile by tile, for the verifier."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from consent.verify.verifier import CouldNotLook, Fetch

_TIMEOUT: Final = 20.0  # seconds
_MOST: Final = 256 * (2 + 65_535)  # bytes of the largest bundle there can be
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@contextmanager
def url_fetch(url: str, token_file: Path | None) -> Iterator[Fetch]:
    """Reads below ``url``. Raises ``CouldNotLook`` for anything but bytes or 404: an outage proves nothing."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise CouldNotLook("--url is een https-adres")
    headers = {} if token_file is None else {"Authorization": f"Bearer {_token(token_file)}"}
    options = httpx2.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False, headers=headers)
    with options as client:
        yield lambda path: _fetch(client, f"{url.rstrip('/')}/{path}", path)


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CouldNotLook(f"{path.name} is niet te lezen") from error


def _fetch(client: httpx2.Client, address: str, path: str) -> bytes | None:
    try:
        with client.stream("GET", address) as answer:
            if answer.status_code == 404:
                return None
            if answer.status_code in (401, 403):
                raise CouldNotLook("de hub weigert: geef met --token-file een token met scope logboek:lezen")
            if answer.status_code != 200:
                raise CouldNotLook(f"{path}: de hub antwoordt met status {answer.status_code}")
            return _bounded(answer, path)
    except httpx2.HTTPError as error:
        raise CouldNotLook(f"{path}: de hub is niet te bereiken ({type(error).__name__})") from error


def _bounded(answer: httpx2.Response, path: str) -> bytes:
    raw = bytearray()
    for part in answer.iter_bytes():
        raw += part
        if len(raw) > _MOST:
            raise CouldNotLook(f"{path}: het antwoord is te groot")
    return bytes(raw)
