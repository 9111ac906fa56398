"""What a partner's CSV looks like (``vorm`` of a mapping), and the guard against formulas.

{"codering": "windows-1252", "bom": "weigeren", "scheiding": ";", "regeleinde": "crlf",
 "regelsPerMelding": 1, "maxRegel": 65536, "maxRegels": 200000}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.port import MappingInvalid
from contracts.errors import Fault

#: The name in a mapping -> the codec. UTF-8 also with a byte order mark, see ``bom``.
_CODECS: Final = {"utf-8": "utf-8", "windows-1252": "cp1252", "iso-8859-15": "iso8859_15"}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "codering": tuple(_CODECS),
    "bom": ("toestaan", "weigeren", "schrijven"),
    "scheiding": (";", ",", "\t", "|"),
    "regeleinde": ("crlf", "lf"),
}
_BOUNDS: Final = {"regelsPerMelding": (1, 50), "maxRegel": (80, 131_072), "maxRegels": (1, 500_000)}
_DEFAULTS: Final[Mapping[str, Any]] = {
    "codering": "utf-8",
    "bom": "toestaan",
    "scheiding": ";",
    "regeleinde": "crlf",
    "regelsPerMelding": 1,
    "maxRegel": 65_536,
    "maxRegels": 200_000,
}

#: A cell that a spreadsheet could run: = + - @ (also full width), after blanks, quotes or control characters (OWASP,
#: "CSV Injection"). Each leading apostrophe is one earlier guard, so that guarding and unguarding undo each other.
_FORMULA: Final = re.compile(r"[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")
_GUARDED: Final = re.compile(r"'(?:[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n])")


@dataclass(frozen=True, slots=True)
class Form:
    """A checked ``vorm``. Lengths in characters, ``span`` in lines."""

    encoding: str
    bom: str
    delimiter: str
    line_end: str
    span: int  # how many lines one record may take (a line end inside quotes)
    max_line: int
    max_lines: int

    @property
    def codec(self) -> str:
        """Python's name of the encoding."""
        return _CODECS[self.encoding]


def form(raw: Mapping[str, Any]) -> Form:
    """Check a ``vorm``. Raises ``MappingInvalid``."""
    unknown = sorted(set(raw) - set(_DEFAULTS))
    faults = [Fault(f"vorm.{key}", "MAPPING", "deze instelling bestaat niet") for key in unknown]
    made = {**_DEFAULTS, **raw}
    for name, choices in _CHOICES.items():
        if made[name] not in choices:
            faults.append(Fault(f"vorm.{name}", "MAPPING", "moet een van de toegestane keuzes zijn"))
    for name, (low, high) in _BOUNDS.items():
        if not isinstance(made[name], int) or isinstance(made[name], bool) or not low <= made[name] <= high:
            faults.append(Fault(f"vorm.{name}", "MAPPING", f"moet een getal van {low} tot en met {high} zijn"))
    if faults:
        raise MappingInvalid("kijk naar vorm in de mapping", faults=faults)
    return Form(
        encoding=made["codering"],
        bom=made["bom"],
        delimiter=made["scheiding"],
        line_end="\r\n" if made["regeleinde"] == "crlf" else "\n",
        span=made["regelsPerMelding"],
        max_line=made["maxRegel"],
        max_lines=made["maxRegels"],
    )


def guard(text: str) -> str:
    """The cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """The text of a guarded cell; any other text is returned as it is."""
    return text[1:] if _GUARDED.match(text) else text
