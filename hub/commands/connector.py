"""``hub connector list`` and ``try``: what the connectors make of a file, without sending anything."""

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.commands.common.output import json_option, show, show_rows

if TYPE_CHECKING:
    from connectors.port import Connector, LineFault, LossReport, Reading
    from contracts.identity import KandidaatRef

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
#: Whose file it is, where nobody says: a sample organisation.
_SAMPLE = "urn:nld:oin:00000099000000000099:systeem:proef"


@click.group(short_help="Bestandsvormen: tonen en uitproberen.")
def connector() -> None:
    """De vormen waarin partijen hun berichten aanleveren en ontvangen."""


@connector.command("list")
@json_option
def connector_list(as_json: bool) -> None:
    """Toon de connectors met hun mappings."""
    from connectors.registry import all_connectors

    rows = [
        {
            "naam": each.name,
            "mediatypes": list(each.media_types),
            "extensie": each.suffix,
            "mappings": list(each.shipped()),
        }
        for each in all_connectors()
    ]
    show_rows(rows, as_json)


@connector.command("try")
@click.argument("name")
@click.argument("file", type=_FILE)
@click.option("--mapping", help="Naam van een meegeleverde mapping, of een JSON-bestand. Zonder: de enige.")
@click.option("--source", default=_SAMPLE, show_default=True, help="De source van de berichten.")
@json_option
def connector_try(name: str, file: Path, mapping: str | None, source: str, as_json: bool) -> int:
    """Vertaal een bestand zonder iets te versturen: berichten, fouten per regel en wat verloren ging.

    Elk nummer in het bestand krijgt een verzonnen kandidaatRef. 0: alle regels goed, 1: er zijn fouten.
    """
    from connectors.check import checked
    from connectors.port import Partner
    from connectors.registry import find
    from contracts import instants
    from hub.machine.clock import SystemClock

    found, people = find(name), _Stand()
    partner = Partner(source, hashlib.sha256(b"hub connector try").digest(), people.resolve, people.local)
    reading = found.read(file.read_bytes(), _mapping(found, mapping), partner)
    told = checked(reading, instants.today(SystemClock().now()))
    if as_json:
        show(_as_json(told), True)
    else:
        _as_text(told)
    return 1 if told.faults else 0


@dataclass(slots=True)
class _Stand:
    """Stands in for the partner's own list of numbers: every number names somebody, always the same one."""

    _numbers: dict[str, str] = field(default_factory=dict)

    def resolve(self, number: str) -> "KandidaatRef":
        from contracts.identity import kandidaat_ref

        digest = hashlib.sha256(number.encode()).digest()
        ref = kandidaat_ref(base64.b32encode(digest).decode().lower()[:26])
        self._numbers[ref] = number
        return ref

    def local(self, ref: "KandidaatRef") -> str | None:
        return self._numbers.get(ref)


def _mapping(found: "Connector", given: str | None) -> Any:
    from connectors.shipped import parse
    from contracts.errors import RequestInvalid

    if given is None:
        names = found.shipped()
        if len(names) != 1:
            raise RequestInvalid(f"Kies een mapping met --mapping: {', '.join(names) or 'een bestand'}")
        return found.mapping(names[0])
    return parse(Path(given).read_bytes()) if given.endswith(".json") else found.mapping(given)


def _losses(loss: "LossReport") -> list[dict[str, Any]]:
    return [
        {
            "soort": one.kind.value,
            "veld": one.field,
            "reden": one.reason,
            "aantal": one.count,
            "regels": list(one.lines),
        }
        for one in loss.entries
    ]


def _fault(one: "LineFault") -> dict[str, Any]:
    return {"plaats": str(one.place), "code": one.code, "reden": one.reason}


def _as_json(told: "Reading") -> dict[str, Any]:
    return {
        "berichten": [dict(event) for event in told.events],
        "fouten": [_fault(one) for one in told.faults],
        "verlies": _losses(told.loss),
    }


def _as_text(told: "Reading") -> None:
    click.echo(f"{len(told.messages)} berichten, {len(told.faults)} fouten")
    if told.faults:
        show_rows([_fault(one) for one in told.faults], False)
    if told.loss.entries:
        show_rows(_losses(told.loss), False)
