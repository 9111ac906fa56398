"""The process. In: a JSON line ``{"beurt": …, "geduld": seconds}``. Out: one per step, then ``{"klaar": …}``.

It ends at the end of its input, so that no partner outlives the one who started it.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from connectors.agent.client import Client
from connectors.agent.partner.inbox import Inbox
from connectors.agent.partner.keys import own_key
from connectors.agent.partner.memory import Memory
from connectors.agent.partner.play import Played, Player
from connectors.agent.partner.script import Script, read_script
from connectors.agent.partner.stage import Stage
from connectors.agent.ports import Ports, system_ports
from connectors.agent.token import Identity
from connectors.agent.transport import Patience

#: The hub is near and the audience waits: few attempts, short pauses.
_PATIENCE = Patience(attempts=4, longest_wait=1.0, timeout=20.0)


def main(arguments: list[str], lines: TextIO, told: TextIO) -> int:
    """Play until the input ends. ``arguments``: the settings file ``{basis, map, script, haven?}``."""
    settings = json.loads(Path(arguments[0]).read_bytes())
    script = read_script(Path(settings["script"]))
    ports = system_ports()
    folder = Path(settings["map"])
    with _client(settings, script, folder, ports) as client:
        stage = Stage(
            client=client,
            ports=ports,
            memory=Memory(folder / "geheugen.json", ports.clock, script.known),
            inbox=Inbox(folder / "ontvangen"),
            folder=folder,
            files=Path(settings["script"]).parent.parent,
            port=settings.get("haven"),
        )
        player = Player(stage, script)
        player.resume()
        _say(told, {"gereed": script.name, "pakketten": sorted({name.partition(".")[0] for name in sys.modules})})
        for line in lines:
            _turn(player, json.loads(line), told)
    return 0


def _client(settings: Mapping[str, Any], script: Script, folder: Path, ports: Ports) -> Client:
    key = own_key(folder, script.system)
    return Client(Identity(settings["basis"], script.system, script.organisation, key, script.scopes), ports, _PATIENCE)


def _turn(player: Player, asked: Mapping[str, Any], told: TextIO) -> None:
    for played in player.turn(asked["beurt"], float(asked["geduld"])):
        _say(told, _shown(played))
    _say(told, {"klaar": asked["beurt"]})


def _shown(played: Played) -> dict[str, Any]:
    return {
        "stap": played.step,
        "gelukt": not played.differences,
        "verschillen": list(played.differences),
        "gezien": played.seen,
        "bewaard": played.kept,
    }


def _say(told: TextIO, value: Mapping[str, Any]) -> None:
    told.write(json.dumps(value, ensure_ascii=False) + "\n")
    told.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout))
