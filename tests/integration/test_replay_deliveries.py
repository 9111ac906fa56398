"""The replay finds what was done by hand to deliveries: what left again, whom nobody tells, what became of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from consent.verify.report import Report
from contracts.identity import Oin
from hub.administration.replay import buried_ids, replay_some
from hub.delivery.states import State
from hub.ledger.replay.check import check
from hub.store import tables as hub
from hub.store.database import snapshot
from hub.store.writer import single
from tests.partners import Person
from tests.region import Region, region_on
from tests.samples import MBO

REPORT = "nl.doorstroomhub.voortgang.gemeld.v1"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("leveringen")) as made:
        yield made


def look(region: Region) -> Report:
    with snapshot(region.core.engine) as connection:
        return check(connection, region.core.key_store)[0]


def found(region: Region) -> set[tuple[str, str]]:
    """Where and what, once every entry has its place."""
    region.wait_signed()
    return {(one.place, one.reason) for one in look(region).findings}


def send(region: Region, person: Person, sender: str, number: int = 1) -> str:
    event = region.report(person, sender, number=number)
    return str(region.send(sender, event).expect(202)["ontvangstbewijs"]["berichtId"])


# -- what was stopped or recalled ------------------------------------------------------------------------------------
def withdrawn(region: Region, person: Person, sender: str, statement: str, message: str) -> None:
    region.withdraw(sender, statement)
    region.allow_reports(person, sender)


def asked_to_stop(region: Region, person: Person, sender: str, statement: str, message: str) -> None:
    region.stop_request(sender, person.refs[sender])
    (asked, *_) = region.call(sender, "GET", "/v1/zaken?soort=stopverzoek").expect(200)["items"]
    region.call(sender, "POST", f"/v1/zaken/{asked['id']}/antwoord", {"antwoord": "opgeheven"}).expect(200)


def restricted(region: Region, person: Person, sender: str, statement: str, message: str) -> None:
    path = f"/v1/kandidaten/{person.refs[sender]}/beperking"
    region.call(sender, "PUT", path, {"verstrekkers": [sender], "grond": "juistheid-betwist"}).expect(200)
    region.call(sender, "DELETE", path).expect(204)


def recalled(region: Region, person: Person, sender: str, statement: str, message: str) -> None:
    form = {"reden": "verkeerde-persoon"}
    region.call(sender, "POST", f"/v1/berichten/{message}/terugroeping", form).expect(200)


#: What the log tells of a report that left by ``collect``.
LEFT = ("vrijgave", "bevestiging")
Act = Callable[[Region, Person, str, str, str], None]


@pytest.mark.parametrize(
    ("act", "why"),
    [(withdrawn, "gestopt"), (asked_to_stop, "gestopt"), (restricted, "gestopt"), (recalled, "teruggeroepen")],
)
def test_what_was_stopped_or_recalled_and_left_all_the_same_is_found(region: Region, act: Act, why: str) -> None:
    """Set to wait again by hand, under what covers it now: the gate lets it go, and the log knows better."""
    before = found(region)
    guide, sender = region.pair()
    person, statement = region.reporting(guide, sender)
    message = send(region, person, sender)
    act(region, person, sender, statement, message)
    assert region.collect(guide) == [] and found(region) == before  # the control

    mine = hub.delivery.c.message_id == message
    again = update(hub.delivery).where(mine).values(state="wachtend", ended_at=None, reason=None)
    single(region.core.transactions, lambda tx: tx.connection.execute(again))
    assert [one["type"] for one in region.collect(guide)] == [REPORT]
    reasons = {reason for place, reason in found(region) - before if place.startswith("vermelding ")}
    assert reasons == {f"een {what} van een bericht dat voor deze ontvanger al was {why}" for what in LEFT}


# -- whom a message is for, and what became of it --------------------------------------------------------------------
@pytest.fixture(scope="module")
def traffic(region: Region) -> dict[str, str]:
    """Messages by how far they came: waiting, fetched, acknowledged, refused by their receiver, stopped, recalled."""
    guide, sender = region.pair()
    person, statement = region.reporting(guide, sender)
    made = {"bevestigd": send(region, person, sender)}
    region.collect(guide)
    made["onverwerkbaar"] = send(region, person, sender, 2)
    (event,) = region.fetch(guide)
    answer = {"sequence": event["sequence"], "uitkomst": "onverwerkbaar", "reden": "onbekend formaat"}
    region.call(guide, "POST", "/v1/postvak/bevestigingen", {"berichten": [answer]}).expect(204)
    made["teruggeroepen"] = send(region, person, sender, 3)
    recalled(region, person, sender, statement, made["teruggeroepen"])
    made["gestopt"] = send(region, person, sender, 4)
    region.withdraw(sender, statement)
    region.collect(guide)  # the notice of it
    region.allow_reports(person, sender)
    made["afgeleverd"] = send(region, person, sender, 5)
    assert region.fetch(guide) == region.fetch(guide) != []
    made["wachtend"] = send(region, person, sender, 6)
    return made


def by_hand(region: Region, *acts: Any) -> set[tuple[str, str]]:
    """What is found after these statements, of which nothing stays."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        for act in acts:
            connection.execute(act)
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    return {(one.place, one.reason) for one in report.findings}


def test_a_delivery_that_nobody_has_any_more_or_that_nobody_let_is_found(
    region: Region, traffic: dict[str, str]
) -> None:
    before = found(region)
    for message in traffic.values():
        mine = hub.delivery.c.message_id == message
        place = f"message {message}", "voor wie dit bericht is, is anders dan het logboek zegt"
        assert place in by_hand(region, delete(hub.delivery).where(mine)) - before
        with snapshot(region.core.engine) as connection:
            row = dict(connection.execute(select(hub.delivery).where(mine)).one()._mapping)
        del row["seq"]
        other = {"delivery_id": "0" * 32, "recipient": MBO, "sequence": None}
        assert place in by_hand(region, insert(hub.delivery).values(row | other)) - before


#: Of what waits the log does not know that it was buried. What the mailbox gave out stands there under its number.
UNKNOWN = {("wachtend", "begraven")}


@pytest.mark.parametrize("state", sorted(state for state in State if state != State.ERASED))
def test_a_state_of_which_the_log_knows_otherwise_is_found(
    region: Region, traffic: dict[str, str], state: State
) -> None:
    before = {place for place, _ in found(region)}  # what other tests did by hand and let stand
    for name, message in traffic.items():
        if state == ("gestopt" if name == "teruggeroepen" else name):
            continue
        mine = hub.delivery.c.message_id == message
        with snapshot(region.core.engine) as connection:
            place = f"delivery {connection.scalar(select(hub.delivery.c.delivery_id).where(mine))}"
        assert place not in before  # the control
        places = {place for place, _ in by_hand(region, update(hub.delivery).where(mine).values(state=state))}
        assert (place in places) is ((name, state) not in UNKNOWN), f"{name} → {state}"


def test_what_was_stopped_after_it_left_and_then_acknowledged_is_found(region: Region) -> None:
    """Given again needs no entry: but it stands there as acknowledged, and the log says that it was stopped."""
    before = found(region)
    guide, sender = region.pair()
    person, statement = region.reporting(guide, sender)
    message = send(region, person, sender)
    region.fetch(guide)
    region.withdraw(sender, statement)
    again = [one["type"] for one in region.fetch(guide)]
    assert "nl.doorstroomhub.bericht.ingetrokken.v1" in again and REPORT not in again
    region.allow_reports(person, sender)
    assert found(region) == before  # the control

    mine = hub.delivery.c.message_id == message
    given = update(hub.delivery).where(mine).values(state="afgeleverd", ended_at=None, reason=None)
    single(region.core.transactions, lambda tx: tx.connection.execute(given))
    assert REPORT in [one["type"] for one in region.collect(guide)]
    reasons = {reason for place, reason in found(region) - before}
    assert "een bevestiging van een bericht dat voor deze ontvanger al was gestopt" in reasons


def test_what_was_acknowledged_and_went_again_is_found(region: Region) -> None:
    """Put back by hand and fetched once more: it stands there as acknowledged, as before, and the log knows twice."""
    before = found(region)
    guide, sender = region.pair()
    person, _ = region.reporting(guide, sender)
    message = send(region, person, sender)
    assert [one["type"] for one in region.collect(guide)] == [REPORT]
    assert found(region) == before  # the control

    mine = hub.delivery.c.message_id == message
    again = update(hub.delivery).where(mine).values(state="afgeleverd", acknowledged_at=None)
    back = update(hub.mailbox).where(hub.mailbox.c.organisation == guide).values(acknowledged=0)
    single(region.core.transactions, lambda tx: [tx.connection.execute(one) for one in (again, back)])
    assert [one["type"] for one in region.collect(guide)] == [REPORT]
    ((place, reason),) = found(region) - before
    assert place.startswith("vermelding ") and "een tweede bevestiging" in reason


def test_what_was_buried_and_replayed_is_no_finding(region: Region) -> None:
    before = found(region)
    guide, sender = region.pair()
    person, _ = region.reporting(guide, sender)
    message = send(region, person, sender)
    mine = hub.delivery.c.message_id == message
    buried = update(hub.delivery).where(mine).values(state="begraven", reason="http-500")
    single(region.core.transactions, lambda tx: tx.connection.execute(buried))
    assert found(region) == before
    with snapshot(region.core.engine) as connection:
        ids = buried_ids(connection, Oin(guide))
    assert replay_some(region.core.transactions, ids) == ids != []
    assert found(region) == before
    assert [one["type"] for one in region.collect(guide)] == [REPORT]
    assert found(region) == before
