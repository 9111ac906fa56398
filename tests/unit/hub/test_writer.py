"""The one writer: neighbours, urgency, and what may be told only after the commit. On a real SQLite file."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, event, insert, select

from hub.store.database import open_engine, reading
from hub.store.locks import MAX_WEIGHT, Locks
from hub.store.writer import Transaction, Transactions, Writer, WriterStopped, apart, single

NOTES = Table("note", MetaData(), Column("id", Integer, primary_key=True), Column("text", String, unique=True))
RULES = Locks(rules_exclusive=True)


class Fixed:
    """A clock that stands still, but for what a verb says that it takes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


class Bench:
    """A writer that can be held up, so that units pile up before it; it remembers each transaction."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = open_engine(f"sqlite:///{folder}/notes.db")
        NOTES.metadata.create_all(self.engine)
        self.clock = Fixed()
        self.each = 0.0  # seconds that an item takes
        self.transactions = Transactions(self.engine, self.clock)
        self.writer = Writer(self.transactions)
        self.batches: list[list[str]] = []
        self.commits = 0
        event.listen(self.engine, "commit", self._committed)

    def _committed(self, _: object) -> None:
        self.commits += 1

    def write(self, tx: Transaction, items: Sequence[str]) -> list[str | Exception]:
        """Verb: a row per item. ``bad`` breaks the whole transaction, ``refused`` answers with an error of its own."""
        self.batches.append(list(items))
        self.clock.seconds += self.each * len(items)
        for item in items:
            if item != "refused":
                tx.connection.execute(insert(NOTES).values(text=item))
            if item == "bad":
                raise ZeroDivisionError
        return [LookupError(item) if item == "refused" else item.upper() for item in items]

    def other(self, tx: Transaction, items: Sequence[str]) -> list[str | Exception]:
        """A second verb that does the same."""
        return self.write(tx, items)

    def held(self, queue: Callable[[], Any]) -> None:
        """Run ``queue`` while the writer is busy, so that all it queues is there at the writer's next look."""
        busy, go = threading.Event(), threading.Event()

        def wait(_: Transaction, items: Sequence[str]) -> list[str]:
            busy.set()
            assert go.wait(10)
            return list(items)

        first = self.writer.begin(wait, "wait")
        assert busy.wait(10)
        queue()
        go.set()
        first.result(10)

    def rows(self) -> list[str]:
        with reading(self.engine) as connection:
            return list(connection.scalars(select(NOTES.c.text).order_by(NOTES.c.id)))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.writer.start()
    yield made
    made.writer.stop()
    made.engine.dispose()


def results(futures: Sequence["Future[Any]"]) -> list[Any]:
    return [f.exception(10) or f.result() for f in futures]


def test_waiting_units_share_one_verb_call_and_one_commit(bench: Bench) -> None:
    futures: list[Future[str]] = []
    before = bench.commits
    bench.held(lambda: futures.extend(bench.writer.begin(bench.write, f"n{i}") for i in range(20)))
    assert results(futures) == [f"N{i}" for i in range(20)]
    assert bench.batches == [[f"n{i}" for i in range(20)]]
    assert bench.commits - before == 2  # the one that was held, and the twenty


def test_not_more_than_the_weight_of_one_transaction_are_taken_at_once(bench: Bench) -> None:
    futures: list[Future[str]] = []
    bench.held(lambda: futures.extend(bench.writer.begin(bench.write, f"n{i}") for i in range(MAX_WEIGHT + 3)))
    results(futures)
    assert [len(batch) for batch in bench.batches] == [MAX_WEIGHT, 3]


def test_order_is_kept_over_different_verbs(bench: Bench) -> None:
    futures: list[Future[str]] = []
    verbs = [bench.write, bench.write, bench.other, bench.write]
    bench.held(lambda: futures.extend(bench.writer.begin(verb, f"n{i}") for i, verb in enumerate(verbs)))
    results(futures)
    assert bench.batches == [["n0", "n1"], ["n2"], ["n3"]]
    assert bench.rows() == ["n0", "n1", "n2", "n3"]


def test_a_bad_unit_does_not_fail_its_neighbours_and_leaves_nothing(bench: Bench) -> None:
    futures: list[Future[str]] = []
    bench.held(lambda: futures.extend(bench.writer.begin(bench.write, text) for text in ("a", "bad", "b", "refused")))
    found = results(futures)
    assert found[0] == "A" and found[2] == "B"
    assert isinstance(found[1], ZeroDivisionError) and isinstance(found[3], LookupError)
    assert bench.rows() == ["a", "b"]


def test_the_control_a_verb_that_commits_by_itself_would_leave_the_bad_row(bench: Bench) -> None:
    with bench.engine.begin() as connection:
        connection.execute(insert(NOTES).values(text="bad"))
    assert bench.rows() == ["bad"]


def test_an_answer_comes_only_when_the_row_is_durable(bench: Bench) -> None:
    assert bench.writer.do(bench.write, "a") == "A"
    with reading(bench.engine) as connection:  # another connection sees it: it is committed
        assert connection.scalars(select(NOTES.c.text)).all() == ["a"]


def test_a_failed_commit_is_the_error_of_everybody_in_it(bench: Bench) -> None:
    dialect: Any = bench.engine.dialect
    commit = dialect.do_commit

    def refuse(_: object) -> None:
        raise OSError("disk full")

    dialect.do_commit = refuse
    futures = [bench.writer.begin(bench.write, text) for text in ("a", "b")]
    assert all(isinstance(found, OSError) for found in results(futures))
    dialect.do_commit = commit
    assert bench.rows() == []
    assert bench.writer.do(bench.write, "a") == "A"  # the writer lives on


def test_urgent_work_goes_before_all_that_waits_in_a_transaction_of_its_own(bench: Bench) -> None:
    futures: list[Future[str]] = []

    def queue() -> None:
        futures.extend(bench.writer.begin(bench.write, f"n{i}") for i in range(3))
        futures.append(bench.writer.begin(bench.write, "urgent", urgent=True))

    bench.held(queue)
    results(futures)
    assert bench.batches == [["urgent"], ["n0", "n1", "n2"]]


def test_what_is_urgent_is_answered_before_the_transaction_that_it_waited_for_but_once(bench: Bench) -> None:
    """All who are answered wake up and work; who takes something away does not wait for that, and nobody for ever."""
    order: list[str] = []
    under_way, go = threading.Event(), threading.Event()

    def begin(verb: Callable[[Transaction, Sequence[str]], Sequence[Any]], name: str, urgent: bool) -> "Future[Any]":
        future = bench.writer.begin(verb, name, urgent=urgent)
        future.add_done_callback(lambda _: order.append(name))
        return future

    def wait(_: Transaction, items: Sequence[str]) -> list[str]:
        under_way.set()
        assert go.wait(10)
        return list(items)

    def urgent_again(tx: Transaction, items: Sequence[str]) -> list[str | Exception]:
        futures.append(begin(bench.write, "later", urgent=True))
        return bench.write(tx, items)

    futures = [begin(wait, "ordinary", urgent=False)]
    assert under_way.wait(10)
    futures.append(begin(urgent_again, "urgent", urgent=True))
    go.set()
    results(futures)
    assert order == ["urgent", "ordinary", "later"]


def test_fewer_are_taken_at_a_time_where_many_take_long_and_more_again_where_they_do_not(bench: Bench) -> None:
    """Nobody can withdraw while a transaction runs: how long it takes is bounded, and not only how many are in it."""
    futures: list[Future[str]] = []
    bench.each = 0.002
    bench.held(lambda: futures.extend(bench.writer.begin(bench.write, f"a{i}") for i in range(MAX_WEIGHT * 2)))
    results(futures)
    assert [len(batch) for batch in bench.batches] == [256, 128, 64, 32, 32]
    bench.each, bench.batches = 0.0, []
    bench.held(lambda: futures.extend(bench.writer.begin(bench.write, f"b{i}") for i in range(MAX_WEIGHT * 2)))
    results(futures)
    assert [len(batch) for batch in bench.batches] == [32, 64, 128, 256, 32]


def test_a_change_of_the_rules_goes_alone(bench: Bench) -> None:
    futures: list[Future[str]] = []

    def queue() -> None:
        futures.extend(bench.writer.begin(bench.write, f"a{i}") for i in range(2))
        futures.append(bench.writer.begin(bench.write, "rules", RULES))
        futures.extend(bench.writer.begin(bench.write, f"b{i}") for i in range(2))

    bench.held(queue)
    results(futures)
    assert bench.batches == [["a0", "a1"], ["rules"], ["b0", "b1"]]


def test_after_commit_is_called_when_the_row_is_there_and_never_for_what_failed(bench: Bench) -> None:
    told: list[tuple[str, list[str]]] = []

    def verb(tx: Transaction, items: Sequence[str]) -> list[str]:
        for item in items:
            tx.after_commit(lambda item=item: told.append((item, bench.rows())))  # type: ignore[misc]
        return [str(answer) for answer in bench.write(tx, items)]

    futures: list[Future[str]] = []
    bench.held(lambda: futures.extend(bench.writer.begin(verb, text) for text in ("a", "bad", "b")))
    results(futures)
    assert told == [("a", ["a", "b"]), ("b", ["a", "b"])]


def test_a_verb_that_does_not_answer_every_item_fails_and_writes_nothing(bench: Bench) -> None:
    def short(tx: Transaction, items: Sequence[str]) -> list[str]:
        bench.write(tx, items)
        return []

    future = bench.writer.begin(short, "a")
    assert isinstance(future.exception(10), RuntimeError)
    assert bench.rows() == []


def test_a_stopped_writer_finishes_what_waits_and_refuses_the_rest(bench: Bench) -> None:
    futures: list[Future[str]] = []
    stopper: list[threading.Thread] = []

    def queue() -> None:
        futures.append(bench.writer.begin(bench.write, "a"))
        stopper.append(threading.Thread(target=bench.writer.stop))
        stopper[0].start()
        while bench.writer.alive():
            time.sleep(0.001)

    bench.held(queue)
    stopper[0].join(10)
    assert results(futures) == ["A"]
    with pytest.raises(WriterStopped):
        bench.writer.begin(bench.write, "b")


def test_a_command_writes_beside_the_writer_all_or_nothing(bench: Bench) -> None:
    assert single(bench.transactions, lambda tx: bench.write(tx, ["a"])) == ["A"]
    with pytest.raises(ZeroDivisionError):
        single(bench.transactions, lambda tx: bench.write(tx, ["b", "bad"]))
    assert bench.rows() == ["a"]


def test_what_sqlite_rolled_back_by_itself_is_nobodys_success(bench: Bench) -> None:
    """On a full disk SQLite ends the whole transaction; the units before that one must not be answered as durable."""

    def fill(tx: Transaction, items: Sequence[str]) -> list[str | Exception]:
        answers = bench.write(tx, items)
        if "full" in items:
            driver: Any = tx.connection.connection.dbapi_connection
            driver.execute("ROLLBACK")
            raise OSError("disk full")
        return answers

    futures: list[Future[str]] = []
    bench.held(lambda: futures.extend(bench.writer.begin(fill, text) for text in ("a", "full", "b")))
    assert all(isinstance(found, Exception) for found in results(futures))
    assert bench.rows() == []
    assert bench.writer.do(bench.write, "a") == "A"


def test_an_error_after_the_commit_neither_repeats_nor_hides_it(bench: Bench) -> None:
    def verb(tx: Transaction, items: Sequence[str]) -> list[str | Exception]:
        tx.after_commit(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
        return bench.write(tx, items)

    futures: list[Future[str]] = []
    bench.held(lambda: futures.extend(bench.writer.begin(verb, text) for text in ("a", "b")))
    assert results(futures) == ["A", "B"]
    assert bench.batches == [["a", "b"]]


def test_a_commit_of_which_nobody_knows_whether_it_held_is_not_done_again(bench: Bench) -> None:
    dialect: Any = bench.engine.dialect
    commit = dialect.do_commit

    def lose(connection: object) -> None:
        commit(connection)
        dialect.do_commit = commit
        raise OSError("connection lost")

    futures: list[Future[str]] = []

    def queue() -> None:
        dialect.do_commit = commit
        futures.extend(bench.writer.begin(armed, text) for text in ("a", "b"))

    def armed(tx: Transaction, items: Sequence[str]) -> list[str | Exception]:
        dialect.do_commit = lose
        return bench.write(tx, items)

    bench.held(queue)
    assert all(isinstance(found, OSError) for found in results(futures))
    assert bench.batches == [["a", "b"]] and bench.rows() == ["a", "b"]


def test_a_unit_weighs_as_much_as_it_locks(bench: Bench) -> None:
    futures: list[Future[str]] = []
    half = Locks(shared=frozenset(str(n) for n in range(MAX_WEIGHT // 2 + 1)))
    bench.held(lambda: futures.extend(bench.writer.begin(bench.write, text, half) for text in ("a", "b")))
    results(futures)
    assert bench.batches == [["a"], ["b"]]


def test_what_is_refused_apart_has_nobody_repeated(bench: Bench) -> None:
    def careful(tx: Transaction, items: Sequence[str]) -> list[Any]:
        return apart(tx, items, lambda item: bench.write(tx, [item])[0])

    futures: list[Future[str]] = []
    verbs = [("a", bench.write), ("bad", careful), ("b", careful)]
    bench.held(lambda: futures.extend(bench.writer.begin(verb, text) for text, verb in verbs))
    found = results(futures)
    assert (found[0], found[2]) == ("A", "B") and isinstance(found[1], ZeroDivisionError)
    assert bench.batches == [["a"], ["bad"], ["b"]]  # each once
    assert bench.rows() == ["a", "b"]
