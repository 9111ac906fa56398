"""The evidence log and the key store on a real PostgreSQL: what SQLite, where all take turns, cannot show."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, select

from consent.keys import KeyDestroyed, KeyStore, MasterKeyMismatch, open_key_engine
from consent.log import reading, tables
from consent.log.merkle import leaf_hash
from consent.verify import verifier
from tests.unit.consent_log.log_room import LogRoom, naive_root, together

MASTER = b"master key of this test, 32 bytes"


@pytest.fixture
def room(postgres_url: str, tmp_path: Path) -> Iterator[LogRoom]:
    engine = create_engine(postgres_url, pool_size=12)
    yield LogRoom(tmp_path, engine)
    engine.dispose()


@pytest.fixture
def key_engine(postgres_url: str) -> Iterator[Engine]:
    engine = open_key_engine(postgres_url)
    yield engine
    engine.dispose()


def _whole(room: LogRoom, size: int) -> None:
    with room.begin() as connection:
        leaves = [
            leaf_hash(row) for row in connection.scalars(select(tables.ledger_entry.c.commitment).order_by("idx"))
        ]
        assert len(leaves) == size
        assert reading.root(connection, size) == naive_root(leaves)
        fetch = lambda path: reading.fetch(connection, path)  # noqa: E731
        assert verifier.verify_log(fetch, [room.signer().verifier]).findings == []


def test_writers_two_sequencers_and_a_signer_at_once(room: LogRoom) -> None:
    room.initialise()
    done = threading.Event()
    writing = [threading.Event() for _ in range(4)]

    def write(mine: threading.Event) -> Callable[[], None]:
        def act() -> None:
            for number in (1, 50, 7, 200, 3, 64):
                room.append(number)
            mine.set()

        return act

    def sequence() -> None:
        while room.sequence(60) is not None or not all(event.is_set() for event in writing):
            pass
        done.set()

    def sign() -> None:
        while not done.is_set():
            room.signer().sign(room.begin)

    together(*(write(event) for event in writing), sequence, sequence, sign)
    room.signer().sign(room.begin)
    _whole(room, 4 * 325)


def test_rows_that_commit_in_the_reverse_order_of_their_ids_are_all_taken(room: LogRoom) -> None:
    room.initialise()
    with room.engine.connect() as early, room.engine.connect() as late:
        early.execute(insert(tables.ledger_pending).values(entry_id="early", commitment=bytes(32)))
        late.execute(insert(tables.ledger_pending).values(entry_id="late", commitment=b"\x01" * 32))
        late.commit()
        assert room.sequence() == 1  # does not wait for the other, and does not skip it for ever
        early.commit()
    assert room.sequence() == 2
    room.signer().sign(room.begin)
    with room.begin() as connection:
        assert connection.scalars(select(tables.ledger_entry.c.entry_id).order_by("idx")).all() == ["late", "early"]
    _whole(room, 2)


def test_what_is_visible_is_taken_in_the_order_of_its_ids(room: LogRoom) -> None:
    """One person's ids are drawn under that person's lock, so this is what keeps one person's entries in order."""
    room.initialise()
    for number in (50, 20, 40, 30):
        with room.begin() as connection:
            row = {"id": number, "entry_id": str(number), "commitment": bytes(32)}
            connection.execute(insert(tables.ledger_pending), [row])
    assert room.sequence() == 4
    with room.begin() as connection:
        order = connection.scalars(select(tables.ledger_entry.c.entry_id).order_by("idx")).all()
    assert order == ["20", "30", "40", "50"]


def test_two_signers_publish_one_checkpoint(room: LogRoom) -> None:
    room.initialise()
    room.append(5)
    room.sequence()
    together(*[lambda: room.signer().sign(room.begin)] * 6)
    with room.begin() as connection:
        assert connection.scalars(select(tables.checkpoint.c.size).order_by("size")).all() == [0, 5]


def test_keys_lie_in_their_own_schema(key_engine: Engine, room: LogRoom) -> None:
    store = KeyStore(key_engine, MASTER, os.urandom)
    store.create_tables()
    store.create_tables()
    made = store.ensure(["a", "b"])
    assert KeyStore(key_engine, MASTER, os.urandom).find(["a", "b"]) == made
    with room.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hub_keys.person_key").scalar() == 2
    assert store.rewrap(b"the new master key, of 32 bytes!!") == 2
    assert store.find(["a", "b"]) == made
    with pytest.raises(MasterKeyMismatch):
        KeyStore(key_engine, MASTER, os.urandom).create_tables()


def test_many_makers_of_one_key_agree(key_engine: Engine) -> None:
    KeyStore(key_engine, MASTER, os.urandom).create_tables()
    results: list[dict[str, bytes]] = []

    def make() -> None:
        store = KeyStore(key_engine, MASTER, os.urandom)
        for n in range(20):
            results.append(store.ensure([f"k{n + 1}", f"k{n}"]))

    together(*[make] * 5)
    final = KeyStore(key_engine, MASTER, os.urandom).find([f"k{n}" for n in range(21)])
    assert all(final[key_id] == key for result in results for key_id, key in result.items())


def test_ensure_against_destroy_never_revives(key_engine: Engine) -> None:
    store = KeyStore(key_engine, MASTER, os.urandom)
    store.create_tables()
    for n in range(25):

        def make(key_id: str = f"race{n}") -> None:
            try:
                store.ensure([key_id])
            except KeyDestroyed as refused:
                assert refused.key_ids == {key_id}

        def destroy(key_id: str = f"race{n}") -> None:
            store.destroy([key_id], datetime(2026, 11, 2, tzinfo=UTC))

        together(make, destroy, make)
        assert store.find([f"race{n}"]) == {}
        assert store.destroyed([f"race{n}"]) == {f"race{n}"}
