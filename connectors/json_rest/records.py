"""A platform's JSON objects ⇄ flat records of texts with dotted names. Pure.

Texts stay texts, whole numbers and lists of texts become text and turn back by the type that the mapping declares.
Decimals are texts on both sides: a JSON number with a fraction has no exact form and is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.mapped.mapping import Layout
from connectors.mapped.values import OUTER, ValueType

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


@dataclass(slots=True)
class Flat:
    """The leaves of one object: the texts that the mapping carries, those it cannot read, and the names of the rest."""

    texts: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def flatten(item: Mapping[str, Any], made: Layout) -> Flat:
    """Take an object apart. A name from outside is repeated only when it looks like the name of a field."""
    flat = Flat()
    between = {rule.native: rule.value.between for rule in made.fields if rule.value.type is ValueType.LIST}
    known = frozenset(made.native_names) | made.ignored
    _walk(item, "", known, between, flat)
    return flat


def _walk(item: Mapping[str, Any], prefix: str, known: frozenset[str], between: Mapping[str, str], flat: Flat) -> None:
    for key, value in item.items():
        name = f"{prefix}.{key}" if prefix else key
        if name in known:
            text = _text(value, between.get(name))
            if text is None:
                flat.refused.append(name)
            else:
                flat.texts[name] = text
        elif isinstance(value, Mapping) and any(other.startswith(f"{name}.") for other in known):
            _walk(value, name, known, between, flat)
        else:
            flat.unknown.append(name if all(_NAME.fullmatch(part) for part in name.split(".")) else "een onbekend veld")


def _text(value: Any, between: str | None) -> str | None:
    """The text of a leaf; an empty one for null; ``None`` when it has no text form."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip(OUTER)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if between is not None and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return None if any(between in part for part in value) else between.join(value)
    return None


def unflatten(record: Mapping[str, str], made: Layout) -> dict[str, Any]:
    """The object of a record; empty texts are left out."""
    types = {rule.native: rule.value for rule in made.fields}
    item: dict[str, Any] = {}
    for name in made.native_names:
        text = record[name]
        if not text:
            continue
        rule = types.get(name)
        value: Any = text
        if rule is not None and rule.type is ValueType.INTEGER:
            value = int(text)
        elif rule is not None and rule.type is ValueType.LIST:
            value = text.split(rule.between)
        *path, last = name.split(".")
        inner = item
        for key in path:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return item
