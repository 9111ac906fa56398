"""The erasure list: durable before it returns, whole after a crash, never read by guess."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from consent.keys import content_key, evidence_key
from contracts.identity import Oin, PersonId
from hub.keys.erasure_list import ErasureList, ListBroken

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "erasures.list"


def test_what_was_put_on_the_list_is_read_from_it(path: Path) -> None:
    listed, person = ErasureList(path), PersonId("01" * 16)
    assert listed.read() == {}
    key = content_key(person, Oin("00000099000000001000"))
    listed.append([person, key], AT)
    listed.append([evidence_key(person)], AT + timedelta(seconds=1))
    assert ErasureList(path).read() == {person: AT, key: AT, evidence_key(person): AT + timedelta(seconds=1)}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_repeat_changes_nothing_and_the_first_instant_counts(path: Path) -> None:
    listed = ErasureList(path)
    listed.append(["a", "a"], AT)
    before = path.read_bytes()
    listed.append(["a"], AT + timedelta(days=1))
    assert path.read_bytes() == before and listed.read() == {"a": AT}


def test_it_is_durable_before_it_returns(path: Path) -> None:
    """What append returns from has been synced, file and folder; a failing disk is told, so no key is destroyed."""
    synced: list[str] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    with patch("hub.keys.handle_list.os.fsync", note):
        ErasureList(path).append(["a"], AT)
    assert synced == [str(path), str(path.parent)]
    with (
        patch("hub.keys.handle_list.os.write", side_effect=OSError(28, "No space left on device")),
        pytest.raises(OSError, match="No space"),
    ):
        ErasureList(path).append(["b"], AT)
    assert ErasureList(path).read() == {"a": AT}


@pytest.mark.parametrize("cut", range(2, 52))
def test_half_a_last_line_of_a_crash_is_no_line_and_the_next_stands_whole(path: Path, cut: int) -> None:
    listed = ErasureList(path)
    listed.append(["a"], AT)
    whole = path.stat().st_size
    listed.append(["b" * 16], AT)
    os.truncate(path, max(whole, path.stat().st_size - cut))
    assert listed.read() == {"a": AT}
    listed.append(["c"], AT)
    assert listed.read() == {"a": AT, "c": AT}


def test_a_whole_line_without_its_newline_counts(path: Path) -> None:
    listed = ErasureList(path)
    listed.append(["a"], AT)
    os.truncate(path, path.stat().st_size - 1)
    assert listed.read() == {"a": AT}
    listed.append(["b"], AT)
    assert listed.read() == {"a": AT, "b": AT}


def test_every_changed_byte_of_a_line_is_found(path: Path) -> None:
    listed = ErasureList(path)
    listed.append(["person", "other"], AT)
    raw = path.read_bytes()
    for at in range(len(raw)):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        with pytest.raises(ListBroken, match="Regel"):
            listed.read()
        with pytest.raises(ListBroken, match="Regel"):
            listed.append(["more"], AT)


@pytest.mark.parametrize("bad", ["", "a b", "a\nb", "é", "x" * 81, "-a"])
def test_what_is_no_handle_is_refused_whole(path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="handle"):
        ErasureList(path).append(["good", bad], AT)
    assert ErasureList(path).read() == {}


def test_many_at_once_lose_nothing(path: Path) -> None:
    def add(name: str) -> None:
        for n in range(20):
            ErasureList(path).append([f"{name}{n}"], AT)

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ErasureList(path).read()) == {f"{name}{n}" for name in "abcd" for n in range(20)}
