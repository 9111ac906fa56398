"""The house rules and the budget of the design, held against the project's own source."""

import subprocess
import sys
from pathlib import Path
from statistics import fmean, median

import pytest

from hub.telemetry import ALLOWED_KEYS
from tests.house import rules
from tests.house.source import ROOMS, ROOT, length, modules

MEDIAN_MODULE, MEAN_FUNCTION = 120, 12


@pytest.mark.parametrize(
    "rule",
    [
        rules.too_long,
        rules.too_wide,
        rules.unannotated,
        rules.badly_named,
        rules.cycles,
        rules.foreign_imports,
        rules.connectors_known,
        rules.relative_imports,
        rules.xml_parsers,
        rules.prints,
        rules.own_clocks,
        rules.own_chance,
        rules.swallowed,
        rules.unfinished,
    ],
    ids=lambda rule: rule.__name__,
)
def test_the_four_rooms_obey(rule: rules.Rule) -> None:
    assert rule(modules()) == []


def test_all_four_rooms_are_looked_at() -> None:
    assert rules.rooms_of(modules()) == set(ROOMS)


def test_log_calls_have_a_fixed_text_and_listed_keys() -> None:
    assert rules.loud_logs(modules(), ALLOWED_KEYS) == []


def test_modules_and_functions_are_small() -> None:
    sizes = [each.lines for each in modules() if not each.path.endswith("__init__.py")]
    lengths = [length(function) for each in modules() for function in each.functions()]
    assert median(sizes) <= MEDIAN_MODULE
    assert fmean(lengths) <= MEAN_FUNCTION


def test_few_public_functions_take_more_than_five_arguments() -> None:
    every = [function for each in modules() for function in each.functions()]
    found = rules.many_arguments(modules())
    assert len(found) <= len(every) // 50, found


@pytest.mark.parametrize("rule", [rules.tests_without_assert, rules.skipped_tests], ids=lambda rule: rule.__name__)
def test_the_tests_can_fail(rule: rules.Rule) -> None:
    assert rule(modules("tests")) == []


def test_the_arrows_between_the_rooms_hold() -> None:
    # As a process of its own: import-linter sets up logging for the whole process that it runs in.
    program = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
