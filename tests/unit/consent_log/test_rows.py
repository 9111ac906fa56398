"""Every single-byte change in the columns of the log's own tables is found, and what a running hub does is not."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Table, create_engine, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from consent.keys import KeyStore
from consent.log import tables
from consent.log.note import Checkpoint, LogKeys, NoteKey, sign
from consent.log.signer import Signer
from consent.verify import verifier
from consent.verify.rows import check_rows, settled, table_fetch
from hub.ledger.replay.entries import entries
from hub.store.database import open_engine, reading
from tests.unit.consent_log.log_room import ORIGIN, LogRoom

#: The columns, and of each table the rows whose every byte is changed: both ends of a tile, and the ragged edge.
COLUMNS: Final[dict[Table, tuple[str, ...]]] = {
    tables.ledger_entry: ("idx", "entry_id", "commitment"),
    tables.ledger_payload: ("entry_id", "key_id", "nonce", "ciphertext"),
    tables.ledger_node: ("level", "n", "hash"),
    tables.checkpoint: ("size", "note"),
    tables.ledger_pending: ("entry_id", "commitment"),  # ``id`` says only what is taken first, until it is taken
}
SIZE: Final = 258
ROWS: Final = (0, 255, 257)
MASKS: Final = (0x01, 0x80, 0x20, 0xFF)


@dataclass
class Checked:
    """A log of a full tile and a bit, one entry that waits, and the keys of its payloads."""

    room: LogRoom
    keys: KeyStore
    signing: LogKeys

    def look(self, connection: Connection) -> verifier.Report:
        """All that ``hub ledger verify --db`` looks at of the log."""
        keys = self.signing.verifiers(ORIGIN)
        with settled(connection):
            report = verifier.verify_log(table_fetch(connection), keys)
            report.merge(check_rows(connection, keys))
            for entry in entries(connection, self.keys):
                if entry.fault is not None:
                    report.wrong(entry.place, entry.fault)
        return report


@pytest.fixture
def checked(log: LogRoom) -> Iterator[Checked]:
    engine = create_engine(f"sqlite:///{log.folder / 'keys.db'}")
    store = KeyStore(engine, bytes(32), os.urandom)
    store.create_tables()
    key = store.ensure(["bewijs/p"])["bewijs/p"]
    successor = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    keys = LogKeys((log.key, successor))
    for number, signing in ((2, log.key), (254, lambda: keys), (2, lambda: keys)):  # the last two bear two lines
        log.append(number, key=key)
        log.sequence()
        Signer(log.state_file, signing, ORIGIN).sign(log.begin)
    log.append(1, key=key)
    yield Checked(log, store, keys)
    engine.dispose()


@contextmanager
def changed(room: LogRoom) -> Iterator[Connection]:
    """A transaction that is undone, whatever was changed in it."""
    with room.engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()


def _variants(value: object, masks: tuple[int, ...], every: bool) -> Iterator[bytes | int]:
    """The value with one byte changed, for each byte: a number as its 8 bytes, a text as its UTF-8."""
    number = isinstance(value, int)
    raw = value.to_bytes(8, "big", signed=True) if isinstance(value, int) else _raw(value)
    for at in range(len(raw)):
        for mask in masks if every else (masks[at % len(masks)],):
            one = raw[:at] + bytes([raw[at] ^ mask]) + raw[at + 1 :]
            yield int.from_bytes(one, "big", signed=True) if number else one


def _raw(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload, no-any-return]


def _put(connection: Connection, table: Table, row: Any, column: str, value: bytes | int) -> bool:
    """Change one column of one row as somebody with the file would; False where the table itself refuses."""
    kind = "CAST(:value AS TEXT)" if isinstance(getattr(row, column), str) else ":value"
    key = " AND ".join(f"{one.name} = :k_{one.name}" for one in table.primary_key)
    given = {f"k_{one.name}": getattr(row, one.name) for one in table.primary_key}
    statement = text(f"UPDATE {table.name} SET {column} = {kind} WHERE {key}")
    try:
        return connection.execute(statement, given | {"value": value}).rowcount == 1
    except IntegrityError:
        return False


def _rows(checked: Checked, table: Table) -> list[Any]:
    with checked.room.begin() as connection:
        if table is tables.ledger_payload:  # in the order of the tree, the waiting one last
            ids = connection.scalars(select(tables.ledger_entry.c.entry_id).order_by(tables.ledger_entry.c.idx)).all()
            found = {row.entry_id: row for row in connection.execute(select(table))}
            waiting = [row for entry_id, row in found.items() if entry_id not in ids]
            return [found[ids[at]] for at in ROWS] + waiting
        rows = list(connection.execute(select(table).order_by(*table.primary_key)).all())
        if table is tables.checkpoint:
            return [rows[0], rows[-1]]  # one signature line, and two
        return [rows[at] for at in ROWS] if table is tables.ledger_entry else rows


def _undetected(checked: Checked, table: Table, every: bool) -> list[tuple[Any, ...]]:
    missed, tried = [], 0
    for row in _rows(checked, table):
        for column in COLUMNS[table]:
            for value in _variants(getattr(row, column), MASKS, every):
                with changed(checked.room) as connection:
                    if _put(connection, table, row, column, value):
                        tried += 1
                        if checked.look(connection).exit_code != verifier.BROKEN:
                            missed.append((table.name, column, getattr(row, column), value))
    assert tried > 10
    return missed


def test_the_unchanged_log_is_whole(checked: Checked) -> None:
    with changed(checked.room) as connection:
        report = checked.look(connection)
    assert (report.findings, report.head and report.head.size) == ([], SIZE)
    assert report.looked_at == ["logboek", "rijen van het logboek"]


def test_the_columns_are_all_there_are(checked: Checked) -> None:
    for table, columns in COLUMNS.items():
        assert {one.name for one in table.columns} - set(columns) <= (
            {"id"} if table is tables.ledger_pending else set()
        )


@pytest.mark.parametrize("table", COLUMNS, ids=lambda table: table.name)
def test_every_changed_byte_is_found(checked: Checked, table: Table) -> None:
    assert _undetected(checked, table, every=False) == []


@pytest.mark.long
@pytest.mark.parametrize("table", COLUMNS, ids=lambda table: table.name)
def test_every_changed_byte_is_found_whatever_it_becomes(checked: Checked, table: Table) -> None:
    assert _undetected(checked, table, every=True) == []


def _places(checked: Checked, change: Callable[[Connection], object]) -> list[str]:
    with changed(checked.room) as connection:
        change(connection)
        return [found.place for found in checked.look(connection).findings]


def test_rows_that_are_missing_or_too_many_are_named(checked: Checked) -> None:
    entry, payload, node, head = (tables.ledger_entry, tables.ledger_payload, tables.ledger_node, tables.checkpoint)
    assert "ledger_entry 8" in _places(checked, lambda c: c.execute(delete(entry).where(entry.c.idx == 7)))
    assert "checkpoint 258" in _places(checked, lambda c: c.execute(delete(entry).where(entry.c.idx == 257)))
    assert "vermelding 0" in _places(checked, lambda c: c.execute(delete(payload)))
    assert "ledger_node 1/0" in _places(checked, lambda c: c.execute(delete(node)))
    extra = {"level": 2, "n": 0, "hash": bytes(32)}
    assert _places(checked, lambda c: c.execute(insert(node).values(extra))) == ["ledger_node 2/0"]
    lone = {"entry_id": "niemand", "key_id": "bewijs/p", "nonce": bytes(12), "ciphertext": b""}
    assert _places(checked, lambda c: c.execute(insert(payload).values(lone))) == ["ledger_payload niemand"]
    fork = sign(Checkpoint(ORIGIN, 5, bytes(32)).text, [NoteKey(ORIGIN, checked.room.key)])
    assert _places(checked, lambda c: c.execute(insert(head).values(size=5, note=fork))) == ["checkpoint 5"]
    longer = sign(Checkpoint(ORIGIN, 300, bytes(32)).text, [NoteKey(ORIGIN, checked.room.key)])
    assert "checkpoint 300" in _places(checked, lambda c: c.execute(insert(head).values(size=300, note=longer)))


def test_an_entry_that_stands_twice_is_named(checked: Checked) -> None:
    def twice(connection: Connection) -> None:
        row = connection.execute(select(tables.ledger_entry).limit(1)).one()
        values = {"entry_id": row.entry_id, "commitment": row.commitment}
        connection.execute(insert(tables.ledger_pending).values(values))

    assert any(place.startswith("ledger_pending") for place in _places(checked, twice))


def test_a_line_of_a_foreign_key_in_the_own_tables_is_found(checked: Checked) -> None:
    """To outsiders an unknown line means nothing (signed-note); here nobody else has any business."""
    head = tables.checkpoint

    def foreign(connection: Connection) -> None:
        note = connection.scalar(select(head.c.note).where(head.c.size == 258)) or ""
        other = NoteKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x0c" * 32))
        line = sign(Checkpoint(ORIGIN, 258, bytes(32)).text, [other]).rpartition("\n\n")[2]
        connection.execute(update(head).where(head.c.size == 258).values(note=note + line))

    assert _places(checked, foreign) == ["checkpoint 258"]


def test_progress_is_told_up_to_the_end(checked: Checked) -> None:
    told: list[tuple[int, int]] = []
    with changed(checked.room) as connection:
        check_rows(connection, checked.signing.verifiers(ORIGIN), lambda *at: told.append(at))
    assert told[-1] == (SIZE, SIZE)


def test_what_a_sequencer_does_meanwhile_is_not_a_finding(checked: Checked) -> None:
    """A look has one moment: here it began before the waiting entry moved into the tree and was signed."""
    engine = open_engine(f"sqlite:///{checked.room.folder / 'hub.db'}")
    with reading(engine) as connection:
        connection.execute(select(tables.checkpoint.c.size).limit(1)).all()
        assert checked.room.sequence() == SIZE + 1
        Signer(checked.room.state_file, lambda: checked.signing, ORIGIN).sign(checked.room.begin)
        report = checked.look(connection)
    assert (report.findings, report.head and report.head.size) == ([], SIZE)
    with reading(engine) as connection:
        report = checked.look(connection)
    assert (report.findings, report.head and report.head.size) == ([], SIZE + 1)
    engine.dispose()
