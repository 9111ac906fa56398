"""Tile paths, tile and bundle bytes, and nodes read out of tiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.log import merkle, tiles
from consent.log.tiles import Tile
from tests.unit.consent_log.log_room import hashes, naive_root

GOOD = {
    "tile/0/000": Tile(0, 0),
    "tile/0/255": Tile(0, 255),
    "tile/1/x001/000": Tile(1, 1000),
    "tile/0/x001/x234/067": Tile(0, 1_234_067),
    "tile/0/x001/x234/067.p/8": Tile(0, 1_234_067, 8),
    "tile/63/000.p/255": Tile(63, 0, 255),
    "tile/entries/000": Tile(None, 0),
    "tile/entries/x273/999.p/1": Tile(None, 273_999, 1),
}
BAD = [
    "",
    "checkpoint",
    "tile",
    "tile/0",
    "tile/0/0",
    "tile/0/1000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/a/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/08",
    "tile/0/000.p/",
    "tile/0/000/",
    "/tile/0/000",
    "tile/0/x000/001",
    "tile/0/001/002",
    "tile/0/x001/x002",
    "tile/0/\u0660\u0660\u0660",
    "tile/0/000\n",
    "tile/entries/../000",
    "tile/data/000",
    "tile/0/" + "x999/" * 7 + "999",
]


@pytest.mark.parametrize("path", GOOD)
def test_a_path_is_read_and_written(path: str) -> None:
    assert tiles.parse(path) == GOOD[path]
    assert GOOD[path].path == path


@pytest.mark.parametrize("path", BAD)
def test_any_other_path_is_no_tile(path: str) -> None:
    assert tiles.parse(path) is None


@given(st.builds(Tile, st.none() | st.integers(0, 63), st.integers(0, 2**62), st.integers(1, 256)))
def test_every_tile_has_one_path(tile: Tile) -> None:
    assert tiles.parse(tile.path) == tile


def test_the_example_of_the_specification() -> None:
    """A tree of 70,000: 273 full and one of 112, one full and one of 17, one of 1."""
    found = [(t.level, t.width) for t in tiles.tiles_of(70_000)]
    assert found == [(0, 256)] * 273 + [(0, 112)] + [(1, 256), (1, 17)] + [(2, 1)]
    assert [t.width for t in tiles.bundles_of(70_000)] == [256] * 273 + [112]
    assert list(tiles.tiles_of(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert list(tiles.tiles_of(0)) == []


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_a_bundle_comes_back(entries: list[bytes]) -> None:
    tile = Tile(None, 0, len(entries))
    raw = tiles.write_bundle(entries)
    assert tiles.read_bundle(raw, tile) == entries
    for wrong in (raw[:-1], raw + b"\x00", raw + b"\x00\x05abc", b""):
        with pytest.raises(ValueError, match="bundle"):
            tiles.read_bundle(wrong, tile)


def test_an_entry_that_is_too_long_is_refused() -> None:
    assert len(tiles.write_bundle([bytes(65_535)])) == 65_537
    with pytest.raises(ValueError, match="longer"):
        tiles.write_bundle([bytes(65_536)])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_tile_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="length"):
        tiles.read_tile(bytes(length), Tile(0, 0, 1))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 700, 65_536, 66_000])
def test_the_root_out_of_tiles_is_the_root(size: int) -> None:
    leaves = hashes(size)
    levels = [leaves]
    while len(levels[-1]) >= tiles.WIDTH:
        below = levels[-1]
        levels.append([naive_root(below[at : at + 256]) for at in range(0, len(below) // 256 * 256, 256)])
    read = tiles.node_reader(size, lambda t: levels[t.level or 0][t.start : t.start + t.width])
    assert merkle.root(size, read) == naive_root(leaves)
