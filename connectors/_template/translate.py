"""A connector to copy: blocks of ``Veld: waarde`` lines, an empty line between two messages.

Replace ``parse`` and ``render`` by the partner's format; the rest stays. Everything about *this* partner (which field
is what, dates, decimals, codes) belongs in the mapping file and not here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from connectors.mapped.mapping import Layout, layout
from connectors.mapped.translation import RecordRefused, Translator
from connectors.mapped.values import OUTER
from connectors.port import (
    Connector,
    Draft,
    Event,
    LineFault,
    LossKind,
    LossNotes,
    Partner,
    Place,
    Reading,
    Written,
)
from connectors.shipped import names, shipped


def parse(native: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each record with the number of its first line. Raises ``UnicodeDecodeError``."""
    record: dict[str, str] = {}
    first = 1
    for number, line in enumerate(native.decode("utf-8").split("\n"), start=1):
        if not line.strip():
            if record:
                yield first, record
            record, first = {}, number + 1
        else:
            name, _, text = line.partition(":")
            record[name.strip(OUTER)] = text.strip(f"{OUTER}\r")
    if record:
        yield first, record


def render(records: Sequence[Mapping[str, str]]) -> bytes:
    """The file of these records; an empty field is left out."""
    blocks = ["".join(f"{name}: {text}\n" for name, text in record.items() if text) for record in records]
    return "\n".join(blocks).encode("utf-8")


class Template(Connector):
    """Give it the name of the format."""

    name: ClassVar[str] = "template"
    media_types: ClassVar[tuple[str, ...]] = ("text/plain",)
    suffix: ClassVar[str] = ".txt"

    def shipped(self) -> tuple[str, ...]:
        return names(__package__)

    def mapping(self, name: str) -> Mapping[str, Any]:
        return shipped(__package__, name)

    def _read(self, native: bytes, mapping: Mapping[str, Any], partner: Partner) -> Reading:
        made = layout(mapping, self.name)
        loss = LossNotes()
        translator = Translator(made, partner, loss)
        drafts: list[Draft] = []
        faults: list[LineFault] = []
        try:
            for number, record in parse(native):
                _note_unknown(record, number, made, loss)
                try:
                    drafts.append(translator.draft(record, number))
                except RecordRefused as refused:
                    faults.extend(refused.faults)
        except UnicodeDecodeError:
            fault = LineFault(Place(), "CODERING", "dit bestand is geen UTF-8")
            return Reading((), (fault,), loss.report())
        return Reading(tuple(drafts), tuple(faults), loss.report())

    def _write(self, messages: Sequence[Event], mapping: Mapping[str, Any], partner: Partner) -> Written:
        loss = LossNotes()
        translator = Translator(layout(mapping, self.name), partner, loss, "bericht")
        records: list[dict[str, str]] = []
        carried: list[int] = []
        faults: list[LineFault] = []
        for position, event in enumerate(messages):
            try:
                record = translator.record(event, position + 1)
                records.append({name: " ".join(text.split()) for name, text in record.items()})
                carried.append(position)
            except RecordRefused as refused:
                faults.extend(refused.faults)
        return Written(render(records), tuple(carried), tuple(faults), loss.report())


def _note_unknown(record: Mapping[str, str], number: int, made: Layout, loss: LossNotes) -> None:
    for position, name in enumerate(record, start=1):
        if name in made.ignored:
            loss.add(LossKind.DROPPED, name, "de mapping neemt dit veld niet over", number)
        elif name not in made.native_names:  # named by its place: a name from outside may be anything
            loss.add(LossKind.DROPPED, f"veld {position}", "dit veld staat niet in de mapping", number)
