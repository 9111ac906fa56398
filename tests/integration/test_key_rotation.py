"""Rotation of the log's key: two lines while it lasts, a crash at any step, and no proof that stops to hold."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from consent.log import ledger, reading, tables
from consent.log.merkle import leaf_hash
from consent.log.note import NoteInvalid, Verifier, open_checkpoint, open_note
from consent.log.proof import verify_consistency
from consent.log.sequencer import sequence
from consent.log.signer import Signer
from contracts.errors import Conflict
from hub import cli
from hub.administration import installation
from hub.administration.act import Act
from hub.core import Core, open_core
from hub.keys.log_keys import LogKeyFiles
from hub.ledger.rotation import KeyRotation
from hub.machine.clock import SystemClock
from tests.region import Region, environment_for, settings_for


class Crash(Exception):
    """The process ends here."""


@dataclass
class Installed:
    """A hub that does not run; each ``open`` is a fresh process that finds what the last one left."""

    folder: Path
    url: str | None

    @contextmanager
    def open(self) -> Iterator[Core]:
        core = open_core(settings_for(self.folder, self.url, 18080))
        try:
            yield core
        finally:
            core.engine.dispose()
            core.key_store._engine.dispose()

    def rotation(self, core: Core) -> KeyRotation:
        files = LogKeyFiles(installation.keys_folder(core.settings))
        origin = core.facts[installation.LOG_ORIGIN]
        return KeyRotation(files, core.transactions, Act("jan", core.evidence), origin)

    def rotate(self) -> tuple[Verifier, Verifier]:
        with self.open() as core:
            return self.rotation(core).rotate(os.urandom)

    def retire(self) -> tuple[Verifier, Verifier]:
        with self.open() as core:
            return self.rotation(core).retire()

    def sign(self, more: int = 1) -> str:
        """What the hub does once it runs: log something, sequence it, sign. The latest note."""
        with self.open() as core:
            entries = [ledger.NewEntry("proef", bytes(32), {"v": 1, "soort": "proef"})] * more
            with core.engine.begin() as connection:
                ledger.append(connection, entries, core.new_id)
            with core.engine.begin() as connection:
                assert sequence(connection, 1_000) is not None
            signer = Signer(
                installation.signer_state(core.settings), core.keyring.log_keys, core.facts[installation.LOG_ORIGIN]
            )
            assert signer.sign(core.engine.begin) is not None
            with core.look() as connection:
                note = reading.latest_note(connection)
            assert note is not None
            return note

    def acts(self) -> list[tuple[str, str]]:
        """What the log says of its keys, in order."""
        with self.open() as core, core.look() as connection:
            key = core.key_store.find(["systeem"])["systeem"]
            ids = connection.scalars(select(tables.ledger_entry.c.entry_id).order_by(tables.ledger_entry.c.idx)).all()
            waiting = connection.scalars(select(tables.ledger_pending.c.entry_id).order_by(tables.ledger_pending.c.id))
            found = []
            for entry_id in [*ids, *waiting]:
                stored = ledger.find(connection, entry_id)
                if stored is not None and stored.key_id == "systeem":
                    payload = json.loads(stored.open(key))
                    if "sleutel" in payload:
                        found.append((payload["handeling"], payload["sleutel"]))
            return found

    def published(self) -> list[str]:
        with self.open() as core, core.look() as connection:
            return list(connection.scalars(select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size)))


@pytest.fixture(params=["sqlite", "postgresql"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Installed:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    made = Installed(tmp_path / "hub", url)
    installation.initialise(settings_for(made.folder, url, 18080), SystemClock(), os.urandom)
    made.sign()
    return made


def _lines(note: str) -> int:
    return note.rpartition("\n\n")[2].count("\n")


def _one_history(installed: Installed) -> None:
    """Every checkpoint that was ever published is a beginning of the last one, whoever signed it."""
    with installed.open() as core, core.look() as connection:
        keys = core.keyring.log_keys().verifiers(core.facts[installation.LOG_ORIGIN])
        notes = connection.scalars(select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size)).all()
        heads = [open_checkpoint(note, keys) for note in notes]
        for head in heads:
            path = reading.consistency(connection, head.size, heads[-1].size) if head.size else None
            if head.size:
                assert path is not None
                verify_consistency(head, heads[-1], path)


def test_two_lines_while_it_lasts_and_one_before_and_after(installed: Installed) -> None:
    before = installed.sign()
    old, new = installed.rotate()
    assert (old.name, old.key_id != new.key_id) == (new.name, True)
    during = installed.sign()
    assert installed.retire() == (old, new)
    after = installed.sign()
    assert [_lines(note) for note in (before, during, after)] == [1, 2, 1]
    for note, good, bad in ((before, old, new), (after, new, old)):
        open_checkpoint(note, [good])
        with pytest.raises(NoteInvalid):
            open_checkpoint(note, [bad])
        open_checkpoint(note, [old, new])  # who knows both can check all
    assert open_note(during, [old, new]).signers == (old, new)
    open_checkpoint(during, [old])
    open_checkpoint(during, [new])
    _one_history(installed)
    told = [("logsleutel-aangekondigd", new), ("logsleutel-in-gebruik", new), ("logsleutel-afgelost", old)]
    assert installed.acts() == [(what, key.vkey) for what, key in told]


def test_a_bad_line_of_a_known_key_rejects_the_note_whatever_the_other_says(installed: Installed) -> None:
    old, new = installed.rotate()
    note = installed.sign()
    text, _, lines = note.rpartition("\n\n")
    first, second = lines.splitlines()
    spoiled = second[:-6] + ("A" if second[-6] != "A" else "B") + second[-5:]
    changed = f"{text}\n\n{first}\n{spoiled}\n"
    with pytest.raises(NoteInvalid):
        open_checkpoint(changed, [old, new])
    assert open_checkpoint(changed, [old]) == open_checkpoint(note, [old])  # to who knows only one key, a foreign line


def test_an_old_proof_holds_for_ever(installed: Installed) -> None:
    installed.sign()
    with installed.open() as core, core.look() as connection:
        row = connection.execute(select(tables.ledger_entry).order_by(tables.ledger_entry.c.idx).limit(1)).one()
        proof = reading.tlog_proof(connection, row.entry_id)
        commitment = row.commitment
    assert proof is not None
    old, new = installed.rotate()
    installed.sign()
    installed.retire()
    installed.sign()
    leaf = leaf_hash(commitment)
    assert proof.verify(leaf, [old]).size == 2
    assert proof.verify(leaf, [old, new]).size == 2
    with pytest.raises(NoteInvalid):
        proof.verify(leaf, [new])


def test_rotations_can_follow_one_another_but_not_overlap(installed: Installed) -> None:
    with pytest.raises(Conflict):
        installed.retire()  # there is none
    first, second = installed.rotate()
    with pytest.raises(Conflict):
        installed.retire()  # no checkpoint bears the new line yet
    installed.sign()
    with pytest.raises(Conflict):
        installed.rotate()
    installed.retire()
    assert installed.rotate()[0] == second
    installed.sign()
    _, third = installed.retire()
    note = installed.sign()
    assert len({first.key_id, second.key_id, third.key_id}) == 3
    assert open_note(note, [first, second, third]).signers == (third,)
    with installed.open() as core:
        assert core.keyring.log_keys().retired == (first.public, second.public)
    _one_history(installed)


def test_the_key_files_are_for_their_owner_alone(installed: Installed) -> None:
    installed.rotate()
    installed.sign()
    folder = installed.folder / "keys"
    assert {p.name for p in folder.glob("log*")} == {"log.key", "log-next.key"}
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}
    old = (folder / "log.key").read_bytes()
    installed.retire()
    assert {p.name for p in folder.glob("log*")} == {"log.key", "log-retired.json"}
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}
    assert all(old not in p.read_bytes() for p in folder.iterdir())  # the old private key is nowhere any more


@contextmanager
def _crash_at(core: Core, step: int) -> Iterator[None]:
    """The process ends before its ``step``-th durable act: a commit, a sync of a file or a folder, a rename."""
    seen = 0

    def act(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen > step:
                raise Crash
            return real(*arguments, **more)

        return call

    count = act(lambda *_: None)
    event.listen(core.engine, "commit", count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", act(os.fsync))
        patch.setattr(os, "replace", act(os.replace))
        try:
            yield
        finally:
            event.remove(core.engine, "commit", count)


def _crashes(installed: Installed, act: Callable[[KeyRotation], object], step: int) -> bool:
    """Do it, but for a crash before its ``step``-th durable act; whether it got so far. Then the hub signs."""
    crashed = True
    with installed.open() as core, suppress(Crash), _crash_at(core, step):
        act(installed.rotation(core))
        crashed = False
    assert 1 <= _signers(installed.sign(), installed) <= 2
    return crashed


def _signers(note: str, installed: Installed) -> int:
    with installed.open() as core:
        verifiers = core.keyring.log_keys().verifiers(core.facts[installation.LOG_ORIGIN])
    opened = open_note(note, verifiers)
    assert opened.lines == len(opened.signers)  # no line is of an unknown key
    return len(opened.signers)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the files of a process that died
def test_a_crash_between_any_two_steps_and_the_next_run_goes_on(installed: Installed) -> None:
    """A whole rotation for each place to crash at, from the first durable act to the last, of both commands."""
    step, crashed = 0, True
    while crashed:
        rotating = _crashes(installed, lambda rotation: rotation.rotate(os.urandom), step)
        if rotating:
            with suppress(Conflict):  # only the last act was missing: it is done
                installed.rotate()
        assert _signers(installed.sign(), installed) == 2
        retiring = _crashes(installed, lambda rotation: rotation.retire(), step)
        if retiring:
            with suppress(Conflict):
                installed.retire()
        assert _signers(installed.sign(), installed) == 1
        crashed, step = rotating or retiring, step + 1
    assert step > 8
    _one_history(installed)
    told = [what for what, _ in installed.acts()]
    assert told == ["logsleutel-aangekondigd", "logsleutel-in-gebruik", "logsleutel-afgelost"] * step
    with installed.open() as core:
        assert len(core.keyring.log_keys().retired) == step


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_beside_a_running_hub_by_the_commands(
    database: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = request.getfixturevalue("postgres_url") if database == "postgresql" else None
    region = Region(tmp_path / "hub", url)
    try:
        _rotate_beside(region, environment_for(tmp_path / "hub", url, 18080), capsys)
    finally:
        region.stop()


def _rotate_beside(region: Region, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    def command(*arguments: str) -> Any:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
            for name, value in environment.items():
                patch.setenv(name, value)
            cli.main([*arguments, "--json"])
        told = capsys.readouterr()
        assert not end.value.code, told.err
        return json.loads(told.out)

    def shown() -> tuple[dict[str, Any], str]:
        region.wait_signed()
        keys = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).expect(200)
        return keys, region.request("GET", "/bewijslogboek/checkpoint", None, {}).body.decode()

    before, note = shown()
    assert (before["opvolger"], before["eerdere"], _lines(note)) == (None, [], 1)
    made = command("key", "rotate-log", "--operator", "jan")
    during, note = shown()
    assert during == before | {"opvolger": made["opvolger"]}
    both = [Verifier.parse(during["sleutel"]), Verifier.parse(during["opvolger"])]
    assert open_note(note, both).signers == tuple(both)
    done = command("key", "retire-log", "--operator", "piet")
    region.operate(lambda tx, act: act.log(tx, "proef", {}))
    after, note = shown()
    assert after == before | {"sleutel": made["opvolger"], "eerdere": [before["sleutel"]]}
    assert done == {"sleutel": made["opvolger"], "afgelost": before["sleutel"]}
    assert open_note(note, both).signers == (both[1],) and _lines(note) == 1
    assert command("ledger", "verify", "--db")["uitkomst"] == "heel"
    assert region.hub.log_keeper.alive()
