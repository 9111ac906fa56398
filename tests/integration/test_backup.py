"""Backup and restore on real databases: what comes back, who does not, and what the log may say afterwards."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import func, select

from consent.keys import content_key, evidence_key
from consent.log import reading as log
from consent.log.entry import commit
from consent.log.ledger import find
from consent.log.note import Checkpoint, open_checkpoint
from consent.log.signer import LogForked, Signer
from consent.log.tables import ledger_entry, ledger_payload
from consent.store.tables import person
from contracts import instants
from contracts.identity import Oin, PersonId
from hub import cli, wiring
from hub.administration import installation
from hub.administration.act import Act
from hub.administration.backup import durable, erased, manifest, place, restore, save, settle, stores
from hub.administration.backup.known import Named
from hub.administration.backup.manifest import BackupRefused, Part
from hub.administration.folder import FolderBusy, FolderLock
from hub.administration.installation import AlreadyThere, NotInitialised
from hub.core import Core, open_core
from hub.keys.erasure_list import ErasureList
from hub.keys.log_keys import LogKeyFiles
from hub.keys.sealing import unseal
from hub.ledger.replay.check import check, named
from hub.ledger.rotation import KeyRotation
from hub.machine.clock_guard import MARK
from hub.settings import Settings, load
from hub.store import installation as facts
from hub.store.database import open_engine, reading, snapshot
from hub.store.tables import message, person_ref
from hub.store.writer import Transactions
from tests.erasing import begin, erase
from tests.erasing import who as handle_of
from tests.live import ROOT, LiveRegion
from tests.officers import JOIN, SPLIT, both
from tests.region import Moved, Region, environment_for, settings_for
from tests.samples import ONTWIKKELBEDRIJF
from tests.servers import PostgresServer, Watchdog

OPERATOR = "Beheerder Een"


def quiet(_what: str, _done: int, _of: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class Place:
    """Where a test keeps its backups, and where it may restore to."""

    folder: Path
    new_url: Callable[[], str | None]

    @property
    def roots(self) -> dict[Part, Path]:
        return {Part.DATA: self.folder / "data-backups", Part.KEYS: self.folder / "key-backups"}

    def elsewhere(self, name: str = "restored") -> Settings:
        """Settings of a place where there is no hub yet."""
        return settings_for(self.folder / name, self.new_url(), 18080)

    def back_up(self, settings: Settings, clock: Any = None) -> save.Saved:
        return save.back_up(settings, self.roots, clock or Moved(), os.urandom, quiet)

    def put_back(self, settings: Settings, made: save.Saved, **named: Any) -> restore.Restored:
        tools = restore.Tools(settings, Moved(), os.urandom, quiet)
        known = {"nothing_taken": True} | named  # what is held otherwise: test_restore_withdrawn.py
        return restore.restore(tools, OPERATOR, made.data, made.keys, Named(**known))

    def finish_here(self, settings: Settings) -> restore.Restored:
        return restore.finish_here(restore.Tools(settings, Moved(), os.urandom, quiet), OPERATOR, Named())


def ran(settings: Settings, at: datetime) -> None:
    """Leave the mark of a hub that runs at ``at``: then a clock that says so is beyond doubt."""
    engine = open_engine(settings.database_url)
    with engine.begin() as connection:
        facts.write(connection, MARK, instants.write(at))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield Place(tmp_path, lambda: None)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    made: list[str] = []

    def new_url() -> str:
        made.append(server.create())
        return server.url_for(made[-1])

    yield Place(tmp_path, new_url)
    for name in made:
        server.drop(name)


@pytest.fixture
def region(where: Place) -> Iterator[Region]:
    """A running region with one message that was given and one that waits."""
    made = Region(where.folder / "hub", where.new_url())
    somebody(made)
    made.wait_signed()
    yield made
    made.stop()


@dataclass(frozen=True)
class Somebody:
    """A person with a message that was given to the ontwikkelbedrijf."""

    handle: PersonId
    at: Oin
    message_id: str
    event: dict[str, Any]
    guide: Oin


def somebody(region: Region) -> Somebody:
    guide, at = region.pair()
    who, _ = region.reporting(guide, at)
    event = region.report(who, at)
    message_id = region.send(at, event).expect(202)["ontvangstbewijs"]["berichtId"]
    region.fetch(guide)
    with reading(region.core.engine) as connection:
        handle = connection.scalars(select(message.c.person_id).where(message.c.message_id == message_id)).one()
    return Somebody(PersonId(handle), Oin(at), message_id, event, Oin(guide))


@dataclass
class Opened:
    """A restored hub, looked at without letting it run."""

    core: Core

    def body(self, one: Somebody) -> bytes:
        """The body of a message, opened with the key that is there. Raises ``KeyError`` and ``SealBroken``."""
        name = content_key(one.handle, one.at)
        with reading(self.core.engine) as connection:
            sealed = connection.scalars(select(message.c.body).where(message.c.message_id == one.message_id)).one()
        return unseal(self.core.key_store.find([name])[name], bytes(sealed), f"bericht/{one.message_id}".encode())

    def entry(self, index: int) -> dict[str, Any]:
        """What an entry of the log says."""
        with reading(self.core.engine) as connection:
            entry_id = connection.scalars(select(ledger_entry.c.entry_id).where(ledger_entry.c.idx == index)).one()
            stored = find(connection, entry_id)
        assert stored is not None
        value: dict[str, Any] = json.loads(stored.open(self.core.key_store.find([stored.key_id])[stored.key_id]))
        return value

    def entries(self) -> list[str]:
        with reading(self.core.engine) as connection:
            return list(connection.scalars(select(ledger_entry.c.entry_id).order_by(ledger_entry.c.idx)))

    def note(self) -> str:
        return note_in(self.core)


@pytest.fixture
def opened() -> Iterator[Callable[[Settings], Opened]]:
    cores: list[Core] = []

    def open_(settings: Settings) -> Opened:
        cores.append(open_core(settings))
        return Opened(cores[-1])

    yield open_
    for core in cores:
        core.engine.dispose()
        core.key_store._engine.dispose()


Open = Callable[[Settings], Opened]


def note_of(region: Region) -> str:
    region.wait_signed()
    return note_in(region.core)


def note_in(core: Core) -> str:
    with reading(core.engine) as connection:
        return log.latest_note(connection) or ""


def head_of(note: str) -> Checkpoint:
    return Checkpoint.parse(note.rpartition("\n\n")[0] + "\n")


# -- making a backup --------------------------------------------------------------------------------------------------
def test_data_and_keys_lie_apart(where: Place, region: Region) -> None:
    made = where.back_up(region.settings)
    data = {path.name for path in made.data.rglob("*")}
    keys = {path.name for path in made.keys.rglob("*")}
    assert data in ({"hub.db", "manifest.json"}, {"hub.pgdump", "manifest.json"})
    assert {"master.key", "log.key", "signer.state", "manifest.json"} < keys
    master = region.settings.master_key.read_bytes()
    ring = region.core.keyring
    for path in (path for path in made.data.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        assert master not in raw and ring.index not in raw and b"person_key" not in raw, path.name
    assert any(master in path.read_bytes() for path in made.keys.rglob("*") if path.is_file())  # the control
    modes = {path.stat().st_mode & 0o077 for root in (made.data, made.keys) for path in (root, *root.rglob("*"))}
    assert modes == {0}


@pytest.mark.parametrize(("data", "keys"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "c/../a")])
def test_one_folder_for_both_is_refused(tmp_path: Path, data: str, keys: str) -> None:
    settings = settings_for(tmp_path / "hub", None, 18080)
    installation.initialise(settings, Moved(), os.urandom)
    roots = {Part.DATA: tmp_path / data, Part.KEYS: tmp_path / keys}
    with pytest.raises(BackupRefused, match="twee mappen"):
        save.back_up(settings, roots, Moved(), os.urandom, quiet)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("data", "keys"), [("hub/a", "b"), ("a", "hub/keys"), ("hub", "b")])
def test_a_folder_of_the_hub_itself_is_refused(tmp_path: Path, data: str, keys: str) -> None:
    """It would be lost with what it is a copy of."""
    settings = settings_for(tmp_path / "hub", None, 18080)
    installation.initialise(settings, Moved(), os.urandom)
    before = sorted(tmp_path.rglob("*"))
    roots = {Part.DATA: tmp_path / data, Part.KEYS: tmp_path / keys}
    with pytest.raises(BackupRefused, match="map van de hub"):
        save.back_up(settings, roots, Moved(), os.urandom, quiet)
    assert sorted(tmp_path.rglob("*")) == before


def test_parts_of_more_than_30_days_are_cleaned_up_and_nothing_else(tmp_path: Path) -> None:
    """Keys that were destroyed and content that lapsed live on in them."""
    settings, where = settings_for(tmp_path / "hub", None, 18080), Place(tmp_path, lambda: None)
    clock = Moved()
    clock.frozen = start = datetime(2026, 11, 1, 12, tzinfo=UTC)
    installation.initialise(settings, clock, os.urandom)
    first = where.back_up(settings, clock)
    kept = replace(first, data=shutil.copytree(first.data, tmp_path / "kept"))
    clock.frozen = start + timedelta(days=20)
    second = where.back_up(settings, clock)
    broken = where.roots[Part.KEYS] / "20261002T120000Z-00000000"  # older, and its manifest is gone
    broken.mkdir()
    (broken / "keys.db").write_bytes(b"keys")
    (where.roots[Part.KEYS] / "vakantie.jpg").write_bytes(b"")
    for root in where.roots.values():
        left = root / ".20261102T120000Z-00000000.new"  # of a run that was cut off
        left.mkdir()
        os.utime(left, (0, 0))
    clock.frozen = start + timedelta(days=30)
    ran(settings, clock.frozen)
    third = where.back_up(settings, clock)
    assert first.keys.exists() and first.data.exists()  # 30 days is not more than 30
    assert third.cleaned.removed == {broken.name, left.name}
    clock.frozen = start + timedelta(days=30, seconds=1)
    fourth = where.back_up(settings, clock)
    assert fourth.cleaned.removed == {first.backup} and fourth.cleaned.unknown == {"vakantie.jpg"}
    assert not any(path.name.startswith(".") for root in where.roots.values() for path in root.iterdir())
    assert not first.keys.exists() and not first.data.exists()
    assert all(made.keys.exists() and made.data.exists() for made in (second, third, fourth))
    with pytest.raises(BackupRefused, match="geen backup"):
        where.put_back(where.elsewhere(), kept)  # what was erased meanwhile can be read from no backup any more


def test_data_that_is_no_whole_backup_of_this_hub_is_left_and_named(tmp_path: Path) -> None:
    """Nobody here knows what it is, so nobody here throws it away; the operator is told that it lies there."""
    where, clock = Place(tmp_path, lambda: None), Moved()
    clock.frozen = start = datetime(2026, 11, 1, 12, tzinfo=UTC)
    settings = [settings_for(tmp_path / name, None, 18080) for name in ("hub", "other")]
    for each in settings:
        installation.initialise(each, clock, os.urandom)
        clock.frozen += timedelta(seconds=1)  # tells the two hubs apart
    (mine, other), root = [where.back_up(each, clock) for each in settings], where.roots[Part.DATA]
    broken, elsewhere = root / "20261001T120000Z-00000000", tmp_path / "elsewhere" / "20261001T120000Z-00000001"
    shutil.copytree(mine.data, broken)
    (broken / "manifest.json").unlink()
    shutil.copytree(mine.data, elsewhere)
    (root / elsewhere.name).symlink_to(elsewhere)
    (root / "vakantie.jpg").write_bytes(b"")
    clock.frozen = start + timedelta(days=40)
    ran(settings[0], clock.frozen)
    made = where.back_up(settings[0], clock)
    left = {other.backup, broken.name, elsewhere.name, "vakantie.jpg"}
    assert {path.name for path in root.iterdir()} == left | {made.backup} and made.cleaned.unknown == left
    assert not mine.data.exists() and (elsewhere / "manifest.json").exists()


def test_beside_a_running_hub_its_mark_tells_what_time_it_is(where: Place, region: Region) -> None:
    """What is thrown away by that: test_backup_cleaning.py."""
    assert where.back_up(region.settings).settled
    wrong = Moved()
    wrong.frozen = wrong.now() + timedelta(hours=2)
    assert not where.back_up(region.settings, wrong).settled


def test_a_backup_that_fails_leaves_nothing(where: Place, region: Region) -> None:
    with (
        patch.object(save, "_copy_keys", side_effect=OSError(28, "No space left on device")),
        pytest.raises(OSError, match="No space"),
    ):
        where.back_up(region.settings)
    assert [list(root.iterdir()) for root in where.roots.values()] == [[], []]


def test_a_master_key_that_is_replaced_meanwhile_is_seen(where: Place, region: Region) -> None:
    """Data and keys of two master keys are no backup; without the look it would be found at the restore, too late."""
    real = stores.Store.dump

    def dump(self: stores.Store, folder: Path, told: stores.Told) -> None:
        real(self, folder, told)
        if self.part is Part.KEYS:
            region.core.key_store.rewrap(b"\x01" * 32)

    with patch.object(stores.Store, "dump", dump), pytest.raises(BackupRefused, match="intussen vervangen"):
        where.back_up(region.settings)
    assert [list(root.iterdir()) for root in where.roots.values()] == [[], []]
    region.core.key_store.rewrap(region.core.keyring.master)


def test_without_the_programs_of_postgresql_the_line_that_mends_it_is_told(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = postgres_server.create()
    settings = settings_for(tmp_path / "hub", postgres_server.url_for(name), 18080)
    installation.initialise(settings, Moved(), os.urandom)
    monkeypatch.setattr(stores, "_PACKAGES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupRefused, match=r"sudo apt-get install --yes postgresql-client-\d+"):
        Place(tmp_path, lambda: None).back_up(settings)
    postgres_server.drop(name)


def test_a_backup_of_a_hub_that_runs_is_one_moment_and_holds_all_before_it(
    where: Place, watchdog: Watchdog, opened: Open, postgres_server: PostgresServer
) -> None:
    """The hub is a process of its own and takes messages all the while; what was answered before is in the backup."""
    live = LiveRegion(where.folder / "hub", watchdog, where.new_url())
    live.start()
    try:
        guide, at = live.pair()
        who, _ = live.reporting(guide, at)
        sent: list[str] = []
        stop = threading.Event()

        def send() -> None:
            while not stop.is_set():
                event = live.report(who, at, number=len(sent))
                sent.append(live.send(at, event).expect(202)["ontvangstbewijs"]["berichtId"])

        sender = threading.Thread(target=send)
        sender.start()
        while len(sent) < 20:
            stop.wait(0.05)
        before = list(sent)
        made = where.back_up(live.settings)
        while len(sent) < len(before) + 5:  # it went on meanwhile
            stop.wait(0.05)
        stop.set()
        sender.join()
        if not live.settings.on_postgresql:
            with pytest.raises(FolderBusy):
                where.put_back(live.settings, made)
        done = where.put_back(target := where.elsewhere(), made)
    finally:
        live.stop()
    assert done.report.exit_code == 0, done.report.as_text()
    hub = opened(target)
    with snapshot(hub.core.engine) as connection:
        there = list(connection.scalars(select(message.c.message_id).order_by(message.c.seq)))
        payloads, gone = check(connection, hub.core.key_store)
    assert set(before) <= set(there) and there[-len(before) :] != [] and gone == 0 and payloads.exit_code == 0
    assert [each for each in sent if each in there] == sent[: len([each for each in sent if each in there])]


# -- putting it back --------------------------------------------------------------------------------------------------
def test_what_was_not_continued_goes_on_under_its_origin(where: Place, region: Region, opened: Open) -> None:
    one = somebody(region)
    note = note_of(region)
    region.stop()
    made = where.back_up(region.settings)
    target = where.elsewhere()
    done = where.put_back(target, made, checkpoints=[installation.signer_state(region.settings)])
    assert done.outcome.old_origin is None and done.origin == head_of(note).origin and done.report.exit_code == 0
    hub = opened(target)
    assert json.loads(hub.body(one))["id"] == one.event["id"]
    verifiers = hub.core.keyring.log_keys().verifiers(done.origin)
    old, new = (open_checkpoint(each, verifiers) for each in (note, hub.note()))
    with reading(hub.core.engine) as connection:
        assert log.root(connection, old.size) == old.root and new.size == old.size + 1  # the entry of the restore
    assert hub.entry(old.size)["handeling"] == "teruggezet"


def test_the_restored_hub_runs(where: Place, region: Region) -> None:
    """It serves what waited, takes new messages and signs: ids, sequences and keys go on where they were."""
    guide, at = region.pair()
    who, _ = region.reporting(guide, at)
    waiting = region.report(who, at)
    region.send(at, waiting).expect(202)
    region.stop()
    made = where.back_up(region.settings)
    target = where.elsewhere()
    where.put_back(target, made)
    region.core = open_core(target, region.clock)
    region.hub = wiring.build(region.core)
    region.hub.start()
    region.app = region.hub.app()
    assert waiting["id"] in [event["id"] for event in region.fetch(guide)]
    assert region.send(at, waiting).expect(202)["herhaling"] is True
    region.send(at, region.report(who, at, number=2)).expect(202)
    region.wait_signed()
    assert region.hub.log_keeper.alive()
    assert head_of(note_of(region)).origin.endswith("/bewijslogboek/2")


@pytest.mark.parametrize("with_list", [True, False])
def test_promise_6_whom_the_list_names_does_not_come_back(
    where: Place, region: Region, opened: Open, with_list: bool
) -> None:
    one, other = somebody(region), somebody(region)
    region.wait_signed()
    made = where.back_up(region.settings)
    listed = ErasureList(installation.erasures(region.settings))
    at = region.clock.now()
    listed.append([one.handle], at)
    region.core.key_store.destroy(region.core.key_store.of_persons([one.handle]), at)
    region.stop()
    target = where.elsewhere()
    lists = [installation.erasures(region.settings)] if with_list else []
    done = where.put_back(target, made, erasures=lists)
    assert done.report.exit_code == 0, done.report.as_text()
    hub = opened(target)
    assert json.loads(hub.body(other))["id"] == other.event["id"]
    if not with_list:  # the control: without the list the backup revives
        assert json.loads(hub.body(one))["id"] == one.event["id"]
        return
    with pytest.raises(KeyError):
        hub.body(one)
    assert done.erased == 1 and done.destroyed == 3  # two organisations' content, and the evidence
    with reading(hub.core.engine) as connection:
        gone = connection.scalars(select(person.c.erased_at).where(person.c.person_id == one.handle)).one()
        sealed = connection.scalar(
            select(func.count()).where(ledger_payload.c.key_id == evidence_key(one.handle)).select_from(ledger_payload)
        )
        payloads, unreadable = check(connection, hub.core.key_store)
    assert gone == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert payloads.exit_code == 0 and unreadable == sealed > 3
    erase = [entry for entry in map(hub.entry, range(len(hub.entries()))[-3:]) if entry["soort"] == "vernietiging"]
    assert [entry["aantal"] for entry in erase] == [sealed]
    assert ErasureList(installation.erasures(target)).read().keys() == {one.handle}
    again = where.back_up(target)  # and the list travels on, beside the keys
    assert (again.keys / save.ERASURES).read_bytes() == installation.erasures(target).read_bytes()


def test_one_key_on_the_list_takes_that_key_alone(where: Place, region: Region, opened: Open) -> None:
    one = somebody(region)
    made = where.back_up(region.settings)
    key = content_key(one.handle, one.at)
    ErasureList(installation.erasures(region.settings)).append([key], region.clock.now())
    target = where.elsewhere()
    where.put_back(target, made, erasures=[installation.erasures(region.settings)])
    hub = opened(target)
    with pytest.raises(KeyError):
        hub.body(one)
    assert hub.core.key_store.find([evidence_key(one.handle)])
    with reading(hub.core.engine) as connection:
        assert connection.scalars(select(person.c.erased_at).where(person.c.person_id == one.handle)).one() is None


@pytest.mark.parametrize("whole", [True, False])
def test_promise_6_who_was_erased_since_stays_so_and_the_log_says_it_again(
    where: Place, region: Region, opened: Open, whole: bool
) -> None:
    """By the hub's own verb: rows, keys and log agree after the restore; the evidence is still there."""
    one, other = somebody(region), somebody(region)
    region.wait_signed()
    made = where.back_up(region.settings)
    row = erase(region, one.handle, None if whole else one.at)
    region.stop()
    target = where.elsewhere()
    done = where.put_back(target, made, erasures=[installation.erasures(region.settings)])
    assert done.report.exit_code == 0, done.report.as_text()
    assert (done.erased, done.destroyed) == (1, 2 if whole else 1)
    hub = opened(target)
    with pytest.raises(KeyError):
        hub.body(one)
    assert json.loads(hub.body(other))["id"] == other.event["id"]
    assert hub.core.key_store.find([evidence_key(one.handle)])
    said = [e for e in map(hub.entry, range(len(hub.entries()))) if e is not None and e["soort"] == "wissing"]
    assert [(e["reden"], e["berichten"]) for e in said] == [("herstel", row.messages)]
    with reading(hub.core.engine) as connection:
        refs = connection.execute(select(person_ref).where(person_ref.c.organisation == one.at)).all()
        gone = connection.scalars(select(person.c.erased_at).where(person.c.person_id == one.handle)).one()
    assert (gone is not None, [ref.erased_at is not None for ref in refs]) == (whole, [not whole])


def test_what_was_past_its_term_does_not_come_back(
    where: Place, region: Region, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore empties it again before the hub serves; what is within its term is there."""
    gone, kept = somebody(region), somebody(region)
    region.acknowledge(str(gone.guide), 1)
    region.wait_signed()
    made = where.back_up(region.settings)
    region.hub.sweeper._tools.clock_guard.settled(region.clock.now())
    region.advance(timedelta(days=30, minutes=1).total_seconds())
    assert region.hub.sweeper.sweep().messages >= 1
    region.stop()
    monkeypatch.setattr(Transactions, "_now", lambda *_: region.clock.now())  # on PostgreSQL, too
    target = where.elsewhere()
    tools = restore.Tools(target, region.clock, os.urandom, quiet)
    done = restore.restore(tools, OPERATOR, made.data, made.keys, Named())
    assert done.report.exit_code == 0, done.report.as_text()
    hub = opened(target)
    with reading(hub.core.engine) as connection:
        rows = {row.message_id: row for row in connection.execute(select(message))}
    assert (rows[gone.message_id].body, rows[gone.message_id].receipt) == (b"", b"")
    assert json.loads(hub.body(kept))["id"] == kept.event["id"]
    assert "bewaartermijn" in [e["soort"] for e in map(hub.entry, range(len(hub.entries()))) if e is not None]


def test_a_backup_made_between_a_join_and_all_that_followed_is_whole_again(
    where: Place, region: Region, opened: Open
) -> None:
    """Joined, stopped, erased by one before it; split, ended and erased by the other after it. Only what was erased
    is done again: the two are one person still, nobody who erased knows them, and the log tells the same."""
    guide, at = region.pair()
    one, other = (region.reporting(guide, at)[0] for _ in range(2))
    for each in (one, other):
        region.send(at, region.report(each, at)).expect(202)
    region.collect(guide)
    first, second = (guide, one.refs[guide]), (guide, other.refs[guide])
    both(region, JOIN, first, second)
    region.stop_request(guide, one.refs[guide])
    wish = {"omvang": "eigen", "reden": "onrechtmatig", "kenmerk": "W-1"}
    region.call(at, "POST", f"/v1/kandidaten/{one.refs[at]}/wissing", wish).expect(200)
    region.wait_signed()
    made = where.back_up(region.settings)
    handles = [handle_of(region, ref) for _, ref in (first, second)]
    both(region, SPLIT, second, first)
    region.call(guide, "POST", f"/v1/kandidaten/{other.refs[guide]}/wissing", wish).expect(200)
    region.wait_signed()
    with snapshot(region.core.engine) as connection:
        assert check(connection, region.core.key_store)[0].findings == []
    region.stop()
    target = where.elsewhere()
    done = where.put_back(target, made, erasures=[installation.erasures(region.settings)])
    assert done.report.exit_code == 0, done.report.as_text()
    hub = opened(target)
    with reading(hub.core.engine) as connection:
        roots = set(connection.scalars(select(person.c.root).where(person.c.person_id.in_(handles))))
        left = connection.scalars(
            select(person_ref.c.person_id).where(
                person_ref.c.person_id.in_(handles), person_ref.c.organisation == at, person_ref.c.erased_at.is_(None)
            )
        ).all()
        findings = check(connection, hub.core.key_store)[0].findings
    assert len(roots) == 1 and left == [] and findings == []
    alive = hub.core.key_store.find(hub.core.key_store.of_persons(handles))
    assert content_key(handles[1], Oin(guide)) not in alive and content_key(handles[0], Oin(guide)) in alive


def test_an_erasure_that_was_not_finished_when_the_backup_was_made_is_finished_by_the_restore(
    where: Place, region: Region, opened: Open
) -> None:
    one = somebody(region)
    begin(region, one.handle, one.at)
    region.wait_signed()
    made = where.back_up(region.settings)
    assert not installation.erasures(region.settings).exists()  # no list names it yet
    target = where.elsewhere()
    done = where.put_back(target, made)
    assert (done.report.exit_code, done.erased, done.destroyed) == (0, 1, 1), done.report.as_text()
    with pytest.raises(KeyError):
        opened(target).body(one)
    assert ErasureList(installation.erasures(target)).read().keys() == {content_key(one.handle, one.at)}


def test_an_erasure_while_the_backup_is_made_is_whole_after_the_restore(
    where: Place, region: Region, opened: Open
) -> None:
    """The data were copied with the person, the keys without: what is unreadable is named, though the entry is lost."""
    one = somebody(region)
    region.wait_signed()
    real, store = stores.Store.dump, region.core.key_store

    def dump(self: stores.Store, folder: Path, told: stores.Told) -> None:
        real(self, folder, told)
        if self.part is Part.DATA:
            ErasureList(installation.erasures(region.settings)).append([one.handle], region.clock.now())
            store.destroy(store.of_persons([one.handle]), region.clock.now())

    with patch.object(stores.Store, "dump", dump):
        made = where.back_up(region.settings)
    target = where.elsewhere()
    done = where.put_back(target, made)
    assert (done.report.exit_code, done.erased, done.destroyed) == (0, 1, 0)
    hub = opened(target)
    said = [hub.entry(len(hub.entries()) - 2)[name] for name in ("soort", "vermeldingen")]
    with reading(hub.core.engine) as connection:
        sealed = select(ledger_payload.c.entry_id).where(ledger_payload.c.key_id == evidence_key(one.handle))
        ids = list(connection.scalars(sealed))
        assert said == ["vernietiging", named(ids)]
        assert erased.facts(connection, hub.core.key_store, region.clock.now()) == []  # named once


def test_a_younger_keys_part_beside_it_brings_its_erasure_list(where: Place, region: Region, opened: Open) -> None:
    """The disk is gone; what is left are backups. The older data are put back, the younger list is obeyed."""
    one = somebody(region)
    made = where.back_up(region.settings)
    ErasureList(installation.erasures(region.settings)).append([one.handle], region.clock.now())
    where.back_up(region.settings)
    target = where.elsewhere()
    assert where.put_back(target, made).erased == 1
    with pytest.raises(KeyError):
        opened(target).body(one)


def test_a_damaged_erasure_list_stops_the_restore(where: Place, region: Region) -> None:
    made = where.back_up(region.settings)
    target = where.elsewhere()
    target.data_dir.mkdir()
    ErasureList(installation.erasures(target)).append(["a", "b"], region.clock.now())
    raw = bytearray(installation.erasures(target).read_bytes())
    raw[30] ^= 1
    installation.erasures(target).write_bytes(raw)
    with pytest.raises(BackupRefused, match="Regel 1"):
        where.put_back(target, made)
    assert not installation.keys_folder(target).exists()


# -- the log after a restore to an older state ------------------------------------------------------------------------
def test_an_older_state_begins_a_new_origin_and_forks_none(where: Place, region: Region, opened: Open) -> None:
    first = note_of(region)
    made = where.back_up(region.settings)
    one = somebody(region)  # this is lost
    last = note_of(region)
    region.stop()
    target = where.elsewhere()
    target.data_dir.mkdir()
    shutil.copy(installation.signer_state(region.settings), target.data_dir)  # the signer's memory outlived the disk
    done = where.put_back(target, made)
    assert done.report.exit_code == 0, done.report.as_text()
    base = head_of(last).origin
    assert (done.origin, done.outcome.old_origin, done.outcome.old_size) == (f"{base}/2", base, head_of(last).size)
    assert done.outcome.lost == head_of(last).size - head_of(first).size > 0
    hub = opened(target)
    entry = hub.entry(0)
    assert (entry["soort"], entry["oorsprong"], entry["vorige"]) == ("logboek-begonnen", f"{base}/2", last)
    new = open_checkpoint(hub.note(), hub.core.keyring.log_keys().verifiers(done.origin))
    assert new.size == len(hub.entries()) and new.origin == done.origin
    # Nothing new was ever signed under the old origin: its memory is what it was.
    assert installation.signer_state(target).read_text() == last
    with reading(hub.core.engine) as connection:
        assert not list(connection.scalars(select(message.c.message_id).where(message.c.message_id == one.message_id)))
    # What was restored stands behind entry 0, in its order.
    assert [hub.entry(index).get("soort") for index in range(2)][1] != "logboek-begonnen"


def test_the_control_the_old_origin_would_not_sign_the_older_state(where: Place, region: Region, opened: Open) -> None:
    made = where.back_up(region.settings)
    somebody(region)
    note_of(region)
    region.stop()
    target = where.elsewhere()
    shutil.copytree(made.keys / "keys", installation.keys_folder(target), copy_function=shutil.copyfile)
    installation.keys_folder(target).chmod(0o700)
    for path in installation.keys_folder(target).iterdir():
        path.chmod(0o600)
    store = stores.stores(target)[Part.DATA]
    store.load(made.data / store.file, lambda _: None, quiet)
    signer = Signer(
        installation.signer_state(region.settings), region.core.keyring.log_keys, region.core.facts["log_origin"]
    )
    engine = open_engine(target.database_url)
    with pytest.raises(LogForked):
        signer.sign(engine.begin)
    engine.dispose()


def test_without_a_word_from_outside_the_backup_the_origin_is_a_new_one(where: Place, region: Region) -> None:
    """The hub may have signed after the backup was made; nobody here can know, so nothing is signed under its name."""
    made = where.back_up(region.settings)
    done = where.put_back(where.elsewhere(), made)
    assert done.origin.endswith("/bewijslogboek/2") and done.outcome.lost == 0 and done.claimed is True


def test_a_memory_that_a_later_key_signed_still_says_that_the_log_went_on(where: Place, region: Region) -> None:
    """The log's key was replaced after the backup: the backup's keys cannot check the last checkpoint, nor deny it."""
    made = where.back_up(region.settings)
    act = Act(OPERATOR, region.core.evidence)
    files, origin = LogKeyFiles(installation.keys_folder(region.settings)), region.core.facts[installation.LOG_ORIGIN]
    rotation = KeyRotation(files, region.core.transactions, act, origin)
    rotation.rotate(os.urandom)
    note_of(region)
    rotation.retire()
    last = note_of(region)
    region.stop()
    target = where.elsewhere()
    target.data_dir.mkdir()
    shutil.copy(installation.signer_state(region.settings), target.data_dir)
    done = where.put_back(target, made)
    assert done.origin.endswith("/2") and done.outcome.old_size == head_of(last).size and done.report.exit_code == 0
    with pytest.raises(BackupRefused, match="geen checkpoint van dit logboek"):  # named by hand it must be checkable
        where.put_back(where.elsewhere("other"), made, checkpoints=[installation.signer_state(region.settings)])


def test_a_third_origin_after_a_second_that_was_lost(where: Place, region: Region) -> None:
    """Twice the same backup, and the hub of the first restore is gone: its origin was signed, so it is not used."""
    made = where.back_up(region.settings)
    second = where.put_back(where.elsewhere("first"), made)
    third = where.put_back(where.elsewhere("second"), made)
    assert (second.origin[-2:], third.origin[-2:]) == ("/2", "/3")
    assert third.outcome.old_origin == second.origin
    for path in where.roots[Part.KEYS].glob("*.checkpoint"):
        path.unlink()
    assert where.put_back(where.elsewhere("third"), made).origin == second.origin  # the control: nothing else knew


def test_old_and_new_origin_are_served_each_at_its_own_path(where: Place, region: Region) -> None:
    note = note_of(region)
    made = where.back_up(region.settings)
    somebody(region)
    last = note_of(region)
    key = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).json["sleutel"]
    tile = f"tile/0/000.p/{head_of(note).size}"
    before = region.call(ONTWIKKELBEDRIJF, "GET", f"/bewijslogboek/{tile}").body
    state = installation.signer_state(region.settings)
    region.stop()
    target = where.elsewhere()
    done = where.put_back(target, made, checkpoints=[state])
    region.core = open_core(target, region.clock)
    region.hub = wiring.build(region.core)
    region.hub.start()
    region.app = region.hub.app()
    assert region.request("GET", "/bewijslogboek/checkpoint", None, {}).body.decode() == note
    current = region.request("GET", "/bewijslogboek/2/checkpoint", None, {}).body.decode()
    assert head_of(current).origin == done.origin
    answer = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).json["sleutel"]
    assert answer == done.verifier != key and answer.rpartition("+")[2] == key.rpartition("+")[2]
    assert region.call(ONTWIKKELBEDRIJF, "GET", f"/bewijslogboek/{tile}").body == before
    narrow = region.call(ONTWIKKELBEDRIJF, "GET", "/bewijslogboek/tile/0/000.p/2").body
    assert narrow == before[:64]
    bundle = region.call(ONTWIKKELBEDRIJF, "GET", "/bewijslogboek/tile/entries/000.p/2").body
    assert len(bundle) == 2 * 34
    wide = f"/bewijslogboek/tile/0/000.p/{head_of(note).size + 1}"
    assert region.call(ONTWIKKELBEDRIJF, "GET", wide).status == 404
    assert region.request("GET", f"/bewijslogboek/{tile}", None, {}).status == 401
    assert region.request("GET", "/bewijslogboek/3/checkpoint", None, {}).status == 404
    moved = region.call(ONTWIKKELBEDRIJF, "GET", "/bewijslogboek/2/tile/0/000.p/3").body
    assert moved[32:] == before[:64]  # the same leaves, one place further
    shown = region.request("GET", "/bewijslogboek/opvolger", None, {}).json  # public: the new log continues this one
    leaf = region.call(ONTWIKKELBEDRIJF, "GET", "/bewijslogboek/2/tile/entries/000.p/1").body[2:]
    assert commit(bytes.fromhex(shown["opening"]), shown["inhoud"].encode()) == leaf
    assert json.loads(shown["inhoud"])["vorige"] == last and json.loads(shown["inhoud"])["oorsprong"] == done.origin
    assert commit(bytes.fromhex(shown["opening"]), shown["inhoud"].encode() + b" ") != leaf  # the control
    assert region.request("GET", "/bewijslogboek/2/opvolger", None, {}).status == 404
    again = where.back_up(target)  # the closed log travels on with the data
    assert (again.data / "bewijslogboek-1.tar").exists()
    third = where.elsewhere("third")
    assert where.put_back(third, again).report.exit_code == 0
    kept = installation.archives(third, f"{head_of(note).origin}/3")
    assert (kept[head_of(note).origin] / "checkpoint").read_text() == note


def test_a_database_that_was_put_back_to_yesterday_by_other_means(where: Place, region: Region, opened: Open) -> None:
    """The signer refuses; one command erases again, begins a new origin and verifies, in place."""
    settings = region.settings
    note, made = note_of(region), where.back_up(settings)
    one = somebody(region)
    last = note_of(region)
    ErasureList(installation.erasures(settings)).append([one.handle], region.clock.now())
    region.stop()
    _yesterday(settings, made)
    core = open_core(settings)
    with pytest.raises(NotInitialised, match="hub restore --ter-plaatse"):  # what `hub serve` asks first
        installation.require_continued(settings, core.engine, core.keyring, core.facts[installation.LOG_ORIGIN])
    hub = wiring.build(core)
    hub.start()
    hub.log_keeper._thread.join(10)
    assert not hub.log_keeper.alive() and not hub.readiness["logboek"]()
    assert note_in(core) == note and installation.signer_state(settings).read_text() == last  # nothing was signed
    hub.stop()
    hub.key_store._engine.dispose()
    done = where.finish_here(settings)
    assert done.origin.endswith("/bewijslogboek/2") and done.report.exit_code == 0 and done.outcome.lost > 0
    again = where.finish_here(settings)  # nothing is older now: it goes on
    assert again.origin == done.origin and again.outcome.old_origin is None and again.report.exit_code == 0
    assert opened(settings).entry(0)["soort"] == "logboek-begonnen"


def _yesterday(settings: Settings, made: save.Saved) -> None:
    """Put the data of a backup in the place of the data, as a DBA would, and leave all else."""
    store = stores.stores(settings)[Part.DATA]
    if store.postgresql:
        engine = open_engine(settings.database_url)
        with engine.begin() as connection:
            for name in store._tables():
                connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}" CASCADE')
        engine.dispose()
    else:
        for end in ("", "-wal", "-shm"):
            store.path.with_name(store.path.name + end).unlink(missing_ok=True)
    store.load(made.data / store.file, lambda _: None, quiet)


# -- what is refused --------------------------------------------------------------------------------------------------
def test_every_file_of_an_edited_backup_is_refused_before_anything_is_done(where: Place, region: Region) -> None:
    made = where.back_up(region.settings)
    files = [path for root in (made.data, made.keys) for path in root.rglob("*") if path.is_file()]
    assert len(files) >= 9
    target = where.elsewhere()
    for path in files:
        raw = path.read_bytes()
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
        with pytest.raises(BackupRefused):
            where.put_back(target, made)
        path.unlink()
        with pytest.raises(BackupRefused):
            where.put_back(target, made)
        path.write_bytes(raw)
        path.chmod(0o600)
    assert {path.name for path in target.data_dir.iterdir()} == {"hub.lock"}
    assert where.put_back(target, made).report.exit_code == 0  # the control


def test_digests_that_were_edited_too_do_not_bear_the_seal(where: Place, region: Region) -> None:
    """Who holds the data part alone can make its digests match, but not its seal: that needs the other part."""
    made = where.back_up(region.settings)
    store = stores.stores(region.settings)[Part.DATA]
    path, manifest_file = made.data / store.file, made.data / manifest.NAME
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    found, value = durable.measure(path), json.loads(manifest_file.read_bytes())
    value["bestanden"][0] |= {"sha256": found.sha256, "grootte": found.size}
    manifest_file.write_text(json.dumps(value))
    with pytest.raises(BackupRefused, match="zegel"):
        where.put_back(where.elsewhere(), made)


def test_parts_of_two_backups_and_parts_in_each_others_place_are_refused(where: Place, region: Region) -> None:
    one, other = where.back_up(region.settings), where.back_up(region.settings)
    target = where.elsewhere()
    with pytest.raises(BackupRefused, match="twee verschillende"):
        where.put_back(target, replace(one, keys=other.keys))
    with pytest.raises(BackupRefused, match="het deel"):
        where.put_back(target, replace(one, data=one.keys))
    assert where.put_back(target, replace(one, keys=where.roots[Part.KEYS])).report.exit_code == 0


def test_the_folders_of_the_backups_themselves_give_the_newest(where: Place, region: Region) -> None:
    yesterday = Moved()
    yesterday.ahead = -86_400
    old = where.back_up(region.settings, yesterday)
    new = where.back_up(region.settings)
    unfinished = where.roots[Part.DATA] / "99990101T000000Z-00000000"
    unfinished.mkdir()
    (where.roots[Part.DATA] / "zz-iets-anders").mkdir()
    assert old.backup < new.backup < unfinished.name
    both = replace(new, data=where.roots[Part.DATA], keys=where.roots[Part.KEYS])
    assert where.put_back(where.elsewhere(), both).outcome.run == new.backup
    with pytest.raises(BackupRefused, match="geen backup"):
        where.put_back(where.elsewhere("other"), replace(both, data=unfinished))  # the control: none lies in it


def test_a_checkpoint_of_another_log_is_no_word_about_this_one(where: Place, region: Region, tmp_path: Path) -> None:
    made = where.back_up(region.settings)
    other = settings_for(tmp_path / "other", None, 18080)
    installation.initialise(other, Moved(), os.urandom)
    with pytest.raises(BackupRefused, match="geen checkpoint van dit logboek"):
        where.put_back(where.elsewhere(), made, checkpoints=[installation.signer_state(other)])


def test_a_hub_is_never_put_over_another(where: Place, region: Region) -> None:
    made = where.back_up(region.settings)
    region.stop()
    before = {path: path.read_bytes() for path in region.settings.data_dir.rglob("*") if path.is_file()}
    with pytest.raises(AlreadyThere, match="er is niets veranderd"):
        where.put_back(region.settings, made)
    assert {path: path.read_bytes() for path in region.settings.data_dir.rglob("*") if path.is_file()} == before
    shutil.rmtree(installation.keys_folder(region.settings))  # a part of one is one
    with pytest.raises(AlreadyThere):
        where.put_back(region.settings, made)


def test_beside_a_running_hub_nothing_is_restored(where: Place, region: Region) -> None:
    made = where.back_up(region.settings)
    target = where.elsewhere()
    target.data_dir.mkdir()
    with FolderLock(target.data_dir), pytest.raises(FolderBusy):
        where.put_back(target, made)
    if region.settings.on_postgresql:  # no lock tells there; the hub's connections do
        with patch.object(restore, "_PATIENCE", 2), pytest.raises(FolderBusy, match="andere verbindingen"):
            where.finish_here(region.settings)
    else:
        with FolderLock(region.settings.data_dir), pytest.raises(FolderBusy):
            where.finish_here(region.settings)


# -- crashes ----------------------------------------------------------------------------------------------------------
class Crash(Exception):
    """The process ends here."""


#: Each step of a restore, in order: (module, name). A crash comes before it and after it.
STEPS = [
    (place, "place_keys"),
    (erased, "remember"),
    (erased, "destroy"),
    (place, "place_data"),
    (settle, "sequence_all"),
    (settle, "keep_old"),
    (erased, "mark_rows"),
    (settle, "write"),
    (settle, "sign"),
    (settle, "claim"),
]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_restore_that_was_cut_off_says_so_and_goes_on(where: Place, region: Region, opened: Open, when: str) -> None:
    one = somebody(region)
    region.wait_signed()
    made = where.back_up(region.settings)
    ErasureList(installation.erasures(region.settings)).append([one.handle], region.clock.now())
    lists = [installation.erasures(region.settings)]
    for number, (module, name) in enumerate(STEPS):
        target = where.elsewhere(f"{number}")
        for path in where.roots[Part.KEYS].glob("*.checkpoint"):
            path.unlink()
        with patch.object(module, name, _crashing(getattr(module, name), when)), pytest.raises(Crash):
            where.put_back(target, made, erasures=lists)
        assert installation.restoring(target).exists(), name
        if installation.keys_folder(target).exists():
            with pytest.raises(NotInitialised, match="niet afgemaakt"):
                installation.require_whole(target, region.core.engine, installation.load_keyring(target))
        done = where.put_back(target, made, erasures=lists)
        assert done.report.exit_code == 0 and done.origin.endswith("/bewijslogboek/2"), name
        assert done.destroyed == 3 and not installation.restoring(target).exists()
        hub = opened(target)
        with pytest.raises(KeyError):
            hub.body(one)
        entries = [hub.entry(index) for index in (0, *range(len(hub.entries()))[-2:])]
        assert [entry["soort"] for entry in entries] == ["logboek-begonnen", "vernietiging", "beheer"], name


def _crashing(real: Callable[..., Any], when: str) -> Callable[..., Any]:
    def step(*given: Any, **named: Any) -> Any:
        if when == "before":
            raise Crash
        real(*given, **named)
        raise Crash

    return step


#: Ends the process, as a power cut would, when a file or folder is about to get its name for the nth time.
_CUT_OFF = """
import os, sys
from hub import cli
from hub.administration.backup import durable
real, left = durable.rename, [int(sys.argv[1])]
def rename(source, target):
    left[0] -= 1
    if not left[0]:
        os._exit(9)
    real(source, target)
durable.rename = rename
cli.main(sys.argv[2:])
"""


def test_a_process_that_dies_between_any_two_names_is_followed_by_one_that_finishes(tmp_path: Path) -> None:
    """Nothing is tidied up by a process that is gone: what it left must not be in the way of the next."""
    where = Place(tmp_path, lambda: None)
    settings = settings_for(tmp_path / "hub", None, 18080)
    installation.initialise(settings, Moved(), os.urandom)
    made = where.back_up(settings)
    command = ["restore", str(made.data), "--sleutels", str(made.keys), "--operator", OPERATOR, "--json"]
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
    environment = surroundings | environment_for(tmp_path / "restored", None, 18080)

    def run(cut: int) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-c", _CUT_OFF, str(cut), *command]
        return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    died = 0
    for cut in (2, 2, 2, 2, 2, 2, 3, 9):  # each goes on where the one before was cut off; the last names are redone
        done = run(cut)
        if done.returncode != 9:
            break
        died += 1
    assert died >= 4 and done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["controle"]["uitkomst"] == "heel"


def test_an_interrupted_restore_is_not_finished_with_another_backup(where: Place, region: Region) -> None:
    one, other = where.back_up(region.settings), where.back_up(region.settings)
    target = where.elsewhere()
    with patch.object(place, "place_data", _crashing(place.place_data, "before")), pytest.raises(Crash):
        where.put_back(target, one)
    with pytest.raises(BackupRefused, match=one.backup):
        where.put_back(target, other)
    assert where.put_back(target, one).report.exit_code == 0


# -- the command line -------------------------------------------------------------------------------------------------
def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: object) -> tuple[int, Any, str]:
        with pytest.raises(SystemExit) as end:
            cli.main([str(each) for each in arguments])
        told = capsys.readouterr()
        return int(end.value.code or 0), json.loads(told.out) if told.out.startswith("{") else told.out, told.err

    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    master = tmp_path / "apart/hoofdsleutel"
    for name, value in (environment_for(tmp_path / "hub", None, 18080) | {"HUB_MASTER_KEY_FILE": str(master)}).items():
        monkeypatch.setenv(name, value)
    assert run("init")[0] == 0
    code, made, told = run("backup", tmp_path / "d", "--sleutels", tmp_path / "k", "--json")
    assert code == 0 and made["verwijderd"] == made["nietVerwijderd"] == []
    assert not made["klokStaatVast"] and "hub clock accept" in told  # no hub ran yet: nothing tells what time it is
    assert Path(made["gegevens"]).parent == tmp_path / "d"
    assert run("backup", tmp_path / "d", "--sleutels", tmp_path / "d")[0] == 1
    data, keys = made["gegevens"], tmp_path / "k"
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "hub").rglob("*") if path.is_file()}
    assert {"hub.db", "signer.state"} <= modes.keys() and set(modes.values()) == {0}  # nobody else reads any of it
    code, _, told = run("restore", data, "--sleutels", keys, "--operator", OPERATOR)
    assert code == 1 and "er is niets veranderd" in told
    assert run("restore", data, "--operator", OPERATOR)[0] == 2
    assert run("restore", "--operator", OPERATOR)[0] == 2
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "new"))
    monkeypatch.setenv("HUB_MASTER_KEY_FILE", str(tmp_path / "new-master"))
    code, done, told = run("restore", data, "--sleutels", keys, "--operator", OPERATOR, "--json")
    assert (code, done["controle"]["uitkomst"], done["checkpointBijSleutels"]) == (0, "heel", True)
    assert any("--wislijst" in one for one in done["letOp"])  # who was erased since may stand on no list that is here
    assert done["beeindigdLogboek"] == {"oorsprong": done["logboek"][:-2], "grootte": 0, "minstensVerloren": 0}
    assert (tmp_path / "new-master").read_bytes() == master.read_bytes()
    assert not (tmp_path / "new/keys/master.key").exists()
    assert run("ledger", "verify", "--db")[0] == 0
    installation.restoring(load(dict(os.environ))).write_text("{}")  # a restore that was cut off, whatever it was at
    monkeypatch.setattr("hub.serving.serve", lambda *_: pytest.fail("it must not start"))
    code, _, told = run("serve")
    assert code == 1 and "hub restore" in told
    installation.restoring(load(dict(os.environ))).unlink()
    code, out, _ = run("restore", "--ter-plaatse", "--operator", OPERATOR)
    assert code == 0 and "heel" in out and "logboek" in out
    with closing(sqlite3.connect(tmp_path / "new/hub.db")) as changed:
        changed.execute("DELETE FROM ledger_payload")
        changed.commit()
    code, broken, _ = run("restore", "--ter-plaatse", "--operator", OPERATOR, "--json")
    assert code == 1 and broken["controle"]["uitkomst"] == "kapot"  # the control: its report can be red
