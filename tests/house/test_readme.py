"""The README cannot lie: its commands, targets, paths, settings, calls, codes and states are those of the project."""

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from contracts.errors import ExchangeError
from hub.cli import cli
from hub.delivery.states import TRANSITIONS, State, Step
from hub.settings import markdown_table
from hub.store.traffic.queues import gauges
from hub.telemetry import build_metrics
from tests.house.source import ROOT, tracked_files

README = (ROOT / "README.md").read_text(encoding="utf-8")
#: Where an operator looks for settings and metrics.
RUNNING = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?<![\w/.])(?:hub|connectors|contracts|consent|deploy|tests|\.ci)/[\w./-]*[\w/]")
TARGET = re.compile(r"^([\w$()./-]+):(?!=)", re.MULTILINE)


def spans(text: str) -> list[str]:
    """What stands in the text as code, outside the blocks; a bar that is escaped for a table is a bar."""
    return [found.replace("\\|", "|") for found in re.findall(r"`([^`\n]+)`", FENCE.sub("", text))]


def shell_lines(text: str) -> Iterator[str]:
    """The lines of the blocks of shell, without their comments."""
    for kind, body in FENCE.findall(text):
        if kind == "sh":
            yield from (line.partition(" #")[0].strip() for line in body.splitlines())


def lines_of(tool: str, text: str) -> list[str]:
    """Everything in the text that calls this tool, without its name."""
    given = [*spans(text), *(part.strip() for line in shell_lines(text) for part in line.split("&&"))]
    return [one.removeprefix(f"{tool} ") for one in given if one.startswith(f"{tool} ")]


def unknown_command(line: str) -> str | None:
    """What the CLI does not know of a line, or nothing."""
    command: click.Command = cli
    words = re.sub(r"[\[\]]", " ", line).split()
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            break
        found = command.get_command(click.Context(command), words.pop(0))
        if found is None:
            return f"hub {line}"
        command = found
    known = {name for param in command.params for name in param.opts} | {"--help", "-h", "--version"}
    for word in words:
        if word.startswith("--") and word.partition("=")[0] not in known:
            return f"{word} in hub {line}"
    return None


def leaves(command: click.Command, path: str) -> Iterator[str]:
    """Every command that does something, by its whole name."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, f"{path} {name}".strip())


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(VENV)", ".venv")
    return set(TARGET.findall(text))


def missing_paths(text: str) -> list[str]:
    """Paths that the text names and that are not there."""
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    named = {*PATH.findall(text), *linked}
    return sorted(name for name in named if not (ROOT / name).exists())


def table(heading: str, text: str = README) -> list[list[str]]:
    """The cells of every row of the tables under a heading, without the tables' own heads."""
    body = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in body.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def test_every_command_in_the_readme_is_known() -> None:
    lines = lines_of("hub", README)
    assert len(lines) > 30
    assert [wrong for line in lines if (wrong := unknown_command(line)) is not None] == []


def test_every_command_is_in_the_readme() -> None:
    named = lines_of("hub", README)
    assert [name for name in leaves(cli, "") if not any(f"{line} ".startswith(f"{name} ") for line in named)] == []


@pytest.mark.parametrize("line", ["vlieg", "afspraak sluit x", "init --hard", "serve [--only web] [--fast]"])
def test_an_unknown_command_is_noticed(line: str) -> None:
    assert unknown_command(line) is not None


def test_every_make_target_in_the_readme_exists() -> None:
    named = {word for line in lines_of("make", README) for word in line.split()[:1]}
    assert {"demo", "test"} <= named
    assert named - make_targets() == set()


def test_every_target_that_make_explains_is_in_the_readme() -> None:
    told = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert told and set(told) - set(spans(README)) - {line.split()[0] for line in lines_of("make", README)} == set()


def test_every_path_in_the_readme_exists() -> None:
    assert len(PATH.findall(README)) > 15
    assert missing_paths(README) == []


def test_a_path_that_is_gone_is_noticed() -> None:
    assert missing_paths("see `hub/nergens.py` and [x](NERGENS.md)") == ["NERGENS.md", "hub/nergens.py"]


def test_every_path_in_the_other_documents_exists() -> None:
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "CHANGELOG.md")}
    assert {name: gone for name, text in texts.items() if (gone := missing_paths(text))} == {}


def test_the_table_of_settings_is_up_to_date() -> None:
    """When red: put the output of ``python -m hub.settings --markdown`` there."""
    assert markdown_table() in RUNNING


def test_every_setting_that_the_readme_names_is_known() -> None:
    known = set(re.findall(r"`(HUB_\w+)`", markdown_table()))
    assert set(re.findall(r"\bHUB_[A-Z_]+", README + RUNNING)) - known == set()


def test_the_codes_have_the_status_of_the_error_tree() -> None:
    pending: list[type[ExchangeError]] = [ExchangeError]
    status: dict[str, int] = {}
    while pending:
        below = pending.pop().__subclasses__()
        pending += below
        status |= {each.code: each.status for each in below if hasattr(each, "code")}
    told = {row[0].strip("`"): int(row[1]) for row in table("Errors") if row[1].isdigit()}
    status.pop("GEEN_GRONDSLAG")  # the gate's own codes stand in a table of their own
    assert told == status


def test_the_states_are_those_of_the_code() -> None:
    erased = {s for (s, step) in TRANSITIONS if step is Step.ERASE}
    follows: dict[str, set[str]] = {state.value: set() for state in State}
    for (state, step), then in TRANSITIONS.items():
        if step is not Step.ERASE and then is not state:
            follows[state.value].add(then.value)
    told = {
        row[0].strip("` "): set(re.findall(r"`(\w+)`", row[2])) & set(follows) for row in table("States of a delivery")
    }
    assert erased == set(State) - {State.ERASED} and "every state can end so" in README
    assert told == follows


def calls() -> set[tuple[str, str]]:
    """Method and path of every call of the API, its parameters as ``*``."""
    names = sorted(path.relative_to(ROOT) for path in (ROOT / "hub").rglob("*routes.py"))
    made = [import_module(".".join(name.with_suffix("").parts)) for name in names]
    endpoints = [one for module in made for one in getattr(module, "ENDPOINTS", ())]
    return {(one.method, "/v1" + re.sub(r"<[^>]+>|\{[^}]+\}", "*", one.path)) for one in endpoints}


def test_every_call_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"\b(GET|POST|PUT|DELETE) (/v1/[\w/{}.-]+)", README)) - {("GET", "/v1/openapi.json")}
    assert len(named) > 5
    assert {(method, re.sub(r"\{[^}]+\}", "*", path)) for method, path in named} - calls() == set()


def test_the_metrics_are_those_of_the_hub() -> None:
    made = {metric.name: metric.type for metric in (*build_metrics([]).registry.collect(), *gauges())}
    names = {f"{name}_total" if kind == "counter" else name for name, kind in made.items()}
    assert {row[0].strip("`") for row in table("Metrics", RUNNING)} == names


def test_every_step_of_the_drawing_stands_in_the_two_files() -> None:
    drawing = next(body for kind, body in FENCE.findall(README) if not kind)
    assert re.findall(r"^ .*?\b(1?\d)  \w", drawing, re.MULTILINE) == [str(n) for n in range(1, 12)]
    accept, release = ((ROOT / f"hub/{name}.py").read_text() for name in ("intake/accept", "delivery/release"))
    assert all(re.search(rf"^  {n}  ", accept, re.MULTILINE) for n in (4, 5, 6)) and release.startswith('"""Step 9')


def test_the_readme_is_short_and_begins_with_what_a_newcomer_needs() -> None:
    lines = README.splitlines()
    assert len(lines) <= 450
    first_screen = "\n".join(lines[:40])
    assert "make demo" in first_screen and "make test" in first_screen and "python3-venv" in first_screen
    assert ROOT / "README.md" in tracked_files()
