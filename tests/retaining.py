"""A region in which content grows old: what is kept of a message, and what the sweeper takes away."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from consent.keys import content_key
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.ledger.replay.check import check
from hub.machine.clock_guard import SETTLING
from hub.rights.retention.sweeper import Swept
from hub.store.database import reading, snapshot
from hub.store.tables import message, message_key
from tests.erasing import who
from tests.partners import Person
from tests.region import Region, region_on

DAY = timedelta(days=1)


@contextmanager
def ageing(request: pytest.FixtureRequest, folder: Path) -> Iterator[Region]:
    """A region on the database that the fixture's parameter names, some minutes after its start."""
    with region_on(request, folder) as made:
        made.hub.sweeper._tools.clock_guard.settled(made.clock.now())  # as the part does when it starts
        made.advance(SETTLING)
        yield made


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

    @contextmanager
    def exactly(self, instant: datetime, seconds: float = 0.0) -> Iterator[None]:
        """Time stands still, so many seconds after an instant: a busy machine must not run past it."""
        self.advance_to(instant, seconds)
        self.region.clock.frozen = instant + timedelta(seconds=seconds)
        try:
            yield
        finally:
            self.region.clock.frozen = None

    def advance_to(self, instant: datetime, seconds: float = 0.0) -> None:
        """So many seconds after an instant."""
        self.region.advance((instant - self.region.clock.now()).total_seconds() + seconds)


def sweep(region: Region) -> Swept:
    return region.hub.sweeper.sweep()


def findings(region: Region) -> list[tuple[str, str]]:
    with snapshot(region.core.engine) as connection:
        return [(one.place, one.reason) for one in check(connection, region.core.key_store)[0].findings]
