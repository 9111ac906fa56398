"""What one decision of the gate costs: ``python -m tests.bench.decide``.

Twelve statements, most of which cover the flow, and the full explanation. Beside it, from the same run, what it costs
to write the entry of one such decision as JSON: a ratio says more than a time on a busy machine. Nothing is asserted.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Final

from consent.decision import Outcome, decide
from consent.facts import Facts
from tests.bench.ledger import payload
from tests.unit.consent.decision_cases import DAY, NOW, OTHER, ask, explicit, facts, no, yes

CALLS: Final = 20_000


def world() -> Facts:
    """Nine times a ``ja`` for this flow, one about health, one for another receiver, and an older general ``nee``."""
    given = [yes(f"s{n}", days=30 - n) for n in range(9)]
    return facts(*given, explicit(), no(days=40), yes("ander", receivers=frozenset({OTHER})))


def microseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Processor time of one call: the median, and the 99th percentile."""
    spent = []
    for _ in range(CALLS):
        began = time.thread_time_ns()
        work()
        spent.append((time.thread_time_ns() - began) / 1e3)
    spent.sort()
    return spent[CALLS // 2], spent[CALLS * 99 // 100]


def main() -> None:
    """Measure, and say what was found."""
    known, request, entry = world(), ask(), payload(1)
    decision = decide(request, known, NOW + DAY)
    assert decision.outcome is Outcome.ALLOWED and len(known.person.statements) == 12
    nothing, _ = microseconds(lambda: None)
    middle, high = (one - nothing for one in microseconds(lambda: decide(request, known, NOW + DAY)))
    written = microseconds(lambda: json.dumps(entry, sort_keys=True))[0] - nothing
    sys.stdout.write(
        f"decide, 12 statements, {len(decision.steps)} steps explained: p50 {middle:.1f} µs, p99 {high:.1f} µs"
        f" (≤ 50 µs); {middle / written:.1f} times the JSON of its entry ({written:.1f} µs)\n"
    )


if __name__ == "__main__":
    main()
