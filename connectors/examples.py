"""Examples as data: a folder per case under a connector's ``examples/``, each a pair native ⇄ canonical.

    case.json        mapping (a name, or a mapping itself), source, koppeltabel, idSleutel, vandaag, richting,
                     and what must be told: fouten (sentences), verlies and verliesSchrijven ([kind, field])
    native.<suffix>  the partner's file            canonical.json  the events that it says

The same check serves the tests, the template and anyone who adds a partner.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from connectors.check import checked
from connectors.port import Connector, LossReport, Partner
from contracts.identity import KandidaatRef
from contracts.strict_json import loads


@dataclass(frozen=True, slots=True)
class Example:
    """One case, read from its folder."""

    name: str
    connector: Connector
    mapping: Mapping[str, Any]
    partner: Partner
    native: bytes
    events: list[Any]
    case: Mapping[str, Any]


def folder(connector: Connector) -> Path:
    """Where the examples of a connector lie: beside its translation."""
    return Path(str(sys.modules[type(connector).__module__].__file__)).parent / "examples"


def load(connector: Connector, where: Path) -> list[Example]:
    """Every example in a folder, by name. Raises ``OSError`` and ``ExchangeError`` when one is not complete."""
    return [_load(connector, path) for path in sorted(where.iterdir()) if path.is_dir()]


def differences(example: Example) -> list[str]:
    """Where the translation is not what the example says, as sentences; empty when all is well."""
    found: list[str] = []
    directions = example.case.get("richting", ["lezen", "schrijven"])
    if "lezen" in directions:
        found += _reading(example)
    if "schrijven" in directions:
        found += _writing(example)
    return found


def _load(connector: Connector, path: Path) -> Example:
    case = loads((path / "case.json").read_bytes())
    links = {number: KandidaatRef(ref) for number, ref in case["koppeltabel"].items()}
    numbers = {ref: number for number, ref in links.items()}
    mapping = case["mapping"]
    return Example(
        name=path.name,
        connector=connector,
        mapping=connector.mapping(mapping) if isinstance(mapping, str) else mapping,
        partner=Partner(case["source"], bytes.fromhex(case["idSleutel"]), links.get, numbers.get),
        native=(path / f"native{connector.suffix}").read_bytes(),
        events=loads((path / "canonical.json").read_bytes()),
        case=case,
    )


def _reading(example: Example) -> list[str]:
    today = date.fromisoformat(example.case["vandaag"])
    reading = checked(example.connector.read(example.native, example.mapping, example.partner), today)
    found = _compare("lezen: fouten", [fault.sentence() for fault in reading.faults], example.case.get("fouten", []))
    found += _compare("lezen: verlies", _told(reading.loss), example.case.get("verlies", []))
    found += _compare("lezen: aantal berichten", len(reading.events), len(example.events))
    for number, (made, expected) in enumerate(zip(reading.events, example.events, strict=False), start=1):
        found += _compare(f"lezen: bericht {number}", dict(made), expected)
    return found


def _writing(example: Example) -> list[str]:
    written = example.connector.write(example.events, example.mapping, example.partner)
    found = _compare("schrijven: fouten", [fault.sentence() for fault in written.faults], [])
    found += _compare("schrijven: verlies", _told(written.loss), example.case.get("verliesSchrijven", []))
    return found + _compare("schrijven: bestand", written.native, example.native)


def _told(loss: LossReport) -> list[list[str]]:
    return [[entry.kind.value, entry.field] for entry in loss.entries]


def _compare(what: str, made: Any, expected: Any) -> list[str]:
    if made == expected:
        return []
    return [f"{what}: gemaakt {_shown(made)}, verwacht {_shown(expected)}"]


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
