"""The signer never signs a fork: crashes at every step, older and newer state, changed and restored databases."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, event, insert, select, update

from consent.log import tables
from consent.log.note import Checkpoint, NoteKey, open_checkpoint, sign
from consent.log.proof import verify_consistency
from consent.log.reading import consistency
from consent.log.sequencer import sequence
from consent.log.signer import LogForked, Signer, SignerInitialised, SignerNotInitialised
from tests.unit.consent_log.log_room import ORIGIN, LogRoom


class Crash(Exception):
    """The process ends here."""


def _notes(room: LogRoom) -> dict[int, str]:
    with room.begin() as connection:
        return {row.size: row.note for row in connection.execute(select(tables.checkpoint))}


def _never_forked(room: LogRoom) -> None:
    """Every checkpoint ever published is a beginning of the last one."""
    verifier = room.signer().verifier
    heads = [open_checkpoint(note, [verifier]) for _, note in sorted(_notes(room).items())]
    for head in heads:
        if head.size:
            with room.begin() as connection:
                path = consistency(connection, head.size, heads[-1].size)
            assert path is not None
            verify_consistency(head, heads[-1], path)


def test_the_empty_tree_is_signed_at_the_beginning(log: LogRoom) -> None:
    assert list(_notes(log)) == [0]
    assert log.state_file.read_text() == _notes(log)[0]


def test_it_signs_what_was_committed_and_then_nothing_new(log: LogRoom) -> None:
    log.append(3)
    assert log.signer().sign(log.begin) is None  # waiting, not in the tree
    log.sequence()
    head = log.signer().sign(log.begin)
    assert head is not None
    assert head.size == 3
    assert log.signer().sign(log.begin) is None
    log.grow(300)
    assert sorted(_notes(log)) == [0, 3, 303]
    _never_forked(log)


def test_without_a_state_file_nothing_is_signed(room: LogRoom) -> None:
    room.append(1)
    room.sequence()
    with pytest.raises(SignerNotInitialised):
        room.signer().sign(room.begin)
    assert _notes(room) == {}


def test_a_lost_state_file_is_not_a_new_log(log: LogRoom) -> None:
    log.grow(3)
    log.state_file.unlink()
    log.append(1)
    log.sequence()
    with pytest.raises(SignerNotInitialised):
        log.signer().sign(log.begin)
    log.initialise()  # the explicit command: it continues what was published
    assert sorted(_notes(log)) == [0, 3, 4]
    _never_forked(log)


def test_beginning_twice_is_refused(log: LogRoom) -> None:
    with pytest.raises(SignerInitialised):
        log.initialise()


def test_beginning_anew_over_another_history_is_refused(log: LogRoom) -> None:
    log.grow(3)
    log.state_file.unlink()
    with log.begin() as connection:
        connection.execute(
            update(tables.ledger_entry).where(tables.ledger_entry.c.idx == 1).values(commitment=bytes(32))
        )
    with pytest.raises(LogForked):
        log.initialise()
    other = Signer(log.state_file, Ed25519PrivateKey.generate(), ORIGIN)
    with pytest.raises(LogForked), log.begin() as connection:
        other.initialise(connection)
    assert not log.state_file.exists()


def _snapshot(log: LogRoom) -> Path:
    log.engine.dispose()
    copy = log.folder / "yesterday.db"
    shutil.copy(log.folder / "hub.db", copy)
    return copy


def _restore(log: LogRoom, copy: Path) -> None:
    log.engine.dispose()
    for path in log.folder.glob("hub.db*"):
        path.unlink()
    shutil.copy(copy, log.folder / "hub.db")


@pytest.mark.parametrize("new_entries", [0, 1, 5, 500])
def test_a_database_restored_to_yesterday_gets_no_signature(log: LogRoom, new_entries: int) -> None:
    log.grow(3)
    yesterday = _snapshot(log)
    log.grow(5)
    _restore(log, yesterday)
    if new_entries:
        log.append(new_entries, key=bytes(32))
        log.sequence()
    before = (_notes(log), log.state_file.read_text())
    with pytest.raises(LogForked):
        log.signer().sign(log.begin)
    assert (_notes(log), log.state_file.read_text()) == before


@pytest.mark.parametrize("index", [0, 2, 255, 256, 299])
def test_a_changed_leaf_under_a_signed_root_gets_no_signature(log: LogRoom, index: int) -> None:
    """In a full tile the node is changed too, as whoever wants a change to hold would do.

    A leaf changed alone under its old node is not seen by the signer, and signs nothing new: the verifier finds it.
    """
    log.grow(300)
    with log.begin() as connection:
        connection.execute(
            update(tables.ledger_entry).where(tables.ledger_entry.c.idx == index).values(commitment=b"\xff" * 32)
        )
        if index < 256:
            connection.execute(update(tables.ledger_node).values(hash=b"\xff" * 32))
    log.append(4)
    log.sequence()
    with pytest.raises(LogForked):
        log.signer().sign(log.begin)


def test_an_older_state_that_the_log_continues_is_accepted(log: LogRoom) -> None:
    old = log.state_file.read_text()
    for number in (3, 300):
        log.grow(number)
        log.state_file.write_text(old)
        assert log.signer().sign(log.begin) is None  # published already; the state catches up
        assert log.state_file.read_text() == _notes(log)[max(_notes(log))]
        old = log.state_file.read_text()
    _never_forked(log)


def test_an_older_state_that_the_log_does_not_continue_is_refused(log: LogRoom) -> None:
    log.grow(3)
    foreign = Checkpoint(ORIGIN, 2, b"\x01" * 32)
    log.state_file.write_text(sign(foreign.text, [NoteKey(ORIGIN, log.key)]))
    with pytest.raises(LogForked):
        log.signer().sign(log.begin)


@pytest.mark.parametrize("text", ["", "garbage", "hub.example/bewijslogboek\n0\n\n"])
def test_a_damaged_state_file_is_refused(log: LogRoom, text: str) -> None:
    log.state_file.write_text(text)
    log.append(1)
    log.sequence()
    with pytest.raises(LogForked):
        log.signer().sign(log.begin)


def test_a_state_of_another_key_or_origin_is_refused(log: LogRoom) -> None:
    for key, origin in ((Ed25519PrivateKey.generate(), ORIGIN), (log.key, "hub.example/bewijslogboek/2")):
        with pytest.raises(LogForked):
            Signer(log.state_file, key, origin).sign(log.begin)


def test_a_foreign_checkpoint_in_the_table_stops_the_signer(log: LogRoom) -> None:
    log.grow(3)
    other = NoteKey(ORIGIN, Ed25519PrivateKey.generate())
    note = sign(Checkpoint(ORIGIN, 4, bytes(32)).text, [other])
    with log.begin() as connection:
        connection.execute(insert(tables.checkpoint).values(size=4, note=note))
    with pytest.raises(LogForked):
        log.signer().sign(log.begin)


def test_a_checkpoint_row_under_another_size_stops_the_signer(log: LogRoom) -> None:
    log.grow(3)
    with log.begin() as connection:
        connection.execute(update(tables.checkpoint).where(tables.checkpoint.c.size == 3).values(size=9))
    with pytest.raises(LogForked):
        log.signer().sign(log.begin)


def test_compare_and_swap_never_goes_back(log: LogRoom) -> None:
    signer = log.signer()
    log.append(3)
    log.sequence()
    with log.begin() as connection:
        early = signer.prepare(connection)
    assert early is not None
    log.grow(2)  # another process signs and publishes more meanwhile
    with log.begin() as connection:
        assert signer.publish(connection, early) is False
    assert sorted(_notes(log)) == [0, 5]
    with log.begin() as connection:
        connection.execute(delete(tables.checkpoint).where(tables.checkpoint.c.size == 5))
        assert signer.publish(connection, early) is True
        assert signer.publish(connection, early) is False


def test_publish_refuses_a_second_checkpoint_of_one_size(log: LogRoom) -> None:
    log.grow(3)
    fork = sign(Checkpoint(ORIGIN, 3, bytes(32)).text, [NoteKey(ORIGIN, log.key)])
    with pytest.raises(LogForked), log.begin() as connection:
        log.signer().publish(connection, fork)


FILE_STEPS = ("open", "fsync", "replace", "folder")


@contextmanager
def _crash_in_file(step: str, after: bool) -> Iterator[None]:
    """The process ends before or after one step of writing the state file."""
    calls = {"fsync": 0}

    def wrap(real: Callable[..., Any], hit: Callable[[], bool]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            crash = hit()
            if crash and not after:
                raise Crash
            result = real(*args, **kwargs)
            if crash:
                raise Crash
            return result

        return call

    def nth_fsync(number: int) -> Callable[[], bool]:
        def hit() -> bool:
            calls["fsync"] += 1
            return calls["fsync"] == number

        return hit

    with pytest.MonkeyPatch.context() as patch:
        if step == "open":
            patch.setattr(Path, "open", wrap(Path.open, lambda: True))
        elif step == "replace":
            patch.setattr(os, "replace", wrap(os.replace, lambda: True))
        else:
            patch.setattr(os, "fsync", wrap(os.fsync, nth_fsync(1 if step == "fsync" else 2)))
        yield


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the file of a process that died
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", FILE_STEPS)
def test_a_crash_at_any_step_of_the_state_file(log: LogRoom, step: str, after: bool) -> None:
    log.grow(3)
    before = log.state_file.read_text()
    log.append(4)
    log.sequence()
    with pytest.raises(Crash), _crash_in_file(step, after):
        log.signer().sign(log.begin)
    state = log.state_file.read_text()
    assert max(_notes(log)) == 3  # never published before it is safe in the file
    assert (state == before) == (step in ("open", "fsync") or (step == "replace" and not after))
    head = log.signer().sign(log.begin)
    assert head is not None
    assert head.size == 7
    assert state in (before, _notes(log)[7])  # the very note that was in the file is the one published
    _never_forked(log)


def _sign_until(log: LogRoom, step: int) -> bool:
    """Sign, but crash before the ``step``-th statement; whether it got that far."""
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen > step:
            raise Crash

    event.listen(log.engine, "before_cursor_execute", count)
    try:
        log.signer().sign(log.begin)
    except Crash:
        return True
    finally:
        event.remove(log.engine, "before_cursor_execute", count)
    return False


def test_a_crash_before_any_statement_of_the_signer(log: LogRoom) -> None:
    size, step, crashed = 0, 0, True
    while crashed:
        log.append(4)
        log.sequence()
        crashed = _sign_until(log, step)
        note = log.state_file.read_text()
        signed = open_checkpoint(note, [log.signer().verifier])
        assert signed.size in (size, size + 4)
        log.signer().sign(log.begin)
        assert max(_notes(log)) == size + 4
        assert signed.size == size or _notes(log)[size + 4] == note  # published word for word
        size, step = size + 4, step + 1
    assert step > 5
    _never_forked(log)


def test_a_crash_between_signing_and_publishing_repeats_the_same_signature_even_if_the_log_grew(log: LogRoom) -> None:
    log.append(3)
    log.sequence()
    with log.begin() as connection:
        note = log.signer().prepare(connection)
    log.append(2)
    log.sequence()
    head = log.signer().sign(log.begin)
    assert head is not None
    assert head.size == 5
    assert 3 not in _notes(log)  # that note was never shown; the next one continues it
    assert note is not None
    old = open_checkpoint(note, [log.signer().verifier])
    with log.begin() as connection:
        path = consistency(connection, 3, 5)
    assert path is not None
    verify_consistency(old, head, path)


def test_a_tree_that_is_not_committed_is_not_signed(log: LogRoom) -> None:
    """Two transactions: what one has sequenced and then lost is never seen by the other."""
    log.append(3)

    with pytest.raises(Crash), log.begin() as connection:
        assert sequence(connection, 10) == 3
        raise Crash
    assert log.signer().sign(log.begin) is None
