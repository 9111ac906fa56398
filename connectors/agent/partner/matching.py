"""Comparing what was seen with what a script expects. A script names what it cares about; more may be there. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

ANYTHING: Final = "*"


def differences(expected: Any, seen: Any, place: str = "") -> list[str]:
    """In what ``seen`` differs: of an object every named member counts, of a list each item in order, and no more."""
    if expected == ANYTHING and seen is not None:
        return []
    if isinstance(expected, Mapping) and isinstance(seen, Mapping):
        return [
            difference
            for name, each in expected.items()
            for difference in differences(each, seen.get(name), f"{place}.{name}" if place else name)
        ]
    if isinstance(expected, list) and isinstance(seen, Sequence) and not isinstance(seen, str):
        if len(expected) != len(seen):
            return [f"{place}: verwacht {len(expected)}, gezien {len(seen)}: {_short(seen)}"]
        pairs = enumerate(zip(expected, seen, strict=True))
        return [d for at, (one, other) in pairs for d in differences(one, other, f"{place}[{at}]")]
    return [] if expected == seen else [f"{place}: verwacht {_short(expected)}, gezien {_short(seen)}"]


def at_path(value: Any, path: str) -> Any:
    """What stands at ``data.kandidaat.bsn`` or ``besluiten.0.code``; ``None`` where there is nothing."""
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _short(value: Any) -> str:
    text = "niets" if value is None else str(value)
    return text if len(text) <= 160 else f"{text[:160]}…"
