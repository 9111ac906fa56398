"""What every test has: no network beyond loopback, private servers on demand, one profile for generated cases."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import postgres_server, postgres_url, rabbitmq_server, watchdog
from tests.webhook import Webhook

__all__ = ["postgres_server", "postgres_url", "rabbitmq_server", "watchdog"]

# `make test` draws the same cases each time, so that red means the code changed; the long form draws new ones.
settings.register_profile("test", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile(
    "long",
    deadline=None,
    max_examples=1000,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


class NetworkForbidden(Exception):
    """A test reached for something outside this machine."""


def _refuse_outside(address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else None
    if host is not None and not str(host).startswith(_LOOPBACK):
        raise NetworkForbidden("tests speak to loopback only")


@pytest.fixture(autouse=True, scope="session")
def _network_is_off() -> Iterator[None]:
    """Connections to anything but loopback and local sockets fail at once, and say why."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: Any) -> None:
        _refuse_outside(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        _refuse_outside(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        yield


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    """A partner's webhook, to which the shared region may push."""
    made = Webhook()
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """At the end of a run, what its tests measured (``record_property``): seeds and rounds of a race, and the like."""
    ended = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [f"{name}: {value}" for one in ended if one.when == "call" for name, value in one.user_properties]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
