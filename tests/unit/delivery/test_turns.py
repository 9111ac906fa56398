"""Whose turn it is: by hand, without threads but where waiting itself is the point."""

import threading
import time

from contracts.identity import Oin
from hub.delivery.doorbell import Ring
from hub.delivery.turns import FIRST_BATCH, LARGEST_BATCH, Pace, Turns

A, B, C = (Oin(f"0000009900000000{n}000") for n in (1, 2, 3))


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> None:
        raise AssertionError("turns need no calendar")

    def monotonic(self) -> float:
        return self.time


def make(slow_limit: int = 2) -> tuple[Turns, Hand, list[str]]:
    clock = Hand()
    return Turns(clock, slow_limit), clock, []  # type: ignore[arg-type]


def ring(recipient: Oin, done: list[str], name: str = "x") -> Ring:
    return Ring(recipient, ("d",), lambda: done.append(name))


def test_a_recipient_is_served_by_one_worker_and_again_after_a_new_ring() -> None:
    turns, _, done = make()
    turns.rung(ring(A, done, "1"))
    turns.rung(ring(B, done, "2"))
    assert (turns.take(), turns.take()) == (A, B)
    turns.rung(ring(A, done, "3"))
    turns.finish(B)
    assert done == ["2"]
    turns.finish(A)
    assert done == ["2"]  # acknowledged late: what rang while it was busy is still to be served
    assert turns.take() == A
    turns.finish(A)
    assert done == ["2", "1", "3"]


def test_a_failing_recipient_is_left_alone_and_comes_back_by_itself() -> None:
    turns, clock, done = make()
    turns.rung(ring(A, done))
    assert turns.take() == A
    turns.failed(A)
    turns.rung(ring(A, done, "during"))
    turns.finish(A)
    assert done == ["during", "x"]  # the broker need not keep what the pause brings back
    assert turns.paused(A)
    turns.rung(ring(B, done))
    assert turns.take() == B
    clock.time += 1.0
    assert turns.take() == A
    assert turns.answered(A)
    assert not turns.answered(A)


def test_slow_recipients_share_a_part_of_the_workers() -> None:
    turns, _, done = make(slow_limit=1)
    for slow in (A, B):
        turns.pace(slow).seconds = 5.0
        turns.rung(ring(slow, done))
    turns.rung(ring(C, done))
    assert turns.take() == A
    assert turns.take() == C  # passes the second slow one
    turns.finish(A)
    assert turns.take() == B


def test_take_waits_until_closed() -> None:
    turns, _, _ = make()
    found: list[Oin | None] = []
    thread = threading.Thread(target=lambda: found.append(turns.take()))
    thread.start()
    time.sleep(0.05)
    assert found == []
    turns.close()
    thread.join(2)
    assert found == [None]


def test_a_batch_grows_while_it_is_quick_and_shrinks_when_it_is_not() -> None:
    pace = Pace()
    for _ in range(6):
        pace.learn(pace.size, 0.1, failed=False)
    assert pace.size == LARGEST_BATCH
    assert not pace.slow
    pace.learn(20, 3.0, failed=False)
    assert pace.size == LARGEST_BATCH // 2
    pace.learn(1, 9.0, failed=True)
    assert pace.size == 1
    pace.learn(1, 9.0, failed=False)
    assert pace.size == 1
    assert pace.slow


def test_a_small_batch_says_nothing_of_a_large_one() -> None:
    pace = Pace()
    pace.learn(1, 0.01, failed=False)
    assert pace.size == FIRST_BATCH
