"""Time and chance, as the agent is given them; one place builds the real ones."""

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ports:
    """``clock``: seconds since 1970. ``sleep``: seconds. ``token``: a fresh unguessable text. ``jitter``: 0 to 1."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    token: Callable[[], str]
    jitter: Callable[[], float]


def system_ports() -> Ports:
    """The machine's own clock and randomness."""
    return Ports(time.time, time.sleep, lambda: secrets.token_urlsafe(24), random.random)
