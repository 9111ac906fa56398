"""What ``hub backup`` throws away when something is in its way, when it is cut off, and when its clock is wrong."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from contracts import instants
from hub import cli
from hub.administration import installation
from hub.administration.backup import durable, save
from hub.administration.backup.manifest import BackupRefused, Part
from hub.machine.clock_guard import ACCEPTED
from hub.settings import Settings
from hub.store import installation as facts
from hub.store.database import open_engine
from tests.integration.test_backup import Place, ran
from tests.region import Moved, environment_for, settings_for

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
PARTS = (Part.DATA, Part.KEYS)


@dataclass(frozen=True)
class Kept:
    """A hub and the folders of its backups, at a time of the test's choice."""

    settings: Settings
    where: Place
    clock: Moved

    def after(self, days: float, *, running: bool = True) -> save.Saved:
        """Make a backup so many days after the first; beside a hub that runs at the right time, or with no hub."""
        self.clock.frozen = START + timedelta(days=days)
        if running:
            ran(self.settings, self.clock.frozen)
        return self.where.back_up(self.settings, self.clock)

    def names(self, part: Part) -> set[str]:
        return {path.name for path in self.where.roots[part].iterdir()}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(settings_for(tmp_path / "hub", None, 18080), Place(tmp_path, lambda: None), Moved())
    made.clock.frozen = START
    installation.initialise(made.settings, made.clock, os.urandom)
    return made


def stuck_in(made: save.Saved) -> list[str]:
    return [Path(str(each.filename)).name for each in made.cleaned.stuck]


# -- each part under its own care -------------------------------------------------------------------------------------
def unreadable(folder: Path) -> None:
    (folder / "manifest.json").mkdir()  # as EACCES, EIO or ESTALE: not that it is not there


def no_names(folder: Path) -> None:
    body = {"deel": "gegevens", "backup": folder.name, "gemaaktOp": "2026-10-01T12:00:00Z", "hub": "h", "logboek": "l"}
    listed = [{"naam": 5, "grootte": 1, "sha256": ""}]
    body |= {"schema": "1", "database": "sqlite", "formaat": 1, "bestanden": listed}
    (folder / "manifest.json").write_text(json.dumps(body))


def endless_size(folder: Path) -> None:
    no_names(folder)
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"grootte": 1', '"grootte": Infinity'))


def deep(folder: Path) -> None:
    (folder / "manifest.json").write_text("[" * 100_000)


@pytest.mark.parametrize("spoil", [unreadable, no_names, endless_size, deep])
def test_a_manifest_that_cannot_be_read_keeps_no_other_part(kept: Kept, spoil: Callable[[Path], None]) -> None:
    first = kept.after(0)
    for part in PARTS:
        odd = kept.where.roots[part] / "20261101T130000Z-00000000"
        odd.mkdir()
        spoil(odd)
    made = kept.after(30.02)  # the odd one is no 30 days old, even by its name
    assert not first.data.exists() and not first.keys.exists()
    assert made.cleaned.unknown == {odd.name} and made.cleaned.stuck == []


@pytest.mark.parametrize(
    "name", ["20260230T120000Z-00000000", "20261301T120000Z-00000000", "20260101T990000Z-00000000"]
)
def test_a_name_of_a_day_that_there_is_not_is_not_known(kept: Kept, name: str) -> None:
    first = kept.after(0)
    (kept.where.roots[Part.KEYS] / name).mkdir()
    made = kept.after(31)
    assert not first.keys.exists() and made.cleaned.unknown == {name} and made.keys.exists()


def refusing(name: str) -> Callable[[Path, Path], None]:
    """A medium on which this one folder keeps its name: immutable, or of another owner."""
    real = durable.rename

    def rename(source: Path, target: Path) -> None:
        if source.name == name:
            raise PermissionError(1, "Operation not permitted", str(source))
        real(source, target)

    return rename


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_cannot_be_renamed_keeps_no_other_and_is_told(kept: Kept, part: Part) -> None:
    first, second = kept.after(0), kept.after(0.1)
    immovable = kept.where.roots[part] / first.backup
    real = refusing(first.backup)

    def rename(source: Path, target: Path) -> None:
        (real if source.parent == immovable.parent else os.replace)(source, target)

    with patch.object(durable, "rename", rename):
        made = kept.after(31)
    assert [each.filename for each in made.cleaned.stuck] == [str(immovable)]
    left = [each for each in (first.data, first.keys, second.data, second.keys) if each.exists()]
    assert left == [immovable] and made.data.exists() and made.keys.exists()
    assert kept.after(32).cleaned.removed == {first.backup}  # the control: it was that alone


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_that_cannot_be_listed_keeps_nothing_in_the_other(kept: Kept, part: Part) -> None:
    first, root, real = kept.after(0), kept.where.roots[part], Path.iterdir

    def iterdir(path: Path) -> Any:
        if path == root:
            raise OSError(5, "Input/output error")
        return real(path)

    with patch.object(Path, "iterdir", iterdir):
        made = kept.after(31)
    other = first.keys if part is Part.DATA else first.data
    assert not other.exists() and stuck_in(made) == [root.name] and made.keys.exists()


# -- cut off, and two at once -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", PARTS)
def test_a_cut_in_the_cleaning_leaves_what_looks_like_no_backup_and_what_the_next_run_removes(
    kept: Kept, part: Part
) -> None:
    """Also at the same hour of the next night, whatever the time of the file system says."""
    kept.clock.frozen = START
    first, real = kept.after(0), shutil.rmtree
    gone = kept.where.roots[part] / f".{first.backup}.gone"

    def cut(path: Path, **more: bool) -> None:
        if Path(path) == gone:
            next(each for each in gone.iterdir() if each.suffix == ".db").unlink()
            raise OSError(5, "Input/output error", "hub.db")
        real(path, **more)

    with patch.object(save.shutil, "rmtree", cut):
        made = kept.after(31)
    assert stuck_in(made) == [gone.name] and gone.is_dir()
    assert [name for name in kept.names(part) if save.BACKUP.fullmatch(name)] == [made.backup]
    young = (START + timedelta(days=32)).timestamp()
    os.utime(gone, (young, young))
    assert kept.after(32, running=False).cleaned.removed == {gone.name} and not gone.exists()


def test_a_part_that_was_put_back_beside_what_was_left_of_it_is_removed_too(kept: Kept) -> None:
    first = kept.after(0)
    for each in (first.data, first.keys):
        shutil.copytree(each, each.with_name(f".{each.name}.gone"))
    made = kept.after(31)
    assert made.cleaned.stuck == [] and made.cleaned.removed == {first.backup, f".{first.backup}.gone"}
    assert kept.names(Part.DATA) == kept.names(Part.KEYS) == {made.backup}


def test_what_another_run_made_and_was_cut_off_in_is_left_for_a_day(kept: Kept) -> None:
    """It bears another name than what is thrown away: it may still be at work."""
    first = kept.after(0)
    work = kept.where.roots[Part.KEYS] / ".20261101T130000Z-00000000.new"
    work.mkdir()
    hour = (START + timedelta(hours=1)).timestamp()
    os.utime(work, (hour, hour))
    assert kept.after(0.5).cleaned.removed == set() and work.exists()
    assert kept.after(2).cleaned.removed == {work.name} and first.keys.exists()


@pytest.mark.parametrize("step", ["look", "rename", "remove"])
@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_another_run_removes_meanwhile_is_no_trouble(kept: Kept, part: Part, step: str) -> None:
    first, second = kept.after(0), kept.after(0.1)
    theirs, real = kept.where.roots[part] / first.backup, (Path.is_dir, durable.rename, shutil.rmtree)
    gone = theirs.with_name(f".{first.backup}.gone")

    def is_dir(path: Path) -> bool:
        found = real[0](path)
        if step == "look" and path == theirs:
            real[2](path)
        return found

    def rename(source: Path, target: Path) -> None:
        if step == "rename" and source == theirs:
            real[1](source, target)  # the other run gives it its name, and goes on
        real[1](source, target)

    def remove(path: Path, **more: bool) -> None:
        if step == "remove" and path == gone:
            real[2](path)
        real[2](path, **more)

    with (
        patch.object(Path, "is_dir", is_dir),
        patch.object(durable, "rename", rename),
        patch.object(save.shutil, "rmtree", remove),
    ):
        made = kept.after(31)
    assert made.cleaned.stuck == [] and not theirs.exists()
    assert not second.data.exists() and not second.keys.exists()


# -- a clock that is wrong --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ahead", [32, 365])
def test_a_clock_that_ran_ahead_removes_nothing(kept: Kept, ahead: int) -> None:
    """As the hub itself, which destroys nothing until the time is beyond doubt."""
    made = [kept.after(day) for day in range(3)]
    work = kept.where.roots[Part.KEYS] / ".20261101T130000Z-00000000.new"
    work.mkdir()
    os.utime(work, (0, 0))
    wrong = kept.after(ahead, running=False)
    assert not wrong.settled and wrong.cleaned.removed == set() and wrong.cleaned.stuck == []
    later = kept.after(3)
    assert later.settled and later.cleaned.removed == {work.name}
    assert all(each.data.exists() and each.keys.exists() for each in (*made, wrong, later))
    assert wrong.backup in later.cleaned.unknown  # it would be no 30 days old for all that time: a person must look


def test_a_clock_that_ran_behind_removes_nothing(kept: Kept) -> None:
    kept.after(0)
    kept.after(40, running=False)
    assert kept.after(41).cleaned.removed != set()  # the control
    ran(kept.settings, START + timedelta(days=90))
    assert not kept.after(80, running=False).settled


def test_a_time_that_an_operator_accepted_is_beyond_doubt(kept: Kept) -> None:
    first = kept.after(0)
    assert not kept.after(31, running=False).settled and first.keys.exists()
    engine = open_engine(kept.settings.database_url)
    with engine.begin() as connection:
        facts.write(connection, ACCEPTED, instants.write(START + timedelta(days=31)))
    engine.dispose()
    made = kept.after(31.01, running=False)
    assert made.settled and made.cleaned.removed == {first.backup} and not first.keys.exists()


def test_without_any_mark_nothing_is_removed(kept: Kept) -> None:
    """No hub ran on this database: nothing tells what time it is."""
    first = kept.after(0, running=False)
    assert not kept.after(31, running=False).settled and first.keys.exists()


def test_the_newest_backup_is_not_put_back_when_it_is_of_after_now(kept: Kept) -> None:
    """One of the two clocks was wrong, and only the operator can tell which."""
    now = datetime.now(UTC)
    for ahead in (timedelta(days=-1), timedelta(minutes=30)):
        kept.clock.frozen = now + ahead
        near = kept.where.back_up(kept.settings, kept.clock)
    folders = replace(near, data=kept.where.roots[Part.DATA], keys=kept.where.roots[Part.KEYS])
    assert kept.where.put_back(kept.where.elsewhere("near"), folders).outcome.run == near.backup  # a small step
    kept.clock.frozen = now + timedelta(days=365)
    wrong = kept.where.back_up(kept.settings, kept.clock)
    with pytest.raises(BackupRefused, match=f"van na nu: {wrong.backup}"):
        kept.where.put_back(kept.where.elsewhere("folder"), folders)
    assert kept.where.put_back(kept.where.elsewhere("named"), wrong).outcome.run == wrong.backup
    assert kept.where.put_back(kept.where.elsewhere("older"), near).outcome.run == near.backup


# -- the command line -------------------------------------------------------------------------------------------------
def test_the_command_says_that_the_backup_was_made_and_what_could_not_be_removed(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    for name, value in environment_for(kept.settings.data_dir, None, 18080).items():
        monkeypatch.setenv(name, value)
    roots, now = kept.where.roots, datetime.now(UTC)
    kept.clock.frozen = now - timedelta(days=31)
    first = kept.where.back_up(kept.settings, kept.clock)

    def run(*more: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main(["backup", str(roots[Part.DATA]), "--sleutels", str(roots[Part.KEYS]), *more])
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    code, _, told = run()
    assert code == 0 and "geen oude backup verwijderd" in told and "hub clock accept" in told
    ran(kept.settings, now)
    with patch.object(durable, "rename", refusing(first.backup)):
        code, out, told = run("--json")
    made = json.loads(out)
    assert code == 1 and "De backup is gemaakt" in told and f"{first.data}: dit mag hier niet" in told
    assert made["nietVerwijderd"] == [str(first.data), str(first.keys)] and made["klokStaatVast"]
    assert Path(made["gegevens"]).is_dir() and Path(made["sleutels"]).is_dir()
    code, out, told = run("--json")  # the control
    assert (code, told, json.loads(out)["verwijderd"]) == (0, "", [first.backup])
