"""Writing a receipt in one of its two forms, and reading one back: a receipt holds if it is what its evidence writes.

Pure. Every byte of a receipt follows from its evidence, so checking it is writing it again: nothing in it is without
meaning, and nothing can be changed but by changing the evidence, which the log proves.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from consent.receipt.account import Account
from consent.receipt.account import read as read_account
from consent.receipt.dpv import document
from consent.receipt.evidence import Evidence, ReceiptInvalid, parse
from consent.receipt.letter import CLOSES, OPENS, letter
from contracts.errors import JsonInvalid
from contracts.strict_json import loads

DPV, LETTER = "dpv", "brief"
_WRITERS: Final[Mapping[str, Callable[[Account, Evidence], bytes]]] = {DPV: document, LETTER: letter}
_DATA: Final = re.compile(re.escape(OPENS) + "(.*)" + re.escape(CLOSES))


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that says what its evidence says. Whether the log holds that evidence is not known yet."""

    form: str
    evidence: Evidence
    account: Account


def write(form: str, evidence: Evidence) -> bytes:
    """The receipt in this form (`formaat`). Raises ``ReceiptInvalid`` for evidence that is not of a statement."""
    return _write(form, read_account(evidence), evidence)


def _write(form: str, account: Account, evidence: Evidence) -> bytes:
    try:
        return _WRITERS[form](account, evidence)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReceiptInvalid("bewijs", "een vermelding bevat iets dat de controle niet kent") from error


def is_receipt(raw: bytes) -> bool:
    """Whether a file means to be a receipt of a statement, whole or not."""
    return raw.lstrip()[:1] == b"<" or b"urn:doorstroomhub:toestemmingsbewijs:" in raw


def read(raw: bytes) -> Receipt:
    """A receipt from its file. Raises ``ReceiptInvalid`` with the place where it differs from its evidence."""
    form = LETTER if raw[:1] == b"<" else DPV
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReceiptInvalid("toestemmingsbewijs", "het is geen tekst") from error
    evidence = parse(_loads(_data_of(text)) if form == LETTER else _evidence_of(text))
    account = read_account(evidence)
    expected = _write(form, account, evidence)
    if raw != expected:
        raise ReceiptInvalid(_difference(form, raw, expected), "hier staat iets anders dan in het logboek")
    return Receipt(form, evidence, account)


def _data_of(page: str) -> str:
    found = _DATA.findall(page)
    if len(found) != 1:
        raise ReceiptInvalid("bewijs", "het deel `bewijs` ontbreekt of is niet heel")
    return str(found[0])


def _evidence_of(text: str) -> Any:
    value = _loads(text)
    if not isinstance(value, dict):
        raise ReceiptInvalid("toestemmingsbewijs", "het is geen toestemmingsbewijs")
    return value.get("bewijs")


def _loads(text: str) -> Any:
    try:
        return loads(text.encode())
    except JsonInvalid as error:
        raise ReceiptInvalid("toestemmingsbewijs", "het is geen geldige JSON") from error


def _difference(form: str, raw: bytes, expected: bytes) -> str:
    """Where the two part: a member of the JSON, or a line."""
    if form == DPV:
        path = _path(_loads(raw.decode()), _loads(expected.decode()))
        if path is not None:
            return path
    lines = zip(raw.split(b"\n"), expected.split(b"\n"), strict=False)
    shorter = min(raw.count(b"\n"), expected.count(b"\n")) + 1
    return f"regel {next((at for at, (mine, theirs) in enumerate(lines, 1) if mine != theirs), shorter)}"


def _path(mine: Any, theirs: Any, at: str = "") -> str | None:
    """The member at which two JSON values part; ``None``: they are equal, and only their layout differs."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for name in (*theirs, *mine):
            found = _path(mine.get(name), theirs.get(name), f"{at}.{name}" if at else name)
            if found is not None or (name in mine) != (name in theirs):
                return found or f"{at}.{name}"
        return None
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        each = (_path(one, other, f"{at}[{i}]") for i, (one, other) in enumerate(zip(mine, theirs, strict=True)))
        return next((found for found in each if found is not None), None)
    return None if mine == theirs else at or "toestemmingsbewijs"
