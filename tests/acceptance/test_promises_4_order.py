"""Promise 4: messages about one person reach one recipient in the order in which they were accepted."""

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.partners import Person
from tests.region import Region
from tests.unit.delivery.world import Answer, Call, wait_until
from tests.webhook import Webhook

Accepted = dict[str, list[str]]  # subject at the receiver → event ids in order of acceptance


def out_of_order(arrived: Iterable[dict[str, Any]], accepted: Accepted) -> list[str]:
    """The persons whose messages did not arrive each once and in order."""
    got: Accepted = {}
    for event in arrived:
        got.setdefault(event["subject"], []).append(event["id"])
    return [subject for subject, ids in accepted.items() if got.get(subject) != ids]


def send_interleaved(region: Region, at: str, persons: Sequence[Person], seed: int) -> Accepted:
    """Several messages about each person, mixed, some alone and some in batches."""
    accepted: Accepted = {person.refs[person.guide]: [] for person in persons}
    chance = random.Random(seed)
    for turn in range(10):
        events: list[dict[str, Any]] = []
        for _ in range(chance.randint(1, 5)):
            person = chance.choice(persons)
            events.append(region.report(person, at, turn))
            accepted[person.refs[person.guide]].append(events[-1]["id"])
        results = region.send_batch(at, events) if len(events) > 1 else [region.send(at, events[0]).expect(202)]
        assert all(one.get("status", "aanvaard") == "aanvaard" for one in results)
    return accepted


@pytest.fixture
def scene(shared: Region) -> tuple[str, str, list[Person]]:
    guide, at = shared.pair()
    return guide, at, [shared.reporting(guide, at)[0] for _ in range(3)]


def test_promise_4_the_check_itself_can_fail() -> None:
    events = [{"subject": "a", "id": "1"}, {"subject": "b", "id": "2"}, {"subject": "a", "id": "3"}]
    accepted = {"a": ["1", "3"], "b": ["2"]}
    assert out_of_order(events, accepted) == []
    assert out_of_order(reversed(events), accepted) == ["a"]
    assert out_of_order(events[:2], accepted) == ["a"]
    assert out_of_order([*events, events[1]], accepted) == ["b"]


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_promise_4_the_mailbox_keeps_order(shared: Region, scene: tuple[str, str, list[Person]], limit: int) -> None:
    guide, at, persons = scene
    accepted = send_interleaved(shared, at, persons, seed=limit)
    arrived: list[dict[str, Any]] = []
    while page := shared.fetch(guide, after=len(arrived), limit=limit):
        arrived += page
    assert out_of_order(arrived, accepted) == []
    assert [int(event["sequence"]) for event in arrived] == list(range(1, len(arrived) + 1))


def test_promise_4_push_keeps_order(shared: Region, webhook: Webhook, scene: tuple[str, str, list[Person]]) -> None:
    guide, at, persons = scene
    webhook.status = 200
    shared.subscribe(guide, webhook.url)
    began = len(webhook.events())
    accepted = send_interleaved(shared, at, persons, seed=4)
    total = sum(map(len, accepted.values()))
    wait_until(lambda: len(webhook.events()) - began == total, 20)
    assert out_of_order(webhook.events()[began:], accepted) == []


def deduped(calls: Iterable[Call]) -> list[dict[str, Any]]:
    """What a receiver that dedupes on ``webhook-id`` processes: a delivery whose lease ran out may come again."""
    first: dict[str, bytes] = {}
    for call in calls:
        first.setdefault(call.headers["webhook-id"], call.body)
    return [json.loads(body) for body in first.values()]


def test_promise_4_a_recipient_that_was_down_catches_up_in_order(
    shared: Region, webhook: Webhook, scene: tuple[str, str, list[Person]]
) -> None:
    guide, at, persons = scene
    webhook.status = 200
    shared.subscribe(guide, webhook.url)
    began = len(webhook.calls())
    webhook.down()
    try:
        accepted = send_interleaved(shared, at, persons, seed=9)
        shared.advance(60)
    finally:
        webhook.up()
    total = sum(map(len, accepted.values()))
    for _ in range(120):  # hours pass for the hub, a second or so for the test
        if len(deduped(webhook.calls()[began:])) >= total:
            break
        shared.advance(90)
        try:
            wait_until(lambda: len(deduped(webhook.calls()[began:])) >= total, 0.5)
        except AssertionError:
            continue
    assert out_of_order(deduped(webhook.calls()[began:]), accepted) == []


def test_promise_4_a_failing_message_holds_up_its_own_line_and_no_other(tmp_path: Any, database: str | None) -> None:
    sick: set[str] = set()

    def script(call: Call) -> Answer:
        return Answer(500 if any(one.encode() in call.body for one in sick) else 200)

    hook = Webhook(script=script)
    region = Region(tmp_path / "hub", database, [hook.port])
    try:
        guide, at = region.pair()
        one, other = (region.reporting(guide, at)[0] for _ in range(2))
        region.subscribe(guide, hook.url)
        first, second = region.report(one, at, 1), region.report(one, at, 2)
        sick.add(first["id"])
        for event in (first, second, healthy := region.report(other, at)):
            region.send(at, event).expect(202)
        wait_until(lambda: healthy["id"] in [e["id"] for e in hook.events()])
        region.hub.relay.ring_due()
        assert second["id"] not in [e["id"] for e in hook.events()]
        sick.clear()
        region.advance(30)
        wait_until(lambda: second["id"] in [e["id"] for e in hook.events()])
        tried = [e["id"] for e in hook.events() if e["id"] in (first["id"], second["id"])]
        assert tried == [first["id"], first["id"], second["id"]]
    finally:
        region.stop()
        hook.close()
