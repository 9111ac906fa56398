"""What the steps of a script work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.agent.client import Client
from connectors.agent.partner.inbox import Inbox
from connectors.agent.partner.memory import Memory
from connectors.agent.ports import Ports


@dataclass(frozen=True, slots=True)
class Stage:
    """A partner's own things. ``files``: the folder of the region's files; ``port``: of its webhook receiver."""

    client: Client
    ports: Ports
    memory: Memory
    inbox: Inbox
    folder: Path
    files: Path
    port: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One step as it is carried out: its arguments with every name filled in, what it expects, and until when it waits.

    ``until``: seconds since 1970.
    """

    told: Mapping[str, Any]
    expected: Mapping[str, Any]
    until: float


#: Carries out a step and tells what was seen. ``HubRefused`` is an answer too; the player tells it.
Act = Callable[[Stage, Asked], Mapping[str, Any]]
