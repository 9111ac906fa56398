"""Promise 3: repeats are harmless. One message is one message for ever, and one delivery per recipient."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from hub.store.database import reading
from hub.store.tables import delivery, message, message_key
from tests.partners import Answer
from tests.region import Region
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook


def count(region: Region) -> tuple[int, int, int]:
    """Rows of messages, identities and deliveries."""
    with reading(region.hub.engine) as connection:
        found = [connection.scalar(select(func.count()).select_from(t)) for t in (message, message_key, delivery)]
    return (int(found[0] or 0), int(found[1] or 0), int(found[2] or 0))


def grown(region: Region, act: Callable[[], Any]) -> tuple[int, int, int]:
    """How many rows came by ``act``."""
    before = count(region)
    act()
    after = count(region)
    return (after[0] - before[0], after[1] - before[1], after[2] - before[2])


@pytest.fixture
def scene(shared: Region) -> tuple[Region, str, dict[str, Any]]:
    """A region, a workplace and a report of it that may go."""
    guide, at = shared.pair()
    person, _ = shared.reporting(guide, at)
    return shared, at, shared.report(person, at)


Scene = tuple[Region, str, dict[str, Any]]


def test_promise_3_a_true_repeat_answers_as_the_first_time(scene: Scene) -> None:
    region, at, event = scene
    first = region.send(at, event).expect(202)
    assert "herhaling" not in first
    again: list[dict[str, Any]] = []
    assert grown(region, lambda: again.append(region.send(at, event).expect(202))) == (0, 0, 0)
    assert again[0]["herhaling"] is True and again[0]["ontvangstbewijs"] == first["ontvangstbewijs"]
    traced = event | {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    reordered = dict(reversed(traced.items()))  # another spelling of the same message
    assert region.send(at, reordered).expect(202)["herhaling"] is True


def test_promise_3_the_control_another_id_is_another_message(scene: Scene) -> None:
    region, at, event = scene
    region.send(at, event).expect(202)
    assert grown(region, lambda: region.send(at, event | {"id": "another"}).expect(202)) == (1, 1, 1)


def test_promise_3_the_same_id_with_other_content_is_refused(scene: Scene) -> None:
    region, at, event = scene
    region.send(at, event).expect(202)
    other = event | {"data": event["data"] | {"uren": "1.0"}}
    answer = region.send(at, other)
    assert (answer.status, answer.code) == (409, "BERICHT_ID_BEZET")
    (result,) = region.send_batch(at, [other])
    assert (result["status"], result["probleem"]["code"]) == ("conflict", "BERICHT_ID_BEZET")


def test_promise_3_twice_in_one_batch_is_once(scene: Scene) -> None:
    region, at, event = scene
    results: list[dict[str, Any]] = []
    rows = grown(region, lambda: results.extend(region.send_batch(at, [event, event | {"id": "x"}, event])))
    assert rows == (2, 2, 2)
    assert [one["status"] for one in results] == ["aanvaard"] * 3
    assert results[0]["ontvangstbewijs"] == results[2]["ontvangstbewijs"] and results[2]["herhaling"] is True


def test_promise_3_many_at_once_are_one(scene: Scene) -> None:
    region, at, event = scene
    region.token(at)
    answers: list[Answer] = []

    def storm() -> None:
        with ThreadPoolExecutor(12) as pool:
            answers.extend(pool.map(lambda _: region.send(at, event), range(24)))

    assert grown(region, storm) == (1, 1, 1)
    found = [answer.expect(202) for answer in answers]
    assert sum("herhaling" not in one for one in found) == 1
    assert len({one["ontvangstbewijs"]["berichtId"] for one in found}) == 1


def test_promise_3_a_refused_message_keeps_nothing_and_may_come_again(shared: Region) -> None:
    guide, at = shared.pair()
    person = shared.candidate(guide)
    shared.place(person, at)
    event = shared.report(person, at)
    assert grown(shared, lambda: shared.send(at, event).expect(403)) == (0, 0, 0)
    shared.allow_reports(person, at)
    assert "herhaling" not in shared.send(at, event).expect(202)


def test_promise_3_mailbox_sequences_have_no_gaps(shared: Region) -> None:
    """Many fetch at once, in pages of every size, while messages come in and consent goes."""
    guide, at = shared.pair()
    persons = [shared.reporting(guide, at) for _ in range(3)]
    seen: list[tuple[int, str]] = []
    done = threading.Event()

    def pull(limit: int) -> None:
        while not done.is_set():
            seen.extend((int(e["sequence"]), e["id"]) for e in shared.fetch(guide, limit=limit))

    with ThreadPoolExecutor(3) as pool:
        pulls = [pool.submit(pull, limit) for limit in (1, 2, 7)]
        for n in range(5):
            for person, _ in persons:
                shared.send_batch(at, [shared.report(person, at, n) for _ in range(3)])
        shared.withdraw(at, persons[0][1])
        done.set()
        for one in pulls:
            one.result()
    last = [(int(e["sequence"]), e["id"]) for e in shared.fetch(guide)]
    assert [sequence for sequence, _ in last] == list(range(1, len(last) + 1))
    names: dict[int, set[str]] = {}
    for sequence, event_id in [*seen, *last]:
        if not event_id.endswith("-ingetrokken"):
            names.setdefault(sequence, set()).add(event_id)
    assert {len(found) for found in names.values()} == {1}  # one sequence never named two messages
    given = [event_id for _, event_id in last if not event_id.endswith("-ingetrokken")]
    assert len(set(given)) == len(given) >= 2 * 15


def test_promise_3_every_attempt_bears_the_same_webhook_id(shared: Region, webhook: Webhook) -> None:
    guide, at = shared.pair()
    person, _ = shared.reporting(guide, at)
    webhook.status = 500
    shared.subscribe(guide, webhook.url)
    event = shared.report(person, at)
    shared.send(at, event).expect(202)

    def mine() -> list[str]:
        return [c.id for c, e in zip(webhook.calls(), webhook.events(), strict=False) if e["id"] == event["id"]]

    for attempt in range(1, 4):
        wait_until(lambda attempt=attempt: len(mine()) == attempt)  # type: ignore[misc]
        webhook.status = 200 if attempt == 2 else 500
        shared.advance(120)
    assert len(set(mine())) == 1 and len(mine()) == 3


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("port", ["commit", "keys.ensure", "keys.find", "doorbell.ring"])
def test_promise_3_whatever_fails_a_repeat_makes_it_one(region: Region, port: str, when: str) -> None:
    """A port fails while the message is accepted; the sender does not know what came of it, and sends it again."""
    person, _ = region.reporting()
    region.hub.log_keeper.stop()  # so that it is the message's commit that fails, and not the log's
    event = region.report(person, "00000099000000005000")

    def send() -> None:
        region.faults.arm(port, when)
        answer = region.send("00000099000000005000", event)
        assert answer.status in (202, 500, 503)
        region.faults.disarm()
        region.send("00000099000000005000", event).expect(202)

    assert grown(region, send) == (1, 1, 1)
    found = region.fetch("00000099000000003000")
    assert [one["id"] for one in found] == [event["id"]] and [one["sequence"] for one in found] == ["1"]
