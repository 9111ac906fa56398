"""The replay finds what was changed by hand in what the log tells of an act; also where no reader knows the code."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from consent.store import tables as facts
from consent.store.metadata import Instant
from consent.verify.report import BROKEN, Report
from contracts import instants
from hub.ledger.replay.against.acts import Acts, compare_acts
from hub.ledger.replay.check import check
from hub.ledger.replay.entries import entries
from hub.store import tables as hub
from tests.integration.test_replay import history, look
from tests.integration.test_statements import (
    act,
    answers,
    asks,
    by_parent,
    invalidate,
    naming,
    now,
    publish,
    renews,
)
from tests.partners import stamp
from tests.region import Region, region_on
from tests.samples import GEMEENTE, KRINGLOOP, MBO, ONTWIKKELBEDRIJF, WOONZORG

LATER = timedelta(days=1)
ACTS = (
    *(hub.trajectory, facts.statement, facts.stop, facts.secrecy_release),
    *(facts.restriction, facts.objection, facts.shield, facts.notice_text),
)
SEALED = {"authority_sealed", "reason_sealed"}  # words: the log holds no more than their digest


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """A row of every kind in every state: asked, answered, renewed, withdrawn, revoked, invalid, decided, lifted."""
    with region_on(request, tmp_path_factory.mktemp("handelingen")) as made:
        history(made)
        said(made)
        limited(made)
        made.wait_signed()
        yield made


def said(region: Region) -> None:
    person, first = region.reporting()
    act(region, KRINGLOOP, first, "verlenging", renews(region)).expect(201)
    yes, no, wrong, _ = (asks(region, person, gevraagdDoor=GEMEENTE).expect(201)["id"] for _ in range(4))
    act(region, KRINGLOOP, yes, "antwoord", answers(region, "ja")).expect(200)
    act(region, KRINGLOOP, no, "antwoord", answers(region, "nee")).expect(200)
    act(region, KRINGLOOP, wrong, "herroeping", {"reden": "verkeerd vastgelegd"}).expect(200)
    act(region, KRINGLOOP, region.allow_reports(person), "ongeldigverklaring", {"reden": "geen gezag"}).expect(200)
    for name, language in (("delen-a", "nl"), ("delen-a", "en"), ("delen-b", "nl")):
        publish(region, KRINGLOOP, name, f"Over {name}.", language=language).expect(201)
    region.allow_reports(person, **naming("delen-a", "Over delen-a."))
    invalidate(region, KRINGLOOP, "delen-a", trial=False).expect(200)
    young, _ = region.reporting()
    parent = by_parent(region, days=2)
    spoken = region.allow_reports(young, **parent)
    grown = instants.start_of(datetime.fromisoformat(parent["zestienOp"]).date())
    region.advance((grown - now(region)).total_seconds() + 1)
    act(region, KRINGLOOP, spoken, "bevestiging", {"gegevenDoor": "betrokkene", "op": stamp(grown)}).expect(200)


def limited(region: Region) -> None:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    path = f"/v1/kandidaten/{person.refs[at]}"
    flow = {"verstrekkers": [at], "ontvangers": [guide], "doel": "trajectbegeleiding"}
    region.call(at, "PUT", f"{path}/beperking", flow | {"grond": "juistheid-betwist"}).expect(200)
    region.call(at, "DELETE", f"{path}/beperking").expect(204)
    region.call(at, "PUT", f"{path}/beperking", flow | {"grond": "onrechtmatig"}).expect(200)
    region.call(at, "POST", f"{path}/bezwaar", flow | {"grond": "liever niet"}).expect(200)
    (asked,) = region.call(at, "GET", "/v1/zaken?soort=bezwaar&open=true").expect(200)["items"]
    region.call(at, "POST", f"/v1/zaken/{asked['id']}/antwoord", {"antwoord": "gehonoreerd"}).expect(200)
    shield = {"grond": "dreiging", "ontvangers": [guide, GEMEENTE]}
    region.call(at, "PUT", f"{path}/afscherming", shield).expect(200)
    region.call(at, "PUT", f"{path}/afscherming", shield | {"ontvangers": [GEMEENTE]}).expect(200)
    for employee, status in (("m-1", 202), ("m-2", 200)):
        form = {"medewerker": employee, "ontvangers": [guide]}
        region.call(at, "POST", f"{path}/afscherming/opheffing", form).expect(status)
    region.call(at, "POST", f"{path}/afscherming/opheffing", {"medewerker": "m-1"}).expect(202)
    care = {"onderwerpen": ["begeleiding"], "wijze": "schriftelijk", "op": stamp(now(region))}
    other = region.candidate()
    ref = other.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, ref, [WOONZORG], "opleiden", "gezondheid", grondslag="AVG-9-2-a")
    region.place(other, WOONZORG)
    form = care | {"kandidaatRef": other.refs[WOONZORG], "ontvanger": ONTWIKKELBEDRIJF}
    released = region.call(WOONZORG, "POST", "/v1/ontheffingen", form).expect(201)["id"]
    region.call(WOONZORG, "POST", f"/v1/ontheffingen/{released}/intrekking").expect(200)
    traject = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01", "tot": "2027-10-01"}
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{ref}/trajecten", traject).expect(201)


def test_nothing_is_found_when_nothing_was_changed(region: Region) -> None:
    assert look(region).findings == []
    with region.core.engine.connect() as connection:
        for table in ACTS:
            assert connection.execute(select(table)).first() is not None, table.name


#: By column: values that it may have, of which another one than its own is written by hand.
CODES: dict[str, tuple[Any, ...]] = {
    "framework": ("Wmo", "Pwet"),
    "basis": ("AVG-9-2-a", "AVG-6-1-a"),
    "choice": ("ja", "nee"),
    "purposes": (["rechten"], ["opleiden"]),
    "purpose": ("rechten", "opleiden"),
    "categories": (["bsn"], ["contact"]),
    "senders": ([WOONZORG], [MBO]),
    "receivers": ([WOONZORG], [MBO]),
    "asked": ([WOONZORG], [MBO]),
    "subjects": (["gezondheid"], ["begeleiding"]),
    "ended_as": ("herroepen", "ingetrokken"),
    "notice": ({"id": "delen", "versie": "9", "sha256": "0" * 64, "taal": "en"},),
    "manner": ("telefonisch", "schriftelijk"),
    "given_by": ("voogd", "betrokkene"),
    "reason": ("rechtsvordering", "geheim-adres"),
    "outcome": ("afgewezen", "gehonoreerd"),
    "lift_for": ([WOONZORG],),
    "text": ("Een andere tekst.",),
    "sha256": ("0" * 64,),
    "renews": ("0" * 32,),
    "entry_id": ("0" * 32,),
} | dict.fromkeys(("recorder", "ended_by", "asked_by", "client", "opened_by", "holder", "receiver"), (MBO, WOONZORG))
CHANGED = [(table, c.name) for table in ACTS for c in table.columns if not c.primary_key and c.name not in SEALED]
EMPTIED = [(table, name) for table, name in CHANGED if table.c[name].nullable]


def by_hand(connection: Connection, row: Row[Any], table: Table, column: str) -> Any:
    value = row._mapping[column]
    if column == "person_id":
        return connection.scalar(select(facts.person.c.person_id).where(facts.person.c.person_id != value).limit(1))
    if isinstance(value, bool):
        return not value
    if isinstance(table.c[column].type, Instant):
        return (value or datetime.now(UTC)) + LATER
    return next(other for other in CODES.get(column, ("m-9", "ander")) if other != value)


def same(table: Table, row: Row[Any]) -> list[Any]:
    return [key == row._mapping[key.name] for key in table.primary_key]


def named(table: Table, row: Row[Any]) -> str:
    return "/".join(row._mapping[key.name] for key in table.primary_key)


@pytest.mark.parametrize(("table", "column"), CHANGED, ids=[f"{table.name}.{column}" for table, column in CHANGED])
def test_whatever_the_log_tells_of_an_act_must_stand_there(region: Region, table: Table, column: str) -> None:
    """In every row by itself: no state of it hides the change."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        rows = connection.execute(select(table)).all()
        for row in rows:
            value = by_hand(connection, row, table, column)
            connection.execute(update(table).where(*same(table, row)).values({column: value}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert not_found(report, table, rows) == []


@pytest.mark.parametrize(("table", "column"), EMPTIED, ids=[f"{table.name}.{column}" for table, column in EMPTIED])
def test_what_was_emptied_by_hand_is_found(region: Region, table: Table, column: str) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        rows = connection.execute(select(table).where(table.c[column].is_not(None))).all()
        connection.execute(update(table).values({column: None}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert rows, "the history has none"
    assert not_found(report, table, rows) == []


def not_found(report: Report, table: Table, rows: Any) -> list[Any]:
    places = [found.place for found in report.findings]
    return [row for row in rows if not any(place.endswith(f" {named(table, row)}") for place in places)]


@pytest.mark.parametrize("table", ACTS, ids=str)
def test_a_row_that_is_gone_or_that_nobody_made_is_found(region: Region, table: Table) -> None:
    parts = {facts.statement: facts.statement_part.c.statement_id, facts.stop: facts.stop_flow.c.stop_id}
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(table).limit(1)).one()
        first = next(iter(table.primary_key)).name
        forged = {first: f"x{row._mapping[first][1:]}"}
        connection.execute(insert(table).values(dict(row._mapping) | forged))
        if table in parts:
            connection.execute(delete(parts[table].table).where(parts[table] == row._mapping[first]))
        connection.execute(delete(table).where(*same(table, row)))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    places = {found.place for found in report.findings}
    gone = named(table, row)
    assert places >= {f"{table.name} {gone}", f"{table.name} x{gone[1:]}"}


@pytest.mark.parametrize("heard", [True, False])
def test_who_was_erased_hides_only_what_nobody_can_read(region: Region, heard: bool) -> None:
    """Of whom the log tells nothing any more no row is asked; what it does tell must be there all the same."""
    acts, report = Acts(), Report([])
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        everybody = set(connection.scalars(select(facts.person.c.person_id)))
        for entry in entries(connection, region.core.key_store):
            person = str(entry.key_id).partition("/")[2]
            if entry.payload is not None and (heard or person not in everybody):
                acts.hear(person, entry.entry_id, entry.payload)
        connection.execute(update(facts.stop).values(recorder=MBO))
        compare_acts(connection, acts, everybody, report.wrong)
        attempt.rollback()
    assert {found.place.split()[0] for found in report.findings} == ({"stop"} if heard else set())


UNREADABLE: list[tuple[Table, str, Any]] = [
    (facts.involvement, "framework", "Pweu"),
    (facts.statement, "basis", "AVG-6-1-z"),
    (facts.statement, "choice", "jb"),
    (facts.statement, "purposes", ["trajectbegeleidinh"]),
    (facts.statement, "categories", ["contact", "leervoortganh"]),
    (facts.statement, "given_by", "betrokkenf"),
    (facts.stop_flow, "purpose", "opleidem"),
    (facts.secrecy_release, "subjects", ["deelnamf"]),
    (facts.secrecy_release, "subjects", 5),
    (facts.restriction, "purpose", "opleidem"),
    (facts.objection, "purpose", "opleidem"),
    (facts.objection, "outcome", "gehonoreere"),
]


@pytest.mark.parametrize(("table", "column", "value"), UNREADABLE, ids=str)
def test_a_code_that_no_reader_knows_is_told_with_all_that_is_wrong_elsewhere(
    region: Region, table: Table, column: str, value: Any
) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(table).limit(1)).one()
        connection.execute(update(table).where(*same(table, row)).values({column: value}))
        person = owner(connection, table, row)
        others = select(facts.statement).join(facts.person).where(facts.person.c.root != person.root)
        other = connection.execute(others.limit(1)).one()
        forged = {"valid_until": other.valid_from + LATER}
        connection.execute(update(facts.statement).where(*same(facts.statement, other)).values(forged))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    reasons = {found.place: found.reason for found in report.findings}
    assert "onleesbaar" in reasons[f"person {person.root}"]
    place = f"{table.name} {row._mapping[next(iter(table.primary_key)).name]}"
    reason = f"onleesbaar in de tabel: {column} is geen bekende waarde"
    assert [found for found in report.findings if found.place.startswith(place) and found.reason == reason]
    assert any(one.startswith("statements van persoon") and one.endswith(other.statement_id) for one in reasons)
    assert report.exit_code == BROKEN
    assert report.as_json()["uitkomst"] == "kapot"


def owner(connection: Connection, table: Table, row: Row[Any]) -> Row[Any]:
    person_id = (
        row.person_id
        if table is not facts.stop_flow
        else connection.scalar(select(facts.stop.c.person_id).where(facts.stop.c.stop_id == row.stop_id))
    )
    return connection.execute(select(facts.person).where(facts.person.c.person_id == person_id)).one()


@pytest.mark.parametrize("value", [None, 5, []], ids=str)
def test_a_delivery_without_what_it_gave_is_found(region: Region, value: Any) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        gave = select(hub.delivery).where(hub.delivery.c.released_at.is_not(None), hub.delivery.c.notice.is_(False))
        row = connection.execute(gave.limit(1)).one()
        connection.execute(update(hub.delivery).where(*same(hub.delivery, row)).values(revealed=value))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert [found.place for found in report.findings] == [f"delivery {row.delivery_id}"]
