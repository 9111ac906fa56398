"""Steps that send: one message, or a file of the partner's own through a connector; and asking what became of it."""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from connectors.agent.client import Outcome
from connectors.agent.partner.stage import Act, Asked, Stage
from connectors.check import checked
from connectors.port import Draft, LineFault, Loss, Partner
from connectors.registry import find
from contracts import instants
from contracts.envelope import TYPE_PREFIX

_ID_KEY: Final = "sleutel van berichtnummers"


def _send(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """Offer one message; what the hub says of it, in one shape for yes and no."""
    return _seen(stage.client.send(_event(stage, asked.told["bericht"])))


def _event(stage: Stage, told: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: value for name, value in told.items() if name != "soort"}
    kind = f"{TYPE_PREFIX}{told['soort']}.v1"
    return {"specversion": "1.0", "source": stage.client.identity.source, "type": kind} | attributes


def _seen(outcome: Outcome) -> dict[str, Any]:
    receipt = outcome.body.get("ontvangstbewijs")
    found = receipt if isinstance(receipt, dict) else outcome.body
    return {
        "status": outcome.status,
        "code": outcome.code,
        "berichtId": found.get("berichtId"),
        "besluiten": found.get("besluiten"),
        "herhaling": outcome.body.get("herhaling", False),
        "velden": outcome.body.get("velden"),
    }


def _send_file(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """Translate a file and offer its good lines in one batch; the bad ones are named by line and field."""
    connector = find(asked.told["connector"])
    native = (stage.files / asked.told["bestand"]).read_bytes()
    reading = connector.read(native, connector.mapping(asked.told["mapping"]), _partner(stage))
    reading = checked(reading, instants.today(stage.memory.today()))
    drafts = reading.messages
    outcomes = stage.client.send_batch([draft.event for draft in drafts]) if drafts else ()
    return {
        "status": "gelukt",
        "regels": [_line(draft, outcome) for draft, outcome in zip(drafts, outcomes, strict=True)],
        "fouten": [_fault(fault) for fault in reading.faults],
        "verlies": [_loss(each) for each in reading.loss.entries],
    }


def _partner(stage: Stage) -> Partner:
    """Who the connector translates for; own numbers are looked up at the hub."""
    if stage.memory.get(_ID_KEY) is None:
        stage.memory.keep({_ID_KEY: secrets.token_hex(32)})
    id_key = bytes.fromhex(stage.memory.get(_ID_KEY))
    return Partner(stage.client.identity.source, id_key, stage.client.people.find, lambda _ref: None)


def _line(draft: Draft, outcome: Outcome) -> dict[str, Any]:
    return {"regel": draft.place.number} | _seen(outcome)


def _fault(fault: LineFault) -> dict[str, Any]:
    return {
        "regel": fault.place.number,
        "veld": fault.place.field,
        "code": fault.code,
        "zin": fault.sentence(),
    }


def _loss(loss: Loss) -> dict[str, Any]:
    return {"veld": loss.field, "soort": loss.kind.value, "regels": loss.count}


def _fate(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """What became of an own message; asked again until it is as expected, or the patience is over."""
    while True:
        found = stage.client.fate(asked.told["bericht"])
        states = {each["ontvanger"]: each["status"] for each in found["afleveringen"]}
        wanted = asked.expected.get("bij")
        if states == wanted or stage.ports.clock() >= asked.until:
            return {"status": "gelukt", "bij": states}
        stage.ports.sleep(0.1)


def _precheck(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """ "Mag dit?", without sending anything."""
    found = dict(stage.client.precheck(_event(stage, asked.told["bericht"])))
    return {"status": "gelukt"} | found


ACTS: Final[Mapping[str, Act]] = {
    "stuur": _send,
    "stuur bestand": _send_file,
    "volg bericht": _fate,
    "vraag: mag dit": _precheck,
}
