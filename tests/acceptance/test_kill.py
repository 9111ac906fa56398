"""Promises 1 and 3 under ``kill -9``: supervisor, worker, both, at random moments in 2,000 messages.

None is lost, none gets a second delivery id or a second sequence. What got no answer is sent again, as a partner would.
"""

import os
import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update

from hub.delivery.states import State
from hub.store.database import reading
from hub.store.tables import delivery, message
from tests.acceptance.conftest import MakeLive
from tests.live import LiveRegion
from tests.partners import BATCH, Person
from tests.servers import wait_until
from tests.webhook import Webhook

MESSAGES = int(os.environ.get("KILL_MESSAGES", "2000"))
SEED = int(os.environ.get("KILL_SEED", "20261122"))
VICTIMS = ("supervisor", "worker", "both") * 2
#: What is left when all was sent must arrive within this time, the lease of a lone killed worker included.
CATCH_UP_SECONDS = 180.0
KIND = "nl.doorstroomhub.voortgang.gemeld.v1"


class Flow:
    """One sender and its receiver; ``accepted`` are the events that were answered with 202, in order per person."""

    def __init__(self, region: LiveRegion, persons: int) -> None:
        self.region = region
        self.guide, self.at = region.pair()
        self.people = [region.reporting(self.guide, self.at)[0] for _ in range(persons)]
        self.accepted: list[tuple[Person, str]] = []

    def send(self, count: int, chance: random.Random) -> None:
        """Send so many, in batches of a few, each again until it is answered."""
        while len(self.accepted) < count:
            batch = [(chance.choice(self.people), n) for n in range(chance.randint(1, 8))][: count - len(self.accepted)]
            events = [self.region.report(person, self.at, n) for person, n in batch]
            answer = self.region.patiently(self.at, "POST", "/v1/berichten", events, BATCH).expect(202)
            assert {one["status"] for one in answer["resultaten"]} == {"aanvaard"}, answer
            self.accepted += [(person, event["id"]) for (person, _), event in zip(batch, events, strict=True)]

    def line(self, person: Person) -> list[str]:
        return [event_id for one, event_id in self.accepted if one is person]


class Mailbox:
    """The puller: fetches and acknowledges while the hub comes and goes; every (sequence, event id) that it saw."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.seen: list[tuple[int, str]] = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        chance, after = random.Random("mailbox"), 0
        while not self.done.is_set():
            with suppress(AssertionError, httpx2.HTTPError):
                page = self.flow.region.fetch(self.flow.guide, after=after, limit=chance.choice((1, 20, 200)))
                self.seen += [(int(event["sequence"]), event["id"]) for event in page if event["type"] == KIND]
                if page and chance.random() < 0.6:
                    self.flow.region.acknowledge(self.flow.guide, page[-1]["sequence"])
                    after = int(page[-1]["sequence"])
            time.sleep(0.02)


#: The supervisor gives up on a worker that dies twice within 5.5 seconds: the service manager then begins anew.
_CRASH_LOOP = 6.0


def kill_at_random(region: LiveRegion, flows: list[Flow], chance: random.Random) -> list[str]:
    """Kill one after the other, each at its own random place in the stream of messages."""
    victims = list(VICTIMS)
    chance.shuffle(victims)
    while victims[-1] == "worker":  # the last one ends with the leases of all
        chance.shuffle(victims)
    places = sorted(chance.sample(range(MESSAGES // 20, MESSAGES - MESSAGES // 20), len(victims)))
    calm = 0.0
    for victim, place in zip(victims, places, strict=True):
        wait_until(lambda place=place: sum(len(f.accepted) for f in flows) >= place, 300, "no progress")  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.05))
        if victim == "worker":
            time.sleep(max(0.0, calm - time.monotonic()))
            region.kill(*region.workers())
            wait_until(region.ready, 60, "the worker is not replaced")
            calm = time.monotonic() + _CRASH_LOOP
            continue
        if victim == "supervisor":
            region.kill_supervisor()
        else:
            region.kill_all()
        let_leases_run_out(region)
        region.start()
    return victims


def let_leases_run_out(region: LiveRegion) -> None:
    """The two minutes pass for which a dead worker holds what it was sending. Nobody lives who could still send it."""
    now = datetime.now(UTC)
    with region.core.engine.begin() as connection:
        connection.execute(update(delivery).where(delivery.c.lease_until > now).values(lease_until=now))


@pytest.fixture
def hook() -> Any:
    made = Webhook()
    yield made
    made.close()


def test_promises_1_and_3_kill_nothing_is_lost_and_nothing_is_doubled(make_live: MakeLive, hook: Webhook) -> None:
    region = make_live(webhooks=[hook.port])
    region.start()
    pulled, pushed = flows = [Flow(region, 6), Flow(region, 6)]
    region.subscribe(pushed.guide, hook.url)
    box, chance = Mailbox(pulled), random.Random(SEED)
    box.thread.start()
    try:
        with ThreadPoolExecutor(3) as pool:
            sending = [pool.submit(f.send, MESSAGES // 2, random.Random(f"{SEED}/{n}")) for n, f in enumerate(flows)]
            killed = pool.submit(kill_at_random, region, flows, chance)
            for one in sending:
                one.result()
            assert sorted(killed.result()) == sorted(VICTIMS)
        sent = {event_id for f in flows for _, event_id in f.accepted}
        wait_until(lambda: arrived(box, hook) >= sent, CATCH_UP_SECONDS, "a message is lost")
    finally:
        box.done.set()
        box.thread.join()
    assert len(sent) == MESSAGES
    assert arrived(box, hook) == sent
    sequences_are_sound(region, pulled, box)
    delivery_ids_are_sound(pushed, hook)
    assert rows_are_sound(region)


def arrived(box: Mailbox, hook: Webhook) -> set[str]:
    return {event_id for _, event_id in list(box.seen)} | {e["id"] for e in hook.events() if e["type"] == KIND}


def sequences_are_sound(region: LiveRegion, flow: Flow, box: Mailbox) -> None:
    """One sequence per message and one message per sequence, dense, in order per person."""
    assert len(set(box.seen)) == len({s for s, _ in box.seen}) == len({i for _, i in box.seen}) == MESSAGES // 2
    assert sorted({s for s, _ in box.seen}) == list(range(1, MESSAGES // 2 + 1))
    place = {event_id: sequence for sequence, event_id in box.seen}
    for person in flow.people:
        sequences = [place[event_id] for event_id in flow.line(person)]
        assert sequences == sorted(sequences)


def delivery_ids_are_sound(flow: Flow, hook: Webhook) -> None:
    """One webhook-id per message, however often it was tried; what is new arrives in order per person."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    first: list[str] = []
    for call, event in zip(hook.calls(), hook.events(), strict=True):
        if event["type"] == KIND:
            first += [] if event["id"] in ids else [event["id"]]
            ids[event["id"]].add(call.id)
    assert {len(found) for found in ids.values()} == {1}
    assert len({one for found in ids.values() for one in found}) == len(ids)
    for person in flow.people:
        line = flow.line(person)
        wanted = set(line)
        assert [event_id for event_id in first if event_id in wanted] == line


def rows_are_sound(region: LiveRegion) -> bool:
    """In the database: one delivery per message and recipient, and none that still waits for good."""
    twice = select(delivery.c.message_id).group_by(delivery.c.message_id, delivery.c.recipient).having(func.count() > 1)
    names = select(message.c.event_id).group_by(message.c.organisation, message.c.event_id).having(func.count() > 1)
    with reading(region.core.engine) as connection:
        assert connection.execute(twice).all() == [] and connection.execute(names).all() == []
        lost = select(func.count()).select_from(delivery).where(delivery.c.state == State.BURIED.value)
        return connection.scalar(lost) == 0
