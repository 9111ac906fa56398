"""What happened, and whether it is what was expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that somebody did. No differences: it went as the files of the region say that it must."""

    who: str
    what: str
    differences: tuple[str, ...] = ()
    seen: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def went_well(self) -> bool:
        """True when every expected outcome of it occurred."""
        return not self.differences

    def as_json(self) -> dict[str, Any]:
        """As ``--json`` shows it."""
        shown: dict[str, Any] = {"wie": self.who, "stap": self.what, "gelukt": self.went_well}
        return shown | {"gezien": self.seen} | ({"verschillen": list(self.differences)} if self.differences else {})


@dataclass(slots=True)
class Told:
    """A chapter as it went."""

    title: str
    beats: list[Beat] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ending:
    """The whole story. ``base``: the hub's address; ``folder``: where all of it lies; ``seconds``: how long it took."""

    chapters: Sequence[Told]
    base: str
    folder: str
    seconds: float

    @property
    def beats(self) -> list[Beat]:
        """Everything that happened."""
        return [beat for chapter in self.chapters for beat in chapter.beats]

    @property
    def failed(self) -> list[tuple[str, Beat]]:
        """What did not go as expected, with its chapter."""
        return [(told.title, beat) for told in self.chapters for beat in told.beats if not beat.went_well]

    def as_json(self) -> dict[str, Any]:
        """As ``--json`` shows it."""
        return {
            "uitkomst": "mislukt" if self.failed else "geslaagd",
            "verwacht": len(self.beats),
            "gebeurd": len(self.beats) - len(self.failed),
            "nietGebeurd": [
                {"hoofdstuk": title, "wie": b.who, "stap": b.what, "verschillen": list(b.differences)}
                for title, b in self.failed
            ],
            "hoofdstukken": [{"titel": c.title, "stappen": [b.as_json() for b in c.beats]} for c in self.chapters],
            "duur": f"{self.seconds:.1f} s",
            "adres": self.base,
            "map": self.folder,
        }
