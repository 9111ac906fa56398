"""A tree that is begun anew: one entry ahead, then all that stood, then all that waited; none lost, none twice."""

import pytest
from sqlalchemy import insert, select

from consent.log import reading, tables
from consent.log.merkle import leaf_hash
from consent.log.sequencer import begin_anew
from tests.unit.consent_log.log_room import LogRoom, naive_root


class Crash(Exception):
    """The process ends here."""


def leaves(room: LogRoom) -> list[bytes]:
    with room.begin() as connection:
        rows = connection.execute(select(tables.ledger_entry).order_by(tables.ledger_entry.c.idx)).all()
    assert [row.idx for row in rows] == list(range(len(rows)))
    return [leaf_hash(row.commitment) for row in rows]


def tables_of(room: LogRoom) -> list[object]:
    found = (tables.ledger_entry, tables.ledger_node, tables.ledger_pending, tables.checkpoint)
    with room.begin() as connection:
        return [connection.execute(select(table).order_by(*table.primary_key)).all() for table in found]


@pytest.mark.parametrize(("stood", "waited"), [(0, 0), (1, 0), (0, 3), (255, 1), (256, 300), (600, 0)])
def test_what_stood_follows_the_first_and_what_waited_follows_that(log: LogRoom, stood: int, waited: int) -> None:
    before = log.append(stood) if stood else []
    log.sequence()
    behind = log.append(waited) if waited else []
    first = log.append(1)[0]
    with log.begin() as connection:
        size = begin_anew(connection, first.entry_id)
    found = leaves(log)
    assert found == [each.leaf_hash for each in (first, *before, *behind)] and size == len(found)
    with log.begin() as connection:
        assert reading.root(connection, size) == naive_root(found)
        assert reading.latest_note(connection) is None  # a checkpoint of the old tree is none of this one
        assert connection.execute(select(tables.ledger_pending)).all() == []


def test_a_crash_before_the_commit_leaves_the_old_tree(log: LogRoom) -> None:
    log.append(300)
    log.sequence()
    first = log.append(1)[0]
    before = tables_of(log)
    with pytest.raises(Crash), log.begin() as connection:
        begin_anew(connection, first.entry_id)
        raise Crash
    assert tables_of(log) == before


def test_an_entry_that_has_its_place_already_is_no_first(log: LogRoom) -> None:
    first = log.append(2)[1]
    log.sequence()
    before = tables_of(log)
    with pytest.raises(ValueError, match="must wait"), log.begin() as connection:
        begin_anew(connection, first.entry_id)
    assert tables_of(log) == before


def test_the_control_a_row_more_would_be_seen(log: LogRoom) -> None:
    first = log.append(1)[0]
    with log.begin() as connection:
        connection.execute(insert(tables.ledger_pending).values(entry_id="f" * 32, commitment=bytes(32)))
        assert begin_anew(connection, first.entry_id) == 2
    assert leaves(log)[0] == first.leaf_hash and leaves(log)[1] == leaf_hash(bytes(32))
