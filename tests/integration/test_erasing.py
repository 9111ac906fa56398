"""Destroying keys in the right order: a crash at any point loses nothing, revives nobody, and is seen until mended.

The act that partners call (``POST …/wissing``) is tested in test_wissing.py; here its mechanism.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, Table, delete, select, update

from consent.keys import content_key, evidence_key
from consent.log.tables import ledger_payload
from consent.store.tables import person as person_table
from contracts.identity import Oin, PersonId
from hub.administration import installation
from hub.delivery.states import State
from hub.keys.erasure_list import ErasureList, content_of
from hub.keys.messages import body_aad
from hub.keys.sealing import seal, unseal
from hub.ledger.evidence import Fact
from hub.ledger.replay.check import check
from hub.ledger.replay.entries import entries
from hub.rights.erasure import destroying
from hub.rights.erasure.destroying import Finisher
from hub.store.database import reading, snapshot
from hub.store.locks import Locks
from hub.store.persons import erasures
from hub.store.tables import delivery, erasure, local_number, message, message_key, person_bsn, person_ref
from hub.store.writer import single
from tests.erasing import begin, erase, who
from tests.partners import Person
from tests.region import PortFailed, Region, region_on
from tests.unit.delivery.world import wait_until


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("wissen")) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """Somebody about whom ``at`` reported to ``guide``: one report was given, one waits."""

    region: Region
    person: Person
    at: str
    handle: PersonId
    given: str
    waiting: str
    statement: str

    @property
    def guide(self) -> str:
        return self.person.guide

    @property
    def key(self) -> str:
        return content_key(self.handle, Oin(self.at))

    def state(self, message_id: str) -> str:
        with reading(self.region.core.engine) as connection:
            return str(connection.scalars(select(delivery.c.state).where(delivery.c.message_id == message_id)).one())

    def alive(self) -> bool:
        return bool(self.region.core.key_store.find([self.key]))

    def done(self) -> bool:
        with reading(self.region.core.engine) as connection:
            mine = erasure.c.person_id == self.handle
            return all(at is not None for at in connection.scalars(select(erasure.c.done_at).where(mine)))

    def listed(self) -> set[str]:
        return set(ErasureList(installation.erasures(self.region.settings)).read())


@pytest.fixture
def case(region: Region) -> Case:
    return make(region)


def make(region: Region) -> Case:
    guide, at = region.pair()
    person, statement = region.reporting(guide, at)
    given = region.send(at, region.report(person, at)).expect(202)["ontvangstbewijs"]["berichtId"]
    region.collect(guide)
    waiting = region.send(at, region.report(person, at, 2)).expect(202)["ontvangstbewijs"]["berichtId"]
    return Case(region, person, at, who(region, person.refs[at]), given, waiting, statement)


def findings(region: Region) -> list[tuple[str, str]]:
    with snapshot(region.core.engine) as connection:
        return [(one.place, one.reason) for one in check(connection, region.core.key_store)[0].findings]


# -- the order of the steps -------------------------------------------------------------------------------------------
@contextmanager
def unwritable(region: Region) -> Iterator[None]:
    """The erasure list cannot be written: a folder stands where it should be."""
    path = installation.erasures(region.settings)
    aside = path.with_name("aside")
    if path.exists():
        path.rename(aside)
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()
        if aside.exists():
            aside.rename(path)


@contextmanager
def failing(region: Region, port: str, when: str) -> Iterator[None]:
    region.faults.arm(port, when)
    yield
    assert region.faults.tripped(port, when)
    region.faults.disarm()


@contextmanager
def rolled_back(verb: str) -> Iterator[None]:
    """The transaction of this verb ends without a commit."""
    with patch.object(erasures, verb, side_effect=PortFailed):
        yield


CRASHES: dict[str, tuple[Callable[[Region], Any], type[Exception], bool, bool]] = {
    # where it ends: (how, what is raised, whether the list names it by then, whether the key is still there)
    "the list cannot be written": (unwritable, OSError, False, True),
    "before the key": (lambda region: failing(region, "keys.destroy", "before"), PortFailed, True, True),
    "after the key": (lambda region: failing(region, "keys.destroy", "after"), PortFailed, True, False),
    "before the mark": (lambda region: rolled_back("finish"), PortFailed, True, False),
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_between_two_steps_is_seen_and_mended_at_the_next_start(case: Case, name: str) -> None:
    region = case.region
    crash, error, listed, alive = CRASHES[name]
    row = begin(region, case.handle, case.at)
    assert case.alive() and case.key not in case.listed()  # a crash right behind the commit
    assert [place for place, _ in findings(region)] == [f"erasure {row.erasure_id}"]
    with crash(region), pytest.raises(error):
        region.hub.erasures.tools.eraser.finish()
    assert (case.key in case.listed(), case.alive()) == (listed, alive)
    assert [reason for _, reason in findings(region)] == [
        "deze wissing is niet afgemaakt: er kunnen nog sleutels zijn. Start de hub"
    ]
    assert not case.done() and case.state(case.waiting) == "gewist"
    started = Finisher(region.hub.erasures.tools.eraser)
    started.start()
    wait_until(case.done)
    started.stop()
    assert not case.alive() and case.key in case.listed()
    assert findings(region) == []


def test_what_fails_at_the_start_stops_nothing_and_is_tried_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    remember = destroying.remember

    def counted(*arguments: Any) -> None:
        tried.append(arguments)
        remember(*arguments)

    monkeypatch.setattr(destroying, "INTERVAL", 0.05)
    monkeypatch.setattr(destroying, "remember", counted)
    begin(case.region, case.handle, case.at)
    started = Finisher(case.region.hub.erasures.tools.eraser)
    with unwritable(case.region):
        started.start()
        wait_until(lambda: bool(tried), 20)
        assert not case.done() and case.alive()
    wait_until(case.done, 20)
    started.stop()
    assert not case.alive()


class _Stopped(threading.Event):
    """Has the finisher stopped just as it takes note of the last word, before it looks at what is left."""

    finisher: Finisher
    stopping: threading.Thread | None = None

    def clear(self) -> None:
        if self.stopping is None:
            super().clear()
            stopping = threading.Thread(target=self.finisher.stop, daemon=True)
            stopping.start()
            self.stopping = stopping
            self.wait()
        super().clear()


def test_a_stop_is_heard_whenever_it_comes(region: Region) -> None:
    left = _Stopped()
    left.finisher = Finisher(replace(region.hub.erasures.tools.eraser, left=left))
    left.finisher.start()
    wait_until(lambda: left.stopping is not None, 20)
    assert left.stopping is not None
    left.stopping.join(20)
    assert not left.stopping.is_alive()


def test_a_commit_that_fails_erases_nothing(case: Case) -> None:
    with rolled_back("find"), pytest.raises(PortFailed):
        begin(case.region, case.handle, case.at)
    case.region.hub.erasures.tools.eraser.finish()
    assert case.alive() and case.key not in case.listed() and case.state(case.waiting) == "wachtend"
    assert len(case.region.collect(case.guide)) == 1


def test_finishing_twice_changes_nothing(case: Case) -> None:
    row = erase(case.region, case.handle, case.at)
    size = installation.erasures(case.region.settings).stat().st_size
    threads = [threading.Thread(target=case.region.hub.erasures.tools.eraser.finish) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert installation.erasures(case.region.settings).stat().st_size == size
    assert (row.messages, row.keys) == (2, 1) and findings(case.region) == []


# -- what goes and what stays -----------------------------------------------------------------------------------------
def test_the_content_of_one_organisation_goes_and_nothing_else(case: Case) -> None:
    region = case.region
    region.call(case.at, "PUT", f"/v1/kandidaten/{case.person.refs[case.at]}/lokaal-nummer", {"lokaalNummer": "K-7"})
    erase(region, case.handle, case.at)
    with reading(region.core.engine) as connection:
        rows = connection.execute(select(message).where(message.c.person_id == case.handle)).all()
        mine = message_key.c.message_id.in_([row.message_id for row in rows])
        keys = connection.execute(select(message_key).where(mine)).all()
        digests = {key.message_id: key.digest for key in keys}
        numbers = connection.scalars(select(local_number.c.organisation).where(local_number.c.person_id == case.handle))
        assert list(numbers) == []
    gone = [row for row in rows if row.organisation == case.at]
    kept = [row for row in rows if row.organisation == case.guide]
    assert len(gone) == 2 and all((row.body, row.receipt, digests[row.message_id]) == (b"", b"", None) for row in gone)
    assert kept and all(row.body and row.receipt and digests[row.message_id] for row in kept)
    assert case.state(case.given) == case.state(case.waiting) == State.ERASED
    assert findings(region) == []
    unknown = region.send(case.at, region.report(case.person, case.at, 3))
    assert (unknown.status, unknown.code) == (403, "GEEN_GRONDSLAG")
    region.send(case.guide, region.placing(case.person, case.at)).expect(202)  # the guide's own ref still names it


def test_evidence_that_goes_is_named_also_what_was_logged_in_between(case: Case) -> None:
    region = case.region
    begin(region, case.handle, evidence=True)

    def log(tx: Any) -> None:
        fact = Fact(case.handle, {"soort": "proef", "op": "2026-11-26T00:00:00.000Z"})
        region.core.evidence.append(tx.connection, [fact])

    single(region.core.transactions, log, Locks(shared=frozenset({case.handle})))
    region.hub.erasures.tools.eraser.finish()
    name = evidence_key(case.handle)
    assert region.core.key_store.find([name, case.key]) == {} and case.handle in case.listed()
    with snapshot(region.core.engine) as connection:
        sealed = connection.scalars(select(ledger_payload.c.entry_id).where(ledger_payload.c.key_id == name)).all()
        opened = [e.payload for e in entries(connection, region.core.key_store) if e.payload is not None]
    told = [said["aantal"] for said in opened if said["soort"] == "vernietiging"]
    assert told[-2:] == [len(sealed) - 1, len(sealed)]
    assert findings(region) == []


def test_a_person_as_a_whole_goes_and_the_evidence_stays(case: Case) -> None:
    region = case.region
    erase(region, case.handle)
    assert case.listed() >= {content_of(case.handle)}
    assert region.core.key_store.find(region.core.key_store.of_persons([case.handle])).keys() == {
        evidence_key(case.handle)
    }
    for organisation, ref in case.person.refs.items():
        assert region.call(organisation, "POST", f"/v1/kandidaten/{ref}/stopverzoek").status == 404
    assert findings(region) == []


# -- notices ----------------------------------------------------------------------------------------------------------
def test_a_notice_that_waits_goes_out_after_the_erasure_of_its_verstrekker(case: Case) -> None:
    case.region.withdraw(case.at, case.statement)
    erase(case.region, case.handle, case.at)
    (notice,) = case.region.collect(case.guide)
    assert notice["type"].endswith("grondslag.vervallen.v1") and len(notice["data"]["berichten"]) == 1
    answer = {"antwoord": "verwijderd"}
    path = f"/v1/zaken/{notice['data']['zaakId']}/antwoord"
    assert case.region.call(case.guide, "POST", path, answer).expect(200)["antwoord"] == "verwijderd"
    assert findings(case.region) == []


@pytest.mark.parametrize("begun", [True, False])
def test_a_notice_of_an_earlier_release_lay_under_the_content_key(case: Case, *, begun: bool) -> None:
    """Those made before notices lay under the evidence key: they are read, and put under it before their key goes."""
    region = case.region
    region.withdraw(case.at, case.statement)
    keys = region.core.key_store.find([case.key, evidence_key(case.handle)])
    with region.core.engine.begin() as connection:
        row = connection.execute(
            select(message).where(message.c.case_id.is_not(None)).order_by(message.c.seq.desc())
        ).first()
        assert row is not None
        plain = unseal(keys[evidence_key(case.handle)], row.body, body_aad(row.message_id))
        old = seal(keys[case.key], plain, body_aad(row.message_id), region.core.random)
        receipt = seal(keys[case.key], b"{}", f"ontvangstbewijs/{row.message_id}".encode(), region.core.random)
        same = message.c.message_id == row.message_id
        connection.execute(update(message).where(same).values(body=old, receipt=receipt))
    if begun:
        erase(region, case.handle, case.at)
    else:  # the control: its key went by another way, so nothing is left of it
        region.core.key_store.destroy([case.key], region.clock.now())
    found = [event["type"].rpartition(".v1")[0].rpartition("hub.")[2] for event in region.collect(case.guide)]
    assert found == (["grondslag.vervallen"] if begun else [])


def test_a_withdrawal_after_the_erasure_still_tells_its_receivers(case: Case) -> None:
    """The person may withdraw what is left: of the erased messages the receiver is told by their ids."""
    erase(case.region, case.handle, case.at)
    part = case.region.call(
        case.guide, "POST", f"/v1/toestemmingen/{case.statement}/intrekking", {"gegevenDoor": "betrokkene"}
    ).expect(200)
    assert part["kennisgevingen"] == 1 and len(part["verstrekt"]) == 1
    (notice,) = case.region.collect(case.guide)
    assert notice["subject"] == case.person.refs[case.guide]


# -- who waits for whom -----------------------------------------------------------------------------------------------
def test_an_erasure_waits_for_the_release_at_hand_and_the_next_finds_nothing(case: Case) -> None:
    """While a release holds the person's lock nothing is erased; what it frees was there; behind it nothing is."""
    region, held, go = case.region, threading.Event(), threading.Event()
    erased: list[Any] = []

    def release() -> None:
        with region.core.transactions.open(Locks(shared=frozenset({case.handle}))):
            held.set()
            go.wait(20)

    holder = threading.Thread(target=release)
    eraser = threading.Thread(target=lambda: erased.append(erase(region, case.handle, case.at)))
    holder.start()
    assert held.wait(10)
    eraser.start()
    eraser.join(0.4)
    assert eraser.is_alive() and not erased and case.alive()
    go.set()
    holder.join()
    eraser.join(20)
    assert erased and not case.alive()
    assert region.collect(case.guide) == []


# -- the replay -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def erased_region(region: Region) -> tuple[Case, Case, Case]:
    """One whose content went, one who went as a whole, one of whom nothing went."""
    gone, whole, kept = make(region), make(region), make(region)
    erase(region, gone.handle, gone.at)
    erase(region, whole.handle)
    region.hub.erasures.tools.eraser.finish()
    return gone, whole, kept


def _change(table: Table, where: Any, **values: Any) -> Callable[[Connection], int]:
    return lambda connection: connection.execute(update(table).where(where).values(**values)).rowcount


TAMPERED: dict[str, Callable[[Case, Case, Case], Callable[[Connection], int]]] = {
    "a ref that names somebody again": lambda gone, whole, kept: _change(
        person_ref, person_ref.c.ref == gone.person.refs[gone.at], erased_at=None
    ),
    "a ref that names nobody": lambda gone, whole, kept: _change(
        person_ref, person_ref.c.ref == kept.person.refs[kept.at], erased_at=kept.region.clock.now()
    ),
    "another instant": lambda gone, whole, kept: _change(
        person_ref, person_ref.c.ref == gone.person.refs[gone.at], erased_at=gone.region.clock.now() + timedelta(1)
    ),
    "a person who is back": lambda gone, whole, kept: _change(
        person_table, person_table.c.person_id == whole.handle, erased_at=None
    ),
    "a person who is gone": lambda gone, whole, kept: _change(
        person_table, person_table.c.person_id == kept.handle, erased_at=kept.region.clock.now()
    ),
    "a body that came back": lambda gone, whole, kept: _change(
        message, message.c.message_id == gone.given, body=b"x" * 40
    ),
    "a body of one who went as a whole": lambda gone, whole, kept: _change(
        message, message.c.message_id == whole.given, receipt=b"x" * 40
    ),
    "a BSN index that came back": lambda gone, whole, kept: _change(
        message, message.c.message_id == gone.given, bsn_index=b"x" * 32
    ),
    "a digest that came back": lambda gone, whole, kept: _change(
        message_key, message_key.c.message_id == gone.given, digest=b"x" * 32
    ),
    "a body that is gone": lambda gone, whole, kept: _change(
        message, message.c.message_id == kept.given, body=b"", receipt=b""
    ),
    "a digest that is gone": lambda gone, whole, kept: _change(
        message_key, message_key.c.message_id == kept.given, digest=None
    ),
    "a delivery that waits again": lambda gone, whole, kept: _change(
        delivery, delivery.c.message_id == gone.waiting, state="wachtend"
    ),
    "a delivery that is gone": lambda gone, whole, kept: _change(
        delivery, delivery.c.message_id == kept.waiting, state="gewist"
    ),
    "no done mark": lambda gone, whole, kept: _change(erasure, erasure.c.person_id == gone.handle, done_at=None),
    "fewer messages": lambda gone, whole, kept: _change(erasure, erasure.c.person_id == gone.handle, messages=1),
    "another reason": lambda gone, whole, kept: _change(erasure, erasure.c.person_id == gone.handle, reason="anders"),
    "another organisation": lambda gone, whole, kept: _change(
        erasure, erasure.c.person_id == gone.handle, organisation=gone.guide
    ),
    "another person": lambda gone, whole, kept: _change(
        erasure, erasure.c.person_id == gone.handle, persons=[kept.handle]
    ),
    "no row of the erasure": lambda gone, whole, kept: (
        lambda connection: connection.execute(delete(erasure).where(erasure.c.person_id == gone.handle)).rowcount
    ),
    "no payload of the person": lambda gone, whole, kept: (
        lambda connection: (
            connection.execute(
                delete(ledger_payload).where(ledger_payload.c.key_id == evidence_key(gone.handle))
            ).rowcount
        )
    ),
    "no message": lambda gone, whole, kept: (
        lambda connection: connection.execute(delete(message).where(message.c.message_id == gone.given)).rowcount
    ),
    "no identity of a message": lambda gone, whole, kept: (
        lambda connection: (
            connection.execute(delete(message_key).where(message_key.c.message_id == kept.given)).rowcount
        )
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_done_by_hand_is_found(region: Region, erased_region: tuple[Case, Case, Case], name: str) -> None:
    keys = region.core.key_store
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        before = {(one.place, one.reason) for one in check(connection, keys)[0].findings}
        assert TAMPERED[name](*erased_region)(connection) > 0
        after = {(one.place, one.reason) for one in check(connection, keys)[0].findings}
        attempt.rollback()
    assert after - before, f"nobody saw {name}"


def test_a_key_that_came_back_is_found_and_one_that_went_by_hand_too(
    region: Region, erased_region: tuple[Case, Case, Case]
) -> None:
    gone, _, kept = erased_region
    before = findings(region)

    class Other:
        """The key store with one key put back, and one destroyed without a word."""

        def find(self, ids: Any) -> dict[str, bytes]:
            wanted = set(ids)
            found = region.core.key_store.find(wanted)
            return {k: v for k, v in found.items() if k != kept.key} | (
                {gone.key: b"k" * 32} if gone.key in wanted else {}
            )

        def destroyed(self, ids: Any) -> set[str]:
            return region.core.key_store.destroyed(ids) | ({kept.key} & set(ids))

    with snapshot(region.core.engine) as connection:
        found = [(one.place, one.reason) for one in check(connection, Other())[0].findings]  # type: ignore[arg-type]
    fresh = {place: reason for place, reason in found if (place, reason) not in before}
    assert "de sleutel is er" in fresh[f"person_ref {gone.person.refs[gone.at]}"]
    assert "vernietigd" in fresh[f"person_ref {kept.person.refs[kept.at]}"]


def test_the_numbers_under_which_somebody_was_found_are_gone(region: Region) -> None:
    """Whoever holds the index key could try every BSN: so the index goes, too."""
    from tests.samples import BSN, GEMEENTE_2

    ref = region.register(GEMEENTE_2, bsn=BSN, lokaalNummer="G-1")
    handle = who(region, ref)
    with reading(region.core.engine) as connection:
        assert connection.execute(select(person_bsn).where(person_bsn.c.person_id == handle)).first() is not None
    erase(region, handle, GEMEENTE_2)
    with reading(region.core.engine) as connection:
        for table in (person_bsn, local_number):
            assert connection.execute(select(table).where(table.c.person_id == handle)).first() is None
    again = region.call(GEMEENTE_2, "POST", "/v1/kandidaten", {"bsn": BSN, "lokaalNummer": "G-1"})
    assert again.status == 201 and again.json["kandidaatRef"] != ref


def test_the_database_files_hold_nothing_of_it(tmp_path: Path) -> None:
    """SQLite: the sealed bytes, the indexes and the key are in no file of the hub any more, log files included."""
    region = Region(tmp_path / "hub")
    try:
        case = make(region)
        for part in (region.hub.log_keeper, region.hub.relay, region.hub.push):
            part.stop()
        path = f"/v1/kandidaten/{case.person.refs[case.at]}/lokaal-nummer"
        region.call(case.at, "PUT", path, {"lokaalNummer": "Z-99"}).expect(204)
        with reading(region.core.engine) as connection:
            number = connection.execute(select(local_number).where(local_number.c.person_id == case.handle)).one()
            sealed = connection.execute(select(message).where(message.c.message_id == case.given)).one()
        key = region.core.key_store.find([case.key])[case.key]
        traces = {"number": number.number_index, "sealed number": number.sealed, "body": sealed.body, "key": key}
        traces |= {"receipt": sealed.receipt}

        def found() -> set[str]:
            files = [path for path in (tmp_path / "hub").rglob("*") if path.is_file()]
            return {name for name, value in traces.items() for path in files if bytes(value) in path.read_bytes()}

        assert found() >= {"number", "sealed number", "body", "receipt"}  # the control
        erase(region, case.handle, case.at)
        assert found() == set()
    finally:
        region.stop()
