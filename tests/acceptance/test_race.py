"""Promise 2 under fire: no message outlives a withdrawal. 1,000 rounds, and a control that must leak."""

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.conftest import MakeLive
from tests.acceptance.race import Race, Result
from tests.webhook import Webhook

ROUNDS = int(os.environ.get("RACE_ROUNDS", "1000"))
SEED = int(os.environ.get("RACE_SEED", "20261122"))
#: Rounds of one look at the control, and how many looks it gets to show its first leak.
CONTROL_ROUNDS, CONTROL_LOOKS = 60, 6


def report(name: str, result: Result) -> str:
    found = f"{result.rounds} rounds, {result.mixed} mixed, {result.arrived} arrived, {len(result.leaks)} leaks"
    return f"{name}: seed {SEED}, {found} {result.leaks[:3]}"


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Result], None]:
    """Says on the terminal what a run was."""

    def say(name: str, result: Result) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{report(name, result)}\n")

    return say


Tell = Callable[[str, Result], None]


def settings(database: str | None) -> dict[str, str]:
    """On PostgreSQL two processes race each other too."""
    return {} if database is None else {"HUB_WORKERS": "2"}


@pytest.fixture
def hook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.close()


def test_promise_2_race_nothing_arrives_that_the_withdrawal_does_not_name(
    make_live: MakeLive, database: str | None, hook: Webhook, tell: Tell
) -> None:
    region = make_live(webhooks=[hook.port], more=settings(database))
    result = Race(region, hook, persons=5).run(ROUNDS, SEED)
    tell("race", result)
    assert result.leaks == (), report("race", result)
    assert result.rounds == ROUNDS
    assert result.mixed >= 0.3 * result.rounds, f"void: {report('race', result)}"
    assert result.commands > 0


def test_promise_2_race_the_control_without_the_lock_leaks(
    make_live: MakeLive, database: str | None, hook: Webhook, tell: Tell
) -> None:
    region = make_live(webhooks=[hook.port], more=settings(database))
    race, leaks = Race(region, hook, persons=5), 0
    race.swap(("-m", "tests.acceptance.unlocked"))
    for look in range(CONTROL_LOOKS):
        result = race.run(CONTROL_ROUNDS, SEED + look)
        tell("control", result)
        leaks = len(result.leaks)
        if leaks:
            break
    assert leaks > 0, "the control does not leak: the race proves nothing"
