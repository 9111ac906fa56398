"""Which leaves of the log an answer of the hub names, and where it says that they stand."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from consent.log.note import decimal
from consent.receipt.letter import OPENS

#: What ``verklaring`` says in a statement of destruction, after a wissing or of a month.
DESTRUCTION: Final = "vernietigingsverklaring"
#: How its letter begins. Only so it is known: whatever else is a page is looked at as the letter of a receipt.
DESTRUCTION_LETTER: Final = (
    '<!DOCTYPE html><html lang="nl"><head><meta charset="utf-8"><title>Verklaring van vernietiging</title>'
)
_LEAF: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Named:
    """A leaf; and in which log at which index, where the answer says so (a receipt is given before there is one)."""

    leaf: bytes
    index: int | None = None
    origin: str | None = None


def read_receipt(raw: bytes) -> dict[str, Any]:
    """A receipt from its file. Raises ``ValueError`` for what is not one JSON object without doubles and fractions."""
    text = raw.decode("utf-8")
    value = json.loads(text, object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError("a receipt is an object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def _refuse(_text: str) -> Any:
    raise ValueError("not a number of the profile")


def named_leaves(answer: Mapping[str, Any]) -> list[Named]:
    """Every leaf that a signed answer names: a receipt, an answer with one or a batch of them, or a statement of
    destruction. Raises ``ValueError`` for one that is malformed."""
    try:
        return [*_destroyed(answer), *map(Named, _received(answer))]
    except (KeyError, TypeError) as error:
        raise ValueError("a leaf is malformed") from error


def leaf_hashes(answer: Mapping[str, Any]) -> list[bytes]:
    """Every ``bladHash`` (64 hex digits) of a signed answer. Raises ``ValueError`` for one that is malformed."""
    return [one.leaf for one in named_leaves(answer)]


def is_destruction_letter(raw: bytes) -> bool:
    """Whether a file is the letter of a statement of destruction: it holds nothing that a machine can check."""
    return raw.lstrip().startswith(DESTRUCTION_LETTER.encode()) and OPENS.encode() not in raw


def _received(answer: Mapping[str, Any]) -> list[bytes]:
    results = answer.get("resultaten")
    answers = [answer, *(results if isinstance(results, list) else [])]
    parts = [answer, *(one.get("ontvangstbewijs") for one in answers if isinstance(one, dict))]
    return [_leaf(part) for part in parts if isinstance(part, dict) and "bladHash" in part]


def _destroyed(answer: Mapping[str, Any]) -> list[Named]:
    if answer.get("verklaring") != DESTRUCTION:
        return []
    if "logboek" in answer:  # after a wissing: the one entry that tells of it
        return [_placed(answer["logboek"], answer["logboek"]["oorsprong"])]
    return [_placed(entry, answer["oorsprong"]) for entry in answer["vermeldingen"]]  # of a month: each that does


def _placed(part: Mapping[str, Any], origin: Any) -> Named:
    if not isinstance(origin, str):
        raise TypeError("a log has a name")
    return Named(_leaf(part), decimal(part["vermelding"]), origin)


def _leaf(part: Mapping[str, Any]) -> bytes:
    written = part["bladHash"]
    if not _LEAF.fullmatch(written):  # one spelling only: no byte of it may change unseen
        raise ValueError("a leaf hash is 64 hex digits")
    return bytes.fromhex(written)
