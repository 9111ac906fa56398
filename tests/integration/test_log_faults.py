"""The evidence log as a whole hub keeps it: killed at any step, twice at once, restored, on a clock that jumped."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update
from structlog.testing import capture_logs

from consent.log import reading as log
from consent.log import tables
from consent.log.ledger import NewEntry, append
from consent.log.merkle import leaf_hash, perfect_root
from consent.log.note import open_checkpoint
from consent.log.proof import verify_consistency
from consent.verify import rows, verifier
from consent.verify.rows import check_rows, settled, table_fetch
from contracts import instants
from hub import cli, wiring
from hub.administration import installation
from hub.core import Core, open_core
from hub.ledger.replay.check import check
from hub.machine.clock import SystemClock
from hub.machine.clock_guard import ACCEPTED
from hub.store import installation as facts
from hub.store import tables as hub_tables
from hub.store.database import reading, snapshot
from tests.live import ROOT, LiveRegion
from tests.region import Region, environment_for, settings_for
from tests.servers import ServerFailed, Watchdog, wait_until

#: Keeps the log as a running hub does, and ends the process (no clean-up, as kill -9) before its n-th durable act: a
#: commit, a sync of a file or a folder, a rename.
_KEEP_UNTIL = """
import os, sys
from sqlalchemy import event
from hub import settings, wiring
from hub.core import open_core
left = int(sys.argv[1])
def act(real):
    def call(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*arguments, **more)
    return call
core = open_core(settings.from_process())
hub = wiring.build(core)
hub.writer.start()
event.listen(core.engine, "commit", act(lambda *_: None))
os.fsync, os.replace = act(os.fsync), act(os.replace)
while hub.log_keeper.keep_once():
    pass
os._exit(0)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres_url") if request.param == "postgresql" else None


def _log_some(core: Core, number: int) -> None:
    key = core.key_store.ensure(["bewijs/proef"])["bewijs/proef"]
    with core.engine.begin() as connection:
        append(connection, [NewEntry("bewijs/proef", key, {"v": 1, "soort": "proef"})] * number, core.new_id)


def _one_whole_history(core: Core) -> int:
    """Every checkpoint that was ever published is a beginning of the log as it is; the size of the last one."""
    keys = core.keyring.log_keys().verifiers(core.facts[installation.LOG_ORIGIN])
    with snapshot(core.engine) as connection, settled(connection):
        report = verifier.verify_log(table_fetch(connection), keys)
        report.merge(check_rows(connection, keys))
        assert report.findings == []
        heads = [open_checkpoint(note, keys) for note in connection.scalars(select(tables.checkpoint.c.note))]
        last = max(heads, key=lambda head: head.size)
        for head in heads:
            path = log.consistency(connection, head.size, last.size) if head.size else None
            if head.size:
                assert path is not None
                verify_consistency(head, last, path)
    return last.size


def test_killed_before_any_durable_act_of_the_keeper(database: str | None, tmp_path: Path) -> None:
    """Each process lives one act longer; what the last one left is what the next one finds."""
    environment = environment_for(tmp_path / "hub", database, 18080)
    settings = settings_for(tmp_path / "hub", database, 18080)
    installation.initialise(settings, SystemClock(), os.urandom)
    core = open_core(settings)
    others = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    codes, size = [], 0
    while 0 not in codes:
        _log_some(core, 3)
        size += 3
        before = _one_whole_history(core)
        command = [sys.executable, "-c", _KEEP_UNTIL, str(len(codes))]
        done = subprocess.run(command, cwd=ROOT, env=others | environment, capture_output=True, text=True, timeout=60)
        codes.append(done.returncode)
        assert done.returncode in (0, 9), done.stderr
        assert before <= _one_whole_history(core) <= size
    assert codes == [9] * (len(codes) - 1) + [0] and len(codes) >= 6  # sequence, sync, rename, sync, prepare, publish
    assert _one_whole_history(core) == size
    core.engine.dispose()
    core.key_store._engine.dispose()


def test_two_hubs_that_keep_one_log_write_one_history(tmp_path: Path, postgres_url: str) -> None:
    region = Region(tmp_path / "hub", postgres_url)
    second = wiring.build(open_core(region.settings))
    second.start()
    try:
        done = threading.Event()
        keepers = [threading.Thread(target=_keep, args=(hub, done)) for hub in (region.hub, second)]
        for thread in keepers:
            thread.start()
        for number in (1, 40, 300, 7, 600, 2):
            _log_some(region.core, number)
        done.set()
        for thread in keepers:
            thread.join()
        region.wait_signed()
        assert region.hub.log_keeper.alive() and second.log_keeper.alive()
        with reading(region.core.engine) as connection:
            entries = connection.scalar(select(func.count()).select_from(tables.ledger_entry))
        assert _one_whole_history(region.core) == entries
    finally:
        second.stop()
        second.key_store._engine.dispose()
        region.stop()


def _keep(hub: Any, done: threading.Event) -> None:
    while not done.is_set():
        hub.log_keeper.keep_once()


def test_a_look_at_postgresql_has_one_moment(tmp_path: Path, postgres_url: str) -> None:
    """Beside a hub that goes on nothing is taken for a change; the control, without that moment, is."""
    region = Region(tmp_path / "hub", postgres_url)
    try:
        region.wait_signed()
        region.hub.log_keeper.stop()
        keys = region.core.keyring.log_keys().verifiers(region.hub.log_origin)
        _log_some(region.core, 200)
        _go_on(region)
        _log_some(region.core, 300)

        def look(connection: Connection) -> list[str]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(rows, "_PAGE", 100)  # after the first page …
                told = check_rows(connection, keys, lambda *_: _go_on(region))  # … the hub goes on
                return [found.place for found in told.findings]

        with snapshot(region.core.engine) as connection, settled(connection):
            assert look(connection) == []
        _log_some(region.core, 300)
        with region.core.engine.connect() as connection:
            assert look(connection) != []
    finally:
        region.stop()


def _go_on(region: Region) -> None:
    """Everything that waits gets its place and is signed."""
    while region.hub.log_keeper.keep_once():
        pass


def test_a_hub_on_yesterdays_database_signs_nothing_and_says_so(tmp_path: Path, watchdog: Watchdog) -> None:
    region = LiveRegion(tmp_path / "hub", watchdog)
    try:
        _restore_yesterday(region, tmp_path / "yesterday")
    finally:
        region.stop()


def _restore_yesterday(region: LiveRegion, yesterday: Path) -> None:
    region.start()
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    region.end()
    with closing(sqlite3.connect(region.settings.data_dir / "hub.db")) as connection:
        connection.execute("VACUUM INTO ?", [str(yesterday)])
    region.start()
    for number in range(5):
        region.send(at, region.report(person, at, number)).expect(202)
    wait_until(lambda: _signed_all(region.core), 20, "it is not signed")
    state = region.settings.data_dir / "signer.state"
    region.end()
    signed = state.read_text()
    region.core.engine.dispose()
    for path in region.settings.data_dir.glob("hub.db*"):
        path.unlink()
    shutil.copy(yesterday, region.settings.data_dir / "hub.db")
    with pytest.raises(ServerFailed):
        region.start(seconds=4)
    refusal = "De database is ouder dan wat het bewijslogboek heeft getekend"
    wait_until(lambda: refusal in region.log.read_text(), 30, "it does not refuse")
    assert state.read_text() == signed


def test_a_tree_that_was_changed_under_a_running_hub_is_never_signed(region: Region) -> None:
    """Whoever changes an entry and the nodes above it under the hub's hands gets no signature, and is found."""
    _log_some(region.core, 300)
    region.wait_signed()
    state = region.settings.data_dir / "signer.state"
    signed = state.read_text()
    entry, node = tables.ledger_entry, tables.ledger_node
    with region.core.engine.begin() as connection:
        connection.execute(update(entry).where(entry.c.idx == 7).values(commitment=bytes(32)))
        leaves = [leaf_hash(data) for data in log.commitments(connection, 0, 256)]
        connection.execute(update(node).where(node.c.level == 1, node.c.n == 0).values(hash=perfect_root(leaves)))
    _log_some(region.core, 3)
    wait_until(lambda: not region.hub.log_keeper.alive(), 20, "it goes on")
    assert region.request("GET", "/health/ready", None, {}).json["nietGereed"] == ["logboek"]
    assert state.read_text() == region.request("GET", "/bewijslogboek/checkpoint", None, {}).body.decode() == signed
    keys = region.core.keyring.log_keys().verifiers(region.hub.log_origin)
    with snapshot(region.core.engine) as connection, settled(connection):
        assert "checkpoint" in [found.place for found in verifier.verify_log(table_fetch(connection), keys).findings]


def _findings(region: Region) -> list[tuple[str, str]]:
    with snapshot(region.core.engine) as connection:
        report, _ = check(connection, region.core.key_store)
    return [(found.place, found.reason) for found in report.findings]


def _signed_all(core: Core) -> bool:
    with core.look() as connection:
        waiting = connection.scalar(select(func.count()).select_from(tables.ledger_pending))
        return not waiting and log.size(connection) == log.signed_size(connection)


@pytest.fixture
def region(database: str | None, tmp_path: Path) -> Iterator[Region]:
    with capture_logs():
        made = Region(tmp_path / "hub", database)
        yield made
        made.stop()


@pytest.mark.parametrize(
    "jump", [timedelta(minutes=-10), timedelta(days=-400), timedelta(hours=2), timedelta(days=400)]
)
def test_on_a_clock_that_jumped_nothing_is_released(region: Region, jump: timedelta) -> None:
    guide, at = region.pair()
    person, statement = region.reporting(guide, at)
    waiting = region.report(person, at)
    region.send(at, waiting).expect(202)
    assert [event["id"] for event in region.fetch(guide)] == [waiting["id"]]  # the control: on a good clock it is given
    region.clock.frozen = datetime.now(UTC) + jump
    answer = region.call(guide, "GET", "/v1/postvak/berichten")
    assert (answer.status, answer.code) == (503, "NIET_BESCHIKBAAR")
    assert region.request("GET", "/health/ready", None, {}).json["nietGereed"] == ["klok"]
    region.clock.frozen = None  # set right again: nobody need do anything
    assert [event["id"] for event in region.fetch(guide)] == [waiting["id"]]
    region.withdraw(at, statement)
    assert [event["type"] for event in region.fetch(guide)][:1] != ["nl.doorstroomhub.voortgang.gemeld.v1"]
    region.wait_signed()
    assert _one_whole_history(region.core) > 0


@pytest.mark.parametrize("taken", ["before it went", "after it went"])
def test_a_body_and_its_payload_that_a_dba_deletes_are_named_and_hold_nobody_up(region: Region, taken: str) -> None:
    """Of a report about somebody alive all that can be read is gone, and no erasure says so."""
    guide, at = region.pair()
    persons = [region.reporting(guide, at)[0] for _ in range(2)]
    lost, other = (region.send(at, region.report(one, at)).expect(202)["ontvangstbewijs"] for one in persons)
    if taken == "after it went":
        assert len(region.fetch(guide)) == 2
    region.wait_signed()
    assert _findings(region) == []
    with region.core.engine.begin() as connection:
        entry = connection.scalars(
            select(hub_tables.message.c.entry_id).where(hub_tables.message.c.message_id == lost["berichtId"])
        ).one()
        place = connection.scalars(
            select(tables.ledger_entry.c.idx).where(tables.ledger_entry.c.entry_id == entry)
        ).one()
        connection.execute(delete(tables.ledger_payload).where(tables.ledger_payload.c.entry_id == entry))
        connection.execute(delete(hub_tables.message).where(hub_tables.message.c.message_id == lost["berichtId"]))
    assert (f"vermelding {place}", "de inhoud ontbreekt") in _findings(region)
    # Nobody else waits for it, nor anything later about the same person; of the lost one nothing is made up.
    region.send(at, later := region.report(persons[0], at, 3)).expect(202)
    arrived = [event["id"] for event in region.fetch(guide)]
    assert arrived == [other["id"], later["id"]]


def test_a_body_alone_that_a_dba_deletes_is_named(region: Region) -> None:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    lost = region.send(at, region.report(person, at)).expect(202)["ontvangstbewijs"]
    region.wait_signed()
    with region.core.engine.begin() as connection:
        connection.execute(delete(hub_tables.message).where(hub_tables.message.c.message_id == lost["berichtId"]))
    assert [place for place, _ in _findings(region)] == [f"message {lost['berichtId']}"]


@pytest.mark.parametrize("jump", [timedelta(minutes=-10), timedelta(hours=2)])
def test_what_takes_away_goes_on_whatever_the_clock_says(region: Region, jump: timedelta) -> None:
    """A withdrawal closes on any clock, and stays closed when an operator accepts the time."""
    guide, at = region.pair()
    person, statement = region.reporting(guide, at)
    region.send(at, region.report(person, at)).expect(202)
    region.clock.frozen = at_once = datetime.now(UTC) + jump
    assert region.call(guide, "GET", "/v1/postvak/berichten").status == 503
    told = region.withdraw(at, statement)
    assert told["gestopt"] == 1
    region.operate(lambda tx, act: facts.write(tx.connection, ACCEPTED, instants.write(at_once)))
    assert region.fetch(guide) == []
    assert region.request("GET", "/health/ready", None, {}).status == 200
    region.wait_signed()
    assert _one_whole_history(region.core) > 0


def test_a_log_over_http_that_was_cut_or_changed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``hub ledger verify --url`` at a server that serves what it likes."""
    region = Region(tmp_path / "hub")
    _log_some(region.core, 300)
    region.wait_signed()
    folder = tmp_path / "served"
    with reading(region.core.engine) as connection:
        log.export(connection, folder)
    keys = region.core.keyring.log_keys().verifiers(region.hub.log_origin)
    region.stop()
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"

        def look() -> tuple[int, dict[str, Any]]:
            with pytest.raises(SystemExit) as end:
                cli.main(["ledger", "verify", "--url", url, "--key", keys[0].vkey, "--json"])
            return int(end.value.code or 0), json.loads(capsys.readouterr().out)

        assert look()[0] == verifier.WHOLE
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            raw = path.read_bytes()
            for wrong in (raw[:-1], raw[:-1] + bytes([raw[-1] ^ 1]), raw + b"\x00", b""):
                path.write_bytes(wrong)
                code, told = look()
                assert code == verifier.BROKEN, (path, told)
                assert str(path.relative_to(folder)) in [found["plaats"] for found in told["bevindingen"]] or (
                    "entries" in str(path)  # what an entry is wrong with shows in the tile above it
                )
            path.write_bytes(raw)
        (folder / "checkpoint").unlink()
        assert look()[0] == verifier.COULD_NOT_LOOK
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
