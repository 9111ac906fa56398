"""One value, native text ⇄ canonical value. Pure; every refusal says what was expected and never what stood there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final


class ValueType(StrEnum):
    """The types a mapping can name."""

    TEXT = "tekst"
    INTEGER = "getal"
    DECIMAL = "decimaal"
    DATE = "datum"
    CODE = "code"
    LIST = "lijst"


class ValueRefused(Exception):
    """This text (or value) cannot be translated; ``code`` and ``reason`` never repeat it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ValueRule:
    """How one field is written by this partner. ``codes``: the partner's code -> ours; ``between``: splits a list."""

    type: ValueType
    date_format: str = "jjjj-mm-dd"
    decimal_mark: str = "."
    codes: Mapping[str, str] = field(default_factory=dict)
    between: str = "|"
    max_length: int = 2_000  # characters


#: What a token of a date format stands for. Two letters: always two digits; one letter: one or two.
_TOKENS: Final = {"jjjj": "(?P<y>[0-9]{4})", "mm": "(?P<m>[0-9]{2})", "dd": "(?P<d>[0-9]{2})"}
_SHORT: Final = {"m": "(?P<m>[0-9]{1,2})", "d": "(?P<d>[0-9]{1,2})"}
_FORMAT: Final = re.compile(r"jjjj|mm|dd|m|d|[-/. ]")
OUTER: Final = " \t\u00a0"  # what may stand around a value without belonging to it
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL: Final = re.compile(r"(-?(?:0|[1-9][0-9]{0,8}))(?:([.,])([0-9]{1,6}))?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@lru_cache(maxsize=64)
def date_pattern(date_format: str) -> re.Pattern[str]:
    """The pattern of a date format such as ``dd-mm-jjjj``. Raises ``ValueError`` when it lacks day, month or year."""
    tokens = _FORMAT.findall(date_format)
    if "".join(tokens) != date_format:
        raise ValueError("een datumvorm bestaat uit jjjj, mm of m, dd of d, en - / . of spatie")
    pattern = "".join({**_TOKENS, **_SHORT}.get(token, re.escape(token)) for token in tokens)
    if sorted(token[0] for token in tokens if token[0].isalpha()) != ["d", "j", "m"]:
        raise ValueError("een datumvorm noemt dag, maand en jaar elk één keer")
    return re.compile(pattern)


def to_canonical(text: str, rule: ValueRule) -> Any:
    """The canonical value of a native text that is not empty: str, int or list[str]. Raises ``ValueRefused``."""
    if len(text) > rule.max_length:
        raise ValueRefused("TE_LANG", f"langer dan {rule.max_length} tekens")
    if _CONTROL.search(text):
        raise ValueRefused("STUURTEKEN", "hier staat een onzichtbaar stuurteken (zoals NUL)")
    match rule.type:
        case ValueType.TEXT:
            return text
        case ValueType.INTEGER:
            if not _INTEGER.fullmatch(text):
                raise ValueRefused("GEEN_GETAL", "dit is geen heel getal")
            return int(text)
        case ValueType.DECIMAL:
            return _decimal_in(text, rule.decimal_mark)
        case ValueType.DATE:
            return _date_in(text, rule.date_format)
        case ValueType.CODE:
            return _code_in(text, rule.codes)
        case ValueType.LIST:
            items = [item.strip() for item in text.split(rule.between)]
            return [_code_in(item, rule.codes) if rule.codes else item for item in items if item]


def to_native(value: Any, rule: ValueRule) -> str:
    """The partner's text of a canonical value. Raises ``ValueRefused`` when the partner's form cannot hold it."""
    if isinstance(value, str) and _CONTROL.search(value):
        raise ValueRefused("STUURTEKEN", "hier staat een onzichtbaar stuurteken (zoals NUL)")
    match rule.type:
        case ValueType.INTEGER if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        case ValueType.TEXT if isinstance(value, str):
            return value
        case ValueType.DECIMAL if isinstance(value, str):
            return _decimal_out(value, rule.decimal_mark)
        case ValueType.DATE if isinstance(value, str):
            return _date_out(value, rule.date_format)
        case ValueType.CODE if isinstance(value, str):
            return _code_out(value, rule.codes)
        case ValueType.LIST if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return _list_out(list(value), rule)
    raise ValueRefused("PAST_NIET", f"dit veld kan hier niet als {rule.type} worden geschreven")


def _decimal_in(text: str, mark: str) -> str:
    found = _DECIMAL.fullmatch(text)
    if not found or (found[2] is not None and found[2] != mark):
        name = "komma" if mark == "," else "punt"
        raise ValueRefused("GEEN_DECIMAAL", f"dit is geen getal met een {name} (zonder scheiding van duizendtallen)")
    return found[1] if found[3] is None else f"{found[1]}.{found[3]}"


def _decimal_out(value: str, mark: str) -> str:
    found = _DECIMAL.fullmatch(value)
    if not found or found[2] == ",":
        raise ValueRefused("PAST_NIET", "dit is geen canoniek decimaal getal")
    return value.replace(".", mark)


def _date_in(text: str, date_format: str) -> str:
    found = date_pattern(date_format).fullmatch(text)
    try:
        if found is None or not 1900 <= int(found["y"]) <= 2200:
            raise ValueError
        return date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
    except ValueError:
        reason = f"dit is geen bestaande datum in de vorm {date_format}"
    raise ValueRefused("GEEN_DATUM", reason)


def _date_out(value: str, date_format: str) -> str:
    found = date_pattern("jjjj-mm-dd").fullmatch(value)
    if found is None:
        raise ValueRefused("PAST_NIET", "dit is geen canonieke datum")
    parts = {
        "jjjj": found["y"],
        "mm": found["m"],
        "dd": found["d"],
        "m": str(int(found["m"])),
        "d": str(int(found["d"])),
    }
    return "".join(parts.get(token, token) for token in _FORMAT.findall(date_format))


def _code_in(text: str, codes: Mapping[str, str]) -> str:
    if text not in codes:
        raise ValueRefused("CODE_ONBEKEND", "deze code staat niet in de vertaaltabel van de mapping")
    return codes[text]


def _code_out(value: str, codes: Mapping[str, str]) -> str:
    for theirs, ours in codes.items():  # the first one wins: several of their codes may mean one of ours
        if ours == value:
            return theirs
    raise ValueRefused("CODE_ONBEKEND", "deze code heeft geen vertaling in de mapping")


def _list_out(values: list[str], rule: ValueRule) -> str:
    items = [_code_out(item, rule.codes) if rule.codes else item for item in values]
    if any(rule.between in item or item != item.strip() or not item for item in items):
        raise ValueRefused("PAST_NIET", "een waarde bevat het teken dat de lijst scheidt")
    return rule.between.join(items)
