"""Playing a turn: each step carried out, compared with what it expects, and told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.agent.errors import AgentError, HubRefused
from connectors.agent.partner.acts import evidence, messages, people, receiving
from connectors.agent.partner.matching import at_path, differences
from connectors.agent.partner.memory import NotKnown
from connectors.agent.partner.script import Script, ScriptFaulty, Step
from connectors.agent.partner.stage import Act, Asked, Stage

ACTS: Final[Mapping[str, Act]] = {**people.ACTS, **messages.ACTS, **receiving.ACTS, **evidence.ACTS}
#: What a step expects that does not say so.
_WELL: Final[Mapping[str, Any]] = {"status": "gelukt"}


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a step. No differences: it went as expected. ``kept``: the names that it made known."""

    step: str
    differences: tuple[str, ...]
    seen: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)


class Player:
    """Plays the turns of one script on one stage."""

    def __init__(self, stage: Stage, script: Script) -> None:
        self._stage = stage
        self._script = script

    def resume(self) -> None:
        """Take up again what an earlier run of this partner had going: its webhook receiver."""
        receiving.resume(self._stage)

    def turn(self, name: str, patience: float) -> Iterator[Played]:
        """Play the steps of a turn; each waits at most ``patience`` seconds for what must come."""
        try:
            steps = self._script.turn(name)
        except ScriptFaulty as error:
            yield Played(name, (str(error),))
            return
        for step in steps:
            yield self._play(step, patience)

    def _play(self, step: Step, patience: float) -> Played:
        memory = self._stage.memory
        try:
            act = ACTS.get(step.act)
            if act is None:
                raise ScriptFaulty(f"«{step.act}» kan een partner niet")
            expected = step.expected if step.expected is not None else _WELL
            asked = Asked(memory.fill(step.told), expected, self._stage.ports.clock() + patience)
            seen = _answer(act, self._stage, asked)
            found = differences(memory.fill(_comparable(step.act, expected)), seen) + list(seen.get("verschillen", ()))
            found += _reasons(seen) if found else []
        except (ScriptFaulty, NotKnown, AgentError, OSError) as error:
            return Played(step.name, (str(error) or type(error).__name__,))
        kept = {name: at_path(seen, path) for name, path in step.keep.items()} if not found else {}
        missing = [f"{name}: hier staat niets om te bewaren" for name, value in kept.items() if value is None]
        memory.keep(kept)
        return Played(step.name, (*found, *missing), seen, kept | dict(seen.get("bewaard", {})))


def _answer(act: Act, stage: Stage, asked: Asked) -> Mapping[str, Any]:
    try:
        return act(stage, asked)
    except HubRefused as refused:
        fields = [{"naam": fault.name, "code": fault.code} for fault in refused.fields]
        return {"status": "geweigerd", "http": refused.status, "code": refused.code, "velden": fields}


def _reasons(seen: Mapping[str, Any]) -> list[str]:
    """The codes that the hub gave for what it refused; of a file, per line."""
    answers = [("", seen), *((f" over regel {line['regel']}", line) for line in seen.get("regels", ()))]
    told = []
    for about, answer in answers:
        fields = [f"{each.get('naam')}: {each.get('code')}" for each in answer.get("velden") or ()]
        if answer.get("code"):
            told.append(f"de hub zegt{about}: {answer['code']}" + (f" ({', '.join(fields)})" if fields else ""))
    return told


def _comparable(act: str, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Without the messages: the act that receives them has compared each as it came."""
    apart = receiving.COMPARED if act in receiving.ACTS else frozenset()
    return {name: value for name, value in expected.items() if name not in apart}
