"""The demo is honest: it says that everything went well only when it did, and names what did not.

Each mutation changes one of the region's data files in one place; the demo must fail and name the step.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.servers import wait_until

ROOT = Path(__file__).parents[2]
REGION = ROOT / "hub" / "demo" / "region"
LONGEST = 180  # seconds of one run; it takes some fifteen


def command(region: Path) -> list[str]:
    return [sys.executable, "-m", "hub.cli", "demo", "--once", "--json", "--regio", str(region)]


def surroundings(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return kept | {"HUB_DATA_DIR": str(data_dir)}


def play(region: Path, data_dir: Path) -> tuple[int, dict[str, Any]]:
    """One run: its exit code and what it said."""
    done = subprocess.run(
        command(region), cwd=ROOT, env=surroundings(data_dir), capture_output=True, timeout=LONGEST, check=False
    )
    assert done.stdout, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def left_behind(data_dir: Path) -> list[int]:
    """The processes whose command or environment speaks of this folder."""
    mark, found = str(data_dir).encode(), []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it ended while we looked
            continue
        if mark in about:
            found.append(int(process.name))
    return found


def outcomes(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [step for chapter in told["hoofdstukken"] for step in chapter["stappen"]]


@dataclass(frozen=True)
class Mutation:
    """One change of one file: what is found there, what is put in its place, and which step must be named, and why."""

    file: str
    found: str
    put: str
    step: str
    because: str
    encoding: str = "utf-8"

    def apply(self, region: Path) -> None:
        place = region / self.file
        with place.open(encoding=self.encoding, newline="") as source:
            text = source.read()
        changed, times = re.subn(self.found, lambda _: self.put, text, count=1, flags=re.DOTALL)
        assert times == 1, "the region's files changed; mend the mutation"
        with place.open("w", encoding=self.encoding, newline="") as target:
            target.write(changed)


MUTATIONS = {
    "a consent is removed": Mutation(
        "partners/ontwikkelbedrijf.json",
        r',\s*\{"stap": "Sam zegt ja: certificeren door het mbo".*?"toestand": "gegeven"\}\}',
        "",
        "vraagt de praktijkverklaring aan, met tussenresultaten; die wacht",
        "GEEN_GRONDSLAG",
    ),
    "a BSN is broken": Mutation(
        "partners/gemeente-waterveen.json",
        '"999990342"',
        '"999990343"',
        "meldt Sam aan met BSN, na het zien van een paspoort",
        "bsn: BSN_ONGELDIG",
    ),
    "an agreement has ended": Mutation(
        "afspraken/sluis-linde.json",
        '"geldigTot": null',
        '"geldigTot": "2026-01-01"',
        "plaatst Sam ook bij woonzorg De Linde",
        "AFSPRAAK_ONTBREEKT",
    ),
    "a machtiging lacks a scope": Mutation(
        "regio.json",
        '("systeem": "studievolgsysteem",\\s*"scopes": \\["berichten:versturen", )"berichten:ontvangen", ',
        '"systeem": "studievolgsysteem", "scopes": ["berichten:versturen", ',
        "neemt een abonnement: berichten komen via een ondertekende webhook",
        "invalid_scope",
    ),
    "a CSV column has another name": Mutation(
        "bestanden/kringloop-week-38.csv",
        ";Datum;",
        ";Dag;",
        "stuurt het weekoverzicht uit Excel: drie regels gaan, één foute regel is met regel en veld genoemd",
        "fouten",
        "cp1252",
    ),
    "a release from secrecy is missing": Mutation(
        "partners/woonzorg.json",
        r'\{"stap": "Sam ontslaat De Linde van de geheimhouding.*?"bewaar": \{"de ontheffing": "id"\}\},\s*',
        "",
        "stuurt hetzelfde bericht nog eens: nu mag het",
        "GEEN_GRONDSLAG",
    ),
}


@pytest.fixture
def region(tmp_path: Path) -> Path:
    copy = tmp_path / "regio"
    shutil.copytree(REGION, copy)
    return copy


def test_every_expected_outcome_occurs_also_after_a_run_that_was_killed(region: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    killed = subprocess.Popen(
        command(region), cwd=ROOT, env=surroundings(data_dir), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    partners = data_dir / "demo" / "partners"
    wait_until(lambda: any(partners.glob("*/ontvangen/*.json")), 60, "a message was received")
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    wait_until(lambda: not left_behind(data_dir), 10, "every process of the killed run ended")

    code, told = play(region, data_dir)

    assert (code, told["uitkomst"], told["nietGebeurd"]) == (0, "geslaagd", [])
    assert told["verwacht"] == told["gebeurd"] == len(outcomes(told)) > 70
    assert left_behind(data_dir) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_one_change_in_a_data_file_makes_the_demo_fail_and_name_it(name: str, region: Path, tmp_path: Path) -> None:
    mutation = MUTATIONS[name]
    mutation.apply(region)

    code, told = play(region, tmp_path / "var")

    assert (code, told["uitkomst"]) == (1, "mislukt")
    named = {missed["stap"]: missed["verschillen"] for missed in told["nietGebeurd"]}
    assert mutation.step in named, list(named)
    assert any(mutation.because in difference for difference in named[mutation.step]), named[mutation.step]
    # What came before the change went well: the demo fails because of it, and not of itself.
    steps = [step["stap"] for step in outcomes(told)]
    first = next(missed["stap"] for missed in told["nietGebeurd"])
    assert steps.index(first) >= steps.index(mutation.step)


def test_without_once_the_hub_stays_until_it_is_interrupted(region: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    words = [word for word in command(region) if word != "--once"]
    playing = subprocess.Popen(words, cwd=ROOT, env=surroundings(data_dir), stdout=subprocess.PIPE)
    assert playing.stdout is not None
    told = json.loads(playing.stdout.readline())
    assert told["uitkomst"] == "geslaagd"
    assert answers(f"{told['adres']}/health/live")
    playing.send_signal(signal.SIGINT)
    assert playing.wait(30) == 0
    playing.stdout.close()
    assert not answers(f"{told['adres']}/health/live")
    assert left_behind(data_dir) == []


def answers(address: str) -> bool:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_a_partner_waits_for_its_turn_and_ends_with_its_input(tmp_path: Path) -> None:
    """A partner's process knows nothing of the hub's inside, and does not outlive the one who speaks to it."""
    settings = {"basis": "http://127.0.0.1:1", "map": str(tmp_path)}
    settings["script"] = str(REGION / "partners" / "certificeerder.json")
    (tmp_path / "instellingen.json").write_text(json.dumps(settings), "utf-8")
    partner = subprocess.Popen(
        [sys.executable, "-m", "connectors.agent.partner", str(tmp_path / "instellingen.json")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert partner.stdin is not None and partner.stdout is not None
    hello = json.loads(partner.stdout.readline())
    assert not {"hub", "consent", "sqlalchemy", "flask"} & set(hello["pakketten"])
    assert {"connectors", "contracts", "httpx2"} <= set(hello["pakketten"])
    partner.stdin.close()
    assert partner.wait(10) == 0
    partner.stdout.close()
    key = json.loads((tmp_path / "jwks.json").read_bytes())["keys"][0]
    assert "d" not in key
    assert (tmp_path / "sleutel.json").stat().st_mode & 0o077 == 0
