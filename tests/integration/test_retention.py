"""What is past its term goes by itself, not a second sooner, and the log tells all of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from consent.keys import content_key, evidence_key
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.ledger.replay.check import check
from hub.machine.clock_guard import SETTLING
from hub.rights.retention.sweeper import Swept
from hub.store.database import reading
from hub.store.tables import delivery, erasure, message, message_key, person_ref
from tests.erasing import who
from tests.partners import Person
from tests.region import Region

DAY = timedelta(days=1).total_seconds()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = None if server is None else server.url_for(server.create())
    made = Region(tmp_path_factory.mktemp("bewaren"), url)
    made.hub.sweeper._tools.clock_guard.settled(made.clock.now())  # as the part does when it starts
    made.advance(SETTLING)
    yield made
    made.stop()
    if server is not None and url is not None:
        server.drop(url.rpartition("/")[2])


@dataclass
class Case:
    """Somebody about whom ``at`` reports to ``guide``."""

    region: Region
    person: Person
    at: str
    events: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def guide(self) -> str:
        return self.person.guide

    @property
    def handle(self) -> PersonId:
        return who(self.region, self.person.refs[self.at])

    @property
    def key(self) -> str:
        return content_key(self.handle, Oin(self.at))

    def report(self, number: int = 1) -> str:
        event = self.region.report(self.person, self.at, number)
        found = self.region.send(self.at, event).expect(202)["ontvangstbewijs"]["berichtId"]
        self.events[found] = event
        return str(found)

    def status(self, message_id: str) -> dict[str, Any]:
        return dict(self.region.call(self.at, "GET", f"/v1/berichten/{message_id}").expect(200))

    def until(self, message_id: str) -> datetime:
        return instants.parse(self.status(message_id)["inhoudTot"])

    def repeat(self, message_id: str) -> int:
        return self.region.send(self.at, self.events[message_id]).status

    def holds(self, message_id: str) -> bool:
        row = self.row(message_id)
        held = bool(row.body), bool(row.receipt), row.digest is not None
        assert held in ((True,) * 3, (False,) * 3)
        return held[0]

    def row(self, message_id: str) -> Row[Any]:
        query = select(message, message_key.c.digest).join(
            message_key, message_key.c.message_id == message.c.message_id
        )
        with reading(self.region.core.engine) as connection:
            return connection.execute(query.where(message.c.message_id == message_id)).one()

    def advance_to(self, instant: datetime, seconds: float = 0.0) -> None:
        """So many seconds after an instant."""
        self.region.clock.frozen = None
        self.region.advance((instant - self.region.clock.now()).total_seconds() + seconds)


@pytest.fixture
def case(region: Region) -> Case:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    return Case(region, person, at)


def sweep(region: Region) -> Swept:
    return region.hub.sweeper.sweep()


def findings(region: Region) -> list[tuple[str, str]]:
    with reading(region.core.engine) as connection:
        return [(one.place, one.reason) for one in check(connection, region.core.key_store)[0].findings]


# -- a: content after its term ----------------------------------------------------------------------------------------
def test_promise_3_content_goes_at_its_term_and_not_before_and_a_repeat_is_told_so(case: Case) -> None:
    region, given = case.region, case.report()
    region.collect(case.guide)
    until = case.until(given)
    assert timedelta(days=30) - timedelta(minutes=1) < until - region.clock.now() <= timedelta(days=30)
    case.advance_to(until, -2)
    sweep(region)
    assert case.holds(given) and case.repeat(given) == 202
    case.advance_to(until, 1)
    assert sweep(region).messages >= 1
    assert not case.holds(given) and case.repeat(given) == 410
    assert case.status(given)["afleveringen"][0]["status"] == "bevestigd"
    assert instants.parse(case.status(given)["inhoudTot"]) >= until
    assert region.call(case.at, "GET", f"/v1/berichten/{given}/ontvangstbewijs").status == 410
    assert region.call(case.at, "GET", f"/v1/berichten/{given}/bewijs").status == 200  # the proof stays
    assert findings(region) == []
    assert sweep(region).messages == 0
