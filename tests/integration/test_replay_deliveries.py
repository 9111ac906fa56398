"""The replay finds what was done by hand to deliveries: what left again, whom nobody tells, what became of them."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import update

from consent.verify.report import Report
from hub.ledger.replay.check import check
from hub.store import tables as hub
from hub.store.database import snapshot
from hub.store.writer import single
from tests.partners import Person
from tests.region import Region, region_on

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
    (reason,) = [reason for place, reason in found(region) - before if place.startswith("vermelding ")]
    assert reason == f"een vrijgave van een bericht dat voor deze ontvanger al was {why}"
