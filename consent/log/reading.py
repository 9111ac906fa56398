"""Reads the log out of its tables: tiles, bundles, checkpoints and proofs, assembled on the way out; and its export.

Nothing here is published before it is signed: tiles and proofs stop at the latest checkpoint.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, func, select

from consent.log import merkle, proof
from consent.log.note import Checkpoint
from consent.log.tables import checkpoint, ledger_entry, ledger_node
from consent.log.tiles import (
    Tile,
    bundles_of,
    node_reader,
    parse,
    read_bundle,
    read_tile,
    tiles_of,
    width,
    write_bundle,
    write_tile,
)


class LogBroken(Exception):
    """Rows of the log are missing or do not follow one another. The message names level and number."""


def size(connection: Connection) -> int:
    """How many entries have their place in the tree."""
    last = connection.scalar(select(func.max(ledger_entry.c.idx)))
    return 0 if last is None else int(last) + 1


def commitments(connection: Connection, start: int, count: int) -> list[bytes]:
    """The leaf data of ``count`` entries from index ``start``. Raises ``LogBroken`` if one is missing."""
    within = ledger_entry.c.idx.between(start, start + count - 1)
    rows = (
        connection.execute(select(ledger_entry.c.commitment).where(within).order_by(ledger_entry.c.idx)).scalars().all()
    )
    if len(rows) != count:
        raise LogBroken(f"entries are missing between {start} and {start + count}")
    return [bytes(row) for row in rows]


def hashes(connection: Connection, level: int, start: int, count: int) -> list[bytes]:
    """``count`` hashes of a tile level from number ``start``. Raises ``LogBroken`` if one is missing."""
    if level == 0:
        return [merkle.leaf_hash(data) for data in commitments(connection, start, count)]
    within = (ledger_node.c.level == level) & ledger_node.c.n.between(start, start + count - 1)
    rows = connection.execute(select(ledger_node.c.hash).where(within).order_by(ledger_node.c.n)).scalars().all()
    if len(rows) != count:
        raise LogBroken(f"nodes of level {level} are missing between {start} and {start + count}")
    return [bytes(row) for row in rows]


def nodes(connection: Connection, size_: int) -> merkle.NodeReader:
    """Reads nodes of the tree over the first ``size_`` entries; each tile is read at most once."""
    return node_reader(size_, lambda tile: hashes(connection, tile.level or 0, tile.start, tile.width))


def root(connection: Connection, size_: int) -> bytes:
    """The root over the first ``size_`` entries."""
    return merkle.root(size_, nodes(connection, size_))


def latest_note(connection: Connection) -> str | None:
    """The latest signed checkpoint, word for word; ``None`` if nothing was ever signed."""
    return connection.scalar(select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(1))


def signed_size(connection: Connection) -> int:
    """The number of entries that the latest checkpoint says it covers; 0 if nothing was ever signed."""
    note = latest_note(connection)
    return 0 if note is None else _covers(note)


def _covers(note: str) -> int:
    return Checkpoint.parse(note.rpartition("\n\n")[0] + "\n").size


def fetch(connection: Connection, path: str) -> bytes | None:
    """What stands at a path below the log's prefix: ``checkpoint``, a tile or a bundle; ``None``: not there (404).

    Tiles are given in every width up to what the latest checkpoint covers.
    """
    if path == "checkpoint":
        note = latest_note(connection)
        return None if note is None else note.encode()
    tile = parse(path)
    if tile is None or width(tile.level, tile.index, signed_size(connection)) < tile.width:
        return None
    return _tile_bytes(connection, tile)


def fetch_exported(folder: Path, path: str) -> bytes | None:
    """The same out of a folder that ``export`` wrote, whose log is closed; tiles in every width that it ever had."""
    try:
        note = (folder / "checkpoint").read_text(encoding="utf-8")
        if path == "checkpoint":
            return note.encode()
        tile = parse(path)
        there = 0 if tile is None else width(tile.level, tile.index, _covers(note))
        if tile is None or there < tile.width:
            return None
        whole = Tile(tile.level, tile.index, there)
        raw = (folder / whole.path).read_bytes()
    except FileNotFoundError:
        return None
    if tile.level is None:
        return write_bundle(read_bundle(raw, whole)[: tile.width])
    return write_tile(read_tile(raw, whole)[: tile.width])


def _tile_bytes(connection: Connection, tile: Tile) -> bytes:
    if tile.level is None:
        return write_bundle(commitments(connection, tile.start, tile.width))
    return write_tile(hashes(connection, tile.level, tile.start, tile.width))


def index_of(connection: Connection, entry_id: str) -> int | None:
    """The entry's index in the tree; ``None`` while it waits, or if there is no such entry."""
    return connection.scalar(select(ledger_entry.c.idx).where(ledger_entry.c.entry_id == entry_id))


def tlog_proof(connection: Connection, entry_id: str) -> proof.TlogProof | None:
    """The offline proof of an entry under the latest checkpoint; ``None`` while no checkpoint covers it."""
    index, note = index_of(connection, entry_id), latest_note(connection)
    if index is None or note is None:
        return None
    covered = _covers(note)
    if index >= covered:
        return None
    return proof.TlogProof(index, tuple(proof.inclusion(index, covered, nodes(connection, covered))), note)


def consistency(connection: Connection, old: int, new: int) -> list[bytes] | None:
    """The consistency proof between two sizes; ``None`` unless ``0 < old <= new <= `` the signed size."""
    if not 0 < old <= new <= signed_size(connection):
        return None
    return proof.consistency(old, new, nodes(connection, new))


def export(connection: Connection, folder: Path, progress: Callable[[int, int], None] | None = None) -> int | None:
    """Write the signed log as a folder of tiles, bundles and its checkpoint; the number of entries, ``None``: unsigned.

    The checkpoint is written last: a crash before that leaves a folder that is no log yet, never a wrong one. The files
    hold no personal data. ``progress`` is told (files written, files in all).
    """
    note = latest_note(connection)
    if note is None:
        return None
    size_ = _covers(note)
    files: Sequence[Tile] = [*bundles_of(size_), *tiles_of(size_)]
    for done, tile in enumerate(files, start=1):
        _write(folder / tile.path, _tile_bytes(connection, tile))
        if progress is not None:
            progress(done, len(files))
    _write(folder / "checkpoint", note.encode())
    return size_


def _write(path: Path, raw: bytes) -> None:
    """Replace a file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(raw)
    os.replace(fresh, path)
