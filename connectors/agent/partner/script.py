"""A script: who the partner is, and its turns of named steps, in order. Data only; what a step does stands in ``play``.

{"naam": …, "organisatie": <oin>, "systeem": <client id>, "scopes": […],
 "bekend": {"<name>": <value>},                what it knows beforehand, such as the OIN of a partner
 "altijd": {"<doe>": {…}},                    what every step of that kind also says
 "beurten": {"<beurt>": [{"stap": <sentence>, "doe": <what>, …, "verwacht": {…}, "bewaar": {<name>: <path>}}]}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ScriptFaulty(Exception):
    """The script does not hold what was asked of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``told``: its arguments; ``expected``: what must be seen; ``keep``: name → path in what was seen."""

    name: str
    act: str
    told: Mapping[str, Any]
    expected: Mapping[str, Any] | None
    keep: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Script:
    """Everything a partner knows beforehand."""

    name: str
    organisation: str
    system: str
    scopes: tuple[str, ...]
    known: Mapping[str, Any]
    turns: Mapping[str, tuple[Step, ...]]

    def turn(self, name: str) -> tuple[Step, ...]:
        """The steps of a turn. Raises ``ScriptFaulty``."""
        if name not in self.turns:
            raise ScriptFaulty(f"in het script van {self.name} staat geen beurt «{name}»")
        return self.turns[name]


def read_script(path: Path) -> Script:
    """The script in a file. Raises ``ScriptFaulty``, and ``OSError`` where there is none."""
    try:
        raw = json.loads(path.read_bytes())
        always = raw.get("altijd", {})
        turns = {name: tuple(_step(each, always) for each in steps) for name, steps in raw["beurten"].items()}
        who = (raw["naam"], raw["organisatie"], raw["systeem"], tuple(raw["scopes"]))
        return Script(*who, known=raw.get("bekend", {}), turns=turns)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScriptFaulty(f"{path.name}: dit is geen script ({type(error).__name__}: {error})") from error


def _step(raw: Mapping[str, Any], always: Mapping[str, Any]) -> Step:
    own = {name: value for name, value in raw.items() if name not in ("stap", "doe", "verwacht", "bewaar")}
    return Step(raw["stap"], raw["doe"], always.get(raw["doe"], {}) | own, raw.get("verwacht"), raw.get("bewaar", {}))
