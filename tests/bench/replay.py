"""What ``hub ledger verify --db`` costs with its replay: ``python -m tests.bench.replay [--messages N] [--people N]``.

The log is filled as partners fill it: messages accepted, released into a mailbox, fetched and acknowledged, by the
parts of a real hub in this process. Three looks, each a process of its own: at the people alone, at half of the
messages, and at all of them. Of a log that is shorter, 10^6 entries are reckoned from what one more entry costs;
``--messages 435000`` fills as many. Nothing here asserts a time.
"""

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import func, select

from consent.log import reading as log
from consent.store.tables import person
from contracts import instants
from contracts.envelope import read
from hub import wiring
from hub.bench.place import place
from hub.bench.region import RECEIVER, Region
from hub.core import Core
from hub.delivery.mailbox import Acknowledgement
from hub.intake.accept import Accepted
from hub.store.region.access import Asker
from hub.wiring import Hub
from tests.bench.ledger import TARGET, Run, child, progress
from tests.bench.steps import region_of
from tests.servers import PostgresServer, Watchdog

_PROMISED: Final = "< 180 s, < 300 MB"
BATCH: Final = 250  # messages accepted together, then fetched and acknowledged together


@dataclass(frozen=True, slots=True)
class Look:
    """One verification: of how many entries and persons, and what it took."""

    entries: int
    people: int
    took: Run


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. ``fill_s``: seconds in which the messages came in and went out."""

    messages: int
    fill_s: float
    start: Look
    half: Look
    whole: Look

    @property
    def entry(self) -> Run:
        """What one more entry takes: of time since the people alone, of memory since the half of it."""
        start, half, whole = self.start.took, self.half.took, self.whole.took
        more = self.whole.entries - self.start.entries
        return Run(
            (whole.seconds - start.seconds) / more,
            (whole.cpu - start.cpu) / more,
            (whole.mib - half.mib) / (self.whole.entries - self.half.entries),
        )

    @property
    def at_target(self) -> Run:
        """What so many entries would take."""
        now, entry, more = self.whole.took, self.entry, TARGET - self.whole.entries
        return Run(now.seconds + more * entry.seconds, now.cpu + more * entry.cpu, now.mib + more * entry.mib)


def measure(core: Core, region: Region, messages: int, environment: dict[str, str]) -> Figures:
    """Fill the log, and look at it three times."""
    hub = wiring.build(core)
    hub.writer.start()
    try:
        start = _look(core, hub, environment)
        began = time.perf_counter()
        _fill(hub, region, 0, messages // 2)
        spent = time.perf_counter() - began
        half = _look(core, hub, environment)
        began = time.perf_counter()
        _fill(hub, region, messages // 2, messages)
        spent += time.perf_counter() - began
        return Figures(messages, spent, start, half, _look(core, hub, environment))
    finally:
        hub.writer.stop()


def _fill(hub: Hub, region: Region, start: int, stop: int) -> None:
    """Messages ``start`` to ``stop``, each about the next of the people, all the way to their acknowledgement."""
    today, asker = instants.today(hub.clock.now()), Asker(RECEIVER, region.receiver.system)
    bodies = [json.loads("0".join(one).partition("\r\n\r\n")[2]) for one in region.single(1, "m", len(region.persons))]
    run, through = secrets.token_hex(4), 0
    for first in range(start, stop, BATCH):
        numbers = range(first, min(first + BATCH, stop))
        events = [bodies[n % len(bodies)] | {"id": f"{run}-{n}"} for n in numbers]
        answers = hub.accepter.accept([read(json.dumps(event).encode(), today) for event in events])
        assert all(isinstance(answer, Accepted) for answer in answers), answers
        while (page := hub.mailbox.fetch(asker, through, BATCH, 0)).events:
            through = page.next_sequence
            hub.mailbox.acknowledge(Acknowledgement(asker, through=through))
        hub.log_keeper.keep_once()
        progress("messages", numbers.stop, stop)


def _look(core: Core, hub: Hub, environment: dict[str, str]) -> Look:
    while hub.log_keeper.keep_once():
        continue
    with core.look() as connection:
        entries = log.size(connection)
        people = connection.scalar(select(func.count()).select_from(person)) or 0
    return Look(entries, people, child(["hub.cli", "ledger", "verify", "--db"], environment))


def report(found: Figures) -> str:
    """A table of what is promised and what was found."""
    entry, whole = found.entry, found.whole.entries >= TARGET
    rows = [
        ("messages in and out", f"{found.messages / found.fill_s:,.0f}/s", ""),
        ("measured, the people alone", _took(found.start.took), ""),
        (f"measured, {found.half.entries:,} entries", _took(found.half.took), ""),
        (f"measured, {found.whole.entries:,} entries", _took(found.whole.took), _PROMISED if whole else ""),
        ("  one more entry", f"{entry.cpu * 1e6:.0f} µs of processor, {entry.mib * 2**20:.0f} bytes", ""),
        *([] if whole else [("  reckoned from it, 10^6 entries", _took(found.at_target), _PROMISED)]),
    ]
    about = f"{found.messages:,} messages about {found.whole.people:,} people"
    lines = [f"hub ledger verify --db, a process of its own, at most so much memory; {about}"]
    return "\n".join(lines + [f"  {name:<34} {value:>36}   {promised}" for name, value, promised in rows])


def _took(run: Run) -> str:
    return f"{run.seconds:.1f} s, {run.cpu:.1f} s of processor, {run.mib:.0f} MiB"


@contextmanager
def _environment(postgres: bool) -> Iterator[dict[str, str]]:
    guard = Watchdog()
    try:
        env = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        if postgres:
            server = PostgresServer(guard)
            server.start()
            env["HUB_DATABASE_URL"] = server.url_for(server.create())
        yield env
    finally:
        guard.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and say what was found."""
    parser = argparse.ArgumentParser("python -m tests.bench.replay", description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with (
        _environment(options.postgres) as env,
        place(env, 9, fill=False) as where,
        region_of(where, options.people) as (core, region),
    ):
        found = measure(core, region, options.messages, dict(where.env))
    sys.stdout.write((json.dumps(asdict(found)) if options.json else report(found)) + "\n")


if __name__ == "__main__":
    main()
