"""Rotation of the log's key, beside a running hub. Every step sees whether it was done, so an interrupted one goes on.

    rotate    1  the new key is durable in its file, and signs nothing yet
              2  the log announces it, by an entry that the old key alone signs
              3  it signs beside the old one
              4  the log says so; the checkpoint over that entry bears both lines
    retire    1  once the latest checkpoint bears a line of the new key: the log says that the old one ends
              2  the new key signs alone, and the old private key is gone

The origin stays, and with it the tree: the new key has the same name and another key id (c2sp.org/signed-note). Who
knows only the old key can check every checkpoint up to the end of the overlap, who knows only the new one those since
its beginning.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.log import reading as log
from consent.log.note import NoteInvalid, NoteKey, Verifier, open_checkpoint
from contracts.errors import Conflict
from hub.administration.act import RULES, Act
from hub.keys.log_keys import LogKeyFiles
from hub.ports import Random
from hub.store import installation
from hub.store.locks import LOG, Locks
from hub.store.writer import Transaction, Transactions, single

#: Names in the table ``installation``: the key (public, hex) that each of these entries named last.
ANNOUNCED: Final = "log_key_announced"
IN_USE: Final = "log_key_in_use"
RETIRED: Final = "log_key_retired"
#: Held while key files change: nobody signs meanwhile.
_LOG: Final = Locks(exclusive=frozenset({LOG}))


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """Rotates the key of the log with this origin."""

    files: LogKeyFiles
    transactions: Transactions
    act: Act
    origin: str

    def rotate(self, random: Random) -> tuple[Verifier, Verifier]:
        """Begin the overlap; the old and the new verifier key. Raises ``Conflict`` if one is under way."""
        old = self._current()
        successor = self.files.successor()
        if successor is None:
            prepared = single(self.transactions, lambda _: self.files.prepare(random), _LOG)
            # A crash here: a key that nobody knows lies ready, and the next run takes it.
            self._note(ANNOUNCED, "logsleutel-aangekondigd", prepared)
            # A crash here: announced, and the old key signs alone. The next run goes on.
            single(self.transactions, self._activate, _LOG)
            successor = prepared
        elif self._noted(IN_USE) == _hex(successor):
            raise Conflict("Er is al een nieuwe sleutel in gebruik. Sluit die wissel eerst af: hub key retire-log")
        # A crash here: both sign already. The next run only says so in the log.
        self._note(IN_USE, "logsleutel-in-gebruik", successor)
        return old, self._verifier(successor)

    def retire(self) -> tuple[Verifier, Verifier]:
        """End the overlap; the old and the new verifier key.

        Raises ``Conflict`` if there is no overlap, or if the new key has not signed what the hub shows: from one moment
        to the next nobody would be able to check the latest checkpoint.
        """
        old, successor = self._current(), self.files.successor()
        if successor is None:
            raise Conflict("Er is geen sleutelwissel bezig. Begin er een met: hub key rotate-log")
        if self._noted(IN_USE) != _hex(successor):
            raise Conflict("De wissel is niet afgemaakt. Doe opnieuw: hub key rotate-log")
        if not self._has_signed(self._verifier(successor)):
            raise Conflict(
                "Het laatste checkpoint draagt de nieuwe sleutel nog niet. Draait de hub? Probeer het zo weer"
            )
        self._note(RETIRED, "logsleutel-afgelost", self.files.read().signing[0])
        # A crash here: said, and both still sign. The next run does the last step.
        single(self.transactions, lambda _: self.files.retire(), _LOG)
        return old, self._verifier(successor)

    def _activate(self, _: Transaction) -> None:
        if self.files.prepared() is not None:  # else another run was first
            self.files.activate()

    def _note(self, fact: str, what: str, key: Ed25519PrivateKey) -> None:
        """Log a step once: the entry and the mark that it stands there commit together."""

        def work(transaction: Transaction) -> None:
            if installation.read(transaction.connection, fact) != _hex(key):
                installation.write(transaction.connection, fact, _hex(key))
                self.act.log(transaction, what, {"sleutel": self._verifier(key).vkey})

        single(self.transactions, work, RULES)

    def _noted(self, fact: str) -> str | None:
        return self._read(lambda transaction: installation.read(transaction.connection, fact))

    def _has_signed(self, verifier: Verifier) -> bool:
        note = self._read(lambda transaction: log.latest_note(transaction.connection))
        try:
            return note is not None and open_checkpoint(note, [verifier]).origin == self.origin
        except NoteInvalid:
            return False

    def _read(self, look: Callable[[Transaction], str | None]) -> str | None:
        return single(self.transactions, look)

    def _current(self) -> Verifier:
        return self._verifier(self.files.read().signing[0])

    def _verifier(self, key: Ed25519PrivateKey) -> Verifier:
        return NoteKey(self.origin, key).verifier


def _hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()
