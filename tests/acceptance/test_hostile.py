"""What nobody does who means well, and what a machine does at the worst moment: over HTTP, on both databases."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from hub.delivery import mailbox, prepare
from hub.delivery.webhook import subscription_routes
from hub.store.tables import attempt, message
from tests.partners import BATCH
from tests.region import Region
from tests.samples import KRINGLOOP, ONTWIKKELBEDRIJF
from tests.webhook import Webhook

FETCH = "/v1/postvak/berichten"


def accepted(region: Region, event: dict[str, Any]) -> str:
    return str(region.send(ONTWIKKELBEDRIJF, event).expect(202)["ontvangstbewijs"]["berichtId"])


def spoil(region: Region, message_id: str) -> None:
    with region.core.engine.begin() as connection:
        connection.execute(update(message).where(message.c.message_id == message_id).values(body=b"x" * 64))


@contextmanager
def held_up(region: Region, seconds: float) -> Iterator[None]:
    """The process stands still for a while right behind every commit (SIGSTOP, a paused machine)."""
    dialect: Any = region.core.engine.dialect
    commit: Callable[[Any], None] = dialect.do_commit

    def slow(connection: Any) -> None:
        commit(connection)
        region.advance(seconds)

    dialect.do_commit = slow
    try:
        yield
    finally:
        dialect.do_commit = commit


def test_a_refused_message_may_come_many_times_at_once(region: Region) -> None:
    event = region.placing(region.candidate())  # nobody consented
    answer = region.call(ONTWIKKELBEDRIJF, "POST", "/v1/berichten", [event] * 12, BATCH).expect(202)
    assert {one["status"] for one in answer["resultaten"]} == {"geweigerd"}
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: region.send(ONTWIKKELBEDRIJF, event).status, range(16))) == {403}


def test_a_message_that_comes_twice_in_a_batch_is_accepted_once(region: Region) -> None:
    person = region.candidate()
    region.allow_placing(person)
    event = region.placing(person)
    other = event | {"time": "2026-11-22T10:00:00Z"}
    found = region.send_batch(ONTWIKKELBEDRIJF, [event, event, other, event])
    assert [one["status"] for one in found] == ["aanvaard", "aanvaard", "conflict", "aanvaard"]
    assert [one.get("herhaling") for one in found] == [None, True, None, True]
    assert len(region.fetch(KRINGLOOP)) == 1


@pytest.mark.parametrize("odd", ["%00", "a%00b", "%ED%A0%80", "%EF%BF%BF"])
def test_an_odd_id_is_not_found(region: Region, odd: str) -> None:
    calls = (
        ("GET", f"/v1/berichten/{odd}", None),
        ("GET", f"/v1/toestemmingen/{odd}", None),
        ("POST", f"/v1/toestemmingen/{odd}/intrekking", {"gegevenDoor": "betrokkene"}),
        ("POST", f"/v1/kandidaten/{odd}/stopverzoek", None),
        ("POST", f"/v1/zaken/{odd}/antwoord", {"antwoord": "bevestigd"}),
    )
    for method, path, body in calls:
        answer = region.call(ONTWIKKELBEDRIJF, method, path, body)
        assert (answer.status, answer.code) == (404, "NIET_GEVONDEN"), path


@pytest.mark.parametrize("cursor", ["WyJcdTAwMDAiXQ", "WyJcdWQ4MDAiXQ"])  # ["\u0000"], ["\ud800"]
def test_an_odd_cursor_is_refused(region: Region, cursor: str) -> None:
    for path in ("/v1/zaken", "/v1/toestemmingen", "/v1/ontheffingen"):
        answer = region.call(ONTWIKKELBEDRIJF, "GET", f"{path}?volgende={cursor}")
        assert (answer.status, answer.code) == (400, "VERZOEK_ONGELDIG"), path


def test_the_last_year_there_is_breaks_nothing(region: Region) -> None:
    person = region.candidate()
    scope = {"ontvangers": [KRINGLOOP], "doelen": ["opleiden"], "categorieen": ["identiteit"]}
    term = {"geldigVan": "9999-01-01T00:00:00Z", "geldigTot": "9999-12-31T00:00:00Z"}
    answer = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **scope, **term)
    assert answer.status in (201, 400)


def test_an_ended_mandate_is_not_told_what_it_sent_before(region: Region) -> None:
    person = region.candidate()
    region.allow_placing(person)
    event = region.placing(person)
    accepted(region, event)
    region.end_mandate(ONTWIKKELBEDRIJF)
    for again in (event, event | {"time": "2026-11-22T10:00:00Z"}):
        answer = region.send(ONTWIKKELBEDRIJF, again)
        assert (answer.status, answer.code) == (401, "TOKEN_ONGELDIG")


def test_a_row_that_does_not_open_holds_up_neither_mailbox_nor_withdrawal(region: Region) -> None:
    waiting, whole, given = region.candidate(), region.candidate(), region.candidate()
    statements = [region.allow_placing(person) for person in (waiting, whole, given)]
    bad = accepted(region, region.placing(waiting))
    spoil(region, bad)
    accepted(region, region.placing(whole))
    assert [event["sequence"] for event in region.fetch(KRINGLOOP)] == ["1"]
    assert region.fate(ONTWIKKELBEDRIJF, bad) == {KRINGLOOP: "begraven"}
    later = accepted(region, region.placing(given))
    region.fetch(KRINGLOOP)
    spoil(region, later)
    assert [event["type"].rpartition("nl.doorstroomhub.")[2] for event in region.fetch(KRINGLOOP)] == [
        "leerwerkplek.geplaatst.v1",
        "bericht.ingetrokken.v1",
    ]
    last = accepted(region, region.placing(whole, id="nog-een"))
    spoil(region, last)
    assert region.withdraw(ONTWIKKELBEDRIJF, statements[1])["gestopt"] == 1


def test_a_far_acknowledgement_is_taken_in_parts(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        person = region.candidate()
        region.allow_placing(person)
        accepted(region, region.placing(person))
    assert len(region.fetch(KRINGLOOP)) == 5
    taken: list[int] = []
    writer = region.hub.writer
    do = writer.do
    monkeypatch.setattr(mailbox, "MAX_WEIGHT", 2)

    def counted(verb: Any, item: Any, locks: Any, **more: Any) -> Any:
        if isinstance(item, mailbox.Acknowledgement):
            taken.append(len(locks.shared))
        return do(verb, item, locks, **more)

    monkeypatch.setattr(writer, "do", counted)
    assert region.call(KRINGLOOP, "POST", "/v1/postvak/bevestigingen", {"tot": "6"}).status == 400
    assert taken == []
    region.acknowledge(KRINGLOOP, 5)
    assert taken == [2, 2, 1]
    assert region.fetch(KRINGLOOP) == []


def test_receivers_that_do_not_answer_hold_only_a_few_threads(region: Region, webhook: Webhook) -> None:
    """A handshake waits for the receiver: whoever asks for many at once must not take all threads of the web server."""
    asked = threading.Semaphore(0)
    go = threading.Event()

    class Slow:
        def handshake(self, url: str, origin: str) -> None:
            asked.release()
            assert go.wait(20)

        def close(self) -> None: ...

    region.app.extensions[subscription_routes.NEW_SENDER] = Slow
    places = region.settings.threads // 8
    token = region.token(KRINGLOOP)  # asked once, not by each thread
    assert token

    def subscribe() -> int:
        return region.call(KRINGLOOP, "PUT", "/v1/abonnement", {"url": webhook.url}).status

    with ThreadPoolExecutor(places) as pool:
        waiting = [pool.submit(subscribe) for _ in range(places)]
        for _ in waiting:
            assert asked.acquire(timeout=10)
        more = region.call(KRINGLOOP, "PUT", "/v1/abonnement", {"url": webhook.url})
        go.set()
        assert {one.result(20) for one in waiting} <= {200, 201}
    assert (more.status, more.code) == (429, "TE_VEEL") and int(more.headers["retry-after"]) > 0
    assert subscribe() == 200  # the places were given back


def test_what_was_held_up_behind_its_commit_does_not_leave_the_mailbox(region: Region) -> None:
    person = region.candidate()
    region.allow_placing(person)
    accepted(region, region.placing(person))
    region.token(KRINGLOOP)
    with held_up(region, 3.0):
        assert region.call(KRINGLOOP, "GET", FETCH).status == 503
    assert [event["sequence"] for event in region.call(KRINGLOOP, "GET", FETCH).expect(200)] == ["1"]


def test_the_control_a_clock_that_is_read_after_the_commit_lets_it_leave(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = mailbox.Mailbox._part

    def late(self: mailbox.Mailbox, *args: Any) -> mailbox.Page | None:
        page = part(self, *args)
        return None if page is None else replace(page, committed=self.clock.monotonic())

    monkeypatch.setattr(mailbox.Mailbox, "_part", late)
    person = region.candidate()
    region.allow_placing(person)
    accepted(region, region.placing(person))
    region.token(KRINGLOOP)
    with held_up(region, 3.0):
        assert len(region.call(KRINGLOOP, "GET", FETCH).expect(200)) == 1


def pushed_while_held_up(region: Region, webhook: Webhook, releases: int) -> int:
    """How many deliveries reach the webhook while the hub is held up behind each commit, in so many releases."""
    guide, at = region.pair()
    region.subscribe(at, webhook.url)
    before, tried = len(webhook.calls()), attempts(region)
    person = region.candidate(guide)
    region.allow_placing(person, at)
    with held_up(region, 3.0):
        region.send(guide, region.placing(person, at)).expect(202)
        until = time.monotonic() + 30
        while attempts(region) - tried < releases and len(webhook.calls()) == before and time.monotonic() < until:
            time.sleep(0.05)
        return len(webhook.calls()) - before


def attempts(region: Region) -> int:
    with region.core.look() as connection:
        return int(connection.scalar(select(func.count()).select_from(attempt)) or 0)


def test_what_was_held_up_behind_its_commit_is_not_pushed(region: Region, webhook: Webhook) -> None:
    assert pushed_while_held_up(region, webhook, releases=3) == 0
    assert attempts(region) >= 3


def test_the_control_a_clock_that_is_read_after_the_commit_lets_it_be_pushed(
    region: Region, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = prepare.Preparer.release

    def late(self: prepare.Preparer, *args: Any) -> list[prepare.Outgoing | prepare.NotReleased]:
        now = self.clock.monotonic
        return [replace(o, released_at=now()) if isinstance(o, prepare.Outgoing) else o for o in release(self, *args)]

    monkeypatch.setattr(prepare.Preparer, "release", late)
    # A commit of another thread may still come between the clock and the first byte: then its next release leaks.
    assert pushed_while_held_up(region, webhook, releases=100) == 1
