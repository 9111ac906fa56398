"""One byte string per value: RFC 8785 (JCS) for our profile, in which it is sorted ``json.dumps``.

The profile: text, booleans, null, whole numbers below 2^53, arrays, and objects with ASCII keys. For ASCII keys the
order by code point equals JCS's order by UTF-16 unit, and without floats there is no number format to argue about.
"""

import hashlib
import json
from typing import Any, Final

_MAX_INTEGER: Final = 2**53 - 1
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of ``value``; raises ``ValueError`` for what lies outside the profile (never repeats it)."""
    _check(value)
    return _ENCODER.encode(value).encode("utf-8")


def sha256_hex(value: Any) -> str:
    """SHA-256 over :func:`canonical`, 64 hexadecimal characters."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _check(value: Any) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) or item is None or item is True or item is False:
            continue
        if isinstance(item, dict):
            if not _ascii_keys(item):
                raise ValueError("een sleutel is geen ASCII-tekst")
            waiting += [inner for inner in item.values() if type(inner) is not str]
        elif isinstance(item, (list, tuple)):
            waiting += item
        elif not isinstance(item, int):
            raise ValueError("een waarde past niet in het JSON-profiel: geen breuken, alleen JSON-typen")
        elif not -_MAX_INTEGER <= item <= _MAX_INTEGER:
            raise ValueError("een getal is te groot voor het JSON-profiel")


def _ascii_keys(members: dict[Any, Any]) -> bool:
    try:
        return "".join(members).isascii()
    except TypeError:  # a key that is no text
        return False
