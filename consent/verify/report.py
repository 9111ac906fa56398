"""What a look at the evidence tells: what was looked at, and what is wrong with it, and where."""

from dataclasses import dataclass, field
from typing import Any, Final

from consent.log.note import Checkpoint

#: What people are told about ``--url``.
ADDRESS: Final = "het adres eindigt op /bewijslogboek, of na een herstel op /bewijslogboek/2"
WHOLE, BROKEN, COULD_NOT_LOOK = 0, 1, 2


class CouldNotLook(Exception):
    """Something to look at or with is missing: a file, a folder, a key. It says nothing about the evidence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, and what (Dutch, for people)."""

    place: str
    reason: str


@dataclass(slots=True)
class Report:
    """What was looked at and what is wrong with it. No findings: whole, as far as such a look can tell (``limits``).

    ``notes``: what is not wrong, and yet should be known before anybody relies on it.
    """

    looked_at: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    head: Checkpoint | None = None
    limits: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def wrong(self, place: str, reason: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(place, reason))

    def merge(self, other: "Report") -> None:
        """Take over what another report says."""
        self.looked_at += other.looked_at
        self.findings += other.findings
        self.head = self.head or other.head
        self.limits += [limit for limit in other.limits if limit not in self.limits]
        self.notes += [note for note in other.notes if note not in self.notes]

    @property
    def exit_code(self) -> int:
        """0 whole, 1 broken, 2 nothing was looked at."""
        if self.findings:
            return BROKEN
        return WHOLE if self.looked_at else COULD_NOT_LOOK

    def as_text(self) -> str:
        """The report in lines, for people."""
        lines = [f"kapot: {f.place}: {f.reason}" for f in self.findings] or [f"heel: {', '.join(self.looked_at)}"]
        if self.head is not None:
            lines.append(f"logboek {self.head.origin}: {self.head.size} vermeldingen, wortel {self.head.root.hex()}")
        lines += [f"let op: {note}" for note in self.notes]
        lines += [f"dit kan de controle niet weten: {limit}" for limit in self.limits]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The report as the ``--json`` option shows it."""
        head = self.head
        return {
            "uitkomst": ("heel", "kapot", "niet-gekeken")[self.exit_code],
            "bekeken": self.looked_at,
            "bevindingen": [{"plaats": f.place, "reden": f.reason} for f in self.findings],
            "letOp": self.notes,
            "kanNietWeten": self.limits,
            "logboek": head and {"oorsprong": head.origin, "grootte": head.size, "wortel": head.root.hex()},
        }
