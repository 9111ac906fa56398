"""`hub ledger verify` with a receipt beside a log: one of a hub that has nothing to do with that log is not whole."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consent.log import reading as log
from consent.log.note import Verifier
from hub import cli
from hub.store.database import reading
from tests.partners import BATCH
from tests.region import Region
from tests.samples import KRINGLOOP, MBO, ONTWIKKELBEDRIJF


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Region, Region]]:
    made = Region(tmp_path_factory.mktemp("een")), Region(tmp_path_factory.mktemp("twee"))
    yield made
    for one in made:
        one.stop()


def receipts(region: Region, folder: Path) -> dict[str, Path]:
    """Everything that a hub gives somebody to keep: one file each."""
    person, given = region.reporting()
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{given}/bevestiging")
    batch = [region.report(person, number=number) for number in range(3)]
    answers = {
        "bericht": region.send(KRINGLOOP, region.report(person)),
        "reeks": region.call(KRINGLOOP, "POST", "/v1/berichten", batch, BATCH),
    }
    someone = region.candidate()
    region.place(someone)
    scope = ([MBO], "trajectbegeleiding", "leervoortgang")
    both = {"verstrekkers": [ONTWIKKELBEDRIJF, KRINGLOOP]}
    shared = region.consent(ONTWIKKELBEDRIJF, someone.refs[ONTWIKKELBEDRIJF], *scope, **both)
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{shared}/bevestiging").expect(200)
    region.wait_signed()
    answers["bevestigd"] = region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{shared}/toestemmingsbewijs")
    for form in ("dpv", "brief"):
        path = f"/v1/toestemmingen/{given}/toestemmingsbewijs?formaat={form}"
        answers[form] = region.call(KRINGLOOP, "GET", path)
    files = {}
    for name, answer in answers.items():
        assert answer.status in (200, 202), answer.body
        files[name] = folder / name
        files[name].write_bytes(answer.body)
    return files


def test_a_receipt_of_another_hub_is_not_in_this_log(
    regions: tuple[Region, Region], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = regions
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    own, foreign = receipts(ours, tmp_path / "ours"), receipts(theirs, tmp_path / "theirs")
    with reading(ours.core.engine) as connection:
        log.export(connection, tmp_path / "log")
    key = ours.call(ONTWIKKELBEDRIJF, "GET", "/v1/bewijslogboek/sleutel").expect(200)["sleutel"]

    def command(*arguments: object) -> tuple[Any, dict[str, Any]]:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setenv("HUB_DATA_DIR", str(ours.settings.data_dir))
            patch.setenv("HUB_ENV", "demo")
            cli.main(["ledger", "verify", *map(str, arguments), "--json"])
        return end.value.code or 0, json.loads(capsys.readouterr().out)

    for where in (("--folder", tmp_path / "log", "--key", key), ("--db",)):
        for name, file in own.items():  # the control
            code, told = command(*where, "--receipt", file)
            assert (code, told["uitkomst"]) == (0, "heel"), (name, told)
            assert "blad in het logboek" in told["bekeken"]
        for name, file in foreign.items():
            code, told = command(*where, "--receipt", file)
            assert (code, told["uitkomst"]) == (1, "kapot"), name
            assert all(one["plaats"].startswith(("blad in het logboek", "bewijs van")) for one in told["bevindingen"])
    assert [one["plaats"] for one in command(*where, "--receipt", foreign["reeks"])[1]["bevindingen"]] == [
        f"blad in het logboek: {number} van 3" for number in (1, 2, 3)
    ]
    for name, file in own.items():  # a key of the log from before a restore: of the leaves it tells nothing
        code, told = command("--db", "--key", _of_another_log(key), "--receipt", file)
        places = [one["plaats"] for one in told["bevindingen"]]
        own_proof = ["bewijs van vermelding 2: checkpoint"] if name == "bevestigd" else []
        assert (code, places) == (1, ["checkpoint", *own_proof]), name
        assert "Na een herstel" in told["bevindingen"][0]["reden"]


def _of_another_log(key: str) -> str:
    ours = Verifier.parse(key)
    return replace(ours, name=f"{ours.name}/2").vkey
