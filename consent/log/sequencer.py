"""Gives committed entries their place in the tree: from the queue into entries and nodes, in one transaction.

It takes whatever is visible, lowest id first. Ids commit out of order, so it never asks for ``id > last``: a row that
shows up late is simply taken late. What belongs to one person still keeps its order, because those ids are drawn
under that person's lock.
"""

from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from consent.log import reading
from consent.log.merkle import perfect_root
from consent.log.tables import checkpoint, ledger_entry, ledger_node, ledger_pending
from consent.log.tiles import HEIGHT, WIDTH
from consent.store.any_of import any_of

SEQUENCER_LOCK: Final = 0x6875_625F_6C6F_6731  # "hub_log1"
SIGNER_LOCK: Final = 0x6875_625F_6C6F_6732  # "hub_log2"
_TURN: Final = 4_096  # entries that find their place at a time when a tree is begun anew
_TAKEN: Final = delete(ledger_pending).where(any_of(ledger_pending.c.entry_id, "taken"))


def only_one(connection: Connection, lock: int) -> None:
    """Wait until no other transaction holds this lock; held until the transaction ends.

    PostgreSQL: an advisory lock, to be taken as the transaction's first statement (READ COMMITTED), so that what is
    read next is what the one before has committed. SQLite: the caller's ``BEGIN IMMEDIATE`` is that lock already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


def sequence(connection: Connection, limit: int) -> int | None:
    """Move at most ``limit`` waiting entries into the tree; the new number of leaves, or ``None`` if nothing waited.

    Never commits. A crash before the caller's commit leaves queue and tree as they were; after it, the entries stand at
    their index for ever and are waiting no more. Two sequencers at once take turns.
    """
    only_one(connection, SEQUENCER_LOCK)
    waiting = connection.execute(select(ledger_pending).order_by(ledger_pending.c.id).limit(limit)).all()
    if not waiting:
        return None
    start = reading.size(connection)
    connection.execute(
        insert(ledger_entry),
        [{"idx": start + at, "entry_id": row.entry_id, "commitment": row.commitment} for at, row in enumerate(waiting)],
    )
    size = start + len(waiting)
    _add_nodes(connection, start, size)
    connection.execute(_TAKEN, {"taken": [row.entry_id for row in waiting]})
    return size


def _add_nodes(connection: Connection, old: int, new: int) -> None:
    """Write the hash of every tile that became full between ``old`` and ``new`` leaves, lowest level first."""
    for level in range(1, 64 // HEIGHT):
        full = _newly_full(level, old, new)
        if not full:
            return
        rows = [{"level": level, "n": n, "hash": _tile_root(connection, level - 1, n)} for n in full]
        connection.execute(insert(ledger_node), rows)


def _newly_full(level: int, old: int, new: int) -> list[int]:
    return list(range(old >> (HEIGHT * level), new >> (HEIGHT * level)))


def _tile_root(connection: Connection, level: int, index: int) -> bytes:
    return perfect_root(reading.hashes(connection, level, index * WIDTH, WIDTH))


def begin_anew(connection: Connection, first: str) -> int:
    """Begin another tree in the place of this one: ``first``, which waits, then all that stood here, then what waits.

    For a new origin only (its checkpoints are gone with the old tree). Returns the number of leaves. Never commits: a
    crash before the caller's commit leaves the old tree. Raises ``ValueError`` if ``first`` does not wait.
    """
    only_one(connection, SEQUENCER_LOCK)
    columns = ["entry_id", "commitment"]
    waiting = connection.execute(select(ledger_pending).order_by(ledger_pending.c.id)).all()
    rows = [{"entry_id": row.entry_id, "commitment": row.commitment} for row in waiting]
    ahead = [row for row in rows if row["entry_id"] == first]
    behind = [row for row in rows if row["entry_id"] != first]
    if not ahead:
        raise ValueError("the first entry of a new tree must wait for its place")
    connection.execute(delete(ledger_pending))
    connection.execute(insert(ledger_pending), ahead)
    stood = select(ledger_entry.c.entry_id, ledger_entry.c.commitment).order_by(ledger_entry.c.idx)
    connection.execute(insert(ledger_pending).from_select(columns, stood))
    if behind:
        connection.execute(insert(ledger_pending), behind)
    for table in (ledger_entry, ledger_node, checkpoint):
        connection.execute(delete(table))
    while sequence(connection, _TURN) is not None:
        continue
    return reading.size(connection)
