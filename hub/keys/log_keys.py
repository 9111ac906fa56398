"""The files of the log's keys, and the steps of their rotation. Each step is one rename: done, or not done.

log.key             signs
log-prepared.key    made, and still to be announced in the log: signs nothing yet
log-next.key        the successor: signs beside ``log.key`` for as long as it lies here
log-retired.json    public halves of earlier keys, oldest first: what they signed stays of this log

prepare    nothing → log-prepared.key
activate   log-prepared.key → log-next.key      from here two signature lines
retire     log-next.key → log.key               from here one; the old private key is gone
"""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.log.note import LogKeys
from hub.keys.files import KeysRefused, move, read_private, replace
from hub.ports import Random

LOG: Final = "log.key"
SEED_SIZE: Final = 32  # bytes
_PREPARED, _NEXT, _RETIRED = "log-prepared.key", "log-next.key", "log-retired.json"


class LogKeyFiles:
    """The log's keys in ``<data dir>/keys``. Whoever changes them holds the lock of the log, as whoever signs does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> LogKeys:
        """The keys of this moment. Raises ``KeysRefused``.

        The successor is read first: if it takes the old key's place meanwhile it is found twice, and never missed.
        """
        successor = self._key(_NEXT)
        current = self._key(LOG)
        if current is None:
            raise KeysRefused(f"{self._folder / LOG} is niet te lezen: het bestand is er niet.")
        signing = {_public(key): key for key in (current, successor) if key is not None}
        retired = [public for public in self._retired() if public not in signing]
        return LogKeys(tuple(signing.values()), tuple(retired))

    def prepared(self) -> Ed25519PrivateKey | None:
        """The key that was made and is not in use yet."""
        return self._key(_PREPARED)

    def successor(self) -> Ed25519PrivateKey | None:
        """The new key of a rotation under way."""
        return self._key(_NEXT)

    def prepare(self, random: Random) -> Ed25519PrivateKey:
        """Make a key that is not in use yet, or take the one that an interrupted rotation left."""
        found = self.prepared()
        if found is not None:
            return found
        seed = random(SEED_SIZE)
        replace(self._folder / _PREPARED, seed)
        return Ed25519PrivateKey.from_private_bytes(seed)

    def activate(self) -> None:
        """Have the prepared key sign from now on, beside the old one."""
        move(self._folder / _PREPARED, self._folder / _NEXT)

    def retire(self) -> None:
        """Have the successor sign alone. The old private key is gone; its public half stays known.

        A crash between the two writes leaves the old key in use and noted already: ``read`` tells it once.
        """
        old = self._key(LOG)
        if old is not None:
            known = self._retired()
            fresh = known if _public(old) in known else [*known, _public(old)]
            text = json.dumps({"sleutels": [b64encode(public).decode() for public in fresh]})
            replace(self._folder / _RETIRED, text.encode())
        move(self._folder / _NEXT, self._folder / LOG)

    def _key(self, name: str) -> Ed25519PrivateKey | None:
        path = self._folder / name
        try:
            seed = read_private(path)
        except KeysRefused:
            if path.exists():
                raise
            return None  # not there, or moved to another name at this moment
        if len(seed) != SEED_SIZE:
            raise KeysRefused(f"{path} is geen sleutel van het logboek.")
        return Ed25519PrivateKey.from_private_bytes(seed)

    def _retired(self) -> list[bytes]:
        path = self._folder / _RETIRED
        if not path.exists():
            return []
        try:
            found = [b64decode(text, validate=True) for text in json.loads(read_private(path))["sleutels"]]
        except (ValueError, KeyError, TypeError) as error:
            raise KeysRefused(f"{path} is geen lijst van eerdere sleutels van het logboek.") from error
        if any(len(public) != SEED_SIZE for public in found):
            raise KeysRefused(f"{path} is geen lijst van eerdere sleutels van het logboek.")
        return found


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
