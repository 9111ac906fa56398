"""What is past its term goes by itself, not a second sooner, and the log tells all of it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Table, select, update
from structlog.testing import capture_logs

from consent.keys import evidence_key
from contracts import instants
from contracts.identity import Purpose
from contracts.retention.terms import Term, shipped
from hub.delivery.states import State
from hub.rights.retention.sweeper import TURN, WARNED, NotNow, Sweeper
from hub.store import installation as named
from hub.store.database import reading
from hub.store.tables import delivery, message, message_key
from hub.store.traffic import lapses, outbox
from hub.store.writer import single
from tests import samples
from tests.erasing import who
from tests.partners import Person
from tests.region import PortFailed, Region
from tests.retaining import DAY, Case, ageing, findings, sweep
from tests.samples import BSN, GEMEENTE, ONTWIKKELBEDRIJF


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with ageing(request, tmp_path_factory.mktemp("bewaren")) as made:
        yield made


@pytest.fixture
def case(region: Region) -> Case:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    return Case(region, person, at)


# -- a: content after its term ----------------------------------------------------------------------------------------
def test_promise_3_content_goes_at_its_term_and_not_before_and_a_repeat_is_told_so(case: Case) -> None:
    region, given = case.region, case.report()
    region.collect(case.guide)
    until = case.until(given)
    assert timedelta(days=30) - timedelta(minutes=1) < until - region.clock.now() <= timedelta(days=30)
    with case.exactly(until, -1):
        sweep(region)
    assert case.holds(given) and case.repeat(given) == 202
    case.advance_to(until, 1)
    with patch.object(lapses, "empty", side_effect=PortFailed):  # a crash before the commit
        assert sweep(region).messages == 0
    assert case.holds(given) and findings(region) == []
    assert sweep(region).messages >= 1
    assert not case.holds(given) and case.repeat(given) == 410
    assert [one["status"] for one in case.status(given)["afleveringen"]] == ["bevestigd"]
    assert case.until(given) >= until
    assert region.call(case.at, "GET", f"/v1/berichten/{given}/ontvangstbewijs").status == 410
    region.wait_signed()
    assert region.call(case.at, "GET", f"/v1/berichten/{given}/bewijs").status == 200  # the proof stays
    assert region.call(case.at, "POST", f"/v1/berichten/{given}/terugroeping", {"reden": "onjuist"}).status == 200
    assert findings(region) == []
    assert sweep(region).messages == 0 and case.key in region.core.key_store.find([case.key])


TAMPERED: dict[str, tuple[Table, dict[str, Any], str]] = {
    "put back": (message, {"body": b"x"}, "er staat nog iets van"),
    "a repeat known again": (message_key, {"digest": b"x"}, "er staat nog iets van"),
    "another time": (message, {"lapsed_at": datetime.fromisoformat("2027-01-01T00:00:00+00:00")}, "anders dan"),
    "another entry": (message, {"lapse_entry": "0" * 32}, "anders dan"),
    "never said": (message, {"lapsed_at": None, "lapse_entry": None}, "anders dan"),
    "as if it had not arrived": (delivery, {"state": "gewist"}, "de stand is anders"),
}


def test_what_is_changed_by_hand_is_found(case: Case) -> None:
    region, gone = case.region, case.report()
    region.collect(case.guide)
    case.advance_to(case.until(gone), 1)
    sweep(region)
    kept = case.report(2)
    assert findings(region) == []
    for name, (table, values, told) in TAMPERED.items():
        mine = table.c.message_id == gone
        with region.core.engine.begin() as connection:
            before = connection.execute(select(*(table.c[each] for each in values)).where(mine)).one()
            connection.execute(update(table).where(mine).values(values))
        assert [told in reason for _, reason in findings(region)] == [True], name
        with region.core.engine.begin() as connection:
            connection.execute(update(table).where(mine).values(dict(before._mapping)))
    mine = message.c.message_id == kept
    with region.core.engine.begin() as connection:
        before = connection.execute(select(message.c.body, message.c.receipt).where(mine)).one()
        connection.execute(update(message).where(mine).values(body=b"", receipt=b""))
    assert [place for place, reason in findings(region) if "weet niet" in reason] == [f"message {kept}"]
    with region.core.engine.begin() as connection:  # as it was, for the tests that follow
        connection.execute(update(message).where(mine).values(dict(before._mapping)))


def test_a_person_who_was_joined_since_loses_nothing_and_keeps_nothing(region: Region) -> None:
    person = region.candidate(bsn=BSN)
    theirs = region.register(GEMEENTE, bsn=BSN)
    data = samples.voorgedragen(theirs, bsn=BSN)
    data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, theirs)
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", theirs, data, ontvanger=ONTWIKKELBEDRIJF)
    sent = region.send(GEMEENTE, event).expect(202)["ontvangstbewijs"]["berichtId"]
    assert region.collect(ONTWIKKELBEDRIJF)[-1]["subject"] == person.refs[ONTWIKKELBEDRIJF]
    region.advance(30 * DAY.total_seconds() + 1)
    sweep(region)
    assert region.send(GEMEENTE, event).status == 410 and region.fate(GEMEENTE, sent)[ONTWIKKELBEDRIJF] == "bevestigd"
    assert findings(region) == []


def test_an_operator_may_shorten_a_term(case: Case) -> None:
    region, given = case.region, case.report()
    region.collect(case.guide)
    terms = shipped()
    pair = "voortgang.gemeld", Purpose.TRAJECTBEGELEIDING
    short = replace(terms, content={**terms.content, pair: Term(2, "proef")})
    sweeper = Sweeper(replace(region.hub.sweeper._tools, terms=short))
    sweeper._token = region.hub.sweeper._token
    region.advance(2 * DAY.total_seconds() + 60)
    sweep(region)
    assert case.holds(given)  # the control: under the shipped terms it stays
    sweeper.sweep()
    assert not case.holds(given) and findings(region) == []


# -- c: undeliverable content -----------------------------------------------------------------------------------------
def test_promise_8_what_nobody_fetches_is_warned_of_and_goes_after_90_days(case: Case) -> None:
    region, waiting = case.region, case.report()
    fetched = case.report(2)
    region.fetch(case.guide, limit=2)  # seen, and never acknowledged
    until = case.until(waiting)
    accepted = instants.parse(case.status(waiting)["aanvaardOp"])
    assert until == accepted + 90 * DAY
    told: list[int] = []
    for days in (30, 60, 80):
        with case.exactly(accepted + days * DAY, -1):
            sweep(region)
        case.advance_to(accepted + days * DAY, 60)
        with capture_logs() as lines:
            sweep(region)
            sweep(region)
        told += [line["days"] for line in lines if line.get("message_id") == waiting]
    assert told == [30, 60, 80] and case.holds(waiting)
    with case.exactly(until, -1):
        sweep(region)
    assert case.holds(waiting) and set(region.fate(case.at, waiting).values()) <= {"wachtend", "afgeleverd"}
    case.advance_to(until, 60)
    sweep(region)
    assert [region.fate(case.at, one)[case.guide] for one in (waiting, fetched)] == ["gewist", "gewist"]
    assert (case.holds(waiting), case.repeat(waiting)) == (False, 410)
    assert all(event["type"].endswith("bericht.ingetrokken.v1") for event in region.fetch(case.guide))
    assert findings(region) == []


def bury(region: Region, message_id: str) -> str:
    values = {"state": State.BURIED.value, "ended_at": region.clock.now()}
    with region.core.engine.begin() as connection:
        connection.execute(update(delivery).where(delivery.c.message_id == message_id).values(values))
        return str(connection.scalars(select(delivery.c.delivery_id).where(delivery.c.message_id == message_id)).one())


def test_promise_8_what_is_buried_stays_for_its_term_and_cannot_be_replayed_after_it(case: Case) -> None:
    region = case.region
    early, late = case.report(), case.report(2)
    ids = [bury(region, one) for one in (early, late)]
    case.advance_to(case.until(late), -DAY.total_seconds())
    sweep(region)

    def replay(one: str) -> list[str]:
        return single(region.core.transactions, lambda tx: outbox.replay(tx.connection, [one], tx.now))

    assert case.holds(early) and replay(ids[0]) == [ids[0]]  # within its term: it waits again
    assert len(region.collect(case.guide)) == 1
    case.advance_to(case.until(late), 1)
    sweep(region)
    assert case.holds(early) and not case.holds(late)  # what arrived on its last day has its own term
    assert region.fate(case.at, late)[case.guide] == "gewist" and replay(ids[1]) == []
    assert findings(region) == []


def test_beside_fetching_acknowledging_withdrawing_and_replaying_nothing_is_lost_twice(region: Region) -> None:
    cases = []
    for _ in range(4):
        guide, at = region.pair()
        person, statement = region.reporting(guide, at)
        one = Case(region, person, at)
        waiting, buried = one.report(), one.report(2)
        cases.append((one, statement, waiting, bury(region, buried)))
    region.advance(90 * DAY.total_seconds() + 1)
    for one, *_ in cases:
        region.token(one.at)
        region.token(one.guide)
    errors: list[BaseException] = []

    def run(work: Any, *args: Any) -> threading.Thread:
        def guarded() -> None:
            try:
                work(*args)
            except BaseException as error:  # noqa: BLE001 - told below
                errors.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    def replay(delivery_id: str) -> None:
        single(region.core.transactions, lambda tx: outbox.replay(tx.connection, [delivery_id], tx.now))

    threads = [run(region.hub.sweeper.sweep)]
    for one, statement, waiting, buried in cases:
        threads += [run(region.collect, one.guide), run(replay, buried)]
        threads += [run(one.report, 3), run(region.call, one.at, "GET", f"/v1/berichten/{waiting}")]
        threads += [run(region.call, one.at, "POST", f"/v1/toestemmingen/{statement}/intrekking", {"gegevenDoor": "x"})]
    for thread in threads:
        thread.join()
    assert errors == []
    for one, *_ in cases:
        region.collect(one.guide)
    sweep(region)
    assert findings(region) == []
    states = {one.row(waiting).lapsed_at is not None for one, _, waiting, _ in cases}
    assert states <= {True, False} and all(one.repeat(waiting) in (202, 410) for one, _, waiting, _ in cases)


# -- whose turn, and when ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("since", "until"), [("1990-01-01", "1991-01-01"), ("2026-01-01", "9999-12-31")])
def test_no_date_that_an_organisation_gives_makes_proof_vanish_or_stops_the_sweeper(
    region: Region, since: str, until: str
) -> None:
    ref = region.register(ONTWIKKELBEDRIJF)
    person, key = Person({ONTWIKKELBEDRIJF: ref}, ""), evidence_key(who(region, ref))
    refused = region.send(ONTWIKKELBEDRIJF, region.placing(person, traject="x" * 32))
    form = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": since, "tot": until}
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{ref}/trajecten", form).expect(201)
    if until == "9999-12-31":  # with a message, of which both dates are told
        person = Person({ONTWIKKELBEDRIJF: ref}, "")
        region.allow_placing(person)
        sent = region.send(ONTWIKKELBEDRIJF, region.placing(person)).expect(202)["ontvangstbewijs"]["berichtId"]
        told = region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/berichten/{sent}").expect(200)
        assert told["bewijsTot"] == "9999-12-31T23:59:59.999Z"
    with capture_logs() as logged:
        assert sweep(region).persons == 0
    assert refused.status == 403 and logged == []
    assert key in region.core.key_store.find([key])


def test_one_process_at_a_time_has_the_turn(region: Region) -> None:
    sweep(region)
    other = Sweeper(region.hub.sweeper._tools)
    with pytest.raises(NotNow):
        other.sweep()
    region.advance(601)
    other.sweep()
    with pytest.raises(NotNow):
        sweep(region)
    region.advance(601)
    with reading(region.core.engine) as connection:
        assert (named.read(connection, TURN) or "").startswith(other._token) and named.read(connection, WARNED)


def test_a_clock_that_jumped_ahead_destroys_nothing(case: Case) -> None:
    region, given = case.region, case.report()
    region.collect(case.guide)
    sweep(region)
    monotonic = region.clock.monotonic()
    region.advance(40 * DAY.total_seconds())
    with patch.object(type(region.clock), "monotonic", return_value=monotonic + 1), pytest.raises(NotNow):
        sweep(region)
    assert case.holds(given)
    sweep(region)  # the control: so much time did pass
    assert not case.holds(given)
