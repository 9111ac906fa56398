"""Signed notes (c2sp.org/signed-note) with Ed25519, and checkpoints, which are such notes (c2sp.org/tlog-checkpoint).

Pure. A verifier key is ``name+hex(key id)+base64(0x01 || public key)``. Signatures are never used as identities:
Ed25519 has more than one accepted encoding of some of them.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consent.log.merkle import HASH_SIZE

_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "
_MAX_SIGNATURES: Final = 100
_MAX_NOTE: Final = 1_000_000  # bytes
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteInvalid(ValueError):
    """This is not a note, or no trusted key signed it, or a signature of a trusted key is wrong."""


def base64_strict(text: str) -> bytes:
    """Standard base64 with padding, in its one canonical spelling. Raises ``ValueError``."""
    try:
        raw = b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
    if b64encode(raw).decode("ascii") != text:
        raise ValueError("not canonical base64")
    return raw


def decimal(text: str) -> int:
    """An ASCII decimal without leading zeroes, below 2**63. Raises ``ValueError``."""
    if not _DECIMAL.fullmatch(text) or int(text) >= 1 << 63:
        raise ValueError("not a decimal number")
    return int(text)


def _good_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(c.isspace() for c in name) and not _CONTROL.search(name)


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name. The pair (name, 4-byte key id) tells which signature lines are its own."""

    name: str
    public: bytes  # 32 bytes, RFC 8032

    @property
    def key_id(self) -> bytes:
        """``SHA-256(name || LF || 0x01 || public key)[:4]``."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The verifier key as text."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public).decode('ascii')}"

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """A verifier key from its text. Raises ``NoteInvalid``, also when its key id is not its own."""
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            raw = base64_strict(encoded)
        except ValueError as error:
            raise NoteInvalid("a verifier key does not end in base64") from error
        if not _good_name(name) or len(raw) != 1 + HASH_SIZE or raw[:1] != _ED25519:
            raise NoteInvalid("this is not an Ed25519 verifier key")
        verifier = cls(name, raw[1:])
        if verifier.key_id.hex() != key_id:
            raise NoteInvalid("a verifier key bears another key id than its own")
        return verifier

    def accepts(self, signature: bytes, text: str) -> bool:
        """True if this key made the 64-byte signature over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A private key under a name: what signs."""

    name: str
    private: Ed25519PrivateKey

    def __post_init__(self) -> None:
        if not _good_name(self.name):
            raise ValueError("a key name is not empty and bears no space and no plus")

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one log: those that sign, oldest first, and the public halves of those that signed before.

    One key signs; during a rotation two do, so that who knows only the old one and who knows only the new one can both
    check a checkpoint.
    """

    signing: tuple[Ed25519PrivateKey, ...]
    retired: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not self.signing:
            raise ValueError("a log has a key that signs")

    def signers(self, origin: str) -> list[NoteKey]:
        """What signs a checkpoint of this origin."""
        return [NoteKey(origin, key) for key in self.signing]

    def verifiers(self, origin: str) -> list[Verifier]:
        """Every key by which a checkpoint of this origin was ever signed: those that sign now come first."""
        return [signer.verifier for signer in self.signers(origin)] + [Verifier(origin, key) for key in self.retired]


@dataclass(frozen=True, slots=True)
class Note:
    """A note of which at least one trusted key signed the text; ``signers`` says which, ``lines`` how many signed."""

    text: str
    signers: tuple[Verifier, ...]
    lines: int


def sign(text: str, keys: Sequence[NoteKey]) -> str:
    """The note of this text with a signature line of each key. Ed25519 is deterministic: the same note every time."""
    if not text.endswith("\n") or _CONTROL.search(text) or not keys:
        raise ValueError("a note's text ends in a newline, bears no control character, and is signed")
    lines = [
        f"{_DASH}{k.name} {b64encode(k.verifier.key_id + k.private.sign(text.encode())).decode('ascii')}\n"
        for k in keys
    ]
    return text + "\n" + "".join(lines)


def _signature_line(line: str) -> tuple[str, bytes]:
    """Name, and key id with signature, of one signature line."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = base64_strict(encoded)
    except ValueError as error:
        raise NoteInvalid("a signature line does not end in base64") from error
    if not line.startswith(_DASH) or not _good_name(name) or len(raw) < 5:
        raise NoteInvalid("a signature line is malformed")
    return name, raw


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text and signature lines; the last empty line parts them."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n") or _CONTROL.search(note):
        raise NoteInvalid("this is not a signed note")
    signatures = lines[:-1].split("\n")
    if len(signatures) > _MAX_SIGNATURES:
        raise NoteInvalid("a note bears too many signatures")
    return text + "\n", [_signature_line(line) for line in signatures]


def open_note(note: str, verifiers: Sequence[Verifier]) -> Note:
    """Check a note against trusted keys. Unknown keys are ignored; one wrong signature of a trusted key rejects it all.

    Raises ``NoteInvalid``, also with no trusted key at all: an empty list trusts nobody.
    """
    if len(note) > _MAX_NOTE:
        raise NoteInvalid("a note is too long")
    text, signatures = _split(note)
    known = {(v.name, v.key_id): v for v in verifiers}
    signers: list[Verifier] = []
    for name, raw in signatures:
        verifier = known.get((name, raw[:4]))
        if verifier is None:
            continue
        if not verifier.accepts(raw[4:], text):
            raise NoteInvalid("a signature of a known key is wrong")
        if verifier not in signers:
            signers.append(verifier)
    if not signers:
        raise NoteInvalid("no known key signed this note")
    return Note(text, tuple(signers), len(signatures))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its origin, its number of leaves and the 32-byte root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text: three lines, no extensions."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """A checkpoint from a note text; extension lines are passed over. Raises ``NoteInvalid``."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteInvalid("a checkpoint has at least three lines, none empty")
        try:
            size, root = decimal(lines[1]), base64_strict(lines[2])
        except ValueError as error:
            raise NoteInvalid("a checkpoint's size or root is malformed") from error
        if len(root) != HASH_SIZE:
            raise NoteInvalid("a checkpoint's root is not 32 bytes")
        return cls(lines[0], size, root)


def open_checkpoint(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint in a note that a trusted key signed as the log itself: the key's name is the origin.

    Raises ``NoteInvalid``. A signature under another name (a witness, another log) does not make a checkpoint.
    """
    opened = open_note(note, verifiers)
    head = Checkpoint.parse(opened.text)
    if all(signer.name != head.origin for signer in opened.signers):
        raise NoteInvalid("the checkpoint is of another log than its signature")
    return head
