"""Fixtures of the log's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.consent_log.log_room import LogRoom, sqlite_engine


@pytest.fixture
def room(tmp_path: Path) -> Iterator[LogRoom]:
    """A log that was never signed, on SQLite."""
    engine = sqlite_engine(tmp_path / "hub.db")
    yield LogRoom(tmp_path, engine)
    engine.dispose()


@pytest.fixture
def log(room: LogRoom) -> LogRoom:
    """A log whose signer has begun: the empty tree is signed."""
    room.initialise()
    return room
