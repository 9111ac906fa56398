"""CSV ⇄ canonical events. Pure: bytes, a mapping and a partner in; a reading or a file out."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from connectors.csv.form import Form, form, guard, unguard
from connectors.csv.records import FileRefused, Record, decode, lines, mixed_ends, records
from connectors.mapped.mapping import Layout, layout
from connectors.mapped.translation import RecordRefused, Translator
from connectors.mapped.values import OUTER, ValueType
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

#: Types whose text is ours by construction: digits and marks, or a number with a sign. No spreadsheet runs these.
_PLAIN: Final = frozenset({ValueType.INTEGER, ValueType.DECIMAL, ValueType.DATE})
_BREAK: Final = re.compile(r"\r\n|\r|\n")


class Csv(Connector):
    """Comma separated values with a header line (RFC 4180), in whatever shape a mapping declares."""

    name: ClassVar[str] = "csv"
    media_types: ClassVar[tuple[str, ...]] = ("text/csv",)
    suffix: ClassVar[str] = ".csv"

    def shipped(self) -> tuple[str, ...]:
        return names(__package__)

    def mapping(self, name: str) -> Mapping[str, Any]:
        return shipped(__package__, name)

    def _read(self, native: bytes, mapping: Mapping[str, Any], partner: Partner) -> Reading:
        made = layout(mapping, self.name)
        shape = form(made.form)
        loss = LossNotes()
        try:
            found = lines(decode(native, shape), shape)
            if mixed_ends(found):
                loss.add(LossKind.CHANGED, "regeleinden", "verschillende regeleinden door elkaar")
            return _Sheet(made, shape, partner, loss).read(found)
        except FileRefused as refused:
            return Reading((), (refused.fault,), loss.report())

    def _write(self, messages: Sequence[Event], mapping: Mapping[str, Any], partner: Partner) -> Written:
        made = layout(mapping, self.name)
        shape = form(made.form)
        loss = LossNotes()
        translator = Translator(made, partner, loss, "bericht")
        target = io.StringIO(newline="")
        writer = csv.writer(target, delimiter=shape.delimiter, lineterminator=shape.line_end, strict=True)
        writer.writerow(made.native_names)
        carried: list[int] = []
        faults: list[LineFault] = []
        for position, event in enumerate(messages):
            try:
                writer.writerow(_row(translator.record(event, position + 1), position + 1, made, shape, loss))
                carried.append(position)
            except RecordRefused as refused:
                faults.extend(refused.faults)
        mark = b"\xef\xbb\xbf" if shape.bom == "schrijven" else b""
        return Written(mark + target.getvalue().encode(shape.codec), tuple(carried), tuple(faults), loss.report())


class _Sheet:
    """One file being read: its header decides which cell is which field."""

    def __init__(self, made: Layout, shape: Form, partner: Partner, loss: LossNotes) -> None:
        self._made = made
        self._shape = shape
        self._loss = loss
        self._translator = Translator(made, partner, loss)
        self._columns: list[str | None] = []  # the field of each column, None for one that is not carried

    def read(self, found: list[str]) -> Reading:
        """Translate every record below the header."""
        rows = records(found, self._shape)
        header = next(rows, None)
        if header is None:
            raise FileRefused(LineFault(Place(1), "LEEG", "het bestand is leeg; er hoort een kopregel te staan"))
        faults = self._header(header)
        if faults:
            return Reading((), tuple(faults), self._loss.report())
        drafts: list[Draft] = []
        for row in rows:
            try:
                if row.refused is None and not any(cell.strip(OUTER) for cell in row.cells):
                    self._loss.add(LossKind.DROPPED, "lege regels", "een regel zonder inhoud", row.number)
                    continue
                drafts.append(self._translator.draft(self._named(row), row.number))
            except RecordRefused as refused:
                faults.extend(refused.faults)
        return Reading(tuple(drafts), tuple(faults), self._loss.report())

    def _header(self, header: Record) -> list[LineFault]:
        if header.refused is not None:
            raise FileRefused(LineFault(Place(header.number), *header.refused))
        titles = [cell.strip(OUTER) for cell in header.cells]
        carried = set(self._made.native_names)
        faults = [
            LineFault(Place(header.number, name), "KOLOM_DUBBEL", "deze kolom staat twee keer in de kopregel")
            for name in self._made.native_names
            if titles.count(name) > 1
        ]
        missing = sorted(self._made.required_names - set(titles))
        if len(titles) == 1 and len(self._made.native_names) > 1:
            reason = "de kopregel heeft maar één kolom; klopt het scheidingsteken?"
            faults.append(LineFault(Place(header.number), "SCHEIDING", reason))
        for name in missing:
            faults.append(LineFault(Place(header.number, name), "KOLOM_ONTBREEKT", "deze kolom ontbreekt"))
        for position, title in enumerate(titles, start=1):
            self._columns.append(title if title in carried else None)
            if title in self._made.ignored:
                self._loss.add(LossKind.DROPPED, title, "de mapping neemt dit veld niet over")
            elif title not in carried:
                # A title from outside may be anything (a file without a header: a name); so it is named by its place.
                if self._made.refuse_unknown:
                    place = Place(header.number, f"kolom {position}")
                    faults.append(LineFault(place, "KOLOM_ONBEKEND", "deze kolom staat niet in de mapping"))
                self._loss.add(LossKind.DROPPED, f"kolom {position}", "deze kolom staat niet in de mapping")
        return faults

    def _named(self, row: Record) -> dict[str, str]:
        """The record's cells by field. Raises ``RecordRefused``."""
        if row.refused is not None:
            field = self._title(row.column)
            raise RecordRefused([LineFault(Place(row.number, field), *row.refused)])
        expected, present = len(self._columns), len(row.cells)
        if present != expected:
            reason = f"deze regel heeft {present} kolommen, de kopregel {expected}"
            reason += "; is de regel afgebroken?" if present < expected else ""
            field = self._title(present + 1) if present < expected else None
            raise RecordRefused([LineFault(Place(row.number, field), "KOLOMMEN", reason)])
        return {
            name: unguard(cell.strip(OUTER))
            for name, cell in zip(self._columns, row.cells, strict=True)
            if name is not None
        }

    def _title(self, column: int | None) -> str | None:
        if column is None or column > len(self._columns):
            return None
        return self._columns[column - 1] or f"kolom {column}"


def _row(record: Mapping[str, str], number: int, made: Layout, shape: Form, loss: LossNotes) -> list[str]:
    """The cells of a record, guarded against formulas. Raises ``RecordRefused`` for a character that does not exist."""
    plain = {rule.native for rule in made.fields if rule.value.type in _PLAIN}
    cells: list[str] = []
    room = shape.span - 1  # line ends that this record may still hold
    for name in made.native_names:
        text = record[name]
        breaks = len(_BREAK.findall(text))
        if breaks > room:
            loss.add(LossKind.CHANGED, name, "regeleinden in een cel worden spaties", number)
            text, breaks = _BREAK.sub(" ", text), 0
        room -= breaks
        try:
            text.encode(shape.codec)
        except UnicodeEncodeError:
            raise RecordRefused([_unwritable(number, name, shape)]) from None
        cells.append(text if name in plain else guard(text))
    return cells


def _unwritable(number: int, name: str, shape: Form) -> LineFault:
    reason = f"een teken in dit veld bestaat niet in {shape.encoding}"
    return LineFault(Place(number, name, "bericht"), "TEKEN_ONBEKEND", reason)
