"""Sealing of values at rest: AES-256-GCM, stored as nonce ‖ ciphertext ‖ tag (NIST SP 800-38D).

The associated data names the place where the value lies (table, row): a sealed value cannot be moved to another.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.ports import Random

KEY_SIZE: Final = 32  # bytes
_NONCE_SIZE: Final = 12  # bytes
_TAG_SIZE: Final = 16  # bytes


class SealBroken(ValueError):
    """This key, place and value do not belong together: something was changed or moved, or it is another key."""


def seal(key: bytes, plaintext: bytes, aad: bytes, random: Random) -> bytes:
    """Seal ``plaintext`` for the place ``aad``. ``key`` is 32 bytes, for at most 2^32 values."""
    nonce = random(_NONCE_SIZE)
    if len(key) != KEY_SIZE or len(nonce) != _NONCE_SIZE:
        raise ValueError("sealing needs a key of 32 and a nonce of 12 bytes")
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """The exact plaintext. Raises ``SealBroken`` if a byte of key, place or value differs from what was sealed."""
    if len(key) != KEY_SIZE or len(sealed) < _NONCE_SIZE + _TAG_SIZE:
        raise SealBroken("the value does not open")
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], aad)
    except InvalidTag as error:
        raise SealBroken("the value does not open") from error
