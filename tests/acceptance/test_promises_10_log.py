"""Promise 10: empty means no; and if the log cannot be written, nothing is accepted and nothing is released."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import func, select, text

from consent.keys import evidence_key
from consent.log.entry import Sealed, unseal
from consent.log.tables import ledger_entry, ledger_payload
from contracts.identity import PersonId
from hub.delivery.states import State
from hub.store.database import reading
from hub.store.tables import delivery, message, message_key
from tests.partners import EVENT, Answer, Person
from tests.region import Region
from tests.samples import GEMEENTE, KRINGLOOP
from tests.unit.delivery.world import Answer as Taken
from tests.unit.delivery.world import Call, wait_until
from tests.webhook import Webhook

_BREAK = {
    "sqlite": ("CREATE TRIGGER log_full BEFORE INSERT ON ledger_pending BEGIN SELECT RAISE(ABORT, 'log full'); END",),
    "postgresql": (
        "CREATE FUNCTION log_full() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''log full''; END' LANGUAGE plpgsql",
        "CREATE TRIGGER log_full BEFORE INSERT ON ledger_pending EXECUTE FUNCTION log_full()",
    ),
}
_MEND = {
    "sqlite": ("DROP TRIGGER log_full",),
    "postgresql": ("DROP TRIGGER log_full ON ledger_pending", "DROP FUNCTION log_full()"),
}


@contextmanager
def broken_log(region: Region) -> Iterator[None]:
    """The database takes everything but entries of the log."""
    dialect = region.core.engine.dialect.name
    _run(region, _BREAK[dialect])
    try:
        yield
    finally:
        _run(region, _MEND[dialect])


def _run(region: Region, statements: tuple[str, ...]) -> None:
    with region.core.engine.begin() as connection:
        for one in statements:
            connection.execute(text(one))


def rows(region: Region) -> list[int]:
    with reading(region.core.engine) as connection:
        return [connection.scalar(select(func.count()).select_from(t)) or 0 for t in (message, message_key, delivery)]


def state(region: Region, message_id: str) -> State:
    with reading(region.core.engine) as connection:
        return State(connection.scalars(select(delivery.c.state).where(delivery.c.message_id == message_id)).one())


def unavailable(answer: Answer) -> None:
    """Nothing was done because it cannot be logged, and the caller may try again."""
    assert (answer.status, answer.code) == (503, "LOG_NIET_BESCHIKBAAR") and int(answer.headers["retry-after"]) > 0


@pytest.fixture
def pair(shared: Region) -> tuple[Person, str, str]:
    guide, at = shared.pair()
    return (*shared.reporting(guide, at), at)


def test_promise_10_without_a_log_nothing_is_accepted(shared: Region, pair: tuple[Person, str, str]) -> None:
    person, _, at = pair
    event, before = shared.report(person, at), rows(shared)
    unfounded = shared.placing(shared.candidate(person.guide), at)
    with broken_log(shared):
        unavailable(shared.send(at, event))
        batch = shared.call(at, "POST", "/v1/berichten", [event], "application/cloudevents-batch+json")
        assert batch.status == 503 or batch.json["resultaten"][0]["status"] != "aanvaard"
        assert rows(shared) == before
        unavailable(shared.send(person.guide, unfounded))  # a refusal that is not kept is not told either
        unavailable(shared.call(at, "POST", "/v1/vooraf-controles", event, EVENT))
    answer = shared.send(person.guide, unfounded)
    assert (answer.status, answer.code) == (403, "GEEN_GRONDSLAG")  # the control: it is the gate that refuses it
    assert "herhaling" not in shared.send(at, event).expect(202)  # the id was not taken


def test_promise_10_without_a_log_nobody_looks(shared: Region, pair: tuple[Person, str, str]) -> None:
    """Inzage is an act: what cannot be logged is not shown."""
    person, _, at = pair
    path = f"/v1/kandidaten/{person.refs[at]}/inzage"
    with broken_log(shared):
        for form in ("json", "brief"):
            unavailable(shared.call(at, "GET", f"{path}?formaat={form}"))
    shared.call(at, "GET", path).expect(200)


def test_promise_10_without_a_log_the_mailbox_gives_nothing(shared: Region, pair: tuple[Person, str, str]) -> None:
    person, _, at = pair
    receipt = shared.send(at, event := shared.report(person, at)).expect(202)["ontvangstbewijs"]
    with broken_log(shared):
        answer = shared.call(person.guide, "GET", "/v1/postvak/berichten")
        unavailable(answer)
        assert event["id"].encode() not in answer.body
        assert state(shared, receipt["berichtId"]) is State.WAITING
    (given,) = shared.fetch(person.guide)
    assert given["id"] == event["id"] and given["sequence"] == "1"


def test_promise_10_without_a_log_nothing_is_pushed(
    shared: Region, webhook: Webhook, pair: tuple[Person, str, str]
) -> None:
    person, _, at = pair
    webhook.status = 200
    shared.subscribe(person.guide, webhook.url)
    webhook.status = 500
    event = shared.report(person, at)
    shared.send(at, event).expect(202)

    def tries() -> int:
        return sum(one["id"] == event["id"] for one in webhook.events())

    wait_until(lambda: tries() == 1, 20)
    other = shared.report(person, at)
    with broken_log(shared):
        assert shared.send(at, other).status == 503
    second = shared.send(at, other).expect(202)["ontvangstbewijs"]["berichtId"]
    webhook.status = 200
    with broken_log(shared):  # its first release needs a leaf, and there is none to be had
        shared.advance(60)
        shared.hub.relay.ring_due()
        time.sleep(1.0)  # an attempt that reveals nothing new needs no leaf of its own, and yet it waits for the log
        assert tries() == 1 and state(shared, second) is State.WAITING
        assert other["id"] not in [one["id"] for one in webhook.events()]
    for _ in range(60):  # an hour passes for the hub, a second or so for the test
        shared.advance(60)
        shared.hub.relay.ring_due()
        if other["id"] in [one["id"] for one in webhook.events()]:
            break
        try:
            wait_until(lambda: other["id"] in [one["id"] for one in webhook.events()], 1.0)
        except AssertionError:
            continue
    assert other["id"] in [one["id"] for one in webhook.events()]


def acknowledged(region: Region, message_id: str) -> list[str]:
    """The outcomes that the log holds of a message."""
    with reading(region.core.engine) as connection:
        person = connection.scalars(select(message.c.person_id).where(message.c.message_id == message_id)).one()
        key_id = evidence_key(PersonId(person))
        key = region.core.key_store.find([key_id])[key_id]
        entries = connection.execute(
            select(ledger_payload, ledger_entry.c.commitment)
            .join(ledger_entry, ledger_entry.c.entry_id == ledger_payload.c.entry_id)
            .where(ledger_payload.c.key_id == key_id)
        )
        said = [json.loads(unseal(key, e.entry_id, Sealed(e.commitment, e.nonce, e.ciphertext))) for e in entries]
    told = [one["berichten"] for one in said if one["soort"] == "bevestiging"]
    return [one["uitkomst"] for each in told for one in each if one["berichtId"] == message_id]


@pytest.mark.parametrize("single", [False, True])
def test_promise_10_without_a_log_nothing_is_acknowledged(
    shared: Region, pair: tuple[Person, str, str], single: bool
) -> None:
    person, _, at = pair
    receipt = shared.send(at, shared.report(person, at)).expect(202)["ontvangstbewijs"]
    (given,) = shared.fetch(person.guide)
    one = {"sequence": given["sequence"], "uitkomst": "onverwerkbaar", "reden": "past niet"}
    form = {"berichten": [one]} if single else {"tot": given["sequence"]}
    with broken_log(shared):
        unavailable(shared.call(person.guide, "POST", "/v1/postvak/bevestigingen", form))
        assert state(shared, receipt["berichtId"]) is State.DELIVERED
    assert [event["id"] for event in shared.fetch(person.guide)] == [given["id"]]  # nothing was taken: it comes again
    assert acknowledged(shared, receipt["berichtId"]) == []
    shared.call(person.guide, "POST", "/v1/postvak/bevestigingen", form).expect(204)
    shared.wait_signed()
    assert acknowledged(shared, receipt["berichtId"]) == ["onverwerkbaar" if single else "bevestigd"]
    assert shared.fetch(person.guide) == []


def test_promise_10_what_a_webhook_took_is_confirmed_once_the_log_can_hold_it(
    shared: Region, webhook: Webhook, pair: tuple[Person, str, str]
) -> None:
    """The log breaks between the release and the 2xx: nothing is half noted, and the same delivery is offered again."""
    person, _, at = pair
    event = shared.report(person, at)
    broken = ExitStack()

    def take(call: Call) -> Taken:
        if json.loads(call.body)["id"] == event["id"] and not first.is_set():
            broken.enter_context(broken_log(shared))
            first.set()
        return Taken(200)

    first = threading.Event()
    webhook.status = 200
    shared.subscribe(person.guide, webhook.url)
    webhook.script = take
    try:
        receipt = shared.send(at, event).expect(202)["ontvangstbewijs"]
        wait_until(first.is_set)
        time.sleep(1.0)  # time to note the answer, if it could be
        assert state(shared, receipt["berichtId"]) is State.RELEASED
        broken.close()
        shared.advance(600)  # the lease runs out
        shared.hub.relay.ring_due()
        wait_until(lambda: state(shared, receipt["berichtId"]) is State.CONFIRMED)
    finally:
        webhook.script = None
        broken.close()
    tries = {call.headers["webhook-id"] for call in webhook.calls() if json.loads(call.body)["id"] == event["id"]}
    assert len(tries) == 1
    shared.wait_signed()
    assert acknowledged(shared, receipt["berichtId"]) == ["bevestigd"]


def test_promise_10_without_a_log_no_text_is_published(shared: Region, pair: tuple[Person, str, str]) -> None:
    who, path = pair[0].guide, "/v1/verklaringen/zonder-log/1/nl"
    with broken_log(shared):
        unavailable(shared.call(who, "PUT", path, {"tekst": "Wij delen."}))
    assert shared.call(who, "PUT", path, {"tekst": "Wij delen."}).status == 201  # the first time, still


def test_promise_10_without_a_log_a_withdrawal_is_not_acknowledged(
    shared: Region, pair: tuple[Person, str, str]
) -> None:
    person, statement, at = pair
    form = {"gegevenDoor": "betrokkene"}
    with broken_log(shared):
        unavailable(shared.call(at, "POST", f"/v1/toestemmingen/{statement}/intrekking", form))
    shared.send(at, shared.report(person, at)).expect(202)  # it was not acknowledged, so it did not happen
    shared.withdraw(at, statement)
    assert shared.send(at, shared.report(person, at)).code == "GEEN_GRONDSLAG"


def test_promise_10_without_a_log_nobody_is_registered_and_nothing_is_recorded(
    shared: Region, pair: tuple[Person, str, str]
) -> None:
    """What cannot be logged is not done, and may be tried again: the same answer as that to a message."""
    person, _, at = pair
    guide, new = person.guide, {"lokaalNummer": f"nieuw-{person.guide}"}
    scope = {"ontvangers": [at], "doelen": ["opleiden"], "categorieen": ["contact"]}
    with broken_log(shared):
        unavailable(shared.call(guide, "POST", "/v1/kandidaten", new))
        unavailable(shared.statement(guide, person.refs[guide], **scope))
        form = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"}
        unavailable(shared.call(guide, "POST", f"/v1/kandidaten/{person.refs[guide]}/trajecten", form))
        unavailable(shared.call(guide, "POST", f"/v1/kandidaten/{person.refs[guide]}/stopverzoek"))
    assert shared.call(guide, "POST", "/v1/kandidaten/opzoeken", new).status == 404
    assert shared.call(guide, "POST", "/v1/kandidaten", new).status == 201  # the control: the first time, still
    shared.statement(guide, person.refs[guide], **scope).expect(201)
    shared.send(at, shared.report(person, at)).expect(202)  # the stop that was not acknowledged did not happen


def test_promise_10_empty_means_no(shared: Region) -> None:
    """No statement, no traject, no agreement, no mandate for it: each time the answer is no."""
    guide, at = shared.pair()
    nobody = Person({guide: shared.register(guide)}, "", guide)
    assert shared.send(guide, shared.placing(nobody, at)).code == "GEEN_GRONDSLAG"
    candidate = shared.candidate(guide)
    assert shared.send(guide, shared.placing(candidate, at)).code == "GEEN_GRONDSLAG"
    shared.allow_placing(candidate, at)
    assert shared.send(guide, shared.placing(candidate, KRINGLOOP)).code == "AFSPRAAK_ONTBREEKT"
    assert shared.send(guide, shared.placing(candidate, GEMEENTE)).status == 403
    assert shared.send(guide, shared.placing(candidate, at)).status == 202  # the control: with all of it, yes
