"""A log that is looked at over HTTP while the hub runs: by the verifier that needs no hub, and by the hub's command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub import cli
from hub.administration.backup import restore
from hub.administration.backup.known import Named
from tests.live import ROOT, LiveRegion
from tests.region import Moved
from tests.servers import Watchdog, wait_until

VERIFIERS = (("-m", "consent.audit"), ("-m", "hub.cli", "ledger", "verify"))


def look(program: tuple[str, ...], *arguments: object) -> tuple[int, dict[str, Any]]:
    """What the verifier says in a process of its own, outside every folder of the hub."""
    command = [sys.executable, *program, *map(str, arguments), "--json"]
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd="/", env=surroundings, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_running_hub_is_looked_at_in_one_way(
    tmp_path: Path, watchdog: Watchdog, capsys: pytest.CaptureFixture[str]
) -> None:
    region = LiveRegion(tmp_path / "hub", watchdog)
    try:
        region.start()
        guide, at = region.pair()
        person, given = region.reporting(guide, at)
        receipt = region.send(at, region.report(person, at)).expect(202)
        told = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).expect(200)
        url, key = told["adres"], told["sleutel"]
        assert url.endswith("/bewijslogboek") and told["voorgangers"] == []
        token, kept = tmp_path / "token", tmp_path / "receipt.json"
        token.write_text(region.token(at))
        kept.write_text(json.dumps(receipt))
        region.withdraw(at, given)
        path = f"/v1/toestemmingen/{given}/toestemmingsbewijs"
        wait_until(lambda: region.call(at, "GET", path).status == 200, 10, "the withdrawal is not signed")
        ended = region.call(at, "GET", path).body
        for program in VERIFIERS:
            code, found = look(program, "--url", url, "--token-file", token, "--key", key)
            assert (code, found["uitkomst"], found["letOp"]) == (0, "heel", []), found
            assert found["logboek"]["grootte"] > 5
            assert look(program, "--url", url, "--key", key)[0] == 2  # tiles need a token
            wrong = look(program, "--url", url.removesuffix("/bewijslogboek"), "--key", key)
            assert wrong[0] == 2 and "/bewijslogboek" in str(wrong[1]["reden"])
            assert look(program, "--url", "http://hub.example/bewijslogboek", "--key", key)[0] == 2
            other = key.replace("bewijslogboek", "elders")
            assert look(program, "--url", url, "--token-file", token, "--key", other)[0] == 2  # not a key at all
        region.end()
        _restored_in_place(region)
        region.start()
        told = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).expect(200)
        (before,) = told["voorgangers"]
        assert before["adres"] == url and told["adres"] == f"{url}/2"
        token.write_text(region.token(at))
        for program in VERIFIERS:
            code, found = look(program, "--url", told["adres"], "--token-file", token, "--key", told["sleutel"])
            assert code == 0 and before["oorsprong"] in str(found["letOp"])
            code, found = look(program, "--url", before["adres"], "--token-file", token, "--key", key)
            assert code == 0 and told["oorsprong"] in str(found["letOp"])
            asked = ("--url", told["adres"], "--token-file", token, "--receipt", kept)
            code, found = look(program, *asked, "--key", told["sleutel"])  # what stood before stands in the new one too
            assert code == 0 and "blad in het logboek" in str(found["bekeken"])
            code, found = look(program, *asked, "--key", key)
            (only,) = found["bevindingen"]
            assert (code, only["plaats"]) == (1, "checkpoint") and "Na een herstel" in only["reden"]
        kept.write_bytes(ended)
        code, found = _own(region, kept, capsys)  # the proof in it is of the log before the restore
        assert (code, found["bevindingen"]) == (0, [])
    finally:
        region.stop()


def _own(region: LiveRegion, receipt: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Any, dict[str, Any]]:
    """What the hub's command says of a receipt beside its own database, without any key."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        for name, value in region.environment.items():
            patch.setenv(name, value)
        cli.main(["ledger", "verify", "--db", "--receipt", str(receipt), "--json"])
    return end.value.code or 0, json.loads(capsys.readouterr().out)


def _restored_in_place(region: LiveRegion) -> None:
    """As after a restore to an older state: the signer remembers nothing, so that the log must begin anew."""
    for path in region.settings.data_dir.glob("signer*.state"):
        path.unlink()
    tools = restore.Tools(region.settings, Moved(), os.urandom, lambda *_: None)
    done = restore.finish_here(tools, "Beheerder Een", Named())
    assert done.report.exit_code == 0, done.report.as_text()


@pytest.mark.parametrize("program", VERIFIERS)
def test_a_hub_that_is_not_there_proves_nothing(program: tuple[str, ...]) -> None:
    code, found = look(program, "--url", "http://127.0.0.1:1/bewijslogboek", "--key", "a+00000000+AAAA")
    assert code == 2 and found["uitkomst"] == "niet-gekeken"
