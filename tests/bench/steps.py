"""Where the processor time of one accepted message goes: ``python -m tests.bench.steps [--postgres]``.

The real accepter, on a hub and a region made as `hub bench` makes them, with the writer's transactions in this thread,
so that one profile sees every step. The profiler costs time itself, most where calls are small: read the shares, not
the sums. Waiting (a sync, a database of its own) does not count.
"""

import cProfile
import json
import os
import pstats
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import event

from contracts import instants
from contracts.envelope import read
from hub import wiring
from hub.bench.place import Place, place
from hub.bench.processes import Server
from hub.bench.region import Partner, Region, populate, prepare
from hub.core import Core, open_core
from hub.intake.accept import Accepted
from hub.store.locks import Locks
from hub.store.writer import Transactions
from tests.servers import PostgresServer, Watchdog

PEOPLE: Final = 40
MESSAGES: Final = 400
#: Step → where its time is counted: file and function. A step inside another is shown below it.
STEPS: Final = (
    ("read: JSON, shape, rules", "contracts/envelope.py", "read"),
    ("look up persons, before and under the lock", "hub/store/persons/people.py", "resolve"),
    ("look up earlier messages", "hub/store/traffic/messages.py", "earlier"),
    ("rules of the region", "hub/store/region/rules.py", "read_rules"),
    ("facts of the persons", "consent/store/reading.py", "read_persons"),
    ("placements", "hub/store/persons/people.py", "placements"),
    ("involvements that are awaited", "hub/store/traffic/messages.py", "awaited"),
    ("judge: what of it, and may it", "hub/gate/judge.py", "judge"),
    ("  of which the view", "contracts/minimise.py", "view"),
    ("  of which decide", "consent/decision.py", "decide"),
    ("keys of the persons", "consent/keys.py", "ensure"),
    ("leaf of the evidence log", "consent/log/ledger.py", "append"),
    ("seal body and receipt, digests", "hub/intake/accept.py", "_write"),
    ("insert message and identity", "hub/store/traffic/messages.py", "store"),
    ("insert deliveries", "hub/store/traffic/messages.py", "queue"),
    ("commit", "sqlalchemy/engine/base.py", "commit"),
    ("sign the answer", "hub/keys/keyring.py", "sign_receipt"),
)


class _Inline:
    """The writer's transactions, in the calling thread."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def do_all(self, verb: Callable[..., Sequence[Any]], items: Sequence[Any], locks: Sequence[Locks]) -> list[Any]:
        """As ``Writer.do_all``, in one transaction."""
        union = Locks(shared=frozenset().union(*(lock.shared for lock in locks)))
        with self._transactions.open(union) as transaction:
            return list(verb(transaction, items))


@contextmanager
def region_of(where: Place, people: int = PEOPLE) -> Iterator[tuple[Core, Region]]:
    """A region of so many people on a hub that does not run: its parts are there to be called."""
    run = secrets.token_hex(4)
    core = open_core(where.settings)
    systems = prepare(core, run)
    server = Server(["hub.cli", "serve"], where.env, where.settings.port, where.log)
    try:
        server.wait("/health/ready", frozenset({200}))
        partners = {
            oin: Partner(where.settings.base_url, where.settings.port, *system) for oin, system in systems.items()
        }
        for partner in partners.values():
            partner.log_in(core.clock.now(), core.new_id())
        region = populate(partners, people, core.clock.now(), run)
    finally:
        server.stop()
    yield core, region
    core.engine.dispose()


def _messages(region: Region, prefix: str) -> list[bytes]:
    requests = region.single(1, prefix, PEOPLE)
    bodies = ["000".join(texts).partition("\r\n\r\n")[2] for texts in requests]
    return [json.dumps(json.loads(bodies[n % len(bodies)]) | {"id": f"{prefix}{n}"}).encode() for n in range(MESSAGES)]


def measure(core: Core, region: Region, size: int) -> tuple[pstats.Stats, float]:
    """The profile of ``MESSAGES`` messages in transactions of ``size``, and statements a transaction."""
    hub = wiring.build(core)
    accepter = replace(hub.accepter, writer=_Inline(core.transactions))  # type: ignore[arg-type]
    today = instants.today(core.clock.now())
    raw = _messages(region, f"{secrets.token_hex(3)}-")
    statements: list[str] = []
    event.listen(core.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    profile = cProfile.Profile(time.thread_time)
    for start in range(0, MESSAGES, size):
        profile.enable()
        answers = accepter.accept([read(one, today) for one in raw[start : start + size]])
        hub.keyring.sign_receipt({"resultaten": [a.receipt for a in answers if isinstance(a, Accepted)]})
        profile.disable()
        assert all(isinstance(answer, Accepted) for answer in answers), answers
    return pstats.Stats(profile), len(statements) / (MESSAGES / size)


def report(size: int, stats: pstats.Stats, statements: float) -> str:
    """A table of the shares."""
    told: dict[Any, Any] = stats.stats  # type: ignore[attr-defined]
    total: float = stats.total_tt  # type: ignore[attr-defined]
    lines = [f"transactions of {size}: {total / MESSAGES * 1e6:,.0f} µs a message under the profiler, "
             f"{stats.total_calls / MESSAGES:,.0f} calls, {statements:.0f} statements a transaction"]  # type: ignore[attr-defined]  # fmt: skip
    for label, file, function in STEPS:
        spent = [row[3] for (path, _, name), row in told.items() if path.endswith(file) and name == function]
        lines.append(f"  {max(spent, default=0.0) / total:>5.1%}  {label}")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Measure on SQLite, or on a private PostgreSQL."""
    guard = Watchdog()
    try:
        env = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        if "--postgres" in arguments:
            server = PostgresServer(guard)
            server.start()
            env["HUB_DATABASE_URL"] = server.url_for(server.create())
        with place(env, 9, fill=False) as where, region_of(where) as (core, region):
            for size in (1, 16, 100):
                sys.stdout.write(report(size, *measure(core, region, size)) + "\n")
    finally:
        guard.close()


if __name__ == "__main__":
    main(sys.argv[1:])
