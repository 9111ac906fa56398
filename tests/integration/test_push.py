"""From a committed delivery to the recipient's hands: real database, real HTTP, real threads; only time is moved."""

import json
import time
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook

from contracts.identity import Oin
from hub.delivery import push
from hub.delivery.doorbell import DoorbellBroken
from hub.delivery.prepare import NotReleased, Outgoing
from hub.delivery.states import State
from hub.store.database import reading
from hub.store.tables import delivery, subscription
from hub.store.traffic import outbox
from hub.store.writer import Transaction
from tests.unit.delivery.world import KIND, OTHER, RECEIVER, SECRET, SENDER, Answer, Call, Receiver, World, wait_until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.organisations(SENDER, RECEIVER, OTHER)
    yield made
    made.stop()


@pytest.fixture
def receiver(world: World) -> Iterator[Receiver]:
    made = world.allow(Receiver())
    world.subscribe(RECEIVER, made.url)
    yield made
    made.stop()


def confirmed(world: World, ids: Collection[str]) -> bool:
    return world.states(ids) == {State.CONFIRMED}


def test_a_message_arrives_signed_and_is_confirmed_with_a_leaf(world: World, receiver: Receiver) -> None:
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.state(one) is State.CONFIRMED)
    (call,) = receiver.calls
    assert call.headers["content-type"].startswith("application/cloudevents+json")
    assert call.id == one
    event = Webhook(SECRET).verify(call.body, call.headers)
    assert event["type"] == f"nl.doorstroomhub.{KIND}.v1"
    assert event["doel"] == "rechten"
    assert world.attempts(one) == [(1, "http-200")]
    assert world.row(one).lease_token is None
    assert world.row(one).acknowledged_at is not None
    assert world.leaves() == 2  # of its release, and of its acknowledgement
    assert world.observer.outcomes == ["bevestigd"]
    assert world.observer.troubles == []


def test_latency_is_not_the_relays_timer(world: World, receiver: Receiver) -> None:
    world.start()
    waits = []
    for n in range(20):
        began = time.monotonic()
        world.accept(RECEIVER, [f"line-{n}"])
        wait_until(lambda n=n: len(receiver.calls) == n + 1)  # type: ignore[misc]
        waits.append(receiver.calls[-1].at - began)
    assert sorted(waits)[10] < 0.5  # the timer alone would give half a second at the median


def test_many_lines_and_messages_arrive_once_each_and_in_the_order_of_their_line(
    world: World, receiver: Receiver
) -> None:
    lines = [f"line-{n % 12}" for n in range(240)]
    ids = world.accept(RECEIVER, lines)
    world.start()
    wait_until(lambda: confirmed(world, ids), 30)
    assert sorted(receiver.ids()) == sorted(ids)
    for line in set(lines):
        mine = [i for i, of in zip(ids, lines, strict=True) if of == line]
        assert [i for i in receiver.ids() if i in set(mine)] == mine


def test_a_failing_head_holds_up_its_own_line_only(world: World, receiver: Receiver) -> None:
    first, second, third, other = world.accept(RECEIVER, ["a", "a", "a", "b"])
    sick = {first}
    receiver.script = lambda call: Answer(500 if call.id in sick else 200)
    world.start()
    wait_until(lambda: world.state(other) is State.CONFIRMED)
    wait_until(lambda: world.attempts(first) == [(1, "http-500")])
    assert world.states([first, second, third]) == {State.WAITING}
    sick.clear()
    world.advance(10)
    wait_until(lambda: confirmed(world, [first, second, third]))
    assert [i for i in receiver.ids() if i != other] == [first, first, second, third]
    assert world.attempts(first) == [(1, "http-500"), (2, "http-200")]


def test_what_overtakes_does_not_wait_for_its_line(world: World, receiver: Receiver) -> None:
    head, late = world.accept(RECEIVER, ["a", "a"])
    world.set(late, overtakes=True)
    receiver.script = lambda call: Answer(500 if call.id == head else 200)
    world.start()
    wait_until(lambda: world.state(late) is State.CONFIRMED)
    assert world.state(head) is State.WAITING


def test_a_recipient_that_was_down_catches_up_in_order(world: World, receiver: Receiver) -> None:
    receiver.stop()
    world.start()
    ids = world.accept(RECEIVER, ["a", "b", "a", "b", "a"])
    wait_until(lambda: "verbinding" in world.observer.outcomes)
    assert not confirmed(world, ids[:1])
    # Much later, with waits of hours behind the heads: the first answer makes everything due.
    for one in ids[:2]:
        world.set(one, next_at=world.clock.now().replace(year=2040), reason="verbinding")
    receiver.start()
    (probe,) = world.accept(RECEIVER, ["c"])
    world.advance(70)
    wait_until(lambda: confirmed(world, [*ids, probe]))
    assert [i for i in receiver.ids() if i in (ids[0], ids[2], ids[4])] == [ids[0], ids[2], ids[4]]
    assert [i for i in receiver.ids() if i in (ids[1], ids[3])] == [ids[1], ids[3]]


def test_a_dead_endpoint_costs_one_attempt_at_a_time(world: World, receiver: Receiver) -> None:
    receiver.stop()
    ids = world.accept(RECEIVER, [f"line-{n}" for n in range(40)])
    world.start()
    wait_until(lambda: world.observer.outcomes != [])
    time.sleep(0.5)  # the first pause is a second
    assert world.observer.outcomes == ["verbinding"]
    assert world.states(ids) == {State.WAITING}
    unsent = [outcome for one in ids for _, outcome in world.attempts(one)]
    assert len(unsent) <= 5  # only the first small batch was released at all
    assert set(unsent) == {"verbinding", outbox.UNSENT}


def test_retry_after_is_obeyed(world: World, receiver: Receiver) -> None:
    receiver.script = lambda call: Answer(503, {"Retry-After": "600"})
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.attempts(one) == [(1, "http-503")])
    waits = (world.row(one).next_at - world.clock.now()).total_seconds()
    assert 590 < waits <= 600
    receiver.script = lambda call: Answer()
    world.advance(400)
    time.sleep(0.2)
    assert len(receiver.calls) == 1
    world.advance(210)
    wait_until(lambda: world.state(one) is State.CONFIRMED)


def test_410_ends_the_subscription_and_what_waits_goes_to_the_mailbox(world: World, receiver: Receiver) -> None:
    receiver.script = lambda call: Answer(410)
    ids = world.accept(RECEIVER, ["a", "b", "c", "a"])
    world.start()
    wait_until(lambda: world.observer.outcomes == ["vervallen-abonnement"])
    wait_until(lambda: world.states(ids) == {State.WAITING})
    for one in ids:
        row = world.row(one)
        assert (row.channel, row.lease_token) == (None, None)
        assert row.next_at <= world.clock.now()
    world.advance(100_000)
    time.sleep(0.2)
    assert len(receiver.calls) == 1


def test_410_does_not_end_a_subscription_that_was_made_meanwhile(world: World, receiver: Receiver) -> None:
    fresh = world.allow(Receiver())

    def gone(call: Call) -> Answer:
        world.subscribe(RECEIVER, fresh.url)
        return Answer(410)

    receiver.script = gone
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.state(one) is State.CONFIRMED)
    assert fresh.ids() == [one]
    fresh.stop()


def test_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    elsewhere = world.allow(Receiver())
    receiver.script = lambda call: Answer(307, {"Location": elsewhere.url})
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.attempts(one) == [(1, "omleiding")])
    assert elsewhere.connections == 0
    elsewhere.stop()


def test_an_address_that_is_no_longer_public_gets_nothing(world: World, receiver: Receiver) -> None:
    world.allowed.clear()
    world.subscribe(RECEIVER, f"https://127.0.0.1:{receiver.port}/")
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.attempts(one) == [(1, "adres")])
    assert receiver.connections == 0


def test_an_address_that_was_written_by_hand_gets_nothing_and_leaves_a_reason(world: World, receiver: Receiver) -> None:
    """Not even while nobody looks: the secret opens for the address alone for which its subscriber got it."""
    elsewhere = world.allow(Receiver())
    same = subscription.c.organisation == RECEIVER
    with reading(world.engine) as connection:
        url = connection.scalar(select(subscription.c.url).where(same))
    world.write(lambda tx: tx.connection.execute(update(subscription).where(same).values(url=elsewhere.url)))
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.row(one).reason == outbox.ALTERED)
    row = world.row(one)
    assert (row.state, row.released_at, world.attempts(one)) == ("wachtend", None, [])
    assert elsewhere.connections == 0 and receiver.connections == 0

    world.write(lambda tx: tx.connection.execute(update(subscription).where(same).values(url=url)))
    world.write(lambda tx: tx.connection.execute(update(delivery).values(next_at=tx.now)))
    wait_until(lambda: world.row(one).state == "bevestigd")  # the control
    assert elsewhere.connections == 0
    elsewhere.stop()


def test_one_slow_partner_delays_nobody_else(world: World, receiver: Receiver) -> None:
    slow = world.allow(Receiver(lambda call: Answer(after=6.0)))
    world.subscribe(OTHER, slow.url)
    world.start(workers=2)
    world.accept(OTHER, [f"s-{n}" for n in range(6)])
    wait_until(lambda: len(slow.calls) >= 1)
    began = time.monotonic()
    ids = world.accept(RECEIVER, [f"q-{n}" for n in range(20)])
    wait_until(lambda: confirmed(world, ids), 5.0)
    assert time.monotonic() - began < 5.0
    slow.stop()


def test_a_kind_outside_the_subscription_waits_for_the_mailbox(world: World, receiver: Receiver) -> None:
    world.subscribe(RECEIVER, receiver.url, ["verwijdering.gevraagd"])
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    world.advance(100)
    time.sleep(0.2)
    assert receiver.calls == []
    assert world.row(one).lease_token is None


def test_what_a_crash_left_released_is_sent_again_under_the_same_id(world: World, receiver: Receiver) -> None:
    (one,) = world.accept(RECEIVER, ["a"])

    def take(tx: Transaction) -> None:
        outbox.claim(tx.connection, outbox.Heads(RECEIVER, None, 5), tx.now, outbox.Lease("dead", _later(world, 120)))

    world.write(take)
    (out,) = world.preparer.release([one], "dead")  # and then the process dies
    assert isinstance(out, Outgoing)
    world.start()
    time.sleep(0.2)
    assert receiver.calls == []  # its lease still runs
    world.advance(121)
    wait_until(lambda: world.state(one) is State.CONFIRMED)
    assert receiver.ids() == [one]
    assert world.attempts(one) == [(1, None), (2, "http-200")]


def test_a_lost_ring_costs_a_wait_and_no_message(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "_UNRUNG", 3_600.0)  # else workers help themselves while a busy machine takes its time
    ring = world.doorbell.ring
    world.doorbell.ring = lambda recipient, delivery_ids: None  # type: ignore[method-assign]  # taken, and lost
    (one,) = world.accept(RECEIVER, ["a"])
    world.start()
    wait_until(lambda: world.row(one).lease_token == outbox.RUNG)
    world.doorbell.ring = ring  # type: ignore[method-assign]
    time.sleep(0.2)
    assert [call for call in receiver.calls if call.headers["webhook-id"] == one] == []
    world.advance(31)
    wait_until(lambda: world.state(one) is State.CONFIRMED)


def test_without_any_ring_the_workers_help_themselves(world: World, receiver: Receiver) -> None:
    """A broker that takes rings and brings none, for ever: no time is moved here."""
    world.doorbell.ring = lambda recipient, delivery_ids: None  # type: ignore[method-assign]
    world.start()
    ids = world.accept(RECEIVER, ["a", "a", "b"])
    wait_until(lambda: confirmed(world, ids), 10)
    assert world.clock.ahead == 0


def test_a_broker_that_takes_no_rings_is_asked_again(world: World, receiver: Receiver) -> None:
    ring = world.doorbell.ring
    asked: list[Oin] = []

    def refuse(recipient: Oin, delivery_ids: Collection[str]) -> None:
        asked.append(recipient)
        raise DoorbellBroken("refused")

    world.subscribe(OTHER, receiver.url)
    world.doorbell.ring = refuse  # type: ignore[method-assign]
    ids = world.accept(RECEIVER, ["a"]) + world.accept(OTHER, ["b"])
    world.start()
    wait_until(lambda: ("deurbel", "DoorbellBroken") in world.observer.troubles)
    assert len(asked) == 1  # one refusal is enough for this look
    world.doorbell.ring = ring  # type: ignore[method-assign]
    wait_until(lambda: confirmed(world, ids))  # at the next look, without any time passing


class Poisoned:
    """A preparer in which one row always breaks the transaction that it is in."""

    def __init__(self, real: Any, bad: str) -> None:
        self.real, self.bad = real, bad

    def release(self, delivery_ids: list[str], lease_token: str) -> list[Outgoing | NotReleased]:
        if self.bad in delivery_ids:
            raise RuntimeError("kapot")
        return list(self.real.release(delivery_ids, lease_token))


def test_one_bad_row_fails_neither_its_neighbours_nor_the_worker(world: World, receiver: Receiver) -> None:
    bad, *good = world.accept(RECEIVER, ["a", "b", "c", "d"])
    real, world.preparer = world.preparer, Poisoned(world.preparer, bad)
    world.start()
    wait_until(lambda: confirmed(world, good))
    assert world.state(bad) is State.WAITING
    assert world.row(bad).next_at > world.clock.now()
    assert ("vrijgave", "RuntimeError") in world.observer.troubles
    world.push._parts.preparer.bad = ""  # type: ignore[union-attr]
    assert real is not None
    world.advance(61)
    wait_until(lambda: world.state(bad) is State.CONFIRMED)


def test_after_three_days_it_is_buried_and_a_replay_begins_anew(world: World, receiver: Receiver) -> None:
    receiver.script = lambda call: Answer(422)
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    for _ in range(60):
        done = len(world.attempts(one))
        wait_until(lambda done=done: world.state(one) is not State.WAITING or len(world.attempts(one)) >= max(done, 1))  # type: ignore[misc]
        wait_until(lambda: world.state(one) in (State.WAITING, State.BURIED))
        if world.state(one) is State.BURIED:
            break
        before = len(world.attempts(one))
        world.advance(max((world.row(one).next_at - world.clock.now()).total_seconds(), 0) + 0.01)
        wait_until(lambda before=before: len(world.attempts(one)) > before)  # type: ignore[misc]
    row = world.row(one)
    assert (row.state, row.reason, row.channel) == ("begraven", "http-422", "push")
    assert world.observer.burials == ["http-422"]
    made = world.attempts(one)
    assert 15 <= len(made) <= 40
    assert made[-1][1] == outbox.BURIED
    assert {outcome for _, outcome in made[:-1]} == {"http-422"}

    receiver.script = lambda call: Answer(500)
    assert world.write(lambda tx: outbox.replay(tx.connection, [one], tx.now)) == [one]
    world.advance(0)
    wait_until(lambda: world.row(one).reason == "http-500")
    assert world.state(one) is State.WAITING  # its three days began anew
    assert world.row(one).overtakes
    receiver.script = lambda call: Answer()
    world.advance(10)
    wait_until(lambda: world.state(one) is State.CONFIRMED)
    assert set(receiver.ids()) == {one}


def test_the_event_never_bears_more_than_the_release(world: World, receiver: Receiver) -> None:
    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.state(one) is State.CONFIRMED)
    event = json.loads(receiver.calls[0].body)
    assert set(event) == {"specversion", "id", "source", "type", "datacontenttype", "doel", "data"}


def test_stop_ends_every_thread_and_gives_back_what_it_held(world: World, receiver: Receiver) -> None:
    receiver.script = lambda call: Answer(after=0.3)
    world.start(workers=2)
    ids = world.accept(RECEIVER, [f"l-{n}" for n in range(30)])
    wait_until(lambda: len(receiver.calls) >= 1)
    assert world.push is not None
    assert world.push.alive()
    began = time.monotonic()
    world.relay.stop()
    world.push.stop()
    assert time.monotonic() - began < 5
    assert not world.push.alive()
    assert world.states(ids) == {State.CONFIRMED, State.WAITING}
    assert {world.row(one).lease_token for one in ids} <= {None, outbox.RUNG}


def _later(world: World, seconds: float) -> Any:
    return world.clock.now() + timedelta(seconds=seconds)
