"""An entry of the evidence log: a 32-byte commitment that hides what it binds, and the payload sealed beside it.

    r          = HKDF-Expand(key, "open/" || entry id)              the opening
    commitment = HMAC-SHA256(r, "consent-ledger/v1\\n" || payload)   the leaf's data: all that the tree ever holds
    ciphertext = AES-256-GCM(HKDF-Expand(key, "enc/" || entry id), payload, AAD = entry id)

Destroying ``key`` makes both the opening and the payload impossible, while every proof of the leaf still verifies
(AVG art. 17 beside art. 5(2)). ``key`` is 32 uniformly random bytes, so HKDF's extract step is not needed (RFC 5869
§3.3).
"""

import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_DOMAIN: Final = b"consent-ledger/v1\n"
_NONCE_SIZE: Final = 12  # bytes, AES-GCM
KEY_SIZE: Final = 32  # bytes


class EntryUnreadable(ValueError):
    """This payload, key and commitment do not belong together: something was changed, or it is another key."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One entry as it is stored: 32-byte commitment, 12-byte nonce, ciphertext with its 16-byte tag."""

    commitment: bytes
    nonce: bytes
    ciphertext: bytes


def _expand(key: bytes, purpose: str, entry_id: str) -> bytes:
    """HKDF-Expand with SHA-256 for exactly one block of 32 bytes (RFC 5869 §2.3)."""
    return hmac.digest(key, f"{purpose}/{entry_id}".encode() + b"\x01", "sha256")


def _check_key(key: bytes) -> None:
    if len(key) != KEY_SIZE:
        raise ValueError("a key of the evidence log is 32 bytes")


def opening(key: bytes, entry_id: str) -> bytes:
    """The 32-byte opening ``r`` of one entry. Whoever holds it can show the payload, and no other entry."""
    _check_key(key)
    return _expand(key, "open", entry_id)


def commit(opening_: bytes, payload: bytes) -> bytes:
    """The 32-byte commitment to the exact bytes of a payload."""
    return hmac.digest(opening_, _DOMAIN + payload, "sha256")


def seal(key: bytes, entry_id: str, payload: bytes) -> Sealed:
    """Commit to the payload and seal it.

    The AES key serves this entry alone, and the nonce is the head of the commitment, a keyed function of the payload:
    even an entry id that is used twice never meets one nonce with two payloads. So no randomness is needed here.
    """
    commitment = commit(opening(key, entry_id), payload)
    nonce = commitment[:_NONCE_SIZE]
    ciphertext = AESGCM(_expand(key, "enc", entry_id)).encrypt(nonce, payload, entry_id.encode())
    return Sealed(commitment, nonce, ciphertext)


def unseal(key: bytes, entry_id: str, sealed: Sealed) -> bytes:
    """The exact payload bytes. Raises ``EntryUnreadable`` if any byte of key, id or entry is not what was sealed."""
    _check_key(key)
    try:
        payload = AESGCM(_expand(key, "enc", entry_id)).decrypt(sealed.nonce, sealed.ciphertext, entry_id.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: a nonce of an impossible length
        raise EntryUnreadable("the payload does not open") from error
    if not hmac.compare_digest(commit(opening(key, entry_id), payload), sealed.commitment):
        raise EntryUnreadable("the payload does not open its commitment")
    return payload
