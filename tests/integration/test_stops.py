"""A stopverzoek flow by flow: what it asks of whom, what each answer opens, and what stays closed without one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, delete, insert, select, text, update

from consent.facts import ConsentFlow, PersonFacts, Speaker, Stop
from consent.gate.flows import consented_flows
from consent.gate.person import stop_pending, stop_refuses
from consent.store import tables as facts
from consent.store.reading import read_persons
from contracts.identity import Oin, Purpose
from hub.store import tables as hub
from hub.store.database import open_engine
from hub.store.migrations import schema
from tests import samples
from tests.partners import Person, stamp
from tests.region import Region
from tests.samples import BSN, GEMEENTE, KRINGLOOP, MBO, ONTWIKKELBEDRIJF
from tests.unit.consent.decision_cases import DAY, NOW, OTHER, RECEIVER, SENDER, THIS, ago, ask, no, yes

NO_GROUND = (403, "GEEN_GRONDSLAG")
GOES = (202, None)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = Region(tmp_path_factory.mktemp("stop"))
    yield made
    made.stop()


def reports(region: Region, who: Person) -> tuple[int, str | None]:
    answer = region.send(KRINGLOOP, region.report(who))
    return answer.status, answer.code if answer.status >= 400 else None


def places(region: Region, who: Person) -> tuple[int, str | None]:
    answer = region.send(ONTWIKKELBEDRIJF, region.placing(who, traject=who.trajectory))
    return answer.status, answer.code if answer.status >= 400 else None


def asked(region: Region, of: str, who: Person) -> list[dict[str, Any]]:
    """The zaken of stops of this person, oldest first."""
    found = region.call(of, "GET", "/v1/zaken?soort=stopverzoek&limiet=100").expect(200)["items"]
    return [one for one in found if one["kandidaatRef"] == who.refs[of]]


def answer(region: Region, of: str, case: dict[str, Any], said: str) -> dict[str, Any]:
    path = f"/v1/zaken/{case['id']}/antwoord"
    return dict(region.call(of, "POST", path, {"antwoord": said}).expect(200))


def to_school(region: Region, who: Person) -> str:
    terms = "identiteit contact inzetbaarheid opleiding"
    return region.consent(ONTWIKKELBEDRIJF, who.refs[ONTWIKKELBEDRIJF], [MBO], "toeleiding", terms)


def present(region: Region, who: Person) -> dict[str, Any]:
    ref = who.refs[ONTWIKKELBEDRIJF]
    data = samples.voorgedragen(ref, traject={"trajectId": who.trajectory})
    return region.event(ONTWIKKELBEDRIJF, "kandidaat.voorgedragen", ref, data, ontvanger=MBO)


def test_a_zaak_is_of_one_flow_and_tells_of_no_other(region: Region) -> None:
    who, _ = region.reporting()
    to_school(region, who)
    sent = region.send(ONTWIKKELBEDRIJF, present(region, who)).expect(202)["ontvangstbewijs"]["berichtId"]
    region.collect(MBO)
    region.stop_request(KRINGLOOP, who.refs[KRINGLOOP])
    flows = {one["stroom"]["ontvanger"]: one for one in asked(region, ONTWIKKELBEDRIJF, who)}
    assert flows[MBO]["stroom"] == {"verstrekker": ONTWIKKELBEDRIJF, "ontvanger": MBO, "doel": "toeleiding"}
    assert flows[KRINGLOOP]["stroom"] == {"verstrekker": ONTWIKKELBEDRIJF, "ontvanger": KRINGLOOP, "doel": "opleiden"}
    assert [one["berichtId"] for one in flows[MBO]["berichten"]] == [sent]
    assert sent not in str(flows[KRINGLOOP]) and len(flows) == 2
    (own,) = asked(region, KRINGLOOP, who)
    assert own["stroom"] == {"verstrekker": KRINGLOOP, "ontvanger": ONTWIKKELBEDRIJF, "doel": "trajectbegeleiding"}
    assert MBO not in str(own)
    assert answer(region, ONTWIKKELBEDRIJF, flows[MBO], "bevestigd")["stroom"] == flows[MBO]["stroom"]


def test_a_part_that_is_confirmed_after_the_stop_stays_closed(region: Region) -> None:
    """It was said before the stop; who confirms its part says nothing in the person's name."""
    who = region.candidate()
    region.place(who)
    ref = who.refs[ONTWIKKELBEDRIJF]
    scope = {"ontvangers": [ONTWIKKELBEDRIJF], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    said = region.statement(ONTWIKKELBEDRIJF, ref, verstrekkers=[KRINGLOOP], **scope).expect(201)["id"]
    region.stop_request(ONTWIKKELBEDRIJF, ref)
    assert asked(region, KRINGLOOP, who) == []  # its part was not in force: nothing of it was stopped
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{said}/bevestiging").expect(200)
    assert reports(region, who) == NO_GROUND
    region.allow_reports(who)  # the control: what the person says later opens what it names
    assert reports(region, who) == GOES


def test_a_repeat_tells_the_same_until_something_was_said_or_answered(region: Region) -> None:
    who, _ = region.reporting()
    region.send(KRINGLOOP, region.report(who)).expect(202)
    ref = who.refs[KRINGLOOP]
    first = region.stop_request(KRINGLOOP, ref)
    again = region.stop_request(KRINGLOOP, ref)
    assert first["gestopt"] == 1 and {**again, "handtekening": ""} == {**first, "handtekening": ""}
    assert len(asked(region, KRINGLOOP, who)) == 1
    other = region.stop_request(ONTWIKKELBEDRIJF, who.refs[ONTWIKKELBEDRIJF])
    assert other["stopId"] != first["stopId"]  # one id for two organisations would join their refs
    assert len(asked(region, KRINGLOOP, who)) == 2
    region.allow_reports(who, geldigVan=stamp(datetime.fromtimestamp(region.seconds(), UTC) + timedelta(days=3)))
    later = region.stop_request(KRINGLOOP, ref)
    assert later["stopId"] not in (first["stopId"], other["stopId"])  # the person said yes in between, and now no
    for case in asked(region, KRINGLOOP, who):
        answer(region, KRINGLOOP, case, "opgeheven")
    assert reports(region, who) == GOES
    assert region.stop_request(KRINGLOOP, ref)["stopId"] != later["stopId"]
    assert reports(region, who) == NO_GROUND


def test_what_went_under_a_ja_that_had_lapsed_is_told_in_a_closed_zaak(region: Region) -> None:
    now = datetime.fromtimestamp(region.seconds(), UTC)
    who, _ = region.reporting(geldigTot=stamp(now + timedelta(seconds=30)))
    sent = region.send(KRINGLOOP, region.report(who)).expect(202)["ontvangstbewijs"]["berichtId"]
    region.collect(ONTWIKKELBEDRIJF)
    region.clock.ahead += 60
    told = region.stop_request(ONTWIKKELBEDRIJF, who.refs[ONTWIKKELBEDRIJF])
    assert sent in [one["berichtId"] for one in told["verstrekt"]]
    (case,) = asked(region, KRINGLOOP, who)
    assert (case["geslotenOp"], case["antwoord"]) == (case["geopendOp"], None)
    assert [one["berichtId"] for one in case["berichten"]] == [sent]
    refused = region.call(KRINGLOOP, "POST", f"/v1/zaken/{case['id']}/antwoord", {"antwoord": "opgeheven"})
    assert (refused.status, refused.code) == (409, "STAAT_ONGELIJK")


def test_of_joined_persons_all_flows_are_stopped_and_each_is_lifted_for_itself(region: Region) -> None:
    who = region.candidate(bsn=BSN)
    region.place(who)
    region.allow_reports(who)
    ref = region.register(GEMEENTE, bsn=BSN)
    data = samples.voorgedragen(ref, bsn=BSN)
    data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, ref)
    region.send(
        GEMEENTE, region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=ONTWIKKELBEDRIJF)
    ).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    assert (reports(region, who), places(region, who)) == (GOES, GOES)  # the control
    region.stop_request(GEMEENTE, ref)
    assert (reports(region, who), places(region, who)) == (NO_GROUND, NO_GROUND)
    (case,) = asked(region, KRINGLOOP, who)
    answer(region, KRINGLOOP, case, "opgeheven")
    assert (reports(region, who), places(region, who)) == (GOES, NO_GROUND)


# -- which flows ------------------------------------------------------------------------------------------------------
def test_the_flows_are_those_of_each_confirmed_part_in_force() -> None:
    wide = yes(
        senders=frozenset({SENDER, OTHER}),
        receivers=frozenset({RECEIVER, OTHER}),
        purposes=frozenset({Purpose.OPLEIDEN, Purpose.CERTIFICEREN}),
    )
    ends = {(RECEIVER, p) for p in wide.purposes or ()} | {(OTHER, p) for p in wide.purposes or ()}
    assert consented_flows([wide], NOW) == {ConsentFlow(SENDER, r, p) for r, p in ends}
    assert consented_flows([yes()], NOW) == {THIS}  # the control of all below
    for passed in (
        no(),
        yes(requested=True),
        yes(invalid=True),
        yes(ended_at=NOW),
        yes(given_at=NOW + DAY),
        yes(valid_from=NOW + DAY),
        yes(valid_until=NOW),
        yes(valid_until=None),
        yes(confirmed={}),
        yes(confirmed={SENDER: NOW + DAY}),
        yes(by=Speaker.PARENT, sixteen_at=NOW),
        yes(sixteen_at=NOW),
    ):
        assert consented_flows([passed], NOW) == frozenset()


# -- stops from before flows were named -------------------------------------------------------------------------------
S1, S2, S3 = Oin("00000099000000000001"), Oin("00000099000000000021"), Oin("00000099000000000031")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    made = open_engine(url if request.param == "sqlite" else str(request.getfixturevalue("postgres_url")))
    yield made
    made.dispose()


def before_flows(engine: Engine) -> None:
    """A database of the previous release, with a stop that asked three; two have answered."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent))
    config.set_main_option("path_separator", "os")
    with schema._migrating(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        old_rows(connection, "p")


def old_rows(connection: Any, who: str) -> None:
    at = int(ago(5).timestamp() * 1_000_000)
    rows = (
        ("INSERT INTO person (person_id, root) VALUES (:p, :p)", {}),
        (
            "INSERT INTO stop (stop_id, person_id, recorder, asked, at) VALUES (:s, :p, :r, :a, :t)",
            {"r": S1, "a": f'["{S1}","{S2}","{S3}"]'},
        ),
        ("INSERT INTO stop_answer (stop_id, sender, answer, at) VALUES (:s, :o, 'opgeheven', :t)", {"o": S1}),
        ("INSERT INTO stop_answer (stop_id, sender, answer, at) VALUES (:s, :o, 'bevestigd', :t)", {"o": S2}),
    )
    for sql, more in rows:
        connection.execute(text(sql), {"s": f"stop-{who}", "p": who, "t": at} | more)


def stop_of(engine: Engine, who: str) -> Stop:
    with engine.connect() as connection:
        (found,) = read_persons(connection, [who])[who].facts.stops
    return found


def test_a_stop_of_the_previous_release_stops_what_it_stopped(engine: Engine) -> None:
    before_flows(engine)
    schema.migrate(engine)
    with engine.begin() as connection:
        old_rows(connection, "beside")  # written by the previous release, while it still runs
    whole = {who: frozenset({ConsentFlow(who)}) for who in (S1, S2, S3)}
    converted, beside = stop_of(engine, "p"), stop_of(engine, "beside")
    for one in (converted, beside):
        assert (one.asked, one.lifted, one.confirmed) == (whole[S1] | whole[S2] | whole[S3], whole[S1], whole[S2])
    assert converted.at == ago(5)


@pytest.mark.parametrize(("who", "waits", "refuses"), [(S1, False, False), (S2, False, True), (S3, True, False)])
def test_no_flow_of_such_a_stop_is_opened_by_naming_flows(engine: Engine, who: Oin, waits: bool, refuses: bool) -> None:
    """As before, of every flow: lifted is over, confirmed is a ``nee``, and what waits is open to no ``ja`` at all."""
    before_flows(engine)
    schema.migrate(engine)
    stopped = stop_of(engine, "p")
    for change in ({}, {"receiver": OTHER}, {"purpose": Purpose.CERTIFICEREN}):
        request = ask(sender=who, **change)
        assert stop_pending(request, PersonFacts(stops=(stopped,)), NOW) is waits
        assert stop_refuses(stopped, request, NOW) is refuses


def test_an_answer_for_all_flows_is_none_for_flows_that_are_named(engine: Engine) -> None:
    """The previous release, beside this one, answers a zaak of one flow as if it were of all: nothing opens."""
    schema.migrate(engine)
    with engine.begin() as connection:
        old_rows(connection, "p")
        named = {"stop_id": "stop-p", "sender": S1, "receiver": RECEIVER, "purpose": "opleiden"}
        connection.execute(insert(facts.stop_flow).values(named))
    one = stop_of(engine, "p")
    assert ConsentFlow(S1, RECEIVER, Purpose.OPLEIDEN) in one.asked
    assert one.lifted == frozenset()


def test_a_zaak_that_names_no_flow_is_answered_for_all_of_the_verstrekkers(region: Region) -> None:
    """It was opened by the previous release."""
    who, _ = region.reporting()
    region.stop_request(KRINGLOOP, who.refs[KRINGLOOP])
    (case,) = asked(region, KRINGLOOP, who)
    with region.hub.engine.begin() as connection:
        (stop_id,) = connection.scalars(select(hub.case.c.cause).where(hub.case.c.case_id == case["id"]))
        of_kringloop = (facts.stop_flow.c.stop_id == stop_id) & (facts.stop_flow.c.sender == KRINGLOOP)
        connection.execute(delete(facts.stop_flow).where(of_kringloop))
        old = update(hub.case).where(hub.case.c.case_id == case["id"])
        connection.execute(old.values(receiver=None, purposes=[]))
    assert reports(region, who) == NO_GROUND
    assert answer(region, KRINGLOOP, case, "opgeheven")["stroom"] == {"verstrekker": KRINGLOOP}
    assert reports(region, who) == GOES
