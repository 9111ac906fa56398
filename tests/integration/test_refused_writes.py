"""A key that somebody else took a moment ago is tried again; what the database refuses otherwise is told at once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from consent.store import tables
from contracts.errors import LogUnavailable, PartUnavailable
from contracts.identity import Oin
from hub.store.refusals import is_taken
from hub.store.region.access import Asker
from hub.store.tables import person_ref
from tests.region import Region, region_on
from tests.samples import ONTWIKKELBEDRIJF

Refused = Callable[[Any, str], None]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("weigering")) as made:
        yield made


def twice_one_key(connection: Any, person: str) -> None:
    connection.execute(insert(tables.person).values(person_id=person, root=person))


def twice_one_pair(connection: Any, person: str) -> None:
    row = connection.execute(person_ref.select().where(person_ref.c.person_id == person)).first()
    connection.execute(insert(person_ref).values(row._asdict() | {"ref": "b" * 26}))


def of_nobody(connection: Any, _person: str) -> None:
    connection.execute(insert(person_ref).values(ref="c" * 26, organisation=ONTWIKKELBEDRIJF, person_id="nobody"))
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def without_value(connection: Any, _person: str) -> None:
    connection.execute(insert(tables.person).values(person_id="d" * 32, root=None))


@pytest.mark.parametrize(
    ("refused", "taken"),
    [(twice_one_key, True), (twice_one_pair, True), (of_nobody, False), (without_value, False)],
)
def test_only_a_taken_key_is_tried_again(region: Region, refused: Refused, taken: bool) -> None:
    ref = region.register(ONTWIKKELBEDRIJF)
    asker = Asker(Oin(ONTWIKKELBEDRIJF), region.parties[ONTWIKKELBEDRIJF].system)
    work, seen = region.hub.candidates.person_work, list[IntegrityError]()

    def act(times: int) -> Callable[[Any, Any], str]:
        seen.clear()

        def attempt(tx: Any, subject: Any) -> str:
            if len(seen) < times:
                try:
                    refused(tx.connection, subject.known.person)
                except IntegrityError as error:
                    seen.append(error)
                    raise
            return "done"

        return attempt

    assert work.on_ref(asker, ref, act(0)) == "done"  # the control: nothing is refused
    if taken:
        assert work.on_ref(asker, ref, act(1)) == "done"
        with pytest.raises(PartUnavailable) as never:
            work.on_ref(asker, ref, act(99))
        assert len(seen) == 4 and never.value.headers == {"Retry-After": "1"}
    else:
        with pytest.raises(LogUnavailable) as told:
            work.on_ref(asker, ref, act(1))
        assert len(seen) == 1 and told.value.headers == {"Retry-After": "5"}
    assert [is_taken(error) for error in seen] == [taken] * len(seen)
