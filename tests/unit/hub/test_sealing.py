"""What lies sealed opens only with its own key, in its own place, unchanged."""

import os

import pytest

from hub.keys.sealing import SealBroken, seal, unseal

KEY = bytes(range(32))


def test_opens_to_the_same_bytes() -> None:
    assert (
        unseal(KEY, seal(KEY, b"lokaal nummer", b"local_number/1", os.urandom), b"local_number/1") == b"lokaal nummer"
    )


def test_shows_nothing_and_never_twice_the_same() -> None:
    first, second = (seal(KEY, b"lokaal nummer", b"a", os.urandom) for _ in range(2))
    assert first != second
    assert b"lokaal" not in first


@pytest.mark.parametrize("at", [0, 11, 12, -1])
def test_a_changed_byte_does_not_open(at: int) -> None:
    sealed = bytearray(seal(KEY, b"lokaal nummer", b"a", os.urandom))
    sealed[at] ^= 1
    with pytest.raises(SealBroken):
        unseal(KEY, bytes(sealed), b"a")


def test_does_not_open_elsewhere_or_with_another_key_or_cut_off() -> None:
    sealed = seal(KEY, b"lokaal nummer", b"a", os.urandom)
    for key, value, place in (
        (KEY, sealed, b"b"),
        (bytes(32), sealed, b"a"),
        (KEY, sealed[:27], b"a"),
        (b"", sealed, b"a"),
    ):
        with pytest.raises(SealBroken):
            unseal(key, value, place)


def test_refuses_a_short_key_or_a_broken_source_of_randomness() -> None:
    for key, random in ((bytes(16), os.urandom), (KEY, lambda n: b"")):
        with pytest.raises(ValueError, match="32"):
            seal(key, b"x", b"a", random)
