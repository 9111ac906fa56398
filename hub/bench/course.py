"""The course of a measurement, phase by phase, and the figures that come of it. What is compared stands side by side.

Rates are messages a second, times seconds, processor time seconds for each message.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hub.bench import inserts
from hub.bench.load import Plan, http, percentile
from hub.bench.place import Place
from hub.bench.processes import BenchFailed, Memory, Server, free_port, run_load, spawn
from hub.bench.region import Partner, Region, populate, prepare, pull_again, push_to
from hub.core import Core, open_core

CONNECTIONS: Final = (1, 16, 64)
BATCH: Final = 100
_BATCH_CONNECTIONS: Final = 4
_PEOPLE: Final = 300
#: Of half of them the consent is withdrawn: enough of them for a p99, within so many times the length of a phase.
_WITHDRAWN: Final = _PEOPLE // 2
_LONG: Final = 4
_MODEST: Final = 50.0  # messages a second, for the latency
_PAGE: Final = 100
_SETTLE: Final = 2.0  # seconds of rest before memory is read, and for the last delivery to come


@dataclass(frozen=True, slots=True)
class Load:
    """One load on one server. ``cpu``: of the server; ``own_cpu``: of the generator."""

    rate: float
    p50: float
    p99: float
    cpu: float
    own_cpu: float
    refused: int = 0


@dataclass(slots=True)
class Figures:
    """All that one run measured."""

    database: str
    bytes: int = 0
    ready: float = 0.0
    idle: list[Memory] = field(default_factory=list)
    busy: list[Memory] = field(default_factory=list)
    accept: dict[int, Load] = field(default_factory=dict)
    echo: dict[int, Load] = field(default_factory=dict)
    batch: Load | None = None
    inserts: dict[str, float] = field(default_factory=dict)
    delivery: tuple[float, float, int, int] = (0.0, 0.0, 0, 0)  # p50, p99, arrived, sent
    mailbox: float = 0.0
    withdrawal: tuple[float, float, int] = (0.0, 0.0, 0)  # p50, p99, how many


class Webhook:
    """The receiver's process."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = spawn(["hub.bench.receiver"], env, Path(os.devnull), piped=True)
        if self._process.stdout is None or self._process.stdin is None:
            raise BenchFailed("the receiver has no pipes")
        self.port = int(self._process.stdout.readline())

    def arrived(self) -> dict[str, float]:
        """End it; when each event came."""
        told, _ = self._process.communicate(timeout=30)
        found: dict[str, float] = json.loads(told)
        return found

    def stop(self) -> None:
        """End it unasked."""
        self._process.kill()
        self._process.wait()


class Course:
    """One run on one place; ``tell`` hears which phase begins."""

    def __init__(self, place: Place, seconds: float, webhook: Webhook, tell: Callable[[str], None]) -> None:
        self._place = place
        self._seconds = seconds
        self._webhook = webhook
        self._tell = tell
        self._figures = Figures("postgresql" if place.settings.on_postgresql else "sqlite")

    def run(self, run_id: str) -> Figures:
        """Everything, in order. ``run_id`` keeps the messages of runs apart."""
        core = open_core(self._place.settings)
        try:
            systems = prepare(core, run_id)
            server = self._start()
            try:
                port = self._place.settings.port
                partners = {
                    oin: Partner(self._place.settings.base_url, port, *system) for oin, system in systems.items()
                }
                for partner in partners.values():
                    partner.log_in(core.clock.now(), core.new_id())
                self._tell("people and consents")
                region = populate(partners, _PEOPLE, core.clock.now(), run_id)
                self._phases(server, region, run_id)
            finally:
                server.stop()
            self._tell("bare inserts")
            self._inserts(core)
        finally:
            core.engine.dispose()
        return self._figures

    def _start(self) -> Server:
        self._tell("start")
        server = Server(["hub.cli", "serve"], self._place.env, self._place.settings.port, self._place.log)
        self._figures.ready = server.wait("/health/ready", frozenset({200}))
        time.sleep(_SETTLE)
        self._figures.idle = server.memory()
        return server

    def _phases(self, server: Server, region: Region, run_id: str) -> None:
        self._tell("delivery")
        self._delivery(region, f"{run_id}-d-")
        self._accept(server, region, run_id)
        self._tell(f"batches of {BATCH}")
        texts = region.batch(server.port, f"{run_id}-b-", BATCH)
        seen = self._load(server, Plan(port=server.port, connections=_BATCH_CONNECTIONS, seconds=self._seconds,
                                       requests=[texts], prefix=""), BATCH)  # fmt: skip
        self._figures.batch = seen
        self._figures.busy = server.memory()
        self._tell("mailbox")
        self._figures.mailbox = self._mailbox(region)
        self._tell("withdrawals")
        self._withdrawals(region, server.port, f"{run_id}-w-")

    def _accept(self, server: Server, region: Region, run_id: str) -> None:
        settings = self._place.settings
        port = free_port()
        echo = Server(
            ["hub.bench.echo", str(port), str(settings.threads), str(settings.workers)],
            self._place.env,
            port,
            self._place.log,
        )
        try:
            echo.wait("/", frozenset({404}))
            sample = region.single(server.port, "0" * 8, 1)[0]
            body = "".join(sample).partition("\r\n\r\n")[2]
            self._figures.bytes = len(body.encode())
            for connections in CONNECTIONS:
                self._tell(f"accept, {connections} connections, and echo beside it")
                requests = region.single(server.port, f"{run_id}-{connections}-", _PEOPLE)
                self._figures.accept[connections] = self._load(server, self._plan(server, connections, requests))
                plain = [http(port, "/v1/berichten", "x", "application/json", [body])]
                self._figures.echo[connections] = self._load(echo, self._plan(echo, connections, plain))
        finally:
            echo.stop()

    def _plan(self, server: Server, connections: int, requests: list[list[str]]) -> Plan:
        return Plan(port=server.port, connections=connections, seconds=self._seconds, requests=requests, prefix="")

    def _load(self, server: Server, plan: Plan, size: int = 1) -> Load:
        before = server.cpu()
        seen = run_load(plan, self._place.log)
        messages = seen["requests"] * size
        if seen["statuses"].keys() != {"202"}:
            raise BenchFailed(f"not everything was accepted: {seen['statuses']}")
        cpu = (server.cpu() - before) / messages
        return Load(messages / seen["seconds"], seen["p50"], seen["p99"], cpu, seen["cpu"] / messages)

    def _delivery(self, region: Region, prefix: str) -> None:
        push_to(region.receiver, f"http://127.0.0.1:{self._webhook.port}/")
        requests = region.single(self._place.settings.port, prefix, _PEOPLE)
        plan = Plan(port=self._place.settings.port, connections=8, seconds=self._seconds, requests=requests,
                    prefix=prefix, rate=_MODEST, keep=True)  # fmt: skip
        sent: dict[str, float] = run_load(plan, self._place.log)["sent"]
        time.sleep(_SETTLE)
        pull_again(region.receiver)
        arrived = self._webhook.arrived()
        waits = [arrived[id_] - at for id_, at in sent.items() if id_ in arrived]
        self._figures.delivery = (percentile(waits, 0.5), percentile(waits, 0.99), len(waits), len(sent))

    def _mailbox(self, region: Region) -> float:
        """Messages a second, fetched in pages and acknowledged, until the time is over or nothing waits."""
        began = time.monotonic()
        fetched = 0
        while time.monotonic() < began + self._seconds:
            raw, through = region.receiver.raw("GET", f"/v1/postvak/berichten?limiet={_PAGE}")
            found = raw.count(b'"specversion"')
            if not found:
                break
            region.receiver.call("POST", "/v1/postvak/bevestigingen", {"tot": through})
            fetched += found
        return fetched / (time.monotonic() - began)

    def _withdrawals(self, region: Region, port: int, prefix: str) -> None:
        """One after the other while 16 connections send; those whose consent is gone are answered 403 from then on."""
        seconds = _LONG * self._seconds
        waits: list[float] = []

        def withdraw() -> None:
            time.sleep(0.5)
            end = time.monotonic() + seconds
            for person in region.persons[:_WITHDRAWN]:
                began = time.monotonic()
                if began > end:
                    return
                form = {"gegevenDoor": "betrokkene"}
                region.sender.call("POST", f"/v1/toestemmingen/{person.statement}/intrekking", form)
                waits.append(time.monotonic() - began)

        requests = region.single(port, prefix, _PEOPLE)
        plan = Plan(port=port, connections=16, seconds=seconds + 1, requests=requests, prefix="")
        run_load(plan, self._place.log, withdraw)
        self._figures.withdrawal = (percentile(waits, 0.5), percentile(waits, 0.99), len(waits))

    def _inserts(self, core: Core) -> None:
        rows = inserts.samples(core.engine)
        # On SQLite one connection writes at a time; its limit at 16 is 16 messages in one transaction.
        many = (1, 16) if self._figures.database == "sqlite" else (16, 1)
        sizes: Iterable[tuple[str, int, int]] = (("1", 1, 1), ("16", *many), (f"batch {BATCH}", 1, BATCH))
        with inserts.empty_tables(core.engine, self._place.folder) as engine:
            for name, threads, size in sizes:
                self._figures.inserts[name] = inserts.rate(engine, rows, threads, size, self._seconds)
