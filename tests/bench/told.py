"""What the replay holds of all that grows with a log: ``python -m tests.bench.told [--entries N]``.

Made-up entries of one kind, heard one by one in a process of its own, whose memory is the kernel's own figure. There is
no database: what reading, opening and comparing cost ``tests.bench.replay`` measures. Nothing here asserts a figure.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import chain, count, islice
from typing import Final

from consent.verify.report import Report
from hub.ledger.replay.check import _Replay
from tests.bench.ledger import TARGET, child
from tests.unit.hub.test_replay_shelf import KINDS, met

NOTHING: Final = "nothing"
_KINDS: Final = KINDS | {"persons, each with a word of long ago": met}


def hear(kind: str, entries: int) -> None:
    """So many entries of one kind."""
    replay = _Replay(Report([]))
    made = chain.from_iterable(map(_KINDS[kind], count())) if kind != NOTHING else ()
    for entry in islice(made, entries):
        replay.hear(entry)
    assert replay.report.findings == []
    replay.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each kind, or be the process that is measured."""
    parser = argparse.ArgumentParser("python -m tests.bench.told", description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=TARGET)
    parser.add_argument("--kind", choices=[NOTHING, *_KINDS])
    options = parser.parse_args(arguments)
    if options.kind is not None:
        hear(options.kind, options.entries)
        return
    sys.stdout.write(f"{options.entries:,} made-up entries of one kind, measured\n")
    for kind in (NOTHING, *_KINDS):
        took = child(["tests.bench.told", "--kind", kind, "--entries", str(options.entries)], dict(os.environ))
        sys.stdout.write(f"  {kind:<40} {took.cpu:>6.0f} s of processor, {took.mib:>4.0f} MiB at most\n")


if __name__ == "__main__":
    main()
