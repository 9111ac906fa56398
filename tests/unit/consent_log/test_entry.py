"""An entry opens for its own key, id and bytes and for nothing else."""

import hmac
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from consent.log.entry import EntryUnreadable, Sealed, commit, opening, seal, unseal

KEY = bytes(range(32))
ID = "0192f000-0000-7000-8000-000000000001"
PAYLOAD = b'{"soort":"besluit","v":1}'


def _expand(info: str) -> bytes:
    return HKDFExpand(hashes.SHA256(), 32, info.encode()).derive(KEY)


def test_the_formulas_by_another_implementation() -> None:
    sealed = seal(KEY, ID, PAYLOAD)
    r = _expand(f"open/{ID}")
    assert opening(KEY, ID) == r
    assert sealed.commitment == hmac.new(r, b"consent-ledger/v1\n" + PAYLOAD, sha256).digest() == commit(r, PAYLOAD)
    assert AESGCM(_expand(f"enc/{ID}")).decrypt(sealed.nonce, sealed.ciphertext, ID.encode()) == PAYLOAD


@given(st.binary(max_size=400))
def test_what_is_sealed_opens(payload: bytes) -> None:
    assert unseal(KEY, ID, seal(KEY, ID, payload)) == payload


def test_every_changed_byte_is_found() -> None:
    sealed = seal(KEY, ID, PAYLOAD)
    fields = {"commitment": sealed.commitment, "nonce": sealed.nonce, "ciphertext": sealed.ciphertext}
    for name, raw in fields.items():
        for at in range(len(raw)):
            changed = fields | {name: raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]}
            with pytest.raises(EntryUnreadable):
                unseal(KEY, ID, Sealed(**changed))
    for at in range(len(KEY)):
        with pytest.raises(EntryUnreadable):
            unseal(KEY[:at] + bytes([KEY[at] ^ 1]) + KEY[at + 1 :], ID, sealed)
    for at in range(len(ID)):
        with pytest.raises(EntryUnreadable):
            unseal(KEY, ID[:at] + chr(ord(ID[at]) ^ 1) + ID[at + 1 :], sealed)


@pytest.mark.parametrize("nonce", [b"", bytes(7), bytes(129)])
def test_a_nonce_of_another_length_is_unreadable(nonce: bytes) -> None:
    sealed = seal(KEY, ID, PAYLOAD)
    with pytest.raises(EntryUnreadable):
        unseal(KEY, ID, Sealed(sealed.commitment, nonce, sealed.ciphertext))


def test_equal_payloads_tell_nothing_of_each_other() -> None:
    here, there = seal(KEY, ID, PAYLOAD), seal(KEY, ID[:-1] + "2", PAYLOAD)
    assert here.commitment != there.commitment
    assert here.ciphertext != there.ciphertext


def test_an_id_used_twice_never_meets_one_nonce_with_two_payloads() -> None:
    assert seal(KEY, ID, PAYLOAD).nonce != seal(KEY, ID, PAYLOAD + b" ").nonce


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(key, ID, PAYLOAD)
    with pytest.raises(ValueError, match="32 bytes"):
        unseal(key, ID, seal(KEY, ID, PAYLOAD))
