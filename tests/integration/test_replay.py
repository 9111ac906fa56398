"""The replay of the log finds what was done to the tables by hand, and says where."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from consent.log.tables import ledger_entry, ledger_payload
from consent.store import tables as facts
from consent.verify.report import Report
from contracts.identity import PersonId
from hub.ledger.evidence import Fact, case_opened
from hub.ledger.replay.against.cases import Cases, compare_cases
from hub.ledger.replay.against.rows import pages
from hub.ledger.replay.check import check
from hub.ledger.replay.entries import entries
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.region import Region as RegionFacts
from hub.ledger.replay.shelf import Shelf
from hub.ledger.replay.traffic import Traffic
from hub.store import tables as hub
from hub.store.database import snapshot
from tests import samples
from tests.erasing import contactpunt
from tests.officers import JOIN, SPLIT, ask, both
from tests.partners import stamp
from tests.region import Region, region_on
from tests.samples import BSN, GEMEENTE, KRINGLOOP, MBO, ONTWIKKELBEDRIJF, WOONZORG


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """A small history: reports that went, a withdrawal with its notice, a refusal, a stop, a join."""
    with region_on(request, tmp_path_factory.mktemp("herhaling")) as made:
        history(made)
        yield made


def history(region: Region) -> None:
    person, given = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    region.withdraw(KRINGLOOP, given)
    fetched = region.collect(ONTWIKKELBEDRIJF)  # the notice of it
    assert [one["type"] for one in fetched] == ["nl.doorstroomhub.grondslag.vervallen.v1"]
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze="nee", verstrekkers=None, ontvangers=[WOONZORG]).expect(
        201
    )
    again, _ = region.reporting()
    region.stop_request(KRINGLOOP, again.refs[KRINGLOOP])
    (asked, *_) = region.call(KRINGLOOP, "GET", "/v1/zaken?soort=stopverzoek").expect(200)["items"]
    region.call(KRINGLOOP, "POST", f"/v1/zaken/{asked['id']}/antwoord", {"antwoord": "opgeheven"}).expect(200)
    in_care(region)
    child(region)
    region.register(ONTWIKKELBEDRIJF, bsn=BSN)
    theirs = region.register(GEMEENTE, bsn=BSN)
    data = samples.voorgedragen(theirs, bsn=BSN)
    data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, theirs)
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", theirs, data, ontvanger=ONTWIKKELBEDRIJF)
    region.send(GEMEENTE, event).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    operate(region)
    officers_at_work(region)
    unanswered(region)
    region.wait_signed()


def operate(region: Region) -> None:
    """Acts of operators over HTTP, in the log with their systeem."""
    first, second = region.employ("bureau-een"), region.employ("bureau-twee")
    # The row that the tests of columns take is the first by id.
    form = {"afspraakId": "aanvullend", "partijen": [GEMEENTE, WOONZORG], "soorten": ["voortgang.gemeld"]}
    form |= {"doelen": ["verantwoording"], "geldigVan": "2026-01-01", "geldigTot": None}
    form |= {"verwerkersovereenkomst": "vo-2", "dpiaOp": "2026-01-05"}
    region.call(first, "POST", "/v1/uitwisselafspraken", form).expect(201)
    for party in (GEMEENTE, WOONZORG):
        path = "/v1/uitwisselafspraken/aanvullend/aanvaarding"
        region.call(first, "POST", path, {"organisatie": party}).expect(200)
    law = {"grondslagId": "aanvullend", "afspraakId": "gemeente-ontwikkelbedrijf", "basis": "AVG-6-1-e"}
    law |= {"wettelijkeKaders": ["Pwet"], "wet": "Participatiewet", "artikel": "7", "soorten": ["voortgang.gemeld"]}
    law |= {"doel": "verantwoording", "verstrekkerRol": "ontwikkelbedrijf", "ontvangerRol": "gemeente"}
    law |= {"categorieen": ["leervoortgang"], "geldigVan": "2026-01-01", "geldigTot": None}
    region.call(first, "POST", "/v1/grondslagen", law).expect(201)
    region.call(second, "POST", "/v1/grondslagen/aanvullend/bevestiging").expect(200)


def child(region: Region) -> None:
    """Somebody under 16: the own `ja` counted until a parent spoke; the parent's then does."""
    person, own = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    parent = {"gegevenDoor": "ouder-met-gezag", "bevoegdheid": "gezagsregister", "zestienOp": "2027-05-01"}
    wrong = region.allow_reports(person, **parent, grondslag="AVG-6-1-a")
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{wrong}/herroeping", {"reden": "te vroeg"}).expect(200)
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{own}/intrekking", {"gegevenDoor": "betrokkene"}).expect(200)
    region.allow_reports(person, **parent)
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)


def in_care(region: Region) -> None:
    """Attendance of day activities at woonzorg, on explicit consent and a release from secrecy."""
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, ref, [WOONZORG], "opleiden", "gezondheid", grondslag="AVG-9-2-a")
    region.place(person, WOONZORG)
    own = person.refs[WOONZORG]
    form = {"kandidaatRef": own, "ontvanger": ONTWIKKELBEDRIJF, "onderwerpen": ["deelname"], "wijze": "gesprek"}
    now = stamp(datetime.fromtimestamp(region.seconds(), UTC))
    region.call(WOONZORG, "POST", "/v1/ontheffingen", form | {"op": now}).expect(201)
    region.consent(WOONZORG, own, [ONTWIKKELBEDRIJF], "dagbesteding", "leervoortgang")
    region.consent(WOONZORG, own, [ONTWIKKELBEDRIJF], "dagbesteding", "gezondheid", grondslag="AVG-9-2-a")
    event = region.event(WOONZORG, "dagbesteding.deelname-gemeld", own, samples.deelname(), doel="dagbesteding")
    region.send(WOONZORG, event).expect(202)
    region.collect(ONTWIKKELBEDRIJF)


def test_a_release_on_an_ontheffing_of_something_else_is_found(region: Region) -> None:
    """The log itself, replayed, with an ontheffing that names another onderwerp."""
    from hub.ledger.replay import acts

    def other(facts_: Any, said: dict[str, Any], at: datetime) -> Any:
        return acts._secrecy(facts_, said | {"onderwerpen": ["begeleiding"]}, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(acts.ACTS, "ontheffing", other)
        found = look(region).findings
    assert any("zonder dekking" in f.reason and f.place.startswith("vermelding ") for f in found)


def test_a_release_on_what_a_child_said_itself_is_found(region: Region) -> None:
    """The log itself, replayed, in which it was the child who spoke and not the parent."""
    from hub.ledger.replay import acts

    def other(facts_: Any, said: dict[str, Any], at: datetime) -> Any:
        return acts._statement(facts_, said | {"gegevenDoor": "betrokkene"}, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(acts.ACTS, "toestemming", other)
        found = look(region).findings
    assert any("zonder dekking (categorieen" in f.reason and f.place.startswith("vermelding ") for f in found)


def officers_at_work(region: Region) -> None:
    """Three whom officers joined, and one whom they split off: something of that one went under another's ref."""
    persons = [region.candidate() for _ in range(3)]
    a, b, c = ((ONTWIKKELBEDRIJF, one.refs[ONTWIKKELBEDRIJF]) for one in persons)
    region.place(persons[0])
    both(region, JOIN, a, b)
    both(region, JOIN, b, c)
    region.send(ONTWIKKELBEDRIJF, region.placing(persons[1], traject=persons[1].trajectory)).expect(202)
    region.collect(KRINGLOOP)
    assert len(both(region, SPLIT, b, a)["verstrekt"]) == 1
    ask(region, JOIN, a, kandidaatRef=b[1])


def unanswered(region: Region) -> None:
    """A bezwaar, and a wissing as a whole that the contactpunt carries out: the controllers have yet to answer."""
    point = contactpunt(region)
    person, _ = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    path = f"/v1/kandidaten/{person.refs[KRINGLOOP]}"
    form = {"verstrekkers": [KRINGLOOP], "grond": "mijn buurman werkt daar"}
    region.call(KRINGLOOP, "POST", f"{path}/bezwaar", form).expect(200)
    wish = {"omvang": "geheel", "reden": "niet-meer-nodig", "kenmerk": "G-1"}
    region.call(KRINGLOOP, "POST", f"{path}/wissing", wish).expect(202)
    (asked,) = region.call(point, "GET", "/v1/zaken?soort=wissing-verzoek&open=true").expect(200)["items"]
    region.call(point, "POST", f"/v1/zaken/{asked['id']}/antwoord", {"antwoord": "gehonoreerd"}).expect(200)


def look(region: Region) -> Report:
    with snapshot(region.core.engine) as connection:
        return check(connection, region.core.key_store)[0]


def test_what_happened_is_what_stands_there(region: Region) -> None:
    assert look(region).findings == []


def test_what_happened_stands_there_too_when_nothing_is_at_hand(region: Region) -> None:
    """In a log that is longer than what the replay holds, all is read back from disk, each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shelf, "_tidy", Shelf._put_away)
        patch.setattr(pages, "__defaults__", (2,))
        assert look(region).findings == []


#: Every column on which a decision or a proof of it rests, with another value that it might be given by hand.
LATER = timedelta(days=1)
COLUMNS: dict[str, tuple[Table, str, Any]] = {
    f"{table.name}.{column}": (table, column, other)
    for table, column, other in (
        (hub.organisation, "role", "mbo"),
        (hub.organisation, "suspended_at", LATER),
        (hub.organisation, "name", "Een ander"),
        (hub.organisation, "legal_form", "stichting"),
        (hub.system, "jwks", {"keys": []}),
        (hub.mandate, "organisation", WOONZORG),
        (hub.mandate, "scopes", ["beheer"]),
        (hub.mandate, "kinds", ["doorstroom.gemeld"]),
        (hub.mandate, "valid_until", LATER),
        (hub.mandate, "ended_at", LATER),
        (hub.agreement, "kinds", ["doorstroom.gemeld"]),
        (hub.agreement, "purposes", ["rechten"]),
        (hub.agreement, "valid_from", LATER),
        (hub.agreement, "valid_until", LATER),
        (hub.agreement, "accepted_a_at", None),
        (hub.agreement, "accepted_b_at", LATER),
        (hub.agreement, "ended_at", LATER),
        (hub.agreement, "processing_agreement", "VO-0"),
        (hub.agreement, "joint_arrangement", "regeling"),
        (hub.agreement, "dpia_on", "2020-01-01"),
        (hub.agreement, "motivation", "omdat het kan"),
        (hub.ground, "basis", "AVG-6-1-c"),
        (hub.ground, "frameworks", ["Wsw"]),
        (hub.ground, "uavg_article", "30"),
        (hub.ground, "kinds", ["doorstroom.gemeld"]),
        (hub.ground, "purpose", "rechten"),
        (hub.ground, "sender_role", "mbo"),
        (hub.ground, "receiver_role", "mbo"),
        (hub.ground, "categories", ["bsn"]),
        (hub.ground, "valid_from", LATER),
        (hub.ground, "valid_until", LATER),
        (hub.ground, "established_by", "niemand"),
        (hub.ground, "confirmed_by", "niemand"),
        (hub.ground, "ended_at", LATER),
        (hub.ground, "law", "Een andere wet"),
        (hub.ground, "article", "0"),
        (hub.ground, "paragraph", "0"),
        (facts.person, "root", "self"),
        (facts.person, "same_as", "0" * 32),
        (hub.identity_request, "kind", "splitsing"),
        (hub.identity_request, "other_id", "0" * 32),
        (hub.identity_request, "organisation", WOONZORG),
        (hub.identity_request, "system", "ander"),
        (hub.identity_request, "employee", "m-9"),
        (hub.identity_request, "code_index", bytes(32)),
        (hub.identity_request, "asked_at", LATER),
        (hub.identity_request, "valid_until", LATER),
        (hub.identity_request, "done_at", LATER),
        (hub.identity_request, "confirmed_by", WOONZORG),
        (hub.identity_request, "confirming_employee", "m-9"),
        (hub.identity_request, "confirmed_person", "0" * 32),
        (hub.identity_request, "crossed", {}),
        (hub.held_apart, "since", LATER),
        (hub.held_apart, "ended_at", LATER),
        (facts.person, "deceased_at", LATER),
        (facts.involvement, "organisation", WOONZORG),
        (facts.involvement, "trajectory_id", "0" * 32),
        (facts.involvement, "framework", "Wmo"),
        (facts.involvement, "valid_from", LATER),
        (facts.involvement, "valid_until", LATER),
        (facts.statement, "basis", "AVG-9-2-a"),
        (facts.statement, "choice", "flip"),
        (facts.statement, "purposes", ["rechten"]),
        (facts.statement, "categories", ["bsn"]),
        (facts.statement, "senders", [WOONZORG]),
        (facts.statement, "receivers", [GEMEENTE]),
        (facts.statement, "given_at", LATER),
        (facts.statement, "valid_from", LATER),
        (facts.statement, "valid_until", LATER),
        (facts.statement, "requested", True),
        (facts.statement, "invalid_at", LATER),
        (facts.statement, "ended_at", LATER),
        (facts.statement, "given_by", "voogd"),
        (facts.statement, "sixteen_at", LATER),
        (facts.statement, "own_at", LATER),
        (facts.statement_part, "sender", WOONZORG),
        (facts.statement_part, "confirmed_at", LATER),
        (facts.stop, "asked", [WOONZORG]),
        (facts.stop, "at", LATER),
        (facts.stop_flow, "sender", WOONZORG),
        (facts.stop_flow, "receiver", WOONZORG),
        (facts.stop_flow, "purpose", "rechten"),
        (facts.stop_flow, "answer", "bevestigd"),
        (facts.secrecy_release, "holder", KRINGLOOP),
        (facts.secrecy_release, "receiver", KRINGLOOP),
        (facts.secrecy_release, "subjects", ["gezondheid"]),
        (facts.secrecy_release, "at", LATER),
        (facts.secrecy_release, "ended_at", LATER),
        (hub.message, "kind", "doorstroom.gemeld"),
        (hub.message, "purpose", "rechten"),
        (hub.message, "organisation", WOONZORG),
        (hub.message, "system", "ander"),
        (hub.delivery, "revealed", ["bsn"]),
        (hub.delivery, "released_at", LATER),
        (hub.delivery, "recipient", MBO),
    )
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_was_changed_by_hand_is_found(region: Region, name: str) -> None:
    table, column, other = COLUMNS[name]
    key = next(iter(table.primary_key)).name if table is not facts.statement_part else "statement_id"
    query = select(table).where(table.c.released_at.is_not(None)) if table is hub.delivery else select(table)
    if column == "crossed":
        query = query.where(table.c.crossed.is_not(None))
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(query.order_by(table.c[key]).limit(1)).one()
        value = changed(connection, row._mapping, column, other)
        assert value != row._mapping[column]
        same = [table.c[k.name] == row._mapping[k.name] for k in table.primary_key]
        assert connection.execute(update(table).where(*same).values({column: value})).rowcount == 1
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert report.findings, f"nobody saw that {name} was changed"


def changed(connection: Connection, row: Any, column: str, other: Any) -> Any:
    if isinstance(other, timedelta):
        return (row[column] or datetime.now(UTC)) + other
    if other == "self":
        return connection.scalar(select(facts.person.c.person_id).where(facts.person.c.person_id != row["root"]))
    if other == "flip":
        return "ja" if row[column] == "nee" else "nee"
    return other


GONE = [facts.statement_part, facts.involvement, facts.stop_flow, hub.delivery, hub.mandate, hub.held_apart]


@pytest.mark.parametrize("table", GONE, ids=str)
def test_a_row_that_is_gone_is_found(region: Region, table: Table) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        gone = select(table).where(table.c.released_at.is_not(None)) if table is hub.delivery else select(table)
        row = connection.execute(gone.limit(1)).one()
        connection.execute(delete(table).where(*(table.c[k.name] == row._mapping[k.name] for k in table.primary_key)))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert report.findings


@pytest.mark.parametrize("wrong", [None, {"answer": "bevestigd"}, {"sender": WOONZORG}], ids=str)
def test_a_stop_of_before_flows_were_named_is_what_the_log_says(region: Region, wrong: dict[str, str] | None) -> None:
    """As the previous release logs and writes it: verstrekkers are asked, and one answer is for all their flows."""
    at, said = datetime(2026, 11, 22, 12, 0, tzinfo=UTC), "2026-11-22T12:00:00.000Z"
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        person = PersonId(connection.scalar(select(facts.stop.c.person_id).limit(1)) or "")
        act = {"op": said, "organisatie": KRINGLOOP, "systeem": "oud"}
        answered = {"soort": "zaak-beantwoord", "zaakId": "z", "zaak": "stopverzoek", "oorzaak": "oud"}
        logged = (
            act | {"soort": "stopverzoek", "stopId": "oud", "gevraagd": [KRINGLOOP, ONTWIKKELBEDRIJF]},
            act | answered | {"antwoord": "opgeheven"},
        )
        row = {"stop_id": "oud", "person_id": person, "recorder": KRINGLOOP, "at": at}
        connection.execute(insert(facts.stop).values(row | {"asked": [KRINGLOOP, ONTWIKKELBEDRIJF]}))
        zaak = {"case_id": "z", "kind": "stopverzoek", "organisation": KRINGLOOP, "verstrekker": KRINGLOOP}
        zaak |= {"person_id": person, "cause": "oud", "purposes": [], "messages": [], "opened_at": at}
        waits = zaak | {"case_id": "y", "organisation": ONTWIKKELBEDRIJF, "verstrekker": ONTWIKKELBEDRIJF}
        connection.execute(insert(hub.case).values(zaak | {"closed_at": at, "answer": "opgeheven"}))
        connection.execute(insert(hub.case).values(waits))
        facts_of = [*map(case_opened, (zaak, waits)), *logged]
        region.core.evidence.append(connection, [Fact(person, one) for one in facts_of])
        told = {"stop_id": "oud", "sender": KRINGLOOP, "answer": "opgeheven", "at": at} | (wrong or {})
        connection.execute(insert(facts.stop_answer).values(told))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert bool(report.findings) is (wrong is not None)


def test_a_ref_names_whom_it_was_given_out_for(region: Region) -> None:
    """Who exchanges two refs of one organisation has each person's file arrive under the other's name."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        mine = select(hub.person_ref).where(hub.person_ref.c.organisation == KRINGLOOP)
        one, other = connection.execute(mine.where(hub.person_ref.c.erased_at.is_(None)).limit(2)).all()
        connection.execute(delete(hub.person_ref).where(hub.person_ref.c.ref.in_([one.ref, other.ref])))
        for row, person in ((one, other.person_id), (other, one.person_id)):
            connection.execute(insert(hub.person_ref).values(dict(row._mapping) | {"person_id": person}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert {found.place for found in report.findings} >= {f"person_ref {one.ref}", f"person_ref {other.ref}"}


@pytest.mark.parametrize("change", ["gone", "invented"])
def test_no_ref_comes_or_goes_by_hand(region: Region, change: str) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(hub.person_ref).where(hub.person_ref.c.erased_at.is_(None)).limit(1)).one()
        if change == "gone":
            connection.execute(delete(hub.person_ref).where(hub.person_ref.c.ref == row.ref))
        else:
            known = select(hub.person_ref.c.organisation).where(hub.person_ref.c.person_id == row.person_id)
            stranger = select(hub.organisation.c.oin).where(hub.organisation.c.oin.not_in(known)).limit(1)
            other = {"ref": "x" * 26, "organisation": connection.scalar(stranger)}
            connection.execute(insert(hub.person_ref).values(dict(row._mapping) | other))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    place = f"SHA-256 {sha256(row.ref.encode()).hexdigest()}" if change == "gone" else "x" * 26
    assert any(found.place.endswith(place) for found in report.findings)


NOTICES = select(hub.delivery).where(hub.delivery.c.notice, hub.delivery.c.released_at.is_not(None))


@pytest.mark.parametrize("column", ["released_at", "revealed"])
def test_a_notice_must_be_as_its_leaf_says(region: Region, column: str) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(NOTICES.limit(1)).one()
        other = {"released_at": row.released_at + LATER, "revealed": ["bsn"]}[column]
        same = hub.delivery.c.delivery_id == row.delivery_id
        connection.execute(update(hub.delivery).where(same).values({column: other}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert {found.place for found in report.findings} == {f"delivery {row.delivery_id}"}


@pytest.mark.parametrize("name", ["statement_id", "release_id"])
def test_what_a_release_rested_on_must_be_as_its_leaf_says(region: Region, name: str) -> None:
    """Without that row nobody would tell its receiver that the toestemming or the ontheffing is no more."""
    fact = (facts.statement if name == "statement_id" else facts.secrecy_release).c[name]
    basis = facts.release_basis
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(basis).join_from(basis, fact.table, fact == basis.c.statement_id)).first()
        assert row is not None
        same = (basis.c.delivery_id == row.delivery_id) & (basis.c.statement_id == row.statement_id)
        connection.execute(update(basis).where(same).values(statement_id="0" * 32))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    (found,) = report.findings
    assert found.place == f"delivery {row.delivery_id}" and "waar de levering op berust" in found.reason


def by_hand(row: Row[Any]) -> dict[str, Any]:
    """Of a zaak another value for every column that the log tells of."""
    moved = {name: (getattr(row, name) or row.opened_at) + LATER for name in ("opened_at", "due_at", "closed_at")}
    return moved | {
        "kind": "bezwaar" if row.kind != "bezwaar" else "wissing",
        "organisation": MBO,
        "verstrekker": MBO,
        "sender_id": "z" * 32,
        "person_id": "p" * 32,
        "cause": "c" * 32,
        "receiver": MBO,
        "purposes": ["verantwoording"],
        "messages": [{"berichtId": "b", "ontvanger": MBO, "tijdstip": "2026-01-01T00:00:00.000Z"}],
        "answer": "gewist",
    }


UNTOLD = {"case_id", "explanation_sealed"}  # which row it is; and words, which the log does not keep
ZAKEN = sorted(column.name for column in hub.case.columns if column.name not in UNTOLD)


def one_of_each(connection: Connection) -> dict[str, Row[Any]]:
    """By kind, and whether it is open: one zaak."""
    rows = connection.execute(select(hub.case).order_by(hub.case.c.case_id)).all()
    found = {f"{row.kind} {row.closed_at is None}": row for row in rows}
    waiting = {"stopverzoek", "bezwaar", "wissing", "grondslag.vervallen"}
    assert found.keys() > {f"{kind} True" for kind in waiting}
    return found


@pytest.mark.parametrize("column", [*ZAKEN, "gone", "invented", "of an erased person"])
def test_a_zaak_must_be_as_the_log_says(region: Region, column: str) -> None:
    """Of every kind, open and closed: nobody is asked otherwise, later, in another's name, or no more."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        places = set()
        for row in one_of_each(connection).values():
            same, case_id = hub.case.c.case_id == row.case_id, row.case_id
            match column:
                case "gone":
                    connection.execute(delete(hub.case).where(same))
                case "invented":
                    case_id = f"x{row.case_id[1:]}"
                    connection.execute(insert(hub.case).values(dict(row._mapping) | {"case_id": case_id}))
                case "of an erased person":  # whose entries nobody can read: it must not hide what can be read
                    connection.execute(update(hub.case).where(same).values(person_id="erased", answer="gewist"))
                case _:
                    connection.execute(update(hub.case).where(same).values({column: by_hand(row)[column]}))
            places.add(f"case {case_id}")
        if column == "of an erased person":
            report = Report([])
            told = hear_all(connection, region)
            compare_cases(connection, told, {"erased"}, report.wrong)
        else:
            report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert {found.place for found in report.findings} >= places
    assert {found.place for found in report.findings if found.place.startswith("case ")} == places


def hear_all(connection: Connection, region: Region) -> Cases:
    """What the log tells of zaken."""
    told = Cases()
    for entry in entries(connection, region.core.key_store):
        said = entry.payload or {"soort": None}
        if said["soort"] == "zaak":
            told.open(str(entry.key_id).partition("/")[2], said)
        elif said["soort"] in ("zaak-gesloten", "zaak-beantwoord"):
            told.close(said)
    return told


def test_a_notice_that_left_without_a_leaf_is_found(region: Region) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        opened = entries(connection, region.core.key_store)
        (leaf, *_) = [e.entry_id for e in opened if e.payload and e.payload.get("kennisgeving")]
        connection.execute(delete(ledger_entry).where(ledger_entry.c.entry_id == leaf))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert any("geen vrijgave van deze levering" in f.reason for f in report.findings)


def test_a_notice_is_for_its_receiver_and_gives_nothing() -> None:
    """Its release is not decided again; but it is no way past the gate."""
    said = {"op": "2026-11-22T10:00:00.000Z", "berichtId": "k", "ontvanger": KRINGLOOP, "gegeven": []}

    def heard(**other: Any) -> str | None:
        traffic = Traffic(RegionFacts(), Persons())
        traffic.notices["k"] = KRINGLOOP
        return traffic.release("p", said | {"kennisgeving": True} | other, "vermelding 1")

    assert heard() is None  # the control
    assert "een ander dan haar ontvanger" in str(heard(ontvanger=WOONZORG))
    assert "meer zegt te geven" in str(heard(gegeven=["bsn"]))
    assert "meer zegt te geven" in str(heard(kennisgeving=False))
    assert "geen besluit" in str(heard(berichtId="m"))


@pytest.mark.parametrize("joined", [True, False])
def test_who_was_joined_or_split_by_hand_is_found(region: Region, joined: bool) -> None:
    """A person put under the root of another, or one who was joined by two officers put apart."""
    person = facts.person
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        under = connection.execute(select(person).where(person.c.root != person.c.person_id).limit(1)).one()
        held = connection.execute(select(hub.held_apart).limit(1)).one()
        who, root = (held.person_a, held.person_b) if joined else (under.person_id, under.person_id)
        connection.execute(update(person).where(person.c.person_id == who).values(root=root))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert f"person {who}" in {found.place for found in report.findings}


@pytest.mark.parametrize("whose", ["another's", "the asked one's"])
def test_that_another_was_erased_hides_no_join_without_a_first_officer(region: Region, whose: str) -> None:
    """Only where the entry of the first officer may be among those that nobody can read nothing is held against it."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        opened = [e for e in entries(connection, region.core.key_store) if e.payload]
        said = [e.payload or {} for e in opened]
        joined = next(one for one in said if one["soort"] == "samenvoeging" and "verzoekId" in one)
        first = next(
            e
            for e, one in zip(opened, said, strict=True)
            if one["soort"] == "samenvoeging-gevraagd" and one["verzoekId"] == joined["verzoekId"]
        )
        strangers = (str(e.key_id) for e in opened if str(e.key_id).startswith("bewijs/"))
        stranger = next(who for who in strangers if who.partition("/")[2] not in joined["leden"])
        connection.execute(delete(ledger_entry).where(ledger_entry.c.entry_id == first.entry_id))
        gone = without(region, stranger if whose == "another's" else str(first.key_id))
        report, erased = check(connection, gone)
        attempt.rollback()
    assert erased > 0
    reasons = {found.reason for found in report.findings}
    assert ("een handeling van twee medewerkers waar de eerste niet om vroeg" in reasons) is (whose == "another's")


def test_a_request_that_no_officer_made_is_found(region: Region) -> None:
    """Somebody who writes the first officer's step into the table needs only one officer."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = dict(connection.execute(select(hub.identity_request).limit(1)).one()._mapping)
        forged = {"request_id": "f" * 32, "employee": "m-8", "code_index": bytes(32), "done_at": None}
        connection.execute(insert(hub.identity_request).values(row | forged))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert [found.place for found in report.findings] == [f"identity_request {'f' * 32}"]


@pytest.mark.parametrize("column", ["ended_at", "given_by", "valid_until", "asked_by"])
def test_a_statement_that_was_changed_is_told_once(region: Region, column: str) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(facts.statement).limit(1)).one()
        value = {"given_by": "voogd", "asked_by": MBO}.get(column, row.valid_from + 9 * LATER)
        same = facts.statement.c.statement_id == row.statement_id
        connection.execute(update(facts.statement).where(same).values({column: value}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert len([found for found in report.findings if row.statement_id in found.place]) == 1


def test_a_statement_that_nobody_gave_is_found(region: Region) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = dict(connection.execute(select(facts.statement).limit(1)).one()._mapping)
        connection.execute(insert(facts.statement).values(row | {"statement_id": "verzonnen"}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert any("verzonnen" in f.place for f in report.findings)


def test_a_release_without_cover_is_found_at_its_place(region: Region) -> None:
    """The statement never was in the log: its release has no cover where it stands."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        keys = region.core.key_store
        before, _ = check(connection, keys)
        lost = entry_of(connection, region, "toestemming")
        connection.execute(delete(ledger_entry).where(ledger_entry.c.entry_id == lost))
        report, _ = check(connection, keys)
        attempt.rollback()
    assert not before.findings
    assert any("zonder dekking" in f.reason and f.place.startswith("vermelding ") for f in report.findings)


def entry_of(connection: Connection, region: Region, kind: str) -> str:
    return next(
        e.entry_id for e in entries(connection, region.core.key_store) if e.payload and e.payload["soort"] == kind
    )


def test_what_cannot_be_read_must_be_named(region: Region, tmp_path: Path) -> None:
    """A key that was destroyed without an erase entry in the log."""
    with region.core.engine.connect() as connection:
        key_id = connection.scalar(
            select(ledger_payload.c.key_id).where(ledger_payload.c.key_id.like("bewijs/%")).limit(1)
        )

    with snapshot(region.core.engine) as connection:
        report, erased = check(connection, without(region, str(key_id)))
        lost = [entry.place for entry in entries(connection, region.core.key_store) if entry.key_id == key_id]
    assert erased == len(lost) > 0
    (found,) = [f for f in report.findings if "door geen vernietiging genoemd" in f.reason]
    assert found.place.startswith(f"{len(lost)} vermeldingen onder één sleutel: {', '.join(lost[:10])}")


def without(region: Region, key_id: str) -> Any:
    """The keys of the region, one of which was destroyed."""

    class Without:
        def find(self, ids: Any) -> dict[str, bytes]:
            return {k: v for k, v in region.core.key_store.find(ids).items() if k != key_id}

        def destroyed(self, ids: Any) -> set[str]:
            return region.core.key_store.destroyed(ids) | ({key_id} & set(ids))

    return Without()
