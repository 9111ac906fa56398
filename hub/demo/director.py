"""The director: a folder, the hub, the operators, the partners; then the story, turn by turn."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Protocol

from hub.demo import checks
from hub.demo.cast import Cast
from hub.demo.house import House
from hub.demo.operator import commands
from hub.demo.processes import Child, ProcessFailed, Start, Talker, free_ports
from hub.demo.region import Region, Turn
from hub.demo.story import Beat, Ending, Told

_READY_SECONDS: Final = 60.0
_COMMAND_SECONDS: Final = 60.0
_PATIENCE: Final = 30.0  # seconds that a step waits for what must come
#: The same once something went wrong, halved with each thing more: what must come may never come.
_HURRY: Final = 16.0
_SHORTEST: Final = 1.0


class Listener(Protocol):
    """Hears the story while it is told."""

    def chapter(self, title: str) -> None:
        """A chapter begins."""

    def beat(self, beat: Beat) -> None:
        """Something was done."""


@dataclass(slots=True)
class Director:
    """Plays one region in one house. A context manager: whatever still runs is ended when it is left."""

    region: Region
    house: House
    listener: Listener
    _ports: dict[str, int] = field(default_factory=dict)
    _told: list[Told] = field(default_factory=list)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Director":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def play(self) -> Ending:
        """The whole story. Afterwards the partners are gone and the hub runs on, until the director is left.

        Raises ``ProcessFailed`` when the region cannot even be set up.
        """
        began = time.monotonic()
        self.house.clear()
        webhooks = self.region.setup.get("webhooks", [])
        self._ports = dict(zip(("hub", "metrics", *webhooks), free_ports(2 + len(webhooks)), strict=True))
        base = f"http://127.0.0.1:{self._ports['hub']}"
        cast = Cast(self.region, self.house, base, {name: self._ports[name] for name in webhooks})
        self._open.callback(cast.stop_all)
        self._chapter("De regio staat klaar")
        self._set_up(cast)
        for chapter in self.region.chapters:
            self._chapter(chapter.title)
            for turn in chapter.turns:
                for beat in self._turn(cast, turn):
                    self._note(beat)
        cast.stop_all()
        return Ending(self._told, base, str(self.house.folder), time.monotonic() - began)

    def _set_up(self, cast: Cast) -> None:
        """Everything that can start at once does: the partners make their keys while the operator makes the hub."""
        operator = Talker(self._start("Het beheer", ["-m", "hub.demo.operator"], "beheer.log"))
        self._open.callback(operator.stop)
        operator.say(["init", "--json"])
        for partner in self.region.scripts:
            cast.begin(partner)
        if (failed := _carried_out(operator, ["init"])) is not None:
            raise ProcessFailed(failed)
        hub = Child(self._start("De hub", ["-m", "hub.cli", "serve"], "hub.log"))
        self._open.callback(hub.stop)
        dishonest = [reason for partner in self.region.scripts for reason in cast.greet(partner)]
        what = f"{len(self.region.scripts)} eigen processen: geen ervan kent de hub van binnen of een database"
        self._note(Beat("De partners", what, tuple(dishonest)))
        self._note(self._administer(operator))
        operator.stop()
        self._await_ready(hub)
        self._note(Beat("De hub", f"draait op {cast.base}"))

    def _administer(self, operator: Talker) -> Beat:
        typed = list(commands(self.region, self.house.partners))
        refused = []
        for words in typed:
            operator.say(words)
            if (failed := _carried_out(operator, words)) is not None:
                refused.append(failed)
        organisations = len(self.region.setup["organisaties"])
        agreements, grounds = (len(self.region.papers(kind)) for kind in ("afspraken", "grondslagen"))
        what = f"legt vast: {organisations} organisaties, hun systemen en machtigingen, {agreements} afspraken,"
        return Beat("Het beheer", f"{what} {grounds} grondslagen", tuple(refused), {"opdrachten": len(typed) + 1})

    def _await_ready(self, hub: Child) -> None:
        until = time.monotonic() + _READY_SECONDS
        while not self._ready():
            if not hub.running:
                raise hub.failed("is gestopt")
            if time.monotonic() > until:
                raise hub.failed(f"is na {_READY_SECONDS:.0f} seconden niet gereed")
            time.sleep(0.05)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._ports["hub"], timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _turn(self, cast: Cast, turn: Turn) -> Iterator[Beat]:
        if turn.turn is not None and turn.who is not None:
            yield from cast.turn(turn.who, turn.turn, self._patience())
        else:
            yield from self._direct(cast, turn)

    def _direct(self, cast: Cast, turn: Turn) -> Iterator[Beat]:
        """What the director does itself."""
        match turn.order:
            case "zet uit" if turn.who is not None:
                cast.stop(turn.who)
                yield Beat(self.region.name_of(turn.who), "ligt plat: het proces is gestopt")
            case "zet aan" if turn.who is not None:
                cast.begin(turn.who)
                yield Beat(self.region.name_of(turn.who), "draait weer", tuple(cast.greet(turn.who)))
            case "vervals een webhook" if turn.who is not None:
                yield checks.forged_webhook(self.region.name_of(turn.who), self._ports[turn.who])
            case "elk een eigen kandidaatRef":
                yield checks.own_refs(self.region, turn.told["kandidaat"], cast.kept, turn.told["bij"])
            case "geen BSN buiten":
                yield checks.no_bsn(self.region, self.house.partners, turn.told["bij"])
            case "controleer bewijs" if turn.who is not None:
                yield from checks.evidence(self.house.partners / turn.who / "bewijs")
            case _:
                yield Beat("De regie", str(turn.order), ("dit kan de regie niet",))

    def _patience(self) -> float:
        failed = sum(not beat.went_well for told in self._told for beat in told.beats)
        return max(_SHORTEST, _HURRY / 2 ** min(failed, 10)) if failed else _PATIENCE

    def _settings(self) -> dict[str, str]:
        """The hub's settings: this machine only, and webhooks over plain http to the partners' own receivers."""
        receivers = [f"127.0.0.1:{port}" for name, port in self._ports.items() if name not in ("hub", "metrics")]
        return {
            "HUB_ENV": "demo",
            "HUB_DATA_DIR": str(self.house.hub),
            "HUB_HOST": "127.0.0.1",
            "HUB_PORT": str(self._ports["hub"]),
            "HUB_METRICS_PORT": str(self._ports["metrics"]),
            "HUB_WEBHOOK_TOEGESTAAN": ",".join(receivers),
        }

    def _start(self, name: str, command: list[str], log: str) -> Start:
        return Start(name, command, self._settings(), self.house.logs / log, self.house.lock)

    def _chapter(self, title: str) -> None:
        self._told.append(Told(title))
        self.listener.chapter(title)

    def _note(self, beat: Beat) -> None:
        self._told[-1].beats.append(beat)
        self.listener.beat(beat)


def _carried_out(operator: Talker, words: list[str]) -> str | None:
    """What went wrong with the command that was said to the operator; ``None``: nothing."""
    answer = operator.hear(_COMMAND_SECONDS)
    if answer["code"] == 0:
        return None
    typed = " ".join(word for word in words if word != "--json")
    return f"hub {typed}: {answer['fout'] or json.dumps(answer['uit'])}"
