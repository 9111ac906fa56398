"""Tiles and entry bundles of a log (c2sp.org/tlog-tiles): their paths, their bytes, and tree nodes read out of them.

Pure. A tile holds up to 256 hashes; tile ``n`` of level ``l`` holds ``MTH(D[(n*256+i)*256**l : (n*256+i+1)*256**l])``
for i = 0..255. Partial tiles are never hashed upward.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from consent.log.merkle import HASH_SIZE, NodeReader, perfect_root

WIDTH: Final = 256  # hashes in a full tile
HEIGHT: Final = 8  # tree levels that one tile spans
MAX_ENTRY: Final = 65_535  # bytes of one entry in a bundle
_MAX_SIZE: Final = 1 << 63
_LONGEST: Final = len("x009/x223/x372/x036/x854/x775/807")  # no number below 2**63 needs more groups
_PATH: Final = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile: its level (``None`` for an entry bundle), its number in that level, and its width 1..256."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the log's prefix, such as ``tile/0/x001/x234/067.p/8``."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        suffix = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{suffix}"

    @property
    def start(self) -> int:
        """The number, within its level, of the tile's first hash."""
        return self.index * WIDTH


def parse(path: str) -> Tile | None:
    """The tile that a path names; ``None`` for anything that is not exactly the one spelling of such a path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level, groups, width = match.groups()
    if len(groups) > _LONGEST:
        return None
    index = int(groups.replace("x", "").replace("/", ""))
    tile = Tile(None if level == "entries" else int(level), index, WIDTH if width is None else int(width))
    possible = (tile.level or 0) <= 63 and index < _MAX_SIZE and not (width is not None and tile.width >= WIDTH)
    return tile if possible and tile.path == path else None  # equal spelling: no leading zero groups


def width(level: int | None, index: int, size: int) -> int:
    """How wide this tile is in a tree of ``size`` leaves: 0 (not there) to 256 (full)."""
    return max(0, min(WIDTH, (size >> (HEIGHT * (level or 0))) - index * WIDTH))


def tiles_of(size: int) -> Iterator[Tile]:
    """Every hash tile of a tree of ``size`` leaves, lowest level first, left to right."""
    level = 0
    while size >> (HEIGHT * level):
        count = size >> (HEIGHT * level)
        for index in range(-(-count // WIDTH)):
            yield Tile(level, index, width(level, index, size))
        level += 1


def bundles_of(size: int) -> Iterator[Tile]:
    """Every entry bundle of a log of ``size`` entries, left to right."""
    for index in range(-(-size // WIDTH)):
        yield Tile(None, index, width(None, index, size))


def write_tile(hashes: Sequence[bytes]) -> bytes:
    """The bytes of a tile: its hashes one after the other."""
    return b"".join(hashes)


def read_tile(raw: bytes, tile: Tile) -> list[bytes]:
    """The hashes of a tile. Raises ``ValueError`` if the length is not exactly what its width says."""
    if len(raw) != tile.width * HASH_SIZE:
        raise ValueError("a tile has another length than its width says")
    return [raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)]


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle: each entry after its length as a big-endian uint16. Raises ``ValueError``."""
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise ValueError("an entry is longer than a bundle can hold")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_bundle(raw: bytes, tile: Tile) -> list[bytes]:
    """The entries of a bundle. Raises ``ValueError`` if it is cut short or holds another number of entries."""
    entries: list[bytes] = []
    at = 0
    while at < len(raw):
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        if start > len(raw) or at > len(raw):
            raise ValueError("an entry bundle is cut short")
        entries.append(raw[start:at])
    if len(entries) != tile.width:
        raise ValueError("an entry bundle holds another number of entries than its width says")
    return entries


def node_reader(size: int, read: Callable[[Tile], Sequence[bytes]]) -> NodeReader:
    """Reads tree nodes out of tiles of a tree of ``size`` leaves; each tile is fetched at most once."""
    fetched: dict[tuple[int, int], Sequence[bytes]] = {}

    def node(level: int, n: int) -> bytes:
        tile_level, within = divmod(level, HEIGHT)
        first = n << within
        index, offset = divmod(first, WIDTH)
        if (tile_level, index) not in fetched:
            fetched[tile_level, index] = read(Tile(tile_level, index, width(tile_level, index, size)))
        return perfect_root(fetched[tile_level, index][offset : offset + (1 << within)])

    return node
