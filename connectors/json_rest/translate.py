"""JSON ⇄ canonical events: as they are (mapping ``canoniek``), or by a mapping of a platform's own names.

``vorm``: ``{"lijst": "registraties"}`` names the member that holds the records; left out, the document is the list.
``{"canoniek": true}`` takes and gives CloudEvents unchanged; such a mapping names no fields.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from connectors.json_rest.records import flatten, unflatten
from connectors.mapped.mapping import Layout, layout
from connectors.mapped.translation import RecordRefused, Translator
from connectors.port import (
    Connector,
    Draft,
    Event,
    LineFault,
    LossKind,
    LossNotes,
    LossReport,
    MappingInvalid,
    Partner,
    Place,
    Reading,
    Written,
)
from connectors.shipped import names, shipped
from contracts.errors import Fault, JsonInvalid
from contracts.strict_json import loads

_UNIT: Final = "bericht"
_CANONICAL_KEYS: Final = frozenset({"naam", "versie", "connector", "vorm", "toelichting"})


class JsonRest(Connector):
    """JSON documents (RFC 8259, read strictly) of one record or a list of records."""

    name: ClassVar[str] = "json-rest"
    media_types: ClassVar[tuple[str, ...]] = (
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    )
    suffix: ClassVar[str] = ".json"

    def shipped(self) -> tuple[str, ...]:
        return names(__package__)

    def mapping(self, name: str) -> Mapping[str, Any]:
        return shipped(__package__, name)

    def _read(self, native: bytes, mapping: Mapping[str, Any], partner: Partner) -> Reading:
        canonical, member = _form(mapping)
        made = None if canonical else layout(mapping, self.name)
        try:
            items = _items(loads(native), member)
        except JsonInvalid as error:
            return _nothing("JSON_ONGELDIG", error.detail or "dit is geen geldige JSON")
        if items is None:
            return _nothing("LIJST_ONTBREEKT", "hier hoort een lijst met berichten te staan")
        return _canonical(items) if made is None else _mapped(items, made, partner)

    def _write(self, messages: Sequence[Event], mapping: Mapping[str, Any], partner: Partner) -> Written:
        canonical, member = _form(mapping)
        if canonical:
            return Written(_dump(list(messages)), tuple(range(len(messages))), (), LossReport())
        made = layout(mapping, self.name)
        loss = LossNotes()
        translator = Translator(made, partner, loss, _UNIT)
        items: list[dict[str, Any]] = []
        carried: list[int] = []
        faults: list[LineFault] = []
        for position, event in enumerate(messages):
            try:
                items.append(unflatten(translator.record(event, position + 1), made))
                carried.append(position)
            except RecordRefused as refused:
                faults.extend(refused.faults)
        native = _dump({member: items} if member else items)
        return Written(native, tuple(carried), tuple(faults), loss.report())


def _form(mapping: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Whether events go unchanged, and the member that holds the list. Raises ``MappingInvalid``."""
    shape = mapping.get("vorm", {})
    if not isinstance(shape, Mapping) or set(shape) - {"canoniek", "lijst"}:
        raise MappingInvalid(faults=[Fault("vorm", "MAPPING", "kent alleen canoniek en lijst")])
    member = shape.get("lijst")
    if member is not None and (not isinstance(member, str) or not member):
        raise MappingInvalid(faults=[Fault("vorm.lijst", "MAPPING", "moet een naam zijn")])
    if shape.get("canoniek") is True:
        if set(mapping) - _CANONICAL_KEYS or mapping.get("connector") != JsonRest.name or member is not None:
            raise MappingInvalid(faults=[Fault("vorm.canoniek", "MAPPING", "een canonieke mapping heeft geen velden")])
        return True, None
    return False, member


def _items(document: Any, member: str | None) -> list[Any] | None:
    if member is not None:
        document = document.get(member) if isinstance(document, Mapping) else None
        return document if isinstance(document, list) else None
    if isinstance(document, Mapping):
        return [document]
    return document if isinstance(document, list) else None


def _canonical(items: list[Any]) -> Reading:
    drafts = [Draft(item, Place(n, None, _UNIT)) for n, item in enumerate(items, start=1) if isinstance(item, Mapping)]
    faults = [_no_object(n) for n, item in enumerate(items, start=1) if not isinstance(item, Mapping)]
    return Reading(tuple(drafts), tuple(faults), LossReport())


def _mapped(items: list[Any], made: Layout, partner: Partner) -> Reading:
    loss = LossNotes()
    translator = Translator(made, partner, loss, _UNIT)
    drafts: list[Draft] = []
    faults: list[LineFault] = []
    for number, item in enumerate(items, start=1):
        try:
            if not isinstance(item, Mapping):
                raise RecordRefused([_no_object(number)])
            drafts.append(translator.draft(_record(item, number, made, loss), number))
        except RecordRefused as refused:
            faults.extend(refused.faults)
    return Reading(tuple(drafts), tuple(faults), loss.report())


def _record(item: Mapping[str, Any], number: int, made: Layout, loss: LossNotes) -> dict[str, str]:
    """The texts of an object. Raises ``RecordRefused`` for a value without a text form, or an unwelcome field."""
    flat = flatten(item, made)
    faults = [_fault(number, name, "TYPE", "hier hoort een tekst of een heel getal te staan") for name in flat.refused]
    for name in flat.unknown:
        loss.add(LossKind.DROPPED, name, "dit veld staat niet in de mapping", number)
        if made.refuse_unknown:
            faults.append(_fault(number, name, "VELD_ONBEKEND", "dit veld staat niet in de mapping"))
    for name in sorted(made.ignored & set(flat.texts)):
        loss.add(LossKind.DROPPED, name, "de mapping neemt dit veld niet over", number)
    if faults:
        raise RecordRefused(faults)
    return flat.texts


def _fault(number: int, name: str | None, code: str, reason: str) -> LineFault:
    return LineFault(Place(number, name, _UNIT), code, reason)


def _no_object(number: int) -> LineFault:
    return _fault(number, None, "GEEN_OBJECT", "hier hoort een JSON-object te staan")


def _nothing(code: str, reason: str) -> Reading:
    return Reading((), (LineFault(Place(), code, reason),), LossReport())


def _dump(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
