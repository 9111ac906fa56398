"""Promise 1: a 202 is durable. The hub, or the machine under it, may end the moment after it was said."""

import json
import socket
from collections import Counter

import pytest
from sqlalchemy import func, select

from consent.log.tables import ledger_entry, ledger_pending
from hub.store.database import reading
from hub.store.tables import delivery, message, message_key
from tests.acceptance.conftest import MakeLive
from tests.live import LiveRegion
from tests.partners import Person
from tests.servers import PostgresServer


def settled(region: LiveRegion) -> Counter[str]:
    """Rows of what one accepted message leaves, and of the log."""
    with reading(region.core.engine) as connection:
        tables = (message, message_key, delivery)
        found = {t.name: connection.scalar(select(func.count()).select_from(t)) or 0 for t in tables}
        leaves = [connection.scalar(select(func.count()).select_from(t)) or 0 for t in (ledger_entry, ledger_pending)]
    return Counter(found | {"leaves": sum(leaves)})


@pytest.fixture
def scene(make_live: MakeLive) -> tuple[LiveRegion, Person, str]:
    region = make_live()
    region.start()
    guide, at = region.pair()
    return region, region.reporting(guide, at)[0], at


def test_promise_1_every_202_is_there_after_a_kill(scene: tuple[LiveRegion, Person, str]) -> None:
    region, person, at = scene
    sent: list[str] = []
    for turn in range(2):
        event = region.report(person, at, turn)
        receipt = region.send(at, event).expect(202)["ontvangstbewijs"]
        region.kill_all()  # nothing lies between the last byte of the answer and this
        sent.append(event["id"])
        region.start()
        assert region.fate(at, receipt["berichtId"]) == {person.guide: "wachtend"}
        again = region.send(at, event).expect(202)
        assert again["herhaling"] is True and again["ontvangstbewijs"] == receipt
    events = [region.report(person, at, n) for n in range(100)]
    results = region.send_batch(at, events)
    region.kill_all()
    assert {one["status"] for one in results} == {"aanvaard"}
    region.start()
    assert [event["id"] for event in region.fetch(person.guide)] == [*sent, *(event["id"] for event in events)]


def test_promise_1_a_withdrawal_that_was_answered_holds_after_a_kill(scene: tuple[LiveRegion, Person, str]) -> None:
    region, person, at = scene
    given = region.allow_reports(person, at)
    region.send(at, region.report(person, at)).expect(202)
    region.withdraw(at, given)
    region.kill_all()
    region.start()
    assert region.fetch(person.guide) == []
    assert region.send(at, region.report(person, at)).code == "GEEN_GRONDSLAG"


def test_promise_1_what_got_no_answer_is_there_as_a_whole_or_not_at_all(
    scene: tuple[LiveRegion, Person, str],
) -> None:
    """The control: killed before the answer, some are there and some are not; never a part of one."""
    region, person, at = scene
    before, answered = settled(region), 0
    region.token(at)
    for turn in range(4):
        raw = _raw_request(region, at, person, turn)
        with socket.create_connection(("127.0.0.1", region.port)) as line:
            line.sendall(raw)
            line.settimeout(0.004 * turn)  # from at once to after the answer
            try:
                answered += bool(line.recv(1))
            except (TimeoutError, BlockingIOError):
                answered += 0
            region.kill_all()
        region.start()
    grown = settled(region) - before
    assert grown["message"] == grown["message_key"] == grown["delivery"] <= 4
    assert answered <= grown["message"] and grown["leaves"] >= grown["message"]


def _raw_request(region: LiveRegion, at: str, person: Person, number: int) -> bytes:
    body = json.dumps(region.report(person, at, number)).encode()
    lines = [
        "POST /v1/berichten HTTP/1.1",
        f"Host: 127.0.0.1:{region.port}",
        f"Authorization: Bearer {region.token(at)}",
        "Content-Type: application/cloudevents+json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_promise_1_a_202_survives_a_power_cut_of_the_database(
    scene: tuple[LiveRegion, Person, str], postgres_server: PostgresServer
) -> None:
    region, person, at = scene
    events = [region.report(person, at, n) for n in range(50)]
    results = region.send_batch(at, events)
    postgres_server.kill()
    region.kill_all()
    assert {one["status"] for one in results} == {"aanvaard"}
    postgres_server.start()
    region.start()
    assert [event["id"] for event in region.fetch(person.guide)] == [event["id"] for event in events]
