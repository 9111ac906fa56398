"""The first steps of the README, run as they stand there: an operator makes a hub, two partners exchange a message."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.servers import Watchdog, free_port, wait_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: The act that takes a second operator.
SECOND = "hub grondslag bevestig voorbeeld-pwet-7 --operator "
#: What the steps use of curl, so that the test needs no package that the hub does not.
CURL = """
import sys, time
import httpx2
words, headers, body, tries, fails, url = sys.argv[1:], {}, None, 1, False, ""
while words:
    word = words.pop(0)
    if word == "-H":
        name, _, value = words.pop(0).partition(": ")
        headers[name] = value
    elif word in ("--json", "--data-binary"):
        given = words.pop(0)
        body = open(given[1:], "rb").read() if given.startswith("@") else given.encode()
        if word == "--json":
            headers |= {"Content-Type": "application/json", "Accept": "application/json"}
    elif word == "--retry":
        tries += int(words.pop(0))
    elif word == "-f":
        fails = True
    elif not word.startswith("-"):
        url = word
for left in reversed(range(tries)):
    method = "GET" if body is None else "POST"
    answer = httpx2.request(method, url, headers=headers, content=body, trust_env=False, timeout=60)
    if answer.is_success or not left:
        break
    time.sleep(1)
sys.stdout.write("" if fails and not answer.is_success else answer.text)
sys.exit(22 if fails and not answer.is_success else 0)
"""


def section(name: str) -> list[tuple[str, str]]:
    """The blocks under a heading: kind and text."""
    return BLOCK.findall(README.partition(f"\n## {name}\n")[2].partition("\n## ")[0])


def of_kind(blocks: list[tuple[str, str]], kind: str) -> list[str]:
    return [text for one, text in blocks if one == kind]


class Newcomer:
    """Somebody in an empty folder who types what the README says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        own = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
        more = {"HUB_PORT": str(self.port), "HUB_METRICS_PORT": str(free_port()), "PYTHONPATH": str(ROOT)}
        self.environment = own | more | {"PATH": f"{folder / '.venv/bin'}:{os.environ['PATH']}"}
        (folder / ".venv/bin").mkdir(parents=True)
        (folder / "curl.py").write_text(CURL)
        for name, arguments in (("python", ""), ("hub", "-m hub.cli"), ("curl", folder / "curl.py")):
            program = folder / ".venv/bin" / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            program.chmod(0o755)

    def types(self, script: str) -> str:
        """What a shell says to these lines; each must succeed."""
        here = script.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def ready(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/health/ready", trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False


@pytest.fixture
def newcomer(tmp_path: Path, watchdog: Watchdog) -> Iterator[Newcomer]:
    """A newcomer whose hub is running, made by the operator's steps; files as the README gives them."""
    made = Newcomer(tmp_path)
    operator, partner = section("First steps for an operator"), section("First steps for a partner")
    for name, text in zip(("afspraak.json", "grondslag.json"), of_kind(operator, "json"), strict=True):
        (tmp_path / name).write_text(text)
    for text in of_kind(partner, "python"):
        (tmp_path / text.split()[1]).write_text(text)
    made.types(".venv/bin/python make_key.py werkplein; .venv/bin/python make_key.py werkstap")
    (steps,) = of_kind(operator, "sh")
    before, serve, after = steps.rpartition("hub serve")
    assert serve and not after.strip() and SECOND in before
    made.types(before.replace(SECOND, f"if {SECOND}jan; then exit 9; fi; {SECOND}"))  # jan is refused, as it says there
    program = [str(tmp_path / ".venv/bin/hub"), "serve"]
    hub = subprocess.Popen(program, cwd=tmp_path, env=made.environment, start_new_session=True)
    watchdog.tell("pid", hub.pid)
    try:
        wait_until(made.ready, 60, "hub serve is not ready")
        yield made
    finally:
        hub.terminate()
        hub.wait(timeout=30)


def test_the_first_steps_work_as_they_stand_in_the_readme(newcomer: Newcomer) -> None:
    send, receive, consent, check = of_kind(section("First steps for a partner"), "sh")
    told = newcomer.types(f'{send}\necho "REF=$REF"\n{receive}\n{consent}\n{check}')
    ref = re.findall(r"^REF=([a-z2-7]{26})$", told, re.MULTILINE)
    subject = re.findall(r'"subject":"([a-z2-7]{26})"', told)
    assert len(ref) == len(subject) == 1 and ref != subject, "each organisation has its own kandidaatRef"
    assert '"sequence":"1"' in told and '"status":"bevestigd"' in told
    assert '"gestopt":0' in told and '"verstrekt":[]' in told, "the withdrawal is answered"
    assert "heel: handtekening, bewijs" in told


def test_a_step_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="vlieg"):
        Newcomer(tmp_path).types("hub vlieg\ntrue")
