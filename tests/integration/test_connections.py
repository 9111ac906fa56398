"""Connections: one that went away is replaced before anybody is refused for it, and long looks leave room."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, TimeoutError

from consent.store import fresh
from hub.store import database
from hub.store.database import glance, open_engine, reading, snapshot


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    made = open_engine(postgres_url)
    yield made
    made.dispose()


def backend(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def end(url: str, pid: int) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        assert connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


def test_one_that_ended_while_it_lay_unused_is_replaced(
    engine: Engine, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "_FRESH", 0.0)
    first = backend(engine)
    assert backend(engine) == first
    end(postgres_url, first)
    assert backend(engine) != first


def test_of_one_that_was_just_in_use_the_next_user_hears_and_nobody_after_it(
    engine: Engine, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "_FRESH", 3600.0)
    first = backend(engine)
    end(postgres_url, first)
    with pytest.raises(OperationalError):
        backend(engine)
    assert backend(engine) != first


def test_a_glance_leaves_no_transaction_open_and_a_write_has_one(engine: Engine) -> None:
    state = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
    with glance(engine) as look, engine.connect() as write, reading(engine) as other:
        pids = [one.execute(text("SELECT pg_backend_pid()")).scalar_one() for one in (look, write)]
        states = [other.execute(state, {"pid": pid}).scalar_one() for pid in pids]
    assert states == ["idle", "idle in transaction"]


def test_a_glance_leaves_nothing_of_it_behind(engine: Engine) -> None:
    """The next user of the same connection has a transaction again: what it does not commit is undone."""
    with glance(engine) as look:
        first = look.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with engine.connect() as connection, connection.begin() as attempt:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() == first
        connection.execute(text("CREATE TABLE undone (one int)"))
        attempt.rollback()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT to_regclass('undone')")).scalar_one() is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("bounded", [True, False], ids=["bounded", "control"])
def test_long_looks_leave_room_for_who_writes(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, *, bounded: bool
) -> None:
    """However many read whole pictures of persons: a withdrawal finds a connection. Without a bound it finds none."""
    postgresql = kind == "postgresql"
    engine = open_engine(request.getfixturevalue("postgres_url") if postgresql else f"sqlite:///{tmp_path}/hub.db")
    engine.pool._timeout = 0.5  # type: ignore[attr-defined]
    if not bounded:
        engine.update_execution_options(**{database._LONG_LOOKS: threading.BoundedSemaphore(database._POOL)})
    done, inside = threading.Event(), threading.Semaphore(0)

    def look() -> None:
        with snapshot(engine) as connection:
            connection.execute(text("SELECT 1"))
            inside.release()
            done.wait(30)

    with ThreadPoolExecutor(database._POOL) as pool:
        looks = [pool.submit(look) for _ in range(database._POOL)]
        try:
            for _ in range(database._LONG if bounded else database._POOL):
                assert inside.acquire(timeout=30)
            if bounded:
                with engine.connect() as connection, connection.begin():
                    assert connection.execute(text("SELECT 1")).scalar_one() == 1
                assert not inside.acquire(timeout=0.2)  # the others wait
            else:
                with pytest.raises(TimeoutError):
                    engine.connect()
        finally:
            done.set()
        assert [one.result() for one in looks] == [None] * database._POOL
    engine.dispose()


def test_a_database_in_memory_opens() -> None:
    engine = open_engine("sqlite://")
    with reading(engine) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()
