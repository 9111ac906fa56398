"""Two hubs on one PostgreSQL, as two workers are: what meets in the database, and who waits for whom."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import text

from consent.log.sequencer import SEQUENCER_LOCK
from contracts.envelope import read
from contracts.identity import Oin
from hub import wiring
from hub.core import open_core
from hub.delivery.mailbox import Acknowledgement
from hub.intake.accept import Accepted
from hub.rights.candidates import Registration
from hub.store.locks import LOG, Locks, counter, take
from hub.store.region.access import Asker
from hub.wiring import Hub
from tests.region import Region
from tests.samples import BSN, GEMEENTE, KRINGLOOP, ONTWIKKELBEDRIJF, raw

ROUNDS = 3


@pytest.fixture
def region(tmp_path: Path, postgres_url: str) -> Iterator[Region]:
    made = Region(tmp_path / "hub", postgres_url)
    yield made
    made.stop()


@pytest.fixture
def second(region: Region) -> Iterator[Hub]:
    core = open_core(region.settings)
    made = wiring.build(core)
    made.start()
    yield made
    made.stop()
    core.key_store._engine.dispose()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start all in the same moment; what each returned. An error fails the test."""
    ready = Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        ready.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_one_message_in_both_is_accepted_once(region: Region, second: Hub) -> None:
    person, _ = region.reporting()
    for round_ in range(ROUNDS):
        today = datetime.now(UTC).date()
        events = [read(raw(region.report(person, number=round_ * 10 + n)), today) for n in range(4)]
        found = at_once(
            lambda events=events: region.hub.accepter.accept(events),
            lambda events=events: second.accepter.accept(events[::-1])[::-1],
        )
        for one, other in zip(*found, strict=True):
            assert isinstance(one, Accepted) and isinstance(other, Accepted)
            assert {one.repeat, other.repeat} == {False, True} and one.receipt == other.receipt


def test_the_first_fetch_in_both_gives_the_same_sequence(region: Region, second: Hub) -> None:
    for _ in range(ROUNDS):
        guide, at = region.pair()
        person = region.candidate(guide)
        region.allow_placing(person, at)
        region.send(guide, region.placing(person, at)).expect(202)
        asker = Asker(Oin(at), region.parties[at].system)
        pages = at_once(*(lambda h=h, a=asker: h.mailbox.fetch(a, 0, 9, 0) for h in (region.hub, second)))
        assert [[event["sequence"] for event in page.events] for page in pages] == [["1"], ["1"]]


def test_a_part_that_is_confirmed_in_both_is_confirmed(region: Region, second: Hub) -> None:
    for _ in range(ROUNDS):
        person = region.candidate()
        region.place(person)
        terms = {"verstrekkers": [KRINGLOOP], "ontvangers": [ONTWIKKELBEDRIJF]}
        scope = {"doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
        form = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **terms, **scope).expect(201)
        who = Asker(Oin(KRINGLOOP), region.parties[KRINGLOOP].system)
        hubs = (region.hub, second)
        found = at_once(*(lambda h=h, i=form["id"], w=who: h.statements.confirm(w, i).status.value for h in hubs))
        assert found == ["gegeven", "gegeven"]


def test_one_bsn_registered_in_both_is_one_person(region: Region, second: Hub) -> None:
    given = Registration(Asker(Oin(GEMEENTE), region.parties[GEMEENTE].system), BSN, None, None)
    found = at_once(*(lambda h=h: h.candidates.register(given) for h in (region.hub, second)))
    assert found[0].ref == found[1].ref
    assert sorted(one.first for one in found) == [False, True]


def test_a_mailbox_is_waited_for_before_any_row_is_held(region: Region) -> None:
    """Counters are among the locks that are taken first: later, in the order of work, two would deadlock."""
    region.place(region.candidate())
    engine = region.core.engine
    with engine.connect() as holder, holder.begin():
        take(holder, Locks(exclusive=frozenset({counter(KRINGLOOP)})))
        given = Acknowledgement(Asker(Oin(KRINGLOOP), region.parties[KRINGLOOP].system), through=1)
        waiting = Thread(target=region.hub.mailbox.acknowledge, args=(given,))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        row = text("SELECT 1 FROM mailbox WHERE organisation = :o FOR UPDATE NOWAIT")
        assert holder.execute(row, {"o": KRINGLOOP}).scalar() == 1
    waiting.join(10)
    assert not waiting.is_alive()


def test_the_log_is_waited_for_before_the_sequencer_is_held(region: Region) -> None:
    region.wait_signed()
    with region.core.engine.connect() as holder, holder.begin():
        take(holder, Locks(exclusive=frozenset({LOG})))
        registering = Thread(target=region.register, args=(GEMEENTE,), kwargs={"bsn": BSN})
        registering.start()
        registering.join(0.5)
        found = holder.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SEQUENCER_LOCK}).scalar()
        assert found is True
        assert holder.execute(text("SELECT count(*) FROM ledger_pending")).scalar_one() > 0  # it waits for the lock
    registering.join(10)
    region.wait_signed()
