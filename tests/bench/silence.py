"""Does the time of a refusal tell an outsider what others said? ``python -m tests.bench.silence [SAYINGS] [ROUNDS]``.

Two persons whom an ontwikkelbedrijf knows and in whose trajecten it takes part no more: of one nobody else said much,
of the other a workplace recorded many statements. Refusals about the two are timed by turns, in this process, on
SQLite. The same is done as a control by the workplace itself, which takes part and may learn what it recorded.

Told are the medians, their difference, and how often a random relabelling of the same times gives a difference as
large: a small share means that the two can be told apart.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import update

from consent.store.tables import involvement
from tests.partners import Person
from tests.region import Region
from tests.samples import ONTWIKKELBEDRIJF, WOONZORG

SAYINGS: Final = 40
ROUNDS: Final = 400
RELABELLED: Final = 1_000
_SEED: Final = 7  # of the relabelling and of the turns


def known(region: Region, sayings: int) -> Person:
    """Somebody whom both parties of a fresh pair know; of whom the workplace recorded so many statements."""
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    for _ in range(sayings):
        region.consent(at, person.refs[at], [ONTWIKKELBEDRIJF], "trajectbegeleiding", "leervoortgang")
    over = update(involvement).where(involvement.c.organisation == guide).values(valid_until=region.clock.now())
    region.operate(lambda tx, _act: tx.connection.execute(over))
    for who in person.refs:
        region.token(who)
    return person


def refusal(region: Region, who: str, person: Person) -> Callable[[], float]:
    """One refused message of this organisation about this person; its seconds."""
    event = region.placing(person, WOONZORG) if who == person.guide else region.report(person, who, ontvanger=WOONZORG)

    def once() -> float:
        began = time.perf_counter()
        answer = region.send(who, event)
        took = time.perf_counter() - began
        assert answer.status == 403, answer
        return took

    return once


def by_turns(one: Callable[[], float], other: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """The times of both, taken in pairs whose order is drawn, so that what slows the machine slows both."""
    drawn = random.Random(_SEED)
    times: tuple[list[float], list[float]] = ([], [])
    calls = (one, other)
    for _ in range(rounds):
        for place in drawn.sample((0, 1), 2):
            times[place].append(calls[place]())
    return times


def chance(one: Sequence[float], other: Sequence[float]) -> float:
    """The share of random swaps within the pairs whose difference of medians is as large as the measured one."""
    drawn = random.Random(_SEED)
    measured = abs(statistics.median(one) - statistics.median(other))
    larger = 0
    for _ in range(RELABELLED):
        pairs = [(a, b) if drawn.random() < 0.5 else (b, a) for a, b in zip(one, other, strict=True)]
        mixed = (statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs))
        larger += abs(mixed[0] - mixed[1]) >= measured
    return larger / RELABELLED


def main(arguments: list[str]) -> None:
    """Measure, and print one line for the outsider and one for who takes part."""
    sayings, rounds = (int(given) for given in (*arguments, *map(str, (SAYINGS, ROUNDS)[len(arguments) :])))
    with tempfile.TemporaryDirectory() as folder:
        region = Region(Path(folder) / "hub")
        try:
            little, much = known(region, 0), known(region, sayings)
            for part in (region.hub.log_keeper, region.hub.relay, region.hub.push):
                part.stop()
            for label, at_work in (("outsider", False), ("takes part", True)):
                who = [next(w for w in p.refs if (w == p.guide) is not at_work) for p in (little, much)]
                calls = [refusal(region, w, p) for w, p in zip(who, (little, much), strict=True)]
                by_turns(*calls, 20)  # warms what is warmed once
                one, other = by_turns(*calls, rounds)
                low, high = statistics.median(one) * 1e3, statistics.median(other) * 1e3
                sys.stdout.write(
                    f"{label}: {low:.2f} ms with nothing said, {high:.2f} ms with {sayings} statements, "
                    f"difference {(high - low) / low:+.1%}, by chance in {chance(one, other):.0%}\n"
                )
        finally:
            region.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
