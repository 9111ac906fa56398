"""Documentation and files that fail the build: settings, codes, locks, licence, words that do not belong here."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from contracts.errors import ExchangeError, RefusalCode
from hub.settings import Settings, env_example
from tests.house.source import ROOT, tracked_files

SETTINGS = [each.metadata["name"] for each in fields(Settings)]
#: Places and names that belong to a workplace or a registry, in pieces so that this file does not hold them itself.
FORBIDDEN = re.compile(
    r"(?<![\w.}*-])/(?:wo" r"rk|t" r"mp)(?:/|\b(?![\w-]))"
    r"|pypi\.o" r"rg|pythonho" r"sted|npm" r"js\.(?:org|com)|deb\.deb" r"ian|/o" r"pt/py" r"pi"
    r"|cl" r"aude|anthr" r"opic|open" r"ai|chat" r"gpt",
    re.IGNORECASE,
)  # fmt: skip


def codes() -> set[str]:
    """Every code that a caller can be given."""
    found, pending = {each.value for each in RefusalCode}, [ExchangeError]
    while pending:
        below = pending.pop().__subclasses__()
        pending += below
        found |= {each.code for each in below if hasattr(each, "code")}
    return found


def undocumented(names: set[str], text: str) -> list[str]:
    """The names that do not stand in ``text`` as code."""
    return sorted(name for name in names if f"`{name}`" not in text)


def forbidden_words(text: str) -> Iterator[str]:
    """What stands in ``text`` that does not belong in the project."""
    return (found.group() for found in FORBIDDEN.finditer(text))


def test_every_setting_stands_in_the_table_of_settings() -> None:
    rows = [line for line in (ROOT / "deploy" / "README.md").read_text().splitlines() if line.startswith("| `HUB_")]
    assert undocumented(set(SETTINGS), "\n".join(row.split("|")[1] for row in rows)) == []


def test_every_error_code_stands_in_the_readme() -> None:
    assert undocumented(codes(), (ROOT / "README.md").read_text()) == []


def test_a_missing_name_is_noticed() -> None:
    assert undocumented({"HUB_PORT", "HUB_HOST"}, "| `HUB_PORT` | HUB_HOST |") == ["HUB_HOST"]
    assert {"GEEN_GRONDSLAG", "JSON_ONGELDIG", "LOG_NIET_BESCHIKBAAR"} <= codes()


def test_the_example_of_the_environment_is_up_to_date() -> None:
    """When red: ``python -m hub.settings > deploy/env.example``."""
    assert (ROOT / "deploy/env.example").read_text() == env_example()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    pinned = re.findall(r"^([A-Za-z0-9_.-]+(?:\[[a-z,]+\])?)==", text, re.MULTILINE)
    assert len(pinned) > 30 and text.count("--hash=sha256:") >= len(pinned)


def test_the_locks_hold_every_dependency_and_agree() -> None:
    runtime, dev = (set(re.findall(r"^[\w.\[\]-]+==\S+", (ROOT / n).read_text(), re.M)) for n in locks())
    assert runtime <= dev
    wanted = re.findall(r'^  "([A-Za-z0-9_-]+)', (ROOT / "pyproject.toml").read_text().partition("[tool.")[0], re.M)
    locked = {name.split("==")[0].split("[")[0].lower().replace("_", "-") for name in dev}
    assert {name.lower().replace("_", "-") for name in wanted} <= locked


def locks() -> tuple[str, str]:
    return "requirements.lock", "requirements-dev.lock"


def test_no_file_holds_a_word_that_does_not_belong_here() -> None:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in forbidden_words(text)]
    assert found == []


@pytest.mark.parametrize(
    "text", ["cd /wo" "rk/main", "/t" "mp/x", 'open("/t' 'mp")', "https://py" "pi.org/simple", "Cl" "aude made this"]
)  # fmt: skip
def test_a_word_that_does_not_belong_is_noticed(text: str) -> None:
    assert list(forbidden_words(text))


@pytest.mark.parametrize("text", ["hub/delivery/worker.py", "a/work/b", "/v1/werk", "/workers", "PrivateTmp", "claud"])
def test_an_innocent_word_is_left_alone(text: str) -> None:
    assert not list(forbidden_words(text))


def test_the_licence_is_the_eupl_1_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert (
        text.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2")
        and "‘Compatible Licences’ according to Article 5" in text
    )
    assert 'license = "EUPL-1.2"' in (ROOT / "pyproject.toml").read_text()


def test_the_packages_that_ci_installs_are_those_that_make_asks_for() -> None:
    packages = set((ROOT / "deploy/debian-packages.txt").read_text().split())
    make = (ROOT / "Makefile").read_text()
    named = {"git", "gnupg", "make", "postgresql", "python3-venv", "rabbitmq-server"}
    assert named <= packages and all(name in make for name in named)


def test_every_file_named_here_is_tracked() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    assert {"Makefile", "LICENSE", ".ci/run", *locks()} <= names
    assert not any(Path(name).parts[0] in ("var", ".venv") for name in names)
