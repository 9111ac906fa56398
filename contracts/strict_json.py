"""JSON as strictly as a signed exchange needs it (RFC 8259, I-JSON RFC 7493): one reading, or none.

Two readers must never understand one text differently, so everything on which JSON readers differ is refused:
duplicate keys, lone surrogates, NaN and Infinity, numbers beyond 2^53, deep nesting, a byte order mark. So is a text of
very many, nearly empty parts.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from contracts.errors import JsonInvalid

MAX_DEPTH: Final = 64  # levels of objects and arrays together
#: Objects, arrays and commas in one text: what a full batch needs several times over. Counted before anything is built,
#: because 16 MiB of nearly empty values would cost hundreds of megabytes.
MAX_PARTS: Final = 400_000
MAX_INTEGER: Final = 2**53 - 1  # RFC 7493 §2.2

_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_NUL_ESCAPE: Final = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Document:
    """What was read; ``fractions`` is true when a number had a point or an exponent (our profile has none)."""

    value: Any
    fractions: bool


def loads(raw: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """The value of ``raw``; raises :class:`JsonInvalid`, also for a number that is not whole (api: no floats)."""
    document = parse(raw, max_depth)
    if document.fractions:
        raise JsonInvalid("Een getal met een komma of exponent kan niet: schrijf een decimaal getal als tekst")
    return document.value


def parse(raw: bytes, max_depth: int = MAX_DEPTH) -> Document:
    """Like :func:`loads`, but lets the caller name the field that holds a fraction."""
    if raw.count(b"{") + raw.count(b"[") + raw.count(b",") > MAX_PARTS:
        raise JsonInvalid("De JSON heeft te veel onderdelen")
    fractions: list[bool] = []

    def fraction(text: str) -> float:
        fractions.append(True)
        return float(text)

    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=fraction, parse_int=_integer, parse_constant=_constant
        )
    except UnicodeDecodeError:
        raise JsonInvalid("De tekst is geen UTF-8") from None
    except RecursionError:
        raise JsonInvalid("De JSON is te diep genest") from None
    except ValueError:  # json.JSONDecodeError among them; its text would repeat a part of the input
        raise JsonInvalid from None
    _check(raw, value, max_depth)
    return Document(value, bool(fractions))


def depth(value: Any) -> int:
    """How many containers lie inside each other; 0 for a scalar. Iterative: no input can exhaust the stack."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, (dict, list))]:
        deepest += 1
        level = [child for item in level for child in _children(item)]
    return deepest


def _check(raw: bytes, value: Any, max_depth: int) -> None:
    # No text can nest deeper than it has brackets, so most messages need no walk.
    if raw.count(b"{") + raw.count(b"[") > max_depth and depth(value) > max_depth:
        raise JsonInvalid("De JSON is te diep genest")
    if _NUL_ESCAPE in raw or _SURROGATE_ESCAPE.search(raw):
        for text in _texts(value):
            if "\x00" in text:
                raise JsonInvalid("Een tekst bevat het teken NUL")
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise JsonInvalid("Een tekst bevat een half Unicode-teken")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonInvalid("Een sleutel komt twee keer voor in hetzelfde object")
    return members


def _integer(text: str) -> int:
    if len(text) > 17 or not -MAX_INTEGER <= (number := int(text)) <= MAX_INTEGER:
        raise JsonInvalid("Een getal is te groot")
    return number


def _constant(_text: str) -> NoReturn:
    raise JsonInvalid("NaN en Infinity zijn geen JSON")


def _children(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _texts(value: Any) -> Iterable[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
