"""A full disk: 503, nothing half done, and all goes on as soon as there is room.

SQLite is told that its file may not grow (``max_page_count``). PostgreSQL's tables lie on a small disk that is full,
and in the hardest case its write-ahead log too: then the server itself ends, and begins anew or is started again by an
operator. The data folder of the hub, with the signer's memory, lies on such a disk in a test of its own.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from consent.log.tables import ledger_entry, ledger_pending
from consent.verify import verifier
from consent.verify.rows import check_rows, settled, table_fetch
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.tables import delivery, message, message_key
from tests.partners import BATCH, Answer, Person
from tests.region import Region
from tests.servers import PostgresServer, Watchdog, wait_until
from tests.small_disk import SmallDisk

#: Withdrawals that are tried: more than fit into the pages that are half full when the disk is.
WITHDRAWALS = 12
#: People about whom is written where their number does not matter.
FEW = 2
#: Messages after which the disk must be full.
MOST = 3_000
#: Messages that are tried after the first that did not fit.
TRIES = 30
#: More entries than a tree has room for in the pages that it has.
QUEUED = 600
_UNLIMITED = 1_073_741_823  # SQLite's own most


class Place:
    """Where a region lies, and how to take its room and give it back."""

    region: Region

    def fill(self) -> None:
        """From now on nothing more fits."""
        raise NotImplementedError

    def free(self) -> None:
        """There is room again, and whoever has to starts what ended."""
        raise NotImplementedError

    def close(self) -> None:
        self.region.stop()


class PagesOfSqlite(Place):
    """The database may take no page more than it has."""

    def __init__(self, folder: Path, _: Watchdog) -> None:
        self.region = Region(folder / "hub")
        self._most = _UNLIMITED
        event.listen(self.region.core.engine, "checkout", self._limit)

    def _limit(self, connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {self._most}").close()

    def fill(self) -> None:
        with reading(self.region.core.engine) as connection:
            self._most = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def free(self) -> None:
        self._most = _UNLIMITED


class DiskOfPostgres(Place):
    """The cluster on a disk that is full; its write-ahead log elsewhere."""

    log_elsewhere = True

    def __init__(self, folder: Path, watchdog: Watchdog) -> None:
        account = "postgres" if os.geteuid() == 0 else None
        self._disk = SmallDisk(watchdog, 96, account)
        self._disks = [self._disk]
        small = {"min_wal_size": "2MB", "max_wal_size": "8MB"}
        initdb = ["--wal-segsize=1"]
        if self.log_elsewhere:
            self._disks.append(SmallDisk(watchdog, 256, account))
            initdb.append(f"--waldir={self._disks[1].path / 'wal'}")
        self._server = PostgresServer(watchdog, self._disk.path / "data", initdb, small)
        self._server.start()
        self.region = Region(folder / "hub", self._server.url_for(self._server.create()))

    def fill(self) -> None:
        self._disk.fill()

    def free(self) -> None:
        self._disk.free()
        if not self._server.ready():
            self._server.stop()
            self._server.start()
        # The cluster may have fallen and come back: whoever looks at the keys next would find a connection of before.
        self.region.core.key_store._engine.dispose()

    def close(self) -> None:
        super().close()
        self._server.stop()
        for disk in self._disks:
            disk.close()


class WholeDiskOfPostgres(DiskOfPostgres):
    """The cluster with its write-ahead log on a disk that is full: it cannot even note what it wants to do."""

    log_elsewhere = False


PLACES = [PagesOfSqlite, DiskOfPostgres, WholeDiskOfPostgres]


@dataclass
class Scene:
    """People about whom ``at`` may report to ``guide``, each on an own statement, and what was answered."""

    place: Place
    guide: str
    at: str
    people: list[tuple[Person, str]] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def region(self) -> Region:
        return self.place.region

    def meet(self, number: int) -> None:
        """So many people are placed, each with a statement."""
        self.people += [self.region.reporting(self.guide, self.at) for _ in range(number)]

    def send(self, number: int) -> Answer:
        """One report, about one after the other; what was answered is remembered."""
        person = self.people[number % len(self.people)][0]
        told = self.region.report(person, self.at, number)
        answer = self.region.send(self.at, told)
        if answer.status == 202:
            self.accepted.append(told["id"])
        else:
            assert (answer.status, answer.code) == (503, "LOG_NIET_BESCHIKBAAR")
            assert int(answer.headers["retry-after"]) > 0
            self.refused.append(told)
        return answer

    def send_until_full(self) -> None:
        for number in range(MOST):
            if self.send(number).status == 503:
                break
        else:
            raise AssertionError("the disk is not full")
        # On PostgreSQL each refused try leaves dead rows: after some of them no table has a gap left in its pages.
        for number in range(TRIES):
            self.send(number)

    def withdraw(self, statement: str) -> Answer:
        path = f"/v1/toestemmingen/{statement}/intrekking"
        return self.region.call(self.at, "POST", path, {"gegevenDoor": "betrokkene"})

    def reports(self) -> list[int]:
        """How many messages of ``at`` there are, how many of their identities, and how many of their deliveries."""
        with reading(self.region.core.engine) as connection:
            tables = (message, message_key, delivery)
            where = [select(func.count()).select_from(t).where(t.c.organisation == self.at) for t in tables]
            return [connection.scalar(one) or 0 for one in where]

    def status(self, statement: str) -> str:
        return str(self.region.call(self.at, "GET", f"/v1/toestemmingen/{statement}").expect(200)["status"])


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__)
def scene(request: pytest.FixtureRequest, tmp_path: Path, watchdog: Watchdog) -> Iterator[Scene]:
    with capture_logs():  # every refusal is told with its places; the console's own drawing of them takes a second each
        place = request.param(tmp_path, watchdog)
        yield Scene(place, *place.region.pair())
        place.close()


def _go_on(scene: Scene) -> None:
    """There is room again; returns when the hub takes messages."""
    scene.place.free()
    wait_until(lambda: scene.send(len(scene.accepted)).status == 202, 60, "the hub does not come back")


def _whole(region: Region) -> None:
    """Everything is in the tree, signed, and opens: as ``hub ledger verify --db`` looks."""
    region.wait_signed()
    keys = region.core.keyring.log_keys().verifiers(region.hub.log_origin)
    with snapshot(region.core.engine) as connection, settled(connection):
        report = verifier.verify_log(table_fetch(connection), keys)
        report.merge(check_rows(connection, keys))
        report.merge(check(connection, region.core.key_store)[0])
        assert report.findings == []
        assert connection.scalar(select(func.count()).select_from(ledger_pending)) == 0
        entries = connection.scalar(select(func.count()).select_from(ledger_entry))
        assert report.head is not None and report.head.size == entries


def test_an_accept_is_refused_whole_and_taken_when_there_is_room(scene: Scene) -> None:
    region = scene.region
    scene.meet(FEW)
    assert [scene.send(number).status for number in range(3)] == [202] * 3  # the control: with room it is taken
    scene.place.fill()
    scene.send_until_full()
    batch = [region.report(scene.people[0][0], scene.at, number) for number in range(3)]
    answer = region.call(scene.at, "POST", "/v1/berichten", batch, BATCH)
    assert answer.status in (202, 503)
    if answer.status == 202:  # each on its own merits
        scene.accepted += [one["id"] for one in answer.json["resultaten"] if one["status"] == "aanvaard"]
    _go_on(scene)
    count = len(scene.accepted)
    assert scene.reports() == [count] * 3
    refused = scene.refused[0]
    again = region.send(scene.at, refused).expect(202)
    assert "herhaling" not in again  # its id was not taken
    given = [event["id"] for after in range(0, count + 1, 500) for event in region.fetch(scene.guide, after=after)]
    assert given == [*scene.accepted, refused["id"]]  # each that was answered with 202, once, in its order
    _whole(region)


def test_a_withdrawal_happens_whole_or_not_at_all(scene: Scene) -> None:
    region = scene.region
    scene.meet(WITHDRAWALS)
    scene.place.fill()
    scene.send_until_full()
    answers = {statement: scene.withdraw(statement) for _, statement in scene.people}
    assert {answer.status for answer in answers.values()} <= {200, 503}
    _go_on_with(scene, next(iter(answers)))
    for person, statement in scene.people[1:]:
        done = answers[statement].status == 200
        assert scene.status(statement) == ("ingetrokken" if done else "gegeven")
        sent = region.send(scene.at, region.report(person, scene.at))
        assert (sent.status, sent.code) == ((403, "GEEN_GRONDSLAG") if done else (202, None))
        assert done or scene.withdraw(statement).status == 200
    assert 503 in {answer.status for answer in answers.values()}
    _whole(region)


def _go_on_with(scene: Scene, statement: str) -> None:
    scene.place.free()
    wait_until(lambda: scene.withdraw(statement).status in (200, 409), 60, "the hub does not come back")


def test_the_sequencer_moves_all_or_nothing(scene: Scene) -> None:
    region = scene.region
    scene.meet(FEW)
    region.wait_signed()
    region.hub.log_keeper.stop()
    for number in range(0, QUEUED, 100):
        events = [region.report(scene.people[n % FEW][0], scene.at, n) for n in range(number, number + 100)]
        assert {one["status"] for one in region.send_batch(scene.at, events)} == {"aanvaard"}
    before = _tree(region)
    scene.place.fill()
    with pytest.raises(OperationalError):
        region.hub.log_keeper.keep_once()
    scene.place.free()
    wait_until(lambda: _tree(region) == before, 60, "the queue or the tree is not what it was")
    _whole(region)
    assert _tree(region) == (before[0] + before[1], 0)


def _tree(region: Region) -> tuple[int, int] | None:
    """Entries in the tree, and entries that wait; nothing while the database is away."""
    try:
        with reading(region.core.engine) as connection:
            tables = (ledger_entry, ledger_pending)
            placed, queued = [connection.scalar(select(func.count()).select_from(one)) or 0 for one in tables]
            return placed, queued
    except OperationalError:
        return None


def test_the_signer_waits_for_room_and_the_hub_says_so(postgres_url: str, watchdog: Watchdog) -> None:
    """The database has room, the signer's memory has none: all is taken and in the tree, and nothing is signed."""
    disk = SmallDisk(watchdog, 2)
    region = Region(disk.path / "hub", postgres_url)
    try:
        _sign_without_room(region, disk)
    finally:
        region.stop()
        disk.close()


def _sign_without_room(region: Region, disk: SmallDisk) -> None:
    state = region.settings.data_dir / "signer.state"
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    region.wait_signed()
    signed, note = state.read_text(), _checkpoint(region)
    disk.fill()
    sent = region.send(at, region.report(person, at)).expect(202)["ontvangstbewijs"]
    wait_until(lambda: not region.hub.log_keeper.alive(), 30, "it does not say so")  # after some seconds, not at once
    assert region.request("GET", "/health/ready", None, {}).json["nietGereed"] == ["logboek"]
    assert (state.read_text(), _checkpoint(region)) == (signed, note)  # nothing is shown that the memory does not hold
    assert region.call(at, "GET", f"/v1/berichten/{sent['berichtId']}/bewijs").status == 404
    disk.free()
    wait_until(region.hub.log_keeper.alive, 30, "it does not go on")
    region.wait_signed()
    assert state.read_text() == _checkpoint(region) != note
    assert region.call(at, "GET", f"/v1/berichten/{sent['berichtId']}/bewijs").status == 200
    _whole(region)


def _checkpoint(region: Region) -> str:
    return region.request("GET", "/bewijslogboek/checkpoint", None, {}).body.decode()
