"""How fast the evidence log is, and how large: ``python -m tests.bench.ledger [--entries N] [--postgres] [--json]``.

A real hub's tables and keys, entries as large as those of a dry run (``vooraf-controle``: about nobody else's rows), of
many people. The verification is a process of its own, as an auditor starts it; its memory is the kernel's own figure.
Nothing here asserts a time: what is promised stands beside what was found. These entries have no rows behind them:
``verify --db`` is measured by ``tests.bench.replay``.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, text

from consent.keys import evidence_key
from consent.log import reading as log
from consent.log.ledger import NewEntry, append
from consent.log.sequencer import sequence
from consent.log.signer import Signer
from consent.log.tables import ledger_entry
from contracts.identity import PersonId
from hub.administration import installation
from hub.core import Core, open_core
from hub.machine.clock import SystemClock
from hub.settings import load
from tests.servers import PostgresServer, Watchdog

TARGET: Final = 1_000_000  # entries, to which the promises are made
PEOPLE: Final = 200
BATCH: Final = 256  # entries one business transaction appends
TURN: Final = 4_096  # entries one turn of the sequencer takes; each ends in a checkpoint
PROOFS: Final = 1_000
ROOT: Final = Path(__file__).parents[2]
#: Runs a module as a command, and says at the end how much memory it had at most (KiB). Not the kernel's ``ru_maxrss``:
#: that counts what the process was before it became this program.
_MEASURED: Final = """
import atexit, runpy, sys
def most():
    with open("/proc/self/status") as file:
        print(next(line.split()[1] for line in file if line.startswith("VmHWM")), file=sys.stderr)
atexit.register(most)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Run:
    """What a command took: seconds by the clock and of the processor, and memory at most (MiB)."""

    seconds: float
    cpu: float
    mib: float


@dataclass(frozen=True)
class Figures:
    """What was measured, with the number of entries at which it was."""

    entries: int
    append_per_s: float  # into the queue, payload sealed
    log_per_s: float  # appended, sequenced and signed
    log_per_cpu_s: float  # the same in a second of this process's processor: what a busy machine does not hide
    bytes_per_entry: float
    inclusion_p50_ms: float
    inclusion_p99_ms: float
    consistency_p99_ms: float
    folder: Run  # python -m consent.audit: hashes, root, signature

    def at_target(self, seconds: float) -> float:
        """What this would be at the target; verification reads each entry once."""
        return seconds * TARGET / self.entries


def payload(number: int) -> dict[str, Any]:
    """A decision on a question for one recipient."""
    return {
        "v": 1,
        "soort": "vooraf-controle",
        "op": "2026-11-02T09:00:00.000Z",
        "afzender": "00000099000000002000",
        "systeem": "systeem-002000",
        "bericht": "voortgang.gemeld",
        "doel": "trajectbegeleiding",
        "besluiten": [
            {
                "ontvanger": "00000099000000003000",
                "uitkomst": "toegestaan",
                "grondslag": {"identiteit": f"{number:032x}", "leervoortgang": f"{number:032x}"},
                "weggelaten": [],
            }
        ],
    }


def measure(core: Core, entries: int, environment: dict[str, str]) -> Figures:
    """Fill the log of a fresh hub, then look at it."""
    names = [evidence_key(PersonId(f"{number:032x}")) for number in range(PEOPLE)]
    keys = core.key_store.ensure(names)
    spent = time.process_time()
    appended, taken = _fill(core, entries, [(name, keys[name]) for name in names])
    spent = time.process_time() - spent
    size = _bytes(core) / entries
    included, consistent = _proofs(core, entries)
    folder = _verify(core, environment)
    return Figures(
        entries=entries,
        append_per_s=entries / appended,
        log_per_s=entries / (appended + taken),
        log_per_cpu_s=entries / spent,
        bytes_per_entry=size,
        inclusion_p50_ms=included[len(included) // 2],
        inclusion_p99_ms=included[len(included) * 99 // 100],
        consistency_p99_ms=consistent[len(consistent) * 99 // 100],
        folder=folder,
    )


def _fill(core: Core, entries: int, keys: Sequence[tuple[str, bytes]]) -> tuple[float, float]:
    """Seconds of appending, and seconds of sequencing and signing."""
    origin = core.facts[installation.LOG_ORIGIN]
    signer = Signer(installation.signer_state(core.settings), core.keyring.log_keys, origin)
    appended = taken = 0.0
    for start in range(0, entries, TURN):
        stop = min(start + TURN, entries)
        begun = time.perf_counter()
        for at in range(start, stop, BATCH):
            batch = [NewEntry(*keys[n % len(keys)], payload(n)) for n in range(at, min(at + BATCH, stop))]
            with core.engine.begin() as connection:
                append(connection, batch, core.new_id)
        appended += time.perf_counter() - begun
        begun = time.perf_counter()
        with core.engine.begin() as connection:
            sequence(connection, TURN)
        signer.sign(core.engine.begin)
        taken += time.perf_counter() - begun
        progress("appended", stop, entries)
    return appended, taken


def _bytes(core: Core) -> int:
    """What the log takes, its indexes too; on SQLite the whole file, in which little else is.

    On PostgreSQL the empty queue is first given back what it took, as autovacuum does every minute.
    """
    if core.engine.dialect.name == "postgresql":
        with core.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ledger_pending")
    with core.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            sizes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")]
            return int(sizes[0] * sizes[1])
        tables = "relname ~ '^(ledger_.*|checkpoint)$' AND relkind = 'r'"
        sizes_of = text(f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE {tables}")
        return int(connection.execute(sizes_of).scalar_one())


def _proofs(core: Core, entries: int) -> tuple[list[float], list[float]]:
    """Milliseconds of making inclusion and consistency proofs out of the tables, each sorted."""
    chance = random.Random("proofs")
    included, consistent = [], []
    with core.look() as connection:
        for _ in range(PROOFS):
            index = chance.randrange(entries)
            entry = connection.scalar(select(ledger_entry.c.entry_id).where(ledger_entry.c.idx == index))
            begun = time.perf_counter()
            proof = log.tlog_proof(connection, str(entry))
            included.append((time.perf_counter() - begun) * 1e3)
            begun = time.perf_counter()
            log.consistency(connection, index + 1, entries)
            consistent.append((time.perf_counter() - begun) * 1e3)
            assert proof is not None and proof.index == index
    return sorted(included), sorted(consistent)


def _verify(core: Core, environment: dict[str, str]) -> Run:
    keys = core.keyring.log_keys().verifiers(core.facts[installation.LOG_ORIGIN])
    with tempfile.TemporaryDirectory(prefix="log-") as folder:
        with core.look() as connection:
            log.export(connection, Path(folder))
        return child(["consent.audit", "--folder", folder, "--key", keys[0].vkey], environment)


def child(command: Sequence[str], environment: dict[str, str]) -> Run:
    """Run a module as a command, which must find all whole."""
    begun, before = time.perf_counter(), _spent_by_children()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    seconds, cpu = time.perf_counter() - begun, _spent_by_children() - before
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(seconds, cpu, int(done.stderr.split()[-1]) / 1024)


def _spent_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def report(found: Figures) -> str:
    """A table of what is promised and what was found."""
    at = "measured at" if found.entries == TARGET else "reckoned to"
    rows = [
        ("append, batches of 256", f"{found.append_per_s:,.0f}/s", ""),
        ("append, sequence and sign", f"{found.log_per_s:,.0f}/s", "≥ 10,000/s"),
        ("  in a second of processor", f"{found.log_per_cpu_s:,.0f}", ""),
        ("bytes an entry, with indexes", f"{found.bytes_per_entry:,.0f}", "≤ 1,024"),
        ("inclusion proof from SQL, p50", f"{found.inclusion_p50_ms:.2f} ms", ""),
        ("inclusion proof from SQL, p99", f"{found.inclusion_p99_ms:.2f} ms", "< 5 ms at 10^6"),
        ("consistency proof from SQL, p99", f"{found.consistency_p99_ms:.2f} ms", ""),
        ("verify a folder", f"{found.folder.seconds:.1f} s", ""),
        (f"  {at} 10^6 entries", f"{found.at_target(found.folder.seconds):.0f} s", "< 30 s"),
        ("    of processor", f"{found.at_target(found.folder.cpu):.0f} s", ""),
        ("  memory at most, of its process", f"{found.folder.mib:.0f} MiB", "< 300 MB"),
    ]
    lines = [f"measured at {found.entries:,} entries"]
    return "\n".join(lines + [f"  {name:<34} {value:>14}   {promised}" for name, value, promised in rows])


def progress(what: str, done: int, of: int) -> None:
    """How far it is, on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what} {done:,} of {of:,}\033[K" + ("\n" if done == of else ""))


@contextmanager
def _hub(postgres: bool) -> Iterator[tuple[Core, dict[str, str]]]:
    """A hub of its own, in a folder of its own."""
    guard = Watchdog()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            own = {"HUB_DATA_DIR": str(Path(folder) / "hub"), "HUB_ENV": "demo"}
            if postgres:
                server = PostgresServer(guard)
                server.start()
                own["HUB_DATABASE_URL"] = server.url_for(server.create())
            installation.initialise(load(own), SystemClock(), os.urandom)
            core = open_core(load(own))
            others = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
            yield core, others | own
            core.engine.dispose()
    finally:
        guard.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and say what was found."""
    parser = argparse.ArgumentParser("python -m tests.bench.ledger", description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with _hub(options.postgres) as (core, environment):
        found = measure(core, options.entries, environment)
    sys.stdout.write((json.dumps(asdict(found)) if options.json else report(found)) + "\n")
    if not options.json:
        mine = resource.getrusage(resource.RUSAGE_SELF)
        sys.stdout.write(f"  this process: {mine.ru_utime + mine.ru_stime:.0f} s of processor\n")


if __name__ == "__main__":
    main()
