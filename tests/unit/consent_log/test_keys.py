"""Keys: made once, durable, never made again once destroyed; and what remains of the evidence when one is."""

import itertools
import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from sqlalchemy import Engine, select, update

from consent.keys import (
    DestroyIncomplete,
    KeyDestroyed,
    KeyStore,
    MasterKeyMismatch,
    content_key,
    evidence_key,
    open_key_engine,
    person_key,
)
from consent.log import ledger, reading
from consent.log.entry import EntryUnreadable
from consent.verify import verifier
from contracts.identity import Oin, PersonId
from tests.unit.consent_log.log_room import LogRoom, together

MASTER = b"master key of this test, 32 bytes"
AT = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_key_engine(f"sqlite:///{tmp_path}/keys.db")
    yield engine
    engine.dispose()


@pytest.fixture
def keys(engine: Engine) -> KeyStore:
    store = KeyStore(engine, MASTER, os.urandom)
    store.create_tables()
    return store


def test_a_key_is_made_once_and_found_again(keys: KeyStore, engine: Engine) -> None:
    made = keys.ensure(["a", "b", "a"])
    assert {len(key) for key in made.values()} == {32}
    assert made["a"] != made["b"]
    again = KeyStore(engine, MASTER, os.urandom)
    assert again.ensure(["b", "a"]) == made
    assert again.find(["a", "c"]) == {"a": made["a"]}
    assert again.ensure([]) == again.find([]) == {}


def test_it_is_durable_when_ensure_returns(keys: KeyStore, tmp_path: Path) -> None:
    made = keys.ensure(["a"])
    other = open_key_engine(f"sqlite:///{tmp_path}/keys.db")  # another process would see the same
    assert KeyStore(other, MASTER, os.urandom).find(["a"]) == made
    with other.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    other.dispose()


def test_many_ids_in_one_call(keys: KeyStore) -> None:
    ids = [f"inhoud/{n}" for n in range(2_500)]
    made = keys.ensure(ids)
    assert len(set(made.values())) == 2_500
    assert keys.find(ids) == made
    assert keys.destroy(ids, AT) == 2_500
    assert keys.destroyed(ids) == set(ids)


def test_a_destroyed_key_is_gone_and_never_made_again(keys: KeyStore) -> None:
    keys.ensure(["a", "b"])
    assert keys.destroy(["a", "never made"], AT) == 1
    assert keys.find(["a", "b"]).keys() == {"b"}
    assert keys.destroyed(["a", "b", "never made"]) == {"a", "never made"}
    for ids, gone in ((["a"], {"a"}), (["never made"], {"never made"}), (["b", "a", "new"], {"a"})):
        with pytest.raises(KeyDestroyed) as caught:
            keys.ensure(ids)
        assert caught.value.key_ids == gone
        assert "never" not in str(caught.value)  # the text names no key
    assert keys.find(["new"]) == {}  # none of the others was made either
    assert keys.destroy(["a", "never made"], AT) == 0  # a repeat is harmless


def test_the_bytes_of_a_destroyed_key_leave_the_files(keys: KeyStore, engine: Engine, tmp_path: Path) -> None:
    keys.ensure([f"p{n}" for n in range(50)])
    with engine.connect() as connection:
        wrapped = dict(connection.execute(select(person_key.c.key_id, person_key.c.wrapped)).all())

    def lies(key_id: str) -> bool:
        return any(wrapped[key_id] in path.read_bytes() for path in tmp_path.glob("keys.db*"))

    assert all(lies(key_id) for key_id in wrapped)  # control: they are looked for where they lie
    keys.destroy(["p7", "p8"], AT)
    assert [lies(key_id) for key_id in ("p7", "p8", "p9")] == [False, False, True]


def test_an_unfinished_wipe_is_told_and_mended_by_a_repeat(keys: KeyStore, engine: Engine) -> None:
    keys.ensure(["a", "b"])
    with engine.connect() as reader:
        reader.execute(select(person_key)).all()  # a reader that keeps the write-ahead log in use
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=50")
        with pytest.raises(DestroyIncomplete):
            keys.destroy(["a"], AT)
    assert keys.destroyed(["a"]) == {"a"}
    assert keys.destroy(["a"], AT) == 0


def destroyed_at_once(keys: KeyStore, run: int) -> int:
    """Four threads destroy keys at the same moments; how often one of them was told that traces may be left."""
    rounds, together = 40, threading.Barrier(4)
    keys.ensure(f"{run}/{thread}/{number}" for thread in range(4) for number in range(rounds))

    def destroy(thread: int) -> int:
        told = 0
        for number in range(rounds):
            together.wait()
            try:
                assert keys.destroy([f"{run}/{thread}/{number}"], AT) == 1
            except DestroyIncomplete:
                told += 1
        return told

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(destroy, range(4)))


def test_keys_that_are_destroyed_at_once_are_all_wiped(keys: KeyStore) -> None:
    """SQLite lets one at a time copy its write-ahead log, and refuses another at once: nobody may meet that."""
    assert destroyed_at_once(keys, 0) == 0


def test_without_a_turn_for_each_they_are_not(keys: KeyStore) -> None:
    keys._writer = MagicMock()  # a lock that keeps nobody out
    assert any(destroyed_at_once(keys, run) for run in range(50))


def test_many_threads_and_processes_make_one_key(tmp_path: Path, keys: KeyStore) -> None:
    results: list[dict[str, bytes]] = []

    def run() -> None:
        engine = open_key_engine(f"sqlite:///{tmp_path}/keys.db")  # as another process would
        store = KeyStore(engine, MASTER, os.urandom)
        for n in range(20):
            results.append(store.ensure([f"k{n}", f"k{n + 1}"]))
        engine.dispose()

    together(*[run] * 6)
    assert len(results) == 120
    final = keys.find([f"k{n}" for n in range(21)])
    assert all(final[key_id] == key for result in results for key_id, key in result.items())


def test_ensure_against_destroy_never_revives(keys: KeyStore) -> None:
    for n in range(30):

        def make(key_id: str = f"race{n}") -> None:
            try:
                keys.ensure([key_id])
            except KeyDestroyed as refused:
                assert refused.key_ids == {key_id}

        def destroy(key_id: str = f"race{n}") -> None:
            keys.destroy([key_id], AT)

        together(make, destroy, make)
        assert keys.find([f"race{n}"]) == {}


def test_another_master_key_opens_nothing_and_says_so(keys: KeyStore, engine: Engine) -> None:
    keys.ensure(["a"])
    other = KeyStore(engine, b"another master key, also 32 bytes", os.urandom)
    assert keys.check_value()
    assert not other.check_value()
    with pytest.raises(MasterKeyMismatch):
        other.find(["a"])
    with pytest.raises(MasterKeyMismatch):
        other.create_tables()
    with pytest.raises(ValueError, match="32 bytes"):
        KeyStore(engine, b"short", os.urandom)


@pytest.mark.parametrize("column", ["key_id", "wrapped", "nonce"])
def test_a_changed_row_is_found(keys: KeyStore, engine: Engine, column: str) -> None:
    keys.ensure(["a"])
    with engine.begin() as connection:
        row = connection.execute(select(person_key)).one()._asdict()
        changed: Any = "b" if column == "key_id" else bytes([row[column][0] ^ 1]) + row[column][1:]
        connection.execute(update(person_key).values({column: changed}))
    with pytest.raises(MasterKeyMismatch):
        keys.find(["a", "b"])


def test_rewrap_moves_every_key_to_another_master_key(keys: KeyStore, engine: Engine) -> None:
    made = keys.ensure([f"p{n}" for n in range(20)])
    new = b"the new master key, of 32 bytes!!"
    assert keys.rewrap(new) == 20
    assert keys.find(made) == made  # this store uses the new one from now on
    assert KeyStore(engine, new, os.urandom).find(made) == made
    assert KeyStore(engine, new, os.urandom).check_value()
    old = KeyStore(engine, MASTER, os.urandom)
    assert not old.check_value()
    with pytest.raises(MasterKeyMismatch):
        old.find(made)
    with pytest.raises(MasterKeyMismatch):  # also for a key that nobody has yet: nobody could open it any more
        old.ensure(["new"])
    assert keys.find(["new"]) == {}


def test_rewrap_is_all_or_nothing(keys: KeyStore, engine: Engine) -> None:
    made = keys.ensure(["a", "b", "c"])
    few = itertools.chain([bytes(12)] * 2)

    def fails(_size: int) -> bytes:
        return next(few)

    broken = KeyStore(engine, MASTER, fails)
    with pytest.raises((StopIteration, RuntimeError)):
        broken.rewrap(b"the new master key, of 32 bytes!!")
    assert keys.check_value()
    assert keys.find(made) == made


def test_the_file_is_for_its_owner_only(keys: KeyStore, tmp_path: Path) -> None:
    keys.ensure(["a"])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("keys.db*")}
    assert set(modes.values()) == {0o600}


def test_a_key_store_in_memory_is_refused() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="file"):
            open_key_engine(url)


def test_ids_tell_persons_and_organisations_apart() -> None:
    person, oin = PersonId("p" * 32), Oin("00000099000000000001")
    ids = {content_key(person, oin), content_key(person, Oin("00000099000000000002")), evidence_key(person)}
    assert len(ids) == 3
    assert max(map(len, ids)) <= 80


def test_promise_6_a_destroyed_key_leaves_every_proof_and_no_payload(keys: KeyStore, log: LogRoom) -> None:
    """Promise 6: payloads become unreadable, every proof still verifies, and the log as a folder is whole."""
    key_ids = [evidence_key(PersonId("erased")), evidence_key(PersonId("kept"))]
    entries = {key_id: log.append(20, keys.ensure([key_id])[key_id], key_id) for key_id in key_ids}
    log.sequence()
    log.signer().sign(log.begin)

    def opens(key_id: str) -> int:
        found = keys.find([key_id])
        with log.begin() as connection:
            stored = [ledger.find(connection, entry.entry_id) for entry in entries[key_id]]
        guess = found.get(key_id, os.urandom(32))
        opened = 0
        for entry in stored:
            assert entry is not None
            try:
                opened += entry.open(guess) != b""
            except EntryUnreadable:
                continue
        return opened

    assert [opens(key_id) for key_id in key_ids] == [20, 20]  # control: before, all of it opens
    keys.destroy(key_ids[:1], AT)
    assert [opens(key_id) for key_id in key_ids] == [0, 20]
    with log.begin() as connection:
        for entry in itertools.chain(*entries.values()):
            proof = reading.tlog_proof(connection, entry.entry_id)
            assert proof is not None
            proof.verify(entry.leaf_hash, [log.signer().verifier])
        reading.export(connection, log.folder / "out")
    assert (
        verifier.verify_log(verifier.folder_fetch(log.folder / "out"), [log.signer().verifier]).exit_code
        == verifier.WHOLE
    )
