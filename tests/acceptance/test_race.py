"""Promise 2 under fire: nothing outlives the act that takes it away. 1,000 rounds, and a control that must leak."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.conftest import MakeLive
from tests.acceptance.race import Race
from tests.acceptance.race_acts import ACTS
from tests.acceptance.race_verdict import FETCHED, LATE, LET_IN, RELEASED, UNTOLD, Result
from tests.webhook import Webhook

ROUNDS = int(os.environ.get("RACE_ROUNDS", "1000"))
LONG_ROUNDS = int(os.environ.get("RACE_ROUNDS", "10000"))
SEED = int(os.environ.get("RACE_SEED", "20261122"))
#: Rounds of one look at the control, and how many looks it gets; the next draws only acts that have not leaked yet.
CONTROL_ROUNDS, CONTROL_LOOKS = 60, 8
#: Acts that a lock keeps apart from accept and release; the end of a term comes by itself.
LOCKED = sorted(name for name, act in ACTS.items() if not act.by_time)


def report(name: str, seed: int, result: Result) -> str:
    return f"{name}: seed {seed}, {result.text()}"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says at the end of the run what it was."""
    return lambda text: record_property("race", text)


Tell = Callable[[str], None]


def settings(database: str | None) -> dict[str, str]:
    """On PostgreSQL two processes race each other too."""
    return {} if database is None else {"HUB_WORKERS": "2"}


@pytest.fixture
def hook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.close()


@pytest.mark.parametrize(
    "rounds", [pytest.param(ROUNDS, id="short"), pytest.param(LONG_ROUNDS, marks=pytest.mark.long, id="long")]
)
def test_promise_2_race_nothing_outlives_the_act_that_takes_it_away(
    make_live: MakeLive, database: str | None, hook: Webhook, tell: Tell, rounds: int
) -> None:
    race = Race(make_live(webhooks=[hook.port], more=settings(database)), hook)
    result = race.run(rounds, SEED)
    told = report("race", SEED, result)
    tell(told)
    assert result.leaks == (), f"{told} {result.leaks[:5]}"
    assert result.rounds.total() == rounds and result.rounds.keys() == ACTS.keys()
    assert result.void == [], f"void: {told}"
    assert result.commands > 0
    assert race.findings() == []
    # The control on the clocks: had each act been a little earlier, the same records would be full of leaks.
    earlier = race.verdict(earlier=10.0).leaks
    assert {leak.act for leak in earlier} == ACTS.keys()
    assert {leak.why for leak in earlier} == {LATE, FETCHED, LET_IN, RELEASED}


def test_promise_2_race_the_control_without_the_lock_leaks(
    make_live: MakeLive, database: str | None, hook: Webhook, tell: Tell
) -> None:
    """By each act that the lock keeps apart from accept and release: what arrived is not among what was told.

    Of a person who was erased as a whole little is told: there what was released after it is enough.
    """
    race = Race(make_live(webhooks=[hook.port], more=settings(database)), hook)
    race.swap(("-m", "tests.acceptance.unlocked"))
    tight = set(LOCKED)
    for look in range(CONTROL_LOOKS):
        result = race.run(CONTROL_ROUNDS, SEED + look, sorted(tight))
        tell(report("control", SEED + look, result))
        tight -= {one.act for one in result.leaks if one.why == (RELEASED if ACTS[one.act].uses_up else UNTOLD)}
        if not tight:
            break
    assert tight == set(), "these do not leak without the lock: of them the race proves nothing"
