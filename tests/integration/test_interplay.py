"""What a person may ask, one upon another: joined, split, erased, ended, past its term. The log tells all of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from consent.store.tables import involvement
from contracts import instants
from hub.store.database import reading
from tests.partners import Answer, Person
from tests.region import Region
from tests.retaining import ageing, findings

KIND = "traject.beeindigd"
WISH = {"omvang": "eigen", "reden": "onrechtmatig", "kenmerk": "W-1"}
NOT_FOUND = (404, "NIET_GEVONDEN")
NO_GROUND = (403, "GEEN_GRONDSLAG")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with ageing(request, tmp_path_factory.mktemp("samenspel")) as made:
        yield made


@pytest.fixture
def region(shared: Region) -> Iterator[Region]:
    yield shared
    assert findings(shared) == []  # whatever a test did, the log tells the same as the tables


# -- erased, then a recall of what ended it ----------------------------------------------------------------------------
def endable(region: Region, guide: str, other: str) -> None:
    """The guide may end a traject towards the other."""
    name = f"einde-{guide[-6:]}-{other[-6:]}"
    region.agree(name, (guide, other), KIND, "trajectbegeleiding")
    terms = (name, KIND, "trajectbegeleiding", "ontwikkelbedrijf", region.parties[other].role, "inzetbaarheid")
    region.ground(name, terms)


def in_traject(region: Region) -> tuple[Person, str]:
    """Somebody at a workplace that reports, whose traject the guide can end."""
    guide, at = region.pair()
    endable(region, guide, at)
    person, _ = region.reporting(guide, at)
    region.send(at, region.report(person, at)).expect(202)
    region.collect(guide)
    return person, at


def ends(region: Region, person: Person, **terms: Any) -> str:
    """The traject ends; the id of the message."""
    today = instants.today(region.clock.now()).isoformat()
    data = {"trajectId": person.trajectory, "per": today, "reden": "gestopt"} | terms
    event = region.event(person.guide, KIND, person.refs[person.guide], data)
    return str(region.send(person.guide, event).expect(202)["ontvangstbewijs"]["berichtId"])


def recalls(region: Region, who: str, message_id: str) -> Answer:
    return region.call(who, "POST", f"/v1/berichten/{message_id}/terugroeping", {"reden": "onjuist"})


def erases(region: Region, who: str, person: Person, **form: str) -> Answer:
    return region.call(who, "POST", f"/v1/kandidaten/{person.refs[who]}/wissing", WISH | form)


def involved(region: Region, who: str, person: Person) -> bool:
    """Whether the organisation takes part in the traject now."""
    query = select(involvement.c.valid_until).where(involvement.c.trajectory_id == person.trajectory)
    with reading(region.core.engine) as connection:
        until = connection.scalars(query.where(involvement.c.organisation == who)).one()
    return until is None or until > region.clock.now()


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("erased", [True, False])
def test_a_recalled_end_gives_nothing_back_to_who_erased_its_own(region: Region, told: bool, erased: bool) -> None:
    """Whose content it was knows the person no longer. Who erased nothing is the control."""
    person, at = in_traject(region)
    ended = ends(region, person)
    if told:
        region.collect(at)
    if erased:
        erases(region, at, person).expect(200)
    recalls(region, person.guide, ended).expect(200)
    assert involved(region, person.guide, person)
    assert involved(region, at, person) is not erased
