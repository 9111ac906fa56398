"""Our canonical form is RFC 8785 for every value of the profile, and refuses what lies outside."""

import hashlib

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from contracts.canonical import canonical, sha256_hex

_KEYS = st.text(st.characters(max_codepoint=0x7F), max_size=6)
_PROFILE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(_PROFILE)
def test_equals_rfc_8785_byte_for_byte(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_digest_is_over_those_bytes() -> None:
    value = {"b": ["é", "\x7f", "\x1f", "\u2028"], "a": True}
    assert sha256_hex(value) == hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def test_tuples_are_arrays() -> None:
    assert canonical(("a", 1)) == b'["a",1]'


@pytest.mark.parametrize("value", [1.0, {"a": 1.5}, [float("nan")], 2**53, {"é": 1}, {1: 2}, {"a": b"x"}, {"a": {1}}])
def test_refuses_what_lies_outside_the_profile(value: object) -> None:
    with pytest.raises(ValueError, match=r"profiel|ASCII"):
        canonical(value)


def test_control_another_order_of_keys_would_be_seen() -> None:
    assert canonical({"b": 1, "a": 2}) == b'{"a":2,"b":1}' != b'{"b":1,"a":2}'
