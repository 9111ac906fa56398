"""Connections to PostgreSQL that went away: one that lay unused is tried first, so that nobody is refused for it."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from hub.store import database
from hub.store.database import glance, open_engine, reading


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
    monkeypatch.setattr(database, "_FRESH", 0.0)
    first = backend(engine)
    assert backend(engine) == first
    end(postgres_url, first)
    assert backend(engine) != first


def test_of_one_that_was_just_in_use_the_next_user_hears_and_nobody_after_it(
    engine: Engine, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_FRESH", 3600.0)
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
