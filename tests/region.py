"""A whole region in the test's own process, all its threads running: the time can be moved, the ports can fail.

The same region with the hub as a process of its own, behind real HTTP, is ``tests.live.LiveRegion``.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from consent.keys import KeyStore
from hub import wiring
from hub.administration import installation
from hub.core import Core, open_core
from hub.settings import Settings, load
from hub.store.locks import Turnstile
from hub.store.writer import Transactions
from tests.partners import Answer, Partners

PORTS: Final = ("commit", "keys.ensure", "keys.find", "keys.destroy", "doorbell.ring", "send")


class PortFailed(Exception):
    """What a port raises when a test told it to fail."""


class Moved:
    """The real time, moved ahead by as many seconds as a test wants, or ``frozen`` at one instant."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.frozen: datetime | None = None

    def now(self) -> datetime:
        return self.frozen or datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class _MovedTransactions(Transactions):
    """Decides at the database's time, moved as the clock is."""

    def _now(self, told: datetime | None) -> datetime:
        now, clock = super()._now(told), self._clock
        if told is None or not isinstance(clock, Moved):
            return now  # on SQLite the clock is the database's time
        return clock.frozen or now + timedelta(seconds=clock.ahead)


@dataclass(slots=True)
class Faults:
    """Which port fails, and whether before or after it has acted. ``seen`` counts what each port was asked."""

    armed: dict[tuple[str, str], int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    skipped: dict[tuple[str, str], int] = field(default_factory=dict)

    def arm(self, port: str, when: str, times: int = 1, skip: int = 0) -> None:
        """After ``skip`` more, the next ``times`` uses of the port fail, ``before`` or ``after`` it acted."""
        assert port in PORTS and when in ("before", "after")
        self.armed[port, when] = times
        self.skipped[port, when] = skip

    def tripped(self, port: str, when: str) -> bool:
        """True when it failed as often as it was told to."""
        return self.armed[port, when] == 0

    def disarm(self) -> None:
        self.armed.clear()

    def around(self, port: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """``act`` behind this port."""

        def use(*args: Any, **kwargs: Any) -> Any:
            self.seen[port] = self.seen.get(port, 0) + 1
            self._trip(port, "before")
            done = act(*args, **kwargs)
            self._trip(port, "after")
            return done

        return use

    def _trip(self, port: str, when: str) -> None:
        left = self.armed.get((port, when), 0)
        if left and self.skipped[port, when]:
            self.skipped[port, when] -= 1
        elif left:
            self.armed[port, when] = left - 1
            raise PortFailed(f"{port} failed {when} it acted")


class Region(Partners):
    """A hub in this process, all its threads running, on SQLite in ``folder`` or on the PostgreSQL at ``url``."""

    def __init__(self, folder: Path, url: str | None = None, webhooks: Iterable[int] = ()) -> None:
        self.clock = Moved()
        self.faults = Faults()
        settings = settings_for(folder, url, 18080, webhooks)
        installation.initialise(settings, self.clock, os.urandom)
        super().__init__(settings, self._open(settings))
        self.populate()
        with _ports(self.faults):
            self.hub = wiring.build(self.core)
        self.hub.start()
        self.app = self.hub.app()

    def go_on(self, settings: Settings) -> None:
        """Be the hub that was restored here: the same partners, with new tokens."""
        self.settings, self.core = settings, self._open(settings)
        for party in self.parties.values():
            party.token_until = 0
        with _ports(self.faults):
            self.hub = wiring.build(self.core)
        self.hub.start()
        self.app = self.hub.app()

    def _open(self, settings: Settings) -> Core:
        core = open_core(settings, self.clock)
        turnstile = None if settings.on_postgresql else Turnstile(settings.data_dir)
        moved = _MovedTransactions(core.engine, self.clock, turnstile)
        dialect: Any = core.engine.dialect
        dialect.do_commit = self.faults.around("commit", dialect.do_commit)
        keys: Any = core.key_store
        for name in ("ensure", "find", "destroy"):
            setattr(keys, name, self.faults.around(f"keys.{name}", getattr(KeyStore, name).__get__(keys)))
        return replace(core, transactions=moved)

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        answer = self.app.test_client().open(path, method=method, data=body, headers=dict(headers))
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.data)

    def seconds(self) -> float:
        return self.clock.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Time passes for the hub and for the partners."""
        self.clock.ahead += seconds

    def wait_signed(self, seconds: float = 10.0) -> None:
        """Until a checkpoint covers all that was committed."""
        until = time.monotonic() + seconds
        while self.hub.log_keeper.keep_once():
            assert time.monotonic() < until, "the log is not signed in time"

    def stop(self) -> None:
        """End every thread and connection."""
        self.faults.disarm()
        self.hub.stop()
        self.core.key_store._engine.dispose()


def settings_for(folder: Path, url: str | None, port: int, webhooks: Iterable[int] = (), **more: str) -> Settings:
    """Settings of a hub on loopback whose webhooks may go to these ports there."""
    return load(environment_for(folder, url, port, webhooks) | more)


def environment_for(folder: Path, url: str | None, port: int, webhooks: Iterable[int] = ()) -> dict[str, str]:
    """The same as environment variables."""
    made = {"HUB_DATA_DIR": str(folder), "HUB_PORT": str(port), "HUB_ENV": "demo"}
    allowed = ",".join(f"127.0.0.1:{one}" for one in webhooks)
    return made | ({"HUB_DATABASE_URL": url} if url else {}) | ({"HUB_WEBHOOK_TOEGESTAAN": allowed} if allowed else {})


@contextmanager
def _ports(faults: Faults) -> Iterator[None]:
    """While the hub is built: its doorbell and its senders come behind their ports."""
    open_doorbell, push_parts = wiring.open_doorbell, wiring.Parts

    def doorbell(url: str) -> Any:
        made: Any = open_doorbell(url)
        made.ring = faults.around("doorbell.ring", made.ring)
        return made

    def parts(**given: Any) -> Any:
        new_sender = given["new_sender"]

        def sender() -> Any:  # made later, by the threads that push
            made: Any = new_sender()
            made.send = faults.around("send", made.send)
            return made

        return push_parts(**(given | {"new_sender": sender}))

    with patch.object(wiring, "open_doorbell", doorbell), patch.object(wiring, "Parts", parts):
        yield


@contextmanager
def region_on(request: pytest.FixtureRequest, folder: Path, webhooks: Iterable[int] = ()) -> Iterator[Region]:
    """A region on the database that the fixture's parameter names: ``sqlite``, or ``postgresql`` for one of its own."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = None if server is None else server.url_for(server.create())
    made = Region(folder, url, webhooks)
    try:
        yield made
    finally:
        made.stop()
        if server is not None and url is not None:
            server.drop(url.rpartition("/")[2])
