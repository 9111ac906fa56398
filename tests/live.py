"""A region whose hub is ``hub serve``: processes of its own on loopback, spoken to over real HTTP, killed at will."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

from hub.administration import installation
from hub.core import open_core
from hub.store.database import glance
from tests.partners import Answer, Partners
from tests.region import Moved, environment_for, settings_for
from tests.servers import Watchdog, descendants, free_port, wait_until

ROOT = Path(__file__).parents[1]
_START_SECONDS = 60.0


class LiveRegion(Partners):
    """``start`` begins to serve; the database is the SQLite file in ``folder`` or the PostgreSQL at ``url``.

    ``more``: further HUB_ settings. ``program``: what runs instead of ``-m hub.cli serve`` (controls only).
    """

    def __init__(
        self,
        folder: Path,
        watchdog: Watchdog,
        url: str | None = None,
        webhooks: Iterable[int] = (),
        more: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "hub.cli", "serve"),
    ) -> None:
        self.port = free_port()
        ports = {"HUB_METRICS_PORT": str(free_port()), "HUB_LOG_LEVEL": "WARNING"}
        self.environment = environment_for(folder, url, self.port, webhooks) | ports | dict(more or {})
        settings = settings_for(folder, url, self.port, webhooks, **(ports | dict(more or {})))
        installation.initialise(settings, Moved(), os.urandom)
        super().__init__(settings, open_core(settings))
        self.populate()
        self.log = folder / "hub.log"
        self._watchdog = watchdog
        self.program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._clients = threading.local()
        self._all_clients: list[httpx2.Client] = []

    # -- the processes ------------------------------------------------------------------------------------------------
    def start(self, seconds: float = _START_SECONDS) -> None:
        """Serve; returns when the hub says that it is ready. After a kill it finds what was committed."""
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.program],
                cwd=ROOT,
                env=surroundings | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._watchdog.tell("pid", self._process.pid)
        wait_until(self.ready, seconds, f"hub serve is not ready; see {self.log.read_text()[-2000:]}")

    def ready(self) -> bool:
        """True when every part answers."""
        try:
            return self._client().get("/health/ready").status_code == 200
        except httpx2.HTTPError:
            return False

    @property
    def supervisor(self) -> int:
        assert self._process is not None
        return self._process.pid

    def workers(self) -> list[int]:
        """The processes below the supervisor."""
        return descendants(self.supervisor)

    def kill(self, *pids: int) -> None:
        """``kill -9``; a process that is gone already is as good as killed."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._process is not None and self._process.pid in pids:
            self._process.wait(timeout=30)

    def kill_supervisor(self) -> None:
        """``kill -9`` for the supervisor alone; its workers must end by themselves."""
        below = self.workers()
        self.kill(self.supervisor)
        wait_until(lambda: not any(_lives(pid) for pid in below), 30, "a worker outlives its supervisor")

    def kill_all(self) -> None:
        """``kill -9`` for supervisor and workers at once."""
        below = self.workers()
        self.kill(self.supervisor, *below)
        wait_until(lambda: not any(_lives(pid) for pid in below), 30, "a killed worker lives")

    def end(self) -> None:
        """End the hub in good order; ``start`` begins again."""
        process = self._process
        if process is not None and process.poll() is None:
            below = self.workers()
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill(process.pid, *below)
            wait_until(lambda: not any(_lives(pid) for pid in below), 30, "a worker outlives its supervisor")

    def stop(self) -> None:
        """End the hub and let everything go."""
        self.end()
        for client in self._all_clients:
            client.close()
        self.core.engine.dispose()
        self.core.key_store._engine.dispose()

    # -- the wire -----------------------------------------------------------------------------------------------------
    def _client(self) -> httpx2.Client:
        """One connection pool per thread."""
        found: httpx2.Client | None = getattr(self._clients, "client", None)
        if found is None:
            base = f"http://127.0.0.1:{self.port}"
            found = self._clients.client = httpx2.Client(base_url=base, trust_env=False, timeout=60.0)
            self._all_clients.append(found)
        return found

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            found = self._client().request(method, path, content=body, headers=dict(headers))
        except httpx2.ReadTimeout as error:
            error.add_note(self._standing())
            raise
        return Answer(found.status_code, {k.lower(): v for k, v in found.headers.items()}, found.content)

    def _standing(self) -> str:
        """Who waits for whom in PostgreSQL, for whoever must find out why a call hung."""
        if not self.settings.on_postgresql:
            return "on SQLite"
        shown = text(
            "SELECT pid, pg_blocking_pids(pid), state, wait_event, now() - xact_start, left(query, 200)"
            " FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
        )
        with glance(self.core.engine) as connection:
            return "\n".join(map(str, connection.execute(shown)))

    def patiently(self, who: str, method: str, path: str, body: Any = None, media: str = "application/json") -> Answer:
        """The same call again and again while the hub is away; only for what may be repeated."""
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                answer = self.call(who, method, path, body, media)
                if answer.status < 500:
                    return answer
            except (httpx2.HTTPError, AssertionError):  # also a token that was refused while the hub went down
                assert time.monotonic() < until, "the hub does not come back"
            time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
