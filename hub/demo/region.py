"""The data of a region: who is there, what they agreed, what each partner does, and in which order it is told."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: The region that comes with the hub.
SHIPPED: Final = Path(__file__).parent / "region"


class RegionFaulty(Exception):
    """The files of a region do not belong together. Its text names the file."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a partner's script, or (``order``) something that the director does itself."""

    who: str | None
    turn: str | None
    order: str | None
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the story."""

    title: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Everything in the folder of a region. ``scripts``: partner → its script, as it stands in its file."""

    folder: Path
    setup: Mapping[str, Any]
    scripts: Mapping[str, Mapping[str, Any]]
    chapters: tuple[Chapter, ...]

    def script_file(self, partner: str) -> Path:
        """Where a partner's script stands."""
        return self.folder / "partners" / f"{partner}.json"

    def name_of(self, partner: str) -> str:
        """A partner's name for people."""
        return str(self.scripts[partner]["naam"])

    def organisations(self) -> dict[str, str]:
        """The name of each OIN."""
        return {each["oin"]: each["naam"] for each in self.setup["organisaties"]}

    def papers(self, kind: str) -> list[Path]:
        """The files of agreements (``afspraken``) or grounds (``grondslagen``), by name."""
        return sorted((self.folder / kind).glob("*.json"))

    def bsns(self) -> frozenset[str]:
        """Every BSN that a partner's script speaks of."""
        return frozenset(bsn for script in self.scripts.values() for bsn in _bsns(script))


def read_region(folder: Path) -> Region:
    """The region in a folder. Raises ``RegionFaulty``."""
    scripts = {path.stem: _read(path) for path in sorted((folder / "partners").glob("*.json"))}
    told = _read(folder / "verhaal.json")
    try:
        chapters = tuple(Chapter(each["hoofdstuk"], tuple(map(_turn, each["beurten"]))) for each in told)
    except (KeyError, TypeError) as error:
        raise RegionFaulty(f"verhaal.json: hier ontbreekt iets ({error})") from error
    strangers = {turn.who for each in chapters for turn in each.turns if turn.who is not None} - scripts.keys()
    if strangers:
        raise RegionFaulty(f"verhaal.json: van {', '.join(sorted(strangers))} is er geen script")
    return Region(folder, _read(folder / "regio.json"), scripts, chapters)


def _turn(raw: Mapping[str, Any]) -> Turn:
    if ("regie" in raw) == ("beurt" in raw):
        raise KeyError("beurt of regie")
    return Turn(raw.get("wie"), raw.get("beurt"), raw.get("regie"), raw)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise RegionFaulty(f"{path.name} is niet te lezen") from error
    except ValueError as error:
        raise RegionFaulty(f"{path.name}: dit is geen JSON ({error})") from error


def _bsns(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "bsn" and isinstance(each, str):
                yield each
            else:
                yield from _bsns(each)
    elif isinstance(value, list):
        for each in value:
            yield from _bsns(each)
