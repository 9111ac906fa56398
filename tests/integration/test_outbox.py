"""Leases and lines in SQL, on both databases: who may claim what, and that nothing changes without a lease."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.delivery.states import State, Step
from hub.store.database import reading
from hub.store.region import subscriptions
from hub.store.traffic import outbox
from hub.store.traffic.outbox import Change, Heads, Lease
from hub.store.writer import Transaction
from tests.unit.delivery.world import OTHER, RECEIVER, SENDER, World

URL = "https://hooks.example.nl/"


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    made = World(tmp_path, url)
    made.organisations(SENDER, RECEIVER, OTHER)
    made.subscribe(RECEIVER, URL)
    yield made
    made.stop()


def claim(world: World, token: str, limit: int = 50, seconds: float = 60.0) -> list[str]:
    def work(tx: Transaction) -> list[str]:
        lease = Lease(token, tx.now + timedelta(seconds=seconds))
        return [due.delivery_id for due in outbox.claim(tx.connection, Heads(RECEIVER, None, limit), tx.now, lease)]

    found: list[str] = world.write(work)
    return found


def release(world: World, ids: list[str], token: str) -> list[Any]:
    released: list[Any] = world.preparer.release(ids, token)
    return released


def record(world: World, ids: list[str], token: str, step: Step) -> list[str]:
    """Record an outcome of the first attempt for those of ``ids`` that the token holds; which these were."""

    def work(tx: Transaction) -> list[str]:
        held = outbox.held(tx.connection, ids, token, tx.now)
        outbox.record(tx.connection, [Change(i, 1, step, "x", tx.now, "x") for i in held], tx.now)
        return sorted(held)

    found: list[str] = world.write(work)
    return found


def test_only_the_head_of_each_line_is_claimed(world: World) -> None:
    ids = world.accept(RECEIVER, ["a", "b", "a", "c", "b"])
    assert claim(world, "one") == [ids[0], ids[1], ids[3]]
    assert claim(world, "two") == []


def test_a_line_goes_on_when_its_head_is_finished(world: World) -> None:
    ids = world.accept(RECEIVER, ["a", "a", "a"])
    for n, one in enumerate(ids):
        assert claim(world, f"t{n}") == [one]
        assert len(release(world, [one], f"t{n}")) == 1
        assert record(world, [one], f"t{n}", Step.ACKNOWLEDGE) == [one]
    assert world.states(ids) == {State.CONFIRMED}


def test_a_buried_head_lets_its_line_go_on(world: World) -> None:
    first, second = world.accept(RECEIVER, ["a", "a"])
    claim(world, "t")
    release(world, [first], "t")
    record(world, [first], "t", Step.BURY)
    assert claim(world, "u") == [second]


def test_what_overtakes_neither_waits_nor_is_waited_for(world: World) -> None:
    notice, plain, late = world.accept(RECEIVER, ["a", "a", "a"])
    world.set(notice, overtakes=True, next_at=world.clock.now() + timedelta(hours=1))
    world.set(late, overtakes=True)
    assert claim(world, "t") == [plain, late]


def test_a_limit_takes_the_oldest(world: World) -> None:
    ids = world.accept(RECEIVER, [f"l{n}" for n in range(9)])
    assert claim(world, "t", limit=4) == ids[:4]
    assert claim(world, "u", limit=4) == ids[4:8]


def test_a_worker_takes_over_a_ring_and_no_worker_another_worker(world: World) -> None:
    (one,) = world.accept(RECEIVER, ["a"])
    assert claim(world, outbox.RUNG) == [one]
    assert claim(world, outbox.RUNG) == []  # rung already
    assert claim(world, "worker") == [one]
    assert claim(world, "thief") == []
    assert claim(world, outbox.RUNG) == []


def test_after_its_lease_a_worker_changes_nothing(world: World) -> None:
    (one,) = world.accept(RECEIVER, ["a"])
    claim(world, "slow", seconds=0.2)
    assert len(release(world, [one], "slow")) == 1
    threading.Event().wait(0.3)
    assert record(world, [one], "slow", Step.ACKNOWLEDGE) == []  # nobody took it, but its time is over
    assert claim(world, "next") == [one]
    assert record(world, [one], "slow", Step.BURY) == []
    assert world.state(one) is State.RELEASED
    assert record(world, [one], "next", Step.ACKNOWLEDGE) == [one]  # the control: the holder may
    assert world.state(one) is State.CONFIRMED


def test_leases_of_a_dead_process_can_be_ended_at_once(world: World) -> None:
    first, _ = world.accept(RECEIVER, ["a", "b"])
    assert claim(world, "dead", limit=1) == [first]
    assert len(release(world, [first], "dead")) == 1
    assert first not in claim(world, "too-early")  # the control: the lease holds
    assert world.write(lambda tx: outbox.end_leases(tx.connection, tx.now)) == 2
    assert first in claim(world, "next")
    assert record(world, [first], "dead", Step.ACKNOWLEDGE) == []


def test_only_what_is_held_is_given_back_or_postponed(world: World) -> None:
    mine, theirs = world.accept(RECEIVER, ["a", "b"])
    assert claim(world, "mine", limit=1) == [mine]
    assert claim(world, "theirs") == [theirs]
    later = world.clock.now() + timedelta(hours=1)

    def work(tx: Transaction) -> None:
        outbox.postpone(tx.connection, [mine, theirs], Lease("mine", later), tx.now, outbox.NOT_RELEASED)

    world.write(work)
    assert (world.row(mine).lease_token, world.row(theirs).lease_token) == (None, "theirs")
    assert world.row(mine).next_at == later
    assert world.row(theirs).next_at < later


def test_two_claimers_never_get_the_same(world: World) -> None:
    ids = world.accept(RECEIVER, [f"l{n}" for n in range(120)])
    got: list[list[str]] = [[], []]
    start = threading.Barrier(2)

    def run(n: int) -> None:
        start.wait()
        while True:
            found = claim(world, f"claimer-{n}", limit=7)
            if not found and not _free(world):
                return
            got[n] += found

    threads = [threading.Thread(target=run, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got[0] + got[1]) == sorted(ids)


def _free(world: World) -> bool:
    with reading(world.engine) as connection:
        return bool(outbox.heads(connection, Heads(RECEIVER, None, 1), world.clock.now(), rung=False))


def test_kinds_outside_the_subscription_are_not_claimed_but_hold_up_their_line(world: World) -> None:
    (other,) = world.accept(RECEIVER, ["a"], kind="verwijdering.gevraagd")
    behind, free = world.accept(RECEIVER, ["a", "b"])

    def work(tx: Transaction) -> list[str]:
        wanted = Heads(RECEIVER, frozenset({"bericht.ingetrokken"}), 50)
        lease = Lease("t", tx.now + timedelta(seconds=60))
        return [due.delivery_id for due in outbox.claim(tx.connection, wanted, tx.now, lease)]

    assert world.write(work) == [free]
    world.set(other, state=State.DELIVERED.value, channel="postvak", sequence=1)
    assert world.write(work) == [behind]


def test_a_change_of_subscription_takes_back_what_was_on_its_way(world: World) -> None:
    waiting, sent = world.accept(RECEIVER, ["a", "b"])
    claim(world, "t")
    release(world, [sent], "t")
    world.set(waiting, next_at=world.clock.now() + timedelta(hours=4))
    assert (
        world.write(lambda tx: subscriptions.end(tx.connection, RECEIVER, tx.now, "https://elders.example.nl/"))
        is False
    )
    assert world.state(sent) is State.RELEASED
    assert world.write(lambda tx: subscriptions.end(tx.connection, RECEIVER, tx.now)) is True
    for one in (waiting, sent):
        row = world.row(one)
        assert (row.state, row.channel, row.lease_token) == ("wachtend", None, None)
        assert row.next_at <= world.clock.now()
    assert record(world, [sent], "t", Step.ACKNOWLEDGE) == []


def test_replay_knows_only_what_ended_badly(world: World) -> None:
    buried, confirmed, stopped = world.accept(RECEIVER, ["a", "b", "c"])
    world.set(buried, state=State.BURIED.value, reason="http-500", channel="push")
    world.set(confirmed, state=State.CONFIRMED.value)
    world.set(stopped, state=State.STOPPED.value)
    done = world.write(lambda tx: outbox.replay(tx.connection, [buried, confirmed, stopped, "onbekend"], tx.now))
    assert done == [buried]
    row = world.row(buried)
    assert (row.state, row.overtakes, row.channel, row.reason, row.ended_at) == ("wachtend", True, None, None, None)


def test_the_look_for_due_heads_uses_its_indexes(tmp_path: Path) -> None:
    """A backlog of another recipient, or of what is finished, must cost nothing. SQLite is the strict one here."""
    made = World(tmp_path)
    query = outbox._heads(Heads(RECEIVER, None, 50), made.clock.now(), rung=True)
    text = str(query.compile(made.engine, compile_kwargs={"render_postcompile": True}))
    with reading(made.engine) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", (0,) * text.count("?")).fetchall()
    made.stop()
    assert "USING INDEX ix_delivery_waiting" in str(plan), plan
    assert "USING INDEX ix_delivery_line" in str(plan), plan
    assert "SCAN" not in str(plan), plan
