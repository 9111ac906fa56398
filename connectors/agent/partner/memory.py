"""What a partner remembers by name: its own kandidaatRefs, the ids that the hub gave it, its webhook secret.

A text ``${name}`` in a script stands for a remembered value. Always known: ``${nu}`` (this instant), ``${vandaag}`` and
``${over een jaar}`` (the latest end of a statement given now).
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

_NAME: Final = re.compile(r"\$\{([^}]*)\}")
_YEAR: Final = timedelta(days=365)


class NotKnown(Exception):
    """A script speaks of a value that has not come up."""


class Memory:
    """Named values in a file of the partner's own (0600), so that it knows them again after a restart."""

    def __init__(self, place: Path, clock: Callable[[], float], known: Mapping[str, Any]) -> None:
        self._place = place
        self._known = known
        self._clock = clock
        self._values: dict[str, Any] = json.loads(place.read_bytes()) if place.exists() else {}

    def get(self, name: str) -> Any:
        """A value, or ``None``."""
        return self._values.get(name)

    def keep(self, values: Mapping[str, Any]) -> None:
        """Remember these; on disk when this returns."""
        if not values:
            return
        self._values |= values
        part = self._place.with_suffix(".part")
        descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            json.dump(self._values, target, ensure_ascii=False)
        part.replace(self._place)

    def today(self) -> datetime:
        """Now, in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def fill(self, value: Any) -> Any:
        """The value with every ``${name}`` in it replaced. Raises ``NotKnown``."""
        if isinstance(value, Mapping):
            return {name: self.fill(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if not isinstance(value, str):
            return value
        whole = _NAME.fullmatch(value)
        return self._look_up(whole[1]) if whole else _NAME.sub(lambda found: str(self._look_up(found[1])), value)

    def _look_up(self, name: str) -> Any:
        now = self.today()
        always = {
            "nu": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "vandaag": now.date().isoformat(),
            "over een jaar": (now + _YEAR).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        if name in always or name in self._known:
            return always.get(name, self._known.get(name))
        if name not in self._values:
            raise NotKnown(f"«{name}» is nog niet bekend: de stap waaruit dit moest komen, is niet gelukt")
        return self._values[name]
