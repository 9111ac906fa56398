"""The doorbell in one process and through RabbitMQ: it carries ids, it is quick, and losing it loses nothing."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu.connection import Connection

from hub.delivery.doorbell import DEAD, PREFIX, DeadRing, Doorbell, DoorbellBroken, Ring, open_doorbell
from hub.delivery.states import State
from tests.servers import RabbitServer
from tests.unit.delivery.world import OTHER, RECEIVER, SENDER, Receiver, World, wait_until


@pytest.fixture
def rabbit(rabbitmq_server: RabbitServer) -> Iterator[RabbitServer]:
    rabbitmq_server.start()
    _empty(rabbitmq_server)  # another file may have left a ring
    yield rabbitmq_server
    rabbitmq_server.thaw()
    rabbitmq_server.start()
    _empty(rabbitmq_server)


def _empty(server: RabbitServer) -> None:
    with Connection(server.url) as connection:  # type: ignore[no-untyped-call]
        channel = connection.channel()  # type: ignore[no-untyped-call]
        for name in (PREFIX + RECEIVER, PREFIX + OTHER, DEAD):
            channel.queue_delete(name)


@pytest.fixture(params=["memory", "rabbitmq"])
def bell(request: pytest.FixtureRequest) -> Iterator[Doorbell]:
    url = "memory://" if request.param == "memory" else request.getfixturevalue("rabbit").url
    made = open_doorbell(url)
    yield made
    made.close()


def heard(bell: Doorbell, seconds: float = 5.0) -> Ring:
    found = bell.listen([RECEIVER, OTHER], seconds)
    assert isinstance(found, Ring)
    return found


def test_rings_arrive_with_their_ids(bell: Doorbell) -> None:
    assert bell.listen([RECEIVER, OTHER], 0.1) is None
    bell.ring(RECEIVER, ["a", "b"])
    bell.ring(OTHER, ["c"])
    found = {ring.recipient: ring for ring in (heard(bell), heard(bell))}
    assert found[RECEIVER].delivery_ids == ("a", "b")
    assert found[OTHER].delivery_ids == ("c",)
    for ring in found.values():
        ring.done()
    assert bell.listen([RECEIVER, OTHER], 0.2) is None


def test_a_listener_is_woken_at_once(bell: Doorbell) -> None:
    waits: list[float] = []
    rung = [0.0]

    def listen() -> None:
        for _ in range(15):
            ring = heard(bell)
            waits.append(time.monotonic() - rung[0])
            ring.done()

    thread = threading.Thread(target=listen)
    bell.listen([RECEIVER, OTHER], 0.1)
    thread.start()
    for n in range(15):
        rung[0] = time.monotonic()
        bell.ring(RECEIVER, [str(n)])
        wait_until(lambda n=n: len(waits) == n + 1)  # type: ignore[misc]
    thread.join(5)
    assert sorted(waits)[7] < 0.2  # kombu's own memory transport would sleep up to a second


def test_in_one_process_an_idle_listener_costs_nothing() -> None:
    bell = open_doorbell("memory://")
    began = time.process_time()
    assert bell.listen([], 1.0) is None
    assert time.process_time() - began < 0.1
    bell.close()


def test_closing_wakes_the_listener() -> None:
    bell = open_doorbell("memory://")
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(bell.listen([], 30)))
    thread.start()
    time.sleep(0.05)
    bell.close()
    thread.join(2)
    assert found == [None]


def test_an_unanswered_ring_is_given_to_the_next_listener(rabbit: RabbitServer) -> None:
    first = open_doorbell(rabbit.url)
    first.ring(RECEIVER, ["a"])
    assert heard(first).delivery_ids == ("a",)  # never done: its process dies
    first.close()
    second = open_doorbell(rabbit.url)
    again = heard(second)
    assert again.delivery_ids == ("a",)
    again.done()
    second.listen([RECEIVER], 0.2)
    second.close()
    third = open_doorbell(rabbit.url)
    assert third.listen([RECEIVER], 0.5) is None
    third.close()


def test_a_ring_that_kills_its_listeners_ends_as_a_dead_ring(rabbit: RabbitServer) -> None:
    bell = open_doorbell(rabbit.url)
    bell.ring(RECEIVER, ["a"])
    bell.close()
    for _ in range(12):
        bell = open_doorbell(rabbit.url)
        found = bell.listen([RECEIVER], 1.0)
        if isinstance(found, DeadRing):
            found.done()
            assert bell.listen([RECEIVER], 0.3) is None
            bell.close()
            return
        bell.close()
    pytest.fail("the ring came back for ever")


def test_a_frozen_broker_is_an_error_within_its_timeout(rabbit: RabbitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.delivery.doorbell.CONFIRM_TIMEOUT", 0.5)
    monkeypatch.setattr("hub.delivery.doorbell.CONNECT_TIMEOUT", 1.0)
    bell = open_doorbell(rabbit.url)
    bell.ring(RECEIVER, ["a"])
    rabbit.freeze()
    began = time.monotonic()
    for _ in range(2):  # on the open connection, and on a new one
        with pytest.raises(DoorbellBroken):
            bell.ring(RECEIVER, ["b"])
    assert time.monotonic() - began < 10
    rabbit.thaw()
    bell.ring(RECEIVER, ["c"])
    bell.close()


def test_push_works_through_rabbitmq_and_survives_its_death(rabbit: RabbitServer, tmp_path: Path) -> None:
    world = World(tmp_path, broker=rabbit.url)
    receiver = world.allow(Receiver())
    try:
        world.organisations(SENDER, RECEIVER, OTHER)
        world.subscribe(RECEIVER, receiver.url)
        world.start()
        ids = world.accept(RECEIVER, ["a", "b", "a"])
        wait_until(lambda: world.states(ids) == {State.CONFIRMED})
        rabbit.kill()
        late = world.accept(RECEIVER, ["a", "c"])
        wait_until(lambda: any(part == "deurbel" for part, _ in world.observer.troubles), 20)
        assert world.states(late) == {State.WAITING}
        rabbit.start()
        world.advance(31)
        wait_until(lambda: world.states(late) == {State.CONFIRMED}, 30)
        assert [i for i in receiver.ids() if i in (ids[0], ids[2], late[0])] == [ids[0], ids[2], late[0]]
    finally:
        world.stop()
        receiver.stop()
