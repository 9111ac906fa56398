"""The partners: each a process of its own, told when its turn is. What one says is never passed on to another."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hub.demo.house import House
from hub.demo.processes import ProcessFailed, Start, Talker
from hub.demo.region import Region
from hub.demo.story import Beat

_START_SECONDS: Final = 60.0
_LONGEST_STEP: Final = 90.0  # seconds beside its patience: a partner tries again when the hub does not answer
#: A partner is honest when none of these is loaded in its process.
_FOREIGN: Final = frozenset({"hub", "consent", "sqlalchemy", "psycopg", "flask"})


@dataclass(slots=True)
class Cast:
    """All partners. ``base``: the hub's address; ``ports``: of webhook receivers; ``kept``: what each made known."""

    region: Region
    house: House
    base: str
    ports: Mapping[str, int]
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    _running: dict[str, Talker] = field(default_factory=dict)

    def begin(self, partner: str) -> None:
        """Start a partner's process; it knows the address, its folder, its script and its own port."""
        folder = self.house.partners / partner
        folder.mkdir(mode=0o700, exist_ok=True)
        script = self.region.script_file(partner).resolve()
        settings: dict[str, Any] = {"basis": self.base, "map": str(folder), "script": str(script)}
        settings |= {"haven": self.ports[partner]} if partner in self.ports else {}
        place = folder / "instellingen.json"
        place.write_text(json.dumps(settings, indent=2), "utf-8")
        command = ["-m", "connectors.agent.partner", str(place)]
        log = self.house.logs / f"{partner}.log"
        self.kept.setdefault(partner, {})
        self._running[partner] = Talker(Start(self.region.name_of(partner), command, {}, log, self.house.lock))

    def greet(self, partner: str) -> list[str]:
        """Wait until a partner is ready; what is dishonest about it. Raises ``ProcessFailed``."""
        loaded = self._running[partner].hear(_START_SECONDS).get("pakketten", ["?"])
        foreign = sorted(_FOREIGN & set(loaded))
        return [f"{self.region.name_of(partner)} heeft {', '.join(foreign)} geladen"] if foreign else []

    def stop(self, partner: str) -> None:
        """End a partner's process, if it runs."""
        running = self._running.pop(partner, None)
        if running is not None:
            running.stop()

    def stop_all(self) -> None:
        """End every partner."""
        for partner in list(self._running):
            self.stop(partner)

    def turn(self, partner: str, turn: str, patience: float) -> Iterator[Beat]:
        """Let a partner take its turn; each of its steps as it is done."""
        who = self.region.name_of(partner)
        try:
            talker = self._running.get(partner)
            if talker is None:
                raise ProcessFailed(f"{who} doet niet mee")
            talker.say({"beurt": turn, "geduld": patience})
            while "klaar" not in (line := talker.hear(patience + _LONGEST_STEP)):
                self.kept[partner] |= line["bewaard"]
                yield Beat(who, line["stap"], tuple(line["verschillen"]), line["gezien"])
        except ProcessFailed as failed:
            self.stop(partner)
            yield Beat(who, turn, (str(failed),))
