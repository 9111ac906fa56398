"""The life of a delivery, as data. Everything that changes a state asks this table; a missing pair is the error.

wachtend ── release ──> vrijgegeven ── send ──> afgeleverd ── acknowledge ──> bevestigd | onverwerkbaar
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where one message stands on its way to one recipient."""

    WAITING = "wachtend"
    RELEASED = "vrijgegeven"
    DELIVERED = "afgeleverd"
    CONFIRMED = "bevestigd"
    UNPROCESSABLE = "onverwerkbaar"
    STOPPED = "gestopt"
    BURIED = "begraven"
    ERASED = "gewist"


class Step(StrEnum):
    """What moves a delivery: the verbs of the code, the metrics and the ledger."""

    RELEASE = "release"
    REFUSE = "refuse"  # the gate said no at release, or a withdrawal did
    FAIL = "fail"  # an attempt did not arrive: wait for the next
    SEND = "send"  # handed out through the mailbox
    ACKNOWLEDGE = "acknowledge"
    REJECT = "reject"  # the recipient cannot process it
    BURY = "bury"
    REPLAY = "replay"
    RECALL = "recall"  # its sender takes it back: it never goes again
    ERASE = "erase"


TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    (State.WAITING, Step.RELEASE): State.RELEASED,
    (State.WAITING, Step.REFUSE): State.STOPPED,
    (State.WAITING, Step.BURY): State.BURIED,
    (State.RELEASED, Step.RELEASE): State.RELEASED,  # the process died in between: its lease expired
    (State.RELEASED, Step.REFUSE): State.STOPPED,
    (State.RELEASED, Step.FAIL): State.WAITING,
    (State.RELEASED, Step.SEND): State.DELIVERED,
    (State.RELEASED, Step.ACKNOWLEDGE): State.CONFIRMED,
    (State.RELEASED, Step.REJECT): State.UNPROCESSABLE,
    (State.RELEASED, Step.BURY): State.BURIED,
    (State.DELIVERED, Step.RELEASE): State.RELEASED,  # fetched again: decided again
    (State.DELIVERED, Step.REFUSE): State.STOPPED,
    (State.DELIVERED, Step.ACKNOWLEDGE): State.CONFIRMED,
    (State.DELIVERED, Step.REJECT): State.UNPROCESSABLE,
    (State.BURIED, Step.REPLAY): State.WAITING,
    (State.UNPROCESSABLE, Step.REPLAY): State.WAITING,
} | {
    (state, Step.RECALL): State.STOPPED
    for state in (State.WAITING, State.RELEASED, State.DELIVERED, State.UNPROCESSABLE, State.BURIED)
} | {
    (state, Step.ERASE): State.ERASED
    for state in (
        State.WAITING,
        State.RELEASED,
        State.DELIVERED,
        State.CONFIRMED,
        State.UNPROCESSABLE,
        State.STOPPED,
        State.BURIED,
    )
}

#: States in which a delivery still holds up its line (promise 4).
IN_LINE: Final = frozenset({State.WAITING, State.RELEASED})


class StateError(RuntimeError):
    """A step that the table does not know: a fault in the hub."""


def after(state: State, step: Step) -> State:
    """The state after a step; ``StateError`` if the table does not know the pair."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise StateError(f"{state} kent geen {step}") from None
