"""The gate's locks on PostgreSQL, by two transactions that meet: who waits for whom, and who does not."""

import threading
from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, text

from hub.store.database import DatabaseUnsafe, open_engine
from hub.store.locks import Locks, take

P, Q = "persoon-p", "persoon-q"


def shared(*persons: str) -> Locks:
    return Locks(shared=frozenset(persons))


def exclusive(*persons: str) -> Locks:
    return Locks(exclusive=frozenset(persons))


RULES = Locks(rules_exclusive=True)


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    made = open_engine(postgres_url)
    yield made
    made.dispose()


def waits(engine: Engine, first: Locks, second: Locks) -> bool:
    """Whether a transaction that takes ``second`` waits for one that holds ``first``. It gets through in the end."""
    got = threading.Event()

    def follow() -> None:
        with engine.connect() as connection, connection.begin():
            take(connection, second)
            got.set()

    with engine.connect() as connection, connection.begin():
        take(connection, first)
        follower = threading.Thread(target=follow)
        follower.start()
        waited = not got.wait(0.4)
    assert got.wait(10)
    follower.join()
    return waited


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (shared(P), shared(P), False),  # accepts and releases of one person go together
        (shared(P), exclusive(P), True),  # a withdrawal waits for the release at hand
        (exclusive(P), shared(P), True),  # and a release for the withdrawal
        (exclusive(P), exclusive(P), True),
        (exclusive(P), shared(Q), False),  # somebody else's withdrawal delays nobody
        (exclusive(P), exclusive(Q), False),
        (RULES, shared(P), True),  # a change of the rules shuts everybody out
        (shared(P), RULES, True),
        (exclusive(P), RULES, True),
        (RULES, RULES, True),
        (Locks(), RULES, True),  # also who needs no person holds the rules
        (Locks(shared=frozenset({P}), exclusive=frozenset({P})), shared(P), True),  # the stronger of the two counts
    ],
)
def test_who_waits_for_whom(engine: Engine, first: Locks, second: Locks, expected: bool) -> None:
    assert waits(engine, first, second) is expected


def test_the_time_is_read_when_all_locks_are_held(engine: Engine) -> None:
    """What is decided at an earlier time than a withdrawal that it waited for would be decided as if before it."""
    told: list[datetime | None] = []

    def follow() -> None:
        with engine.connect() as connection, connection.begin():
            told.append(take(connection, shared("a", P, "z")))
            told.append(connection.execute(text("SELECT transaction_timestamp()")).scalar_one())

    follower = threading.Thread(target=follow)
    with engine.connect() as connection, connection.begin():
        take(connection, exclusive(P))
        follower.start()
        follower.join(0.4)
        free = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    follower.join()
    now, began = told
    assert now is not None and began is not None
    assert now > free > began  # and the control: it began before that


def test_many_persons_in_any_order_never_deadlock(engine: Engine) -> None:
    persons = [f"persoon-{n}" for n in range(60)]
    done: list[int] = []

    def work(number: int) -> None:
        for turn in range(15):
            chosen = persons[(number * 7 + turn) % 30 :][:30]
            locks = Locks(frozenset(chosen[::2]), frozenset(reversed(chosen[1::2])))
            with engine.connect() as connection, connection.begin():
                take(connection, locks)
        done.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == list(range(6))


def test_locks_end_with_their_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        with connection.begin():
            take(connection, exclusive(P))
        assert not waits(engine, exclusive(P), exclusive(Q))  # the connection is open still; its locks are not
        assert waits(engine, exclusive(P), exclusive(P))


def test_a_postgresql_that_would_not_keep_its_word_is_refused(postgres_url: str) -> None:
    open_engine(postgres_url).dispose()
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    with pytest.raises(DatabaseUnsafe, match="synchronous_commit"):
        open_engine(postgres_url)
