"""Steps that receive: fetching from the mailbox, a real webhook receiver, and comparing each message as it comes."""

import json
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.agent.errors import AgentError
from connectors.agent.partner.inbox import Event
from connectors.agent.partner.matching import at_path, differences
from connectors.agent.partner.stage import Act, Asked, Stage
from connectors.agent.receiver import Receiving, server

#: What these acts compare themselves: messages in order, and notices, which may overtake.
COMPARED: Final = frozenset({"berichten", "kennisgevingen"})
_NOTICE: Final = "nl.doorstroomhub.grondslag.vervallen.v1"
_READ: Final = "gelezen berichten"  # names in the memory
_AFTER: Final = "laatste volgnummer"
_SECRET: Final = "geheim van de webhook"
_PATH: Final = "/webhook"
_LONGEST_POLL: Final = 5.0  # seconds


def _fetch(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """Fetch and acknowledge until all that is expected is there; then once more, because nothing else may be."""
    before, wanted = _read(stage), _wanted(asked)
    while True:
        left = asked.until - stage.ports.clock()
        missing = wanted - len(stage.inbox.since(before))
        after = stage.memory.get(_AFTER)
        page = stage.client.mailbox(after, wait=max(0.0, min(left, _LONGEST_POLL)) if missing > 0 else 0.0)
        for event in page.events:
            stage.inbox.add(f"postvak-{event['sequence']}", event)
        if page.last is not None:
            stage.client.acknowledge(page.last)
            stage.memory.keep({_AFTER: page.last})
        elif missing <= 0 or left <= 0:
            return _compare(stage, asked, before)


def _await_push(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """Wait until all that is expected was pushed."""
    before = _read(stage)
    stage.inbox.wait_for(before + _wanted(asked), max(0.0, asked.until - stage.ports.clock()))
    return _compare(stage, asked, before)


def _read(stage: Stage) -> int:
    return int(stage.memory.get(_READ) or 0)


def _wanted(asked: Asked) -> int:
    return sum(len(asked.expected.get(name, ())) for name in COMPARED)


def _compare(stage: Stage, asked: Asked, before: int) -> Mapping[str, Any]:
    """Each message against what is expected of it, in order; an earlier one may make a name known to a later one."""
    came = stage.inbox.since(before)
    stage.memory.keep({_READ: before + len(came)})
    notices = [event for event in came if event.get("type") == _NOTICE]
    messages = [event for event in came if event.get("type") != _NOTICE]
    found: list[str] = []
    kept: dict[str, Any] = {}
    for name, events in (("berichten", messages), ("kennisgevingen", notices)):
        wanted = asked.expected.get(name, [])
        if len(wanted) != len(events):
            kinds = ", ".join(_kind(event) for event in events) or "niets"
            found.append(f"{name}: verwacht {len(wanted)}, ontvangen {len(events)} ({kinds})")
        for at, (each, event) in enumerate(zip(wanted, events, strict=False)):
            kept |= _one(stage, each, event, f"{name}[{at}]", found)
    shown = [{"soort": _kind(event), "van": str(event.get("source")), "data": event.get("data")} for event in came]
    return {"status": "gelukt", "ontvangen": shown, "verschillen": found, "bewaard": kept}


def _one(stage: Stage, each: Mapping[str, Any], event: Event, place: str, found: list[str]) -> dict[str, Any]:
    """Compare one message; the names that it makes known."""
    if _kind(event) != each["soort"]:
        found.append(f"{place}: verwacht {each['soort']}, ontvangen {_kind(event)}")
        return {}
    expected = stage.memory.fill(each.get("bevat", {}))
    found += differences(expected, event, place)
    found += [f"{place}: {path} hoort er niet te staan" for path in each.get("zonder", ()) if _there(event, path)]
    kept = {name: at_path(event, path) for name, path in each.get("bewaar", {}).items()}
    found += [f"{place}: {name} staat er niet" for name, value in kept.items() if value is None]
    known = {name: value for name, value in kept.items() if value is not None}
    stage.memory.keep(known)
    return known


def _there(event: Event, path: str) -> bool:
    return at_path(event, path) is not None


def _kind(event: Event) -> str:
    return str(event.get("type", "")).removeprefix("nl.doorstroomhub.").removesuffix(".v1")


def _subscribe(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """Listen, then subscribe: the hub shakes hands before it believes the address."""
    _listen(stage)
    secret = stage.client.subscribe(f"http://127.0.0.1:{stage.port}{_PATH}", asked.told.get("soorten"))
    stage.memory.keep({_SECRET: secret})
    return {"status": "gelukt"}


def resume(stage: Stage) -> None:
    """Listen again after a restart, where there was a subscription."""
    if stage.memory.get(_SECRET) is not None:
        _listen(stage)


def _listen(stage: Stage) -> None:
    if stage.port is None:
        raise AgentError("deze partner heeft geen haven voor een webhook")
    host = urlsplit(stage.client.identity.base_url).hostname or ""
    receiving = Receiving(
        _PATH, frozenset({host}), lambda: stage.memory.get(_SECRET), lambda *it: _take(stage, *it), stage.ports.clock
    )
    listening = server(("127.0.0.1", stage.port), receiving)
    threading.Thread(target=listening.serve_forever, name="webhook", daemon=True).start()


def _take(stage: Stage, delivery: str, body: bytes) -> bool:
    return stage.inbox.add(delivery, json.loads(body))


ACTS: Final[Mapping[str, Act]] = {
    "haal op": _fetch,
    "wacht op": _await_push,
    "abonneer": _subscribe,
}
