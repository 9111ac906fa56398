"""Append, sequence and read: order, crashes between any two steps, two sequencers at once."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event, func, insert, select

from consent.log import ledger, reading, tables
from consent.log.ledger import Appended, NewEntry
from consent.log.merkle import leaf_hash
from consent.log.note import open_checkpoint
from consent.log.proof import TlogProof
from consent.log.sequencer import sequence
from consent.log.tiles import WIDTH
from tests.unit.consent_log.log_room import KEY, LogRoom, naive_root, together


class Crash(Exception):
    """The process ends here."""


def _rows(room: LogRoom, table: Any) -> list[Any]:
    with room.begin() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)).all())


def _leaves(room: LogRoom) -> list[bytes]:
    return [leaf_hash(row.commitment) for row in _rows(room, tables.ledger_entry)]


def _check_tree(room: LogRoom, size: int) -> None:
    """Root, nodes and entries agree with naive recomputation from the leaves."""
    leaves = _leaves(room)
    assert [row.idx for row in _rows(room, tables.ledger_entry)] == list(range(size))
    expected = {
        (level, n): naive_root(leaves[n * WIDTH**level : (n + 1) * WIDTH**level])
        for level in (1, 2)
        for n in range(size // WIDTH**level)
    }
    assert {(row.level, row.n): row.hash for row in _rows(room, tables.ledger_node)} == expected
    if size:
        with room.begin() as connection:
            assert reading.root(connection, size) == naive_root(leaves)


@pytest.mark.parametrize("steps", [[1], [255, 1], [256], [257], [100, 200, 300], [1000], [512, 512]])
def test_tree_and_nodes_are_those_of_the_leaves(room: LogRoom, steps: list[int]) -> None:
    appended: list[Appended] = []
    for number in steps:
        appended += room.append(number)
        assert room.sequence() == len(appended)
    _check_tree(room, len(appended))
    assert _leaves(room) == [a.leaf_hash for a in appended]  # in the order of appending
    assert _rows(room, tables.ledger_pending) == []


def test_a_node_two_levels_up(room: LogRoom) -> None:
    """65,536 + 300 leaves make 257 nodes of level 1 and one of level 2."""
    with room.begin() as connection:
        rows = [{"entry_id": f"e{n}", "commitment": n.to_bytes(32, "big")} for n in range(65_836)]
        connection.execute(insert(tables.ledger_pending), rows)
    while room.sequence(9_999) is not None:
        pass
    _check_tree(room, 65_836)


def test_nothing_waits_nothing_happens(room: LogRoom) -> None:
    assert room.sequence() is None
    with room.begin() as connection:
        assert ledger.append(connection, [], room.new_id) == []


def test_the_limit_is_kept_and_the_rest_follows(room: LogRoom) -> None:
    appended = room.append(10)
    assert [room.sequence(4), room.sequence(4), room.sequence(4), room.sequence(4)] == [4, 8, 10, None]
    assert _leaves(room) == [a.leaf_hash for a in appended]


def test_a_row_that_shows_up_late_with_a_lower_id_is_taken(room: LogRoom) -> None:
    """Ids commit out of order: a sequencer that asked for ``id > last`` would lose this row for ever."""
    with room.begin() as connection:
        connection.execute(insert(tables.ledger_pending).values(id=5, entry_id="late", commitment=bytes(32)))
    assert room.sequence() == 1
    with room.begin() as connection:
        connection.execute(insert(tables.ledger_pending).values(id=3, entry_id="early", commitment=bytes(32)))
    assert room.sequence() == 2
    assert [row.entry_id for row in _rows(room, tables.ledger_entry)] == ["late", "early"]


def test_append_stands_or_falls_with_its_transaction(room: LogRoom) -> None:
    with pytest.raises(Crash), room.begin() as connection:
        ledger.append(connection, [NewEntry("bewijs/p", KEY, {"v": 1})], room.new_id)
        raise Crash
    assert room.sequence() is None
    assert _rows(room, tables.ledger_payload) == []


def _crash_at(room: LogRoom, step: int, act: Callable[[Connection], object]) -> bool:
    """Run ``act`` in a transaction that crashes before its ``step``-th statement; whether it got that far."""
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen > step:
            raise Crash

    connection = room.engine.connect()
    transaction = connection.begin()
    event.listen(connection, "before_cursor_execute", count)
    try:
        act(connection)
    except Crash:
        return True
    finally:
        transaction.rollback()  # what a dead process leaves to the database
        connection.close()
    return False


@pytest.mark.parametrize("number", [3, 600])
def test_a_crash_before_any_statement_of_the_sequencer_changes_nothing(room: LogRoom, number: int) -> None:
    room.append(200)
    room.sequence()
    appended = room.append(number)
    waiting, steps = _rows(room, tables.ledger_pending), 0
    while _crash_at(room, steps, lambda connection: sequence(connection, 10_000)):
        assert _rows(room, tables.ledger_pending) == waiting
        _check_tree(room, 200)
        steps += 1
    assert steps >= 4  # queue, size, entries, (nodes,) delete
    assert _rows(room, tables.ledger_pending) == waiting  # the last run was rolled back too: at its commit
    assert room.sequence() == 200 + number
    _check_tree(room, 200 + number)
    assert _leaves(room)[200:] == [a.leaf_hash for a in appended]


def test_two_sequencers_at_once_take_turns(room: LogRoom) -> None:
    appended = [room.append(50) for _ in range(20)]

    def run() -> None:
        while room.sequence(37) is not None:
            pass

    together(run, run)
    _check_tree(room, 1_000)
    assert _leaves(room) == [a.leaf_hash for batch in appended for a in batch]


def test_entries_are_found_waiting_and_sequenced_and_open(room: LogRoom) -> None:
    entry = room.append(1)[0]
    for _ in range(2):
        with room.begin() as connection:
            stored = ledger.find(connection, entry.entry_id)
            assert stored is not None
            assert stored.open(KEY) == b'{"nummer":0,"v":1}'
            assert ledger.find(connection, "another") is None
        room.sequence()


def test_a_proof_waits_for_its_checkpoint(log: LogRoom) -> None:
    entry = log.append(3)[1]
    with log.begin() as connection:
        assert reading.tlog_proof(connection, entry.entry_id) is None
    log.sequence()
    with log.begin() as connection:
        assert reading.tlog_proof(connection, entry.entry_id) is None  # in the tree, but not signed
        assert reading.fetch(connection, "tile/0/000.p/3") is None
        assert reading.fetch(connection, "tile/entries/000.p/3") is None
    log.signer().sign(log.begin)
    with log.begin() as connection:
        proof = reading.tlog_proof(connection, entry.entry_id)
        assert proof is not None
        assert proof.verify(entry.leaf_hash, [log.signer().verifier]).size == 3
        assert reading.fetch(connection, "tile/0/000.p/3") is not None
        assert reading.fetch(connection, "tile/0/000.p/4") is None
        assert reading.fetch(connection, "tile/0/000") is None
        assert reading.fetch(connection, "tile/0/../000") is None
        assert reading.tlog_proof(connection, "another") is None


def test_every_entry_has_a_proof_that_verifies(log: LogRoom) -> None:
    appended = log.grow(600)
    with log.begin() as connection:
        for at in range(0, 600, 37):
            proof = reading.tlog_proof(connection, appended[at].entry_id)
            assert proof is not None
            assert proof.index == at
            again = TlogProof.parse(proof.write())
            again.verify(appended[at].leaf_hash, [log.signer().verifier])


def test_consistency_between_signed_sizes_only(log: LogRoom) -> None:
    log.grow(300)
    log.append(10)
    log.sequence()
    with log.begin() as connection:
        assert reading.consistency(connection, 10, 300) is not None
        assert reading.consistency(connection, 300, 300) == []
        for old, new in ((0, 300), (301, 300), (10, 310), (-1, 3)):
            assert reading.consistency(connection, old, new) is None


def test_missing_rows_are_named_not_papered_over(log: LogRoom) -> None:
    appended = log.grow(300)
    with log.begin() as connection:
        connection.execute(delete(tables.ledger_entry).where(tables.ledger_entry.c.idx == 299))
        connection.execute(delete(tables.ledger_node))
    with log.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.ledger_entry)) == 299
        with pytest.raises(reading.LogBroken):
            reading.fetch(connection, "tile/0/001.p/44")
        with pytest.raises(reading.LogBroken):
            reading.fetch(connection, "tile/1/000.p/1")
        with pytest.raises(reading.LogBroken):
            reading.tlog_proof(connection, appended[3].entry_id)


def test_the_published_checkpoint_opens(log: LogRoom) -> None:
    log.grow(3)
    with log.begin() as connection:
        raw = reading.fetch(connection, "checkpoint")
    assert raw is not None
    assert open_checkpoint(raw.decode(), [log.signer().verifier]).size == 3
