"""The evidence log agrees with logs that others wrote: RFC 6962's vectors and a log that Tessera made."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from consent.log import merkle, proof
from consent.log.note import Checkpoint, NoteInvalid, Verifier, open_checkpoint
from consent.log.tiles import Tile, bundles_of, node_reader, read_bundle, read_tile, tiles_of, write_bundle, write_tile
from consent.verify import verifier

HERE = Path(__file__).parent
LOG = HERE / "tessera-testlog" / "log"
TESSERA = Verifier.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
SIZES = range(16)


def _rfc6962() -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((HERE / "rfc6962" / "basic.json").read_text())
    return vectors


def _reader(leaves: list[bytes]) -> merkle.NodeReader:
    return lambda level, n: merkle.perfect_root(leaves[n << level : (n + 1) << level])


def _tessera(tile: Tile) -> list[bytes]:
    return read_tile((LOG / tile.path).read_bytes(), tile)


def _head(size: int) -> Checkpoint:
    return open_checkpoint((LOG / f"checkpoint.{size}").read_text(), [TESSERA])


def _reads(old: int, new: int) -> list[bytes]:
    return proof.consistency(old, new, node_reader(new, _tessera))


def test_rfc6962_hashes() -> None:
    vectors = _rfc6962()
    assert vectors["empty_root"] == merkle.EMPTY_ROOT.hex()
    for data, expected in vectors["leaf_hash"].items():
        assert merkle.leaf_hash(bytes.fromhex(data)).hex() == expected
    for left, right, expected in vectors["node_hash"]:
        assert merkle.node_hash(bytes.fromhex(left), bytes.fromhex(right)).hex() == expected


def test_rfc6962_roots_of_every_size() -> None:
    vectors = _rfc6962()
    leaves = [merkle.leaf_hash(bytes.fromhex(data)) for data in vectors["leaf_inputs"]]
    frontier = merkle.Frontier()
    for size, expected in enumerate(vectors["roots_by_size"]):
        assert merkle.root(size, _reader(leaves)).hex() == expected
        assert frontier.root().hex() == expected
        if size < len(leaves):
            frontier.add(leaves[size])


def _aligned_ranges() -> list[tuple[int, int]]:
    """The valid subtrees of up to 130 leaves, empty ones too, in the order of the published lines."""
    ranges = [(start, stop) for stop in range(131) for start in range(stop + 1)]
    return [(start, stop) for start, stop in ranges if start % (1 << max(0, stop - start - 1).bit_length()) == 0]


def test_accumulated_subtree_hashes() -> None:
    """draft-ietf-plants-merkle-tree-certs, appendix C.1.1: one SHA-256 over a line for every valid subtree."""
    leaves = [merkle.leaf_hash(bytes([value])) for value in range(130)]
    lines = sha256()
    for start, stop in _aligned_ranges():
        lines.update(f"[{start}, {stop}) {merkle.range_hash(start, stop, _reader(leaves)).hex()}\n".encode())
    assert lines.hexdigest() == _rfc6962()["accumulated_subtree_vectors"]["subtree_hash"]


def test_accumulated_inclusion_proofs() -> None:
    """The same draft, appendix C.1.2: every inclusion proof in every valid subtree; and each of them verifies."""
    leaves = [merkle.leaf_hash(bytes([value])) for value in range(130)]
    lines = sha256()
    for start, stop in _aligned_ranges():
        read = _reader(leaves[start:stop])
        root = merkle.root(stop - start, read)
        for index in range(start, stop):
            path = proof.inclusion(index - start, stop - start, read)
            proof.verify_inclusion(leaves[index], index - start, path, stop - start, root)
            lines.update("".join([f"{index} [{start}, {stop})", *(f" {h.hex()}" for h in path), "\n"]).encode())
    assert lines.hexdigest() == _rfc6962()["accumulated_subtree_vectors"]["subtree_inclusion"]


@pytest.mark.parametrize("size", SIZES)
def test_tessera_checkpoint_and_root(size: int) -> None:
    head = _head(size)
    assert (head.origin, head.size) == ("example.com/log/testdata", size)
    assert merkle.root(size, node_reader(size, _tessera)) == head.root


@pytest.mark.parametrize("size", SIZES)
def test_tessera_tiles_and_bundles_byte_for_byte(size: int) -> None:
    for tile, bundle in zip(tiles_of(size), bundles_of(size), strict=True):
        entries = read_bundle((LOG / bundle.path).read_bytes(), bundle)
        assert write_bundle(entries) == (LOG / bundle.path).read_bytes()
        assert write_tile([merkle.leaf_hash(entry) for entry in entries]) == (LOG / tile.path).read_bytes()


def test_tessera_every_consistency_and_inclusion_proof() -> None:
    for new in SIZES[1:]:
        for old in range(1, new + 1):
            proof.verify_consistency(_head(old), _head(new), _reads(old, new))
        leaves = _tessera(Tile(0, 0, new))
        for index in range(new):
            path = proof.inclusion(index, new, node_reader(new, _tessera))
            proof.verify_inclusion(leaves[index], index, path, new, _head(new).root)


@pytest.mark.parametrize("size", SIZES[1:])
def test_tessera_log_as_a_folder_is_whole_with_every_earlier_checkpoint(size: int) -> None:
    fetch = verifier.folder_fetch(LOG)
    notes = [(LOG / f"checkpoint.{earlier}").read_text() for earlier in range(size + 1)]
    report = verifier.verify_log(
        lambda path: notes[size].encode() if path == "checkpoint" else fetch(path), [TESSERA], notes
    )
    assert report.findings == []
    assert report.head == _head(size)


def test_a_changed_byte_anywhere_in_a_tessera_checkpoint_is_refused() -> None:
    note = (LOG / "checkpoint.15").read_bytes()
    for at in range(len(note)):
        changed = note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :]
        with pytest.raises((NoteInvalid, UnicodeDecodeError)):
            open_checkpoint(changed.decode(), [TESSERA])
