"""Lists in pages: ``{items, volgende}`` with an opaque keyset cursor. A page costs the same wherever it lies."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from marshmallow import Schema, fields

from hub.intake.problems import invalid
from hub.intake.schemas import Whole

MOST: Final = 100
_CURSOR_LENGTH: Final = 400

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: at most ``limit`` rows with a key after ``after`` (empty: from the start)."""

    limit: int
    after: tuple[str, ...] = ()


def cursor(key: Sequence[str]) -> str:
    """The cursor that stands behind the row with this key."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).rstrip(b"=").decode()


class Cursor(fields.Field[tuple[str, ...]]):
    """A cursor as given out before; anything else is refused. It only says where to go on, never what may be seen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "maxLength": _CURSOR_LENGTH}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        try:
            key = json.loads(base64.b64decode(f"{value}{'=' * (-len(value) % 4)}", altchars=b"-_", validate=True))
            if len(value) <= _CURSOR_LENGTH and isinstance(key, list) and key and all(map(_text, key)):
                return tuple(key)
        except (binascii.Error, ValueError, RecursionError):
            pass  # told below
        raise invalid("GEEN_CURSOR", "dit is geen waarde van volgende")


def _within(value: int) -> None:
    if not 1 <= value <= MOST:
        raise invalid("BEREIK", f"hier hoort een getal van 1 tot en met {MOST}")


def _text(part: object) -> bool:
    """NUL and half characters are in no key, and not every database takes them."""
    return isinstance(part, str) and part.isprintable()


class PageQuery(Schema):
    """``limiet`` and ``volgende`` of every list."""

    limiet = Whole(load_default=MOST, validate=_within, metadata={"minimum": 1, "maximum": MOST})
    volgende = Cursor()


def page(query: Mapping[str, Any]) -> Page:
    """The page that a loaded ``PageQuery`` asks for."""
    return Page(query["limiet"], query.get("volgende", ()))


def paged(rows: Sequence[Row], asked: Page, key: Callable[[Row], Sequence[str]]) -> dict[str, Any]:
    """The answer, from one row more than was asked for: that one tells whether there is a next page."""
    items = list(rows[: asked.limit])
    more = len(rows) > asked.limit
    return {"items": items, "volgende": cursor(key(items[-1])) if more else None}


def cut(rows: Sequence[Row], asked: Page, key: Callable[[Row], Sequence[str]]) -> dict[str, Any]:
    """The answer from a whole list that is in order of ``key``."""
    after = [row for row in rows if not asked.after or tuple(key(row)) > asked.after]
    return paged(after[: asked.limit + 1], asked, key)
