"""By which BSN and own number a person is known: what was put there by hand is found, before or after it joined two."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update

from hub.ledger.replay.check import check
from hub.store.database import snapshot
from hub.store.tables import local_number, person_bsn
from tests.region import Region, region_on
from tests.samples import BSN, GEMEENTE, KRINGLOOP, ONTWIKKELBEDRIJF, OTHER_BSN


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """With BSN and number at once, each of them later, a number that was replaced, and all of it erased."""
    with region_on(request, tmp_path_factory.mktemp("kenmerken")) as made:
        call = made.call
        call(GEMEENTE, "POST", "/v1/kandidaten", {"bsn": BSN, "lokaalNummer": "A-1"}).expect(201)
        ref = call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"lokaalNummer": "B-1"}).expect(201)["kandidaatRef"]
        call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"bsn": BSN, "lokaalNummer": "B-1"}).expect(200)
        call(ONTWIKKELBEDRIJF, "PUT", f"/v1/kandidaten/{ref}/lokaal-nummer", {"lokaalNummer": "B-2"}).expect(204)
        call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"lokaalNummer": "B-3"}).expect(201)
        gone = call(GEMEENTE, "POST", "/v1/kandidaten", {"bsn": OTHER_BSN, "lokaalNummer": "A-2"}).expect(201)
        wish = {"omvang": "eigen", "reden": "niet-meer-nodig", "kenmerk": "W-1"}
        call(GEMEENTE, "POST", f"/v1/kandidaten/{gone['kandidaatRef']}/wissing", wish).expect(200)
        made.wait_signed()
        yield made


def found(connection: Connection, region: Region) -> set[tuple[str, str]]:
    return {(one.place, one.reason) for one in check(connection, region.core.key_store)[0].findings}


def by_hand(region: Region, *acts: Any) -> set[tuple[str, str]]:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        for act in acts:
            connection.execute(act)
        places = found(connection, region)
        attempt.rollback()
    return places


def row_of(region: Region, table: Table, organisation: str) -> Any:
    with snapshot(region.core.engine) as connection:
        return connection.execute(select(table).where(table.c.organisation == organisation).limit(1)).one()


def test_what_happened_is_what_stands_there(region: Region) -> None:
    with snapshot(region.core.engine) as connection:
        assert found(connection, region) == set()
        assert len(connection.execute(select(person_bsn)).all()) == 2
        assert len(connection.execute(select(local_number)).all()) == 3


def test_a_second_bsn_that_would_join_two_strangers_is_found(region: Region) -> None:
    """Registered by nobody: at the next message that bears it, the two would be one."""
    mine = row_of(region, person_bsn, GEMEENTE)
    stranger = row_of(region, local_number, ONTWIKKELBEDRIJF)
    put = {"organisation": ONTWIKKELBEDRIJF, "bsn_index": b"x" * 32, "person_id": stranger.person_id}
    place = f"person_bsn {ONTWIKKELBEDRIJF} van persoon {stranger.person_id}"
    assert (place, "het logboek weet hier niet van") in by_hand(region, insert(person_bsn).values(put))
    copied = put | {"organisation": KRINGLOOP, "bsn_index": mine.bsn_index, "salt": mine.salt}
    place = f"person_bsn {KRINGLOOP} van persoon {stranger.person_id}"
    assert by_hand(region, insert(person_bsn).values(copied)) == {(place, "het logboek weet hier niet van")}


@pytest.mark.parametrize("column", sorted(column.name for column in person_bsn.columns))
def test_a_bsn_that_was_changed_or_taken_away_is_found(region: Region, column: str) -> None:
    row = row_of(region, person_bsn, GEMEENTE)
    other = row_of(region, local_number, ONTWIKKELBEDRIJF).person_id
    values = {"organisation": KRINGLOOP, "bsn_index": b"x" * 32, "salt": b"x" * 16, "person_id": other}
    same = (person_bsn.c.organisation == GEMEENTE) & (person_bsn.c.bsn_index == row.bsn_index)
    changed = by_hand(region, update(person_bsn).where(same).values({column: values[column]}))
    assert changed and all(place.startswith("person_bsn ") for place, _ in changed)
    gone = f"person_bsn {GEMEENTE} van persoon {row.person_id}", "het logboek kent dit, de tabel niet"
    assert by_hand(region, delete(person_bsn).where(same)) == {gone}


@pytest.mark.parametrize("column", sorted(column.name for column in local_number.columns))
def test_an_own_number_that_was_changed_or_taken_away_is_found(region: Region, column: str) -> None:
    row = row_of(region, local_number, GEMEENTE)
    other = row_of(region, local_number, ONTWIKKELBEDRIJF).person_id
    values = {"organisation": KRINGLOOP, "number_index": b"x" * 32, "sealed": b"x" * 32, "person_id": other}
    same = (local_number.c.organisation == GEMEENTE) & (local_number.c.person_id == row.person_id)
    changed = by_hand(region, update(local_number).where(same).values({column: values[column]}))
    assert changed and all(place.startswith("local_number ") for place, _ in changed)
    gone = f"local_number {GEMEENTE}/{row.person_id}", "het logboek kent dit, de tabel niet"
    assert by_hand(region, delete(local_number).where(same)) == {gone}


def test_what_the_log_has_of_a_bsn_says_nothing_without_its_row(region: Region) -> None:
    """Who may open the log and try every BSN finds none of somebody who was erased."""
    row = row_of(region, person_bsn, GEMEENTE)
    assert len(row.salt) == 16
    with snapshot(region.core.engine) as connection:
        salts = set(connection.scalars(select(person_bsn.c.salt)))
    assert len(salts) == 2
