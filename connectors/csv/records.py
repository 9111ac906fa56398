"""Bytes -> text -> records of cells, strictly: every refusal names the line, and the column where it can.

Each record is parsed from its own first line. So a quote that is never closed spoils the lines that a record may span
(``regelsPerMelding``, by default one) and not the rest of the file.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connectors.csv.form import Form
from connectors.port import LineFault, Place
from contracts.errors import TooLarge

_UTF8_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


class FileRefused(Exception):
    """Nothing of this file can be read."""

    def __init__(self, fault: LineFault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record and the line it begins on (from 1), or why there are none. ``column`` from 1."""

    number: int
    cells: tuple[str, ...] = ()
    refused: tuple[str, str] | None = None  # code, reason
    column: int | None = None


def decode(native: bytes, form: Form) -> str:
    """The text of a file in the declared encoding, without byte order mark. Raises ``FileRefused``."""
    if native.startswith(_WIDE_BOMS):
        raise _refused(1, "CODERING", f"dit bestand is UTF-16; sla het op als CSV in {form.encoding}")
    marked = native.startswith(_UTF8_BOM)
    if marked and form.encoding != "utf-8":
        raise _refused(1, "CODERING", f"dit bestand is UTF-8 (met een BOM), afgesproken is {form.encoding}")
    if marked and form.bom == "weigeren":
        raise _refused(1, "BOM", "het bestand begint met een BOM, en dat is niet afgesproken")
    content = native[len(_UTF8_BOM) :] if marked else native
    if form.encoding != "utf-8":
        _refuse_utf8(content, form)
    try:
        return content.decode(form.codec)
    except UnicodeDecodeError as error:
        at = error.start
    line = content.count(b"\n", 0, at) + 1
    column = at - content.rfind(b"\n", 0, at)
    raise _refused(line, "CODERING", f"byte {column} van deze regel is geen {form.encoding}")


def _refuse_utf8(content: bytes, form: Form) -> None:
    """One-byte encodings accept nearly everything; text that is well-formed UTF-8 was meant as UTF-8."""
    if content.isascii():
        return
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return
    first = next(at for at, byte in enumerate(content) if byte > 127)
    line = content.count(b"\n", 0, first) + 1
    raise _refused(line, "CODERING", f"hier staat UTF-8, afgesproken is {form.encoding}")


def lines(text: str, form: Form) -> list[str]:
    """The lines with their ends; CRLF, LF and CR all end a line. Raises ``TooLarge``."""
    found = list(io.StringIO(text, newline=""))
    if len(found) > form.max_lines:
        raise TooLarge(f"een bestand mag hoogstens {form.max_lines} regels hebben")
    return found


def mixed_ends(found: list[str]) -> bool:
    """True when the lines do not all end in the same way."""
    ends = {"\r\n" if line.endswith("\r\n") else line[-1:] for line in found[:-1]}
    return len(ends) > 1


def records(found: list[str], form: Form) -> Iterator[Record]:
    """Each record in turn. Blank lines are passed over; a broken record does not stop the ones after it."""
    at = 0
    while at < len(found):
        number = at + 1
        if not found[at].strip("\r\n"):
            at += 1
        elif len(found[at]) > form.max_line:
            yield Record(number, refused=("TE_LANG", f"deze regel is langer dan {form.max_line} tekens"))
            at += 1
        else:
            record, taken = _parse(found[at : at + form.span], number, form)
            yield record
            at += taken


def _parse(span: list[str], number: int, form: Form) -> tuple[Record, int]:
    """One record from the first lines of ``span``, and how many lines it took."""
    reader = csv.reader(span, delimiter=form.delimiter, quotechar='"', doublequote=True, strict=True)
    try:
        cells = next(reader)
    except csv.Error:
        reason = "een aanhalingsteken sluit niet, of er staat tekst achter; is de regel afgebroken?"
        return Record(number, refused=("AANHALING", reason), column=_broken_column(span[0], form.delimiter)), 1
    return Record(number, tuple(cells)), reader.line_num


def _broken_column(line: str, delimiter: str) -> int:
    """The column (from 1) whose quotes are wrong: not closed, or followed by text."""
    column, quoted, start = 1, False, True
    position = 0
    text = line.rstrip("\r\n")
    while position < len(text):
        char = text[position]
        if quoted and text[position : position + 2] == '""':
            position += 1
        elif char == '"' and (start or quoted):
            quoted = not quoted
            if not quoted and text[position + 1 : position + 2] not in ("", delimiter):
                return column
        elif char == delimiter and not quoted:
            column += 1
        start = char == delimiter and not quoted
        position += 1
    return column


def _refused(line: int, code: str, reason: str) -> FileRefused:
    return FileRefused(LineFault(Place(line), code, reason))
