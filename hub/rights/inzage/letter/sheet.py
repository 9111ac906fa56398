"""What a letter tells, taken in page by page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from consent.receipt import terms
from contracts.identity import Category
from hub.reference.retention import Kept
from hub.rights.inzage.letter.grouping import Groups
from hub.rights.inzage.letter.markup import enumerated

Record = Mapping[str, Any]


@dataclass(slots=True)
class Sheet:
    """What the letter tells, taken in page by page. ``whole``: of all organisations; ``name``: who writes it."""

    name: str
    whole: bool
    at: datetime
    shielded: bool
    groups: Groups = field(default_factory=Groups)
    records: dict[str, list[Record]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()  # how long what is kept

    def add(self, found: Mapping[str, Sequence[Record]], names: Mapping[str, str]) -> None:
        """A page of the picture, with the names of the organisations in it."""
        self.groups.add(found)
        self.names |= names
        for part in found.keys() - {"berichten", "weigeringen"}:
            self.records.setdefault(part, []).extend(found[part])

    def of(self, part: str) -> list[Record]:
        """The records of one part."""
        return self.records.get(part, [])

    def who(self, oin: str) -> str:
        """The name of an organisation."""
        return self.names.get(oin, oin)

    def all_of(self, oins: Sequence[str] | None) -> str:
        """Several names; nobody named: everybody."""
        return "alle organisaties" if oins is None else enumerated(map(self.who, oins))


def categories(codes: Iterable[str]) -> str:
    """Categories in words."""
    return "; ".join(terms.CATEGORIES[Category(code)].words for code in codes)
