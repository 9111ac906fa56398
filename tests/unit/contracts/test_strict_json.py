"""Bad JSON is refused before anybody interprets it; what is accepted has one reading."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import strict_json
from contracts.errors import JsonInvalid

_BAD = {
    "nothing": b"",
    "not JSON": b"{a: 1}",
    "two values": b"{} {}",
    "trailing comma": b"[1,]",
    "not UTF-8": b'"\xff"',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"a": NaN}',
    "Infinity": b"[-Infinity]",
    "duplicate key": b'{"a": 1, "a": 1}',
    "duplicate key inside": b'[{"b": {"a": 1, "\\u0061": 2}}]',
    "lone high surrogate": b'"\\ud800"',
    "lone low surrogate": b'["\\uDC00x"]',
    "lone surrogate in a key": b'{"\\ud83d": 1}',
    "raw surrogate": b'"\xed\xa0\x80"',
    "NUL": b'"a\\u0000b"',
    "NUL in a key": b'{"a\\u0000": 1}',
    "raw NUL": b'"a\x00b"',
    "raw line break": b'"a\nb"',
    "number of 5,000 digits": b"1" * 5_000,
    "number beyond 2^53": b"9007199254740992",
    "fraction": b"[1.5]",
    "exponent": b"1e400",
    "65 deep": b"[" * 65 + b"]" * 65,
    "1,000 deep": b"[" * 1_000 + b"]" * 1_000,
    "1,000 objects deep": b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    "100,000 deep": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in _BAD.items()])
def test_bad_json_is_refused(raw: bytes) -> None:
    with pytest.raises(JsonInvalid) as caught:
        strict_json.loads(raw)
    assert caught.value.__cause__ is None  # a decoding error would repeat the input
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"\\ud83d\\ude00"', "\U0001f600"),  # a pair of surrogates is one sign
        (b'"\\\\u0000"', "\\u0000"),  # an escaped backslash, no NUL
        (b"9007199254740991", 2**53 - 1),
        (b"[" * 64 + b"]" * 64, None),
        (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),  # many brackets, not deep
    ],
)
def test_what_only_looks_bad_is_read(raw: bytes, value: object) -> None:
    assert value is None or strict_json.loads(raw) == value
    strict_json.loads(raw)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8", min_codepoint=1)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc\u00e9", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON, st.booleans())
def test_every_value_of_the_profile_comes_back(value: object, ascii_only: bool) -> None:
    assert strict_json.loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_json_invalid(raw: bytes) -> None:
    try:
        strict_json.loads(raw)
    except JsonInvalid:
        return
    json.loads(raw)  # what we take, others take


@given(_JSON)
def test_depth_counts_containers(value: object) -> None:
    def deep(item: object) -> int:
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else None
        return 0 if inner is None else 1 + max((deep(child) for child in inner), default=0)

    assert strict_json.depth(value) == deep(value)


def test_very_many_parts_are_refused_before_they_are_built() -> None:
    full = b"[" + b",".join([b'{"a":1}'] * 100_000) + b"]"
    assert len(strict_json.loads(full)) == 100_000
    with pytest.raises(JsonInvalid, match="onderdelen"):
        strict_json.loads(b"[" + b",".join([b"{}"] * 400_000) + b"]")
