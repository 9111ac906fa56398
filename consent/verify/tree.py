"""Looking at a log: every entry bundle, every tile, the root, the checkpoint's signature, earlier checkpoints of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from consent.log import merkle
from consent.log.note import Checkpoint, NoteInvalid, Verifier, open_checkpoint
from consent.log.tiles import WIDTH, Tile, bundles_of, node_reader, read_bundle, read_tile, tiles_of
from consent.verify.lineage import first_of
from consent.verify.report import CouldNotLook, Report

#: Gives the bytes at a path below the log's prefix; ``None`` if nothing stands there. May raise ``CouldNotLook``.
Fetch = Callable[[str], bytes | None]
Progress = Callable[[int, int], None]
#: What no look at a log can tell.
LIMITS: Final = (
    "of er iets is veranderd of teruggedateerd vóór het laatste checkpoint dat iemand buiten de hub bewaarde",
    "of wat is vastgelegd ook is gebeurd",
)


@dataclass(slots=True)
class Sought:
    """Leaves that a receipt names, looked up while a log is read through: no more than these is held of it."""

    leaves: frozenset[bytes]
    found: dict[bytes, int] = field(default_factory=dict)  # where in the log each stands first
    origin: str = ""  # the log that was read; empty while none was
    now: str | None = None  # how the statement of the receipt stands now, where the look met what lies behind the log

    def meet(self, start: int, leaves: Sequence[bytes]) -> None:
        """The next leaves of the log, of which the first has index ``start``."""
        if not self.leaves.isdisjoint(leaves):
            for index, leaf in enumerate(leaves, start):
                if leaf in self.leaves:
                    self.found.setdefault(leaf, index)


def folder_fetch(folder: Path) -> Fetch:
    """Reads a log that lies in a folder. Raises ``CouldNotLook`` if the folder is not there."""
    if not folder.is_dir():
        raise CouldNotLook("de map bestaat niet")

    def fetch(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CouldNotLook(f"{path} is niet te lezen") from error

    return fetch


def verify_log(
    fetch: Fetch,
    verifiers: Sequence[Verifier],
    earlier: Sequence[str] = (),
    progress: Progress | None = None,
    sought: Sought | None = None,
) -> Report:
    """Look at a whole log, and say of each thing that is wrong where it is.

    (1) the checkpoint's signature, (2) every bundle against the leaf hashes, (3) every tile against what lies below
    it, (4) the root, (5) that each earlier checkpoint (a note that somebody kept) is a beginning of this log.
    ``progress`` is told (entries, entries in all), ``sought`` meets every leaf. Of all hashes 1 in 256 is held.
    Raises ``CouldNotLook`` without checkpoint.
    """
    report = Report(["logboek"], limits=list(LIMITS))
    raw = fetch("checkpoint")
    if raw is None:
        raise CouldNotLook("er is geen checkpoint")
    head = _open(raw, verifiers, "checkpoint", report)  # (1)
    if head is None:
        return report
    report.head = head
    if sought is not None:
        sought.origin = head.origin
    edges = _verify_tiles(fetch, head.size, report, progress, sought)  # (2), (3)
    root = merkle.root(head.size, node_reader(head.size, lambda tile: edges[tile.level or 0, tile.index]))
    if root != head.root:  # (4)
        report.wrong("checkpoint", "de wortel hoort niet bij de vermeldingen")
    for note in earlier:  # (5)
        report.looked_at.append("eerder checkpoint")
        old = _open(note.encode(), verifiers, "eerder checkpoint", report)
        if old is not None:
            _verify_earlier(fetch, head, old, report)
    return report


def _open(raw: bytes, verifiers: Sequence[Verifier], place: str, report: Report) -> Checkpoint | None:
    try:
        return open_checkpoint(raw.decode("utf-8"), verifiers)
    except UnicodeDecodeError:
        report.wrong(place, "het is geen tekst")
    except NoteInvalid:
        report.wrong(place, not_ours(raw.decode("utf-8"), verifiers))
    return None


def not_ours(note: str, verifiers: Sequence[Verifier]) -> str:
    """Why no key of ours opens a checkpoint: after a restore a log goes on under another name, with another key."""
    origin, names = note.partition("\n")[0], sorted({one.name for one in verifiers})
    if origin in names:
        return "de handtekening klopt niet, of is niet van deze sleutel"
    told = f"het is van een ander logboek dan de sleutel: die is van {', '.join(names)}"
    if first_of(origin) not in map(first_of, names):
        return told
    return f"{told}. Na een herstel begint een hub een nieuw logboek, met een nieuwe sleutel: geef die van {origin}"


def _read(fetch: Fetch, tile: Tile, report: Report) -> list[bytes]:
    """Hashes or entries of one tile; an empty list, and a finding, if it is missing or malformed."""
    raw, found = fetch(tile.path), tile
    if raw is None and tile.width < WIDTH:  # a log may drop a partial tile once the full one is there
        found = Tile(tile.level, tile.index)
        raw = fetch(found.path)
    if raw is None:
        report.wrong(tile.path, "ontbreekt")
        return []
    try:
        return (read_bundle(raw, found) if tile.level is None else read_tile(raw, found))[: tile.width]
    except ValueError:
        report.wrong(tile.path, "heeft niet de lengte die erbij hoort")
        return []


_Edges = dict[tuple[int, int], list[bytes]]


def _verify_tiles(fetch: Fetch, size: int, report: Report, progress: Progress | None, sought: Sought | None) -> _Edges:
    """Recompute all hashes upward from the entries, comparing each tile; the hashes from which the root follows."""
    edges: _Edges = {}
    row: list[bytes] = []  # hashes of the level above the one at hand
    for tile in bundles_of(size):
        leaves = [merkle.leaf_hash(entry) for entry in _read(fetch, tile, report)]
        shown = _compare(fetch, Tile(0, tile.index, tile.width), leaves, report)
        _keep(edges, row, Tile(0, tile.index, tile.width), leaves or shown)
        if sought is not None:
            sought.meet(tile.start, leaves or shown)
        if progress is not None:
            progress(tile.start + tile.width, size)
    below = row
    row = []
    level = 1
    for tile in tiles_of(size):
        if not tile.level:
            continue
        if tile.level != level:
            below, row, level = row, [], tile.level
        hashes = below[tile.start : tile.start + tile.width]
        _compare(fetch, tile, hashes, report)
        _keep(edges, row, tile, hashes)
    return edges


def _keep(edges: _Edges, above: list[bytes], tile: Tile, hashes: list[bytes]) -> None:
    """Keep a full tile's hash for the level above, and a tile of the right edge whole: only those make the root."""
    padded = hashes + [bytes(merkle.HASH_SIZE)] * (tile.width - len(hashes))  # where something is missing: a wrong root
    if tile.width == WIDTH:
        above.append(merkle.perfect_root(padded))
    else:
        edges[tile.level or 0, tile.index] = padded


def _compare(fetch: Fetch, tile: Tile, computed: list[bytes], report: Report) -> list[bytes]:
    """Compare a tile with what was computed from below; the hashes that the tile shows."""
    shown = _read(fetch, tile, report)
    different = [at for at, (mine, theirs) in enumerate(zip(computed, shown, strict=False)) if mine != theirs]
    if different:
        first, more = tile.start + different[0], len(different) - 1
        what = f"vermelding {first}" if tile.level == 0 else f"knoop {first} van niveau {tile.level}"
        report.wrong(tile.path, f"{what} hoort niet bij wat eronder ligt" + (f" (en nog {more})" if more else ""))
    return shown


def _verify_earlier(fetch: Fetch, head: Checkpoint, old: Checkpoint, report: Report) -> None:
    if old.origin != head.origin:
        report.wrong("eerder checkpoint", "het is van een ander logboek")
    elif old.size > head.size:
        report.wrong("eerder checkpoint", "het logboek is korter dan het was")
    else:
        hidden = Report()  # what is wrong with a tile was said already
        wide = {(tile.level, tile.index): tile for tile in tiles_of(head.size)}
        read = node_reader(old.size, lambda tile: _read(fetch, wide[tile.level, tile.index], hidden))
        try:
            same = merkle.root(old.size, read) == old.root
        except ValueError:  # a tile is missing
            same = False
        if not same:
            report.wrong("eerder checkpoint", f"de eerste {old.size} vermeldingen zijn niet meer wat ze waren")
