"""Private servers for the tests: a PostgreSQL cluster and a RabbitMQ node, each with own port, folder and account.

Nothing of the machine's own servers is touched, and nothing is left: a watchdog process, which outlives a killed test
run, ends the servers and removes their folders as soon as its pipe closes. As root they run under their packages'
accounts (PostgreSQL refuses root); otherwise as whoever runs the tests. A missing part fails with the apt line.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

START_SECONDS = 90
_RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

# Reads "pid <n>" and "folder <path>" lines; at the end of its input it ends those groups and removes those folders.
_WATCHDOG = """
import os, shutil, signal, sys, time
lines = [line.split(" ", 1) for line in sys.stdin.read().splitlines()]
pids = [int(value) for what, value in lines if what == "pid"]
for how, pause in ((signal.SIGCONT, 0), (signal.SIGQUIT, 1), (signal.SIGKILL, 0.5)):
    for pid in pids:
        try:
            os.killpg(pid, how)
        except (ProcessLookupError, PermissionError):
            pass
    time.sleep(pause if pids else 0)
for what, value in lines:
    if what == "folder":
        shutil.rmtree(value, ignore_errors=True)
"""


class ServerFailed(Exception):
    """A private server is missing or would not start. Its text says what to do."""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Returns when ``ready`` says so; raises ``ServerFailed`` after ``seconds``."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise ServerFailed(f"{what} within {seconds:.0f} s")
        time.sleep(0.05)


class Watchdog:
    """Ends what is registered with it once this process is gone, however it went."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCHDOG], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def tell(self, what: str, value: object) -> None:
        """Registers a ``pid`` (of a process group) or a ``folder``."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {value}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Lets it do its work now, and waits for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


class PrivateServer:
    """A server process with a folder of its own: started, stopped, killed, frozen and thawed by the tests."""

    name: str

    def __init__(self, watchdog: Watchdog, account: str) -> None:
        self.account = account if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        watchdog.tell("folder", self.folder)
        self.folder.chmod(0o700)
        self.log = self.folder / "server.log"
        self.log.touch()
        if self.account:
            for path in (self.folder, self.log):
                shutil.chown(path, self.account)
        self._watchdog = watchdog
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """What starts the server in the foreground."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The whole environment of the server."""
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def ready(self) -> bool:
        """True when clients are served."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """True while its process lives."""
        return self._process is not None and self._process.poll() is None

    def spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Starts a process of this server, in a process group of its own, known to the watchdog."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,
                **_as(self.account),
            )
        self._watchdog.tell("pid", process.pid)
        return process

    def start(self) -> None:
        """Returns when it serves. A second start after a stop or a kill finds what the first one left."""
        if self.running:
            return
        self._process = self.spawn(self.command())

        def up() -> bool:
            if not self.running:
                raise ServerFailed(f"{self.name} would not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            return self.ready()

        wait_until(up, START_SECONDS, f"{self.name} does not answer")

    def stop(self) -> None:
        """Ends it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, as a power cut would for its processes; what was not synced to disk may be lost."""
        self.freeze()  # so that no child acts between two kills
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stops all its processes where they are; clients hang."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if how is signal.SIGKILL:
            self._signal_all(how)
        else:
            self.thaw()
            self._process.send_signal(how)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._signal_all(signal.SIGKILL)
            self._process.wait(timeout=10)
        self._process = None

    def _signal_all(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        for pid in [self._process.pid, *descendants(self._process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, how)


class PostgresServer(PrivateServer):
    """A cluster with fsync on, trust on loopback, superuser ``hub``. ``create`` makes a database.

    ``data``: where its files lie, if not in its own folder; ``initdb`` and ``settings`` add to what it is made with.
    """

    name = "postgresql"

    def __init__(
        self,
        watchdog: Watchdog,
        data: Path | None = None,
        initdb: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._bin = _postgres_bin()
        super().__init__(watchdog, "postgres")
        self.port = free_port()
        self.data = data or self.folder / "data"
        self._more = dict(settings or {})
        how = ["--username=hub", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._run("initdb", *how, *initdb, str(self.data))

    def command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "64MB",
            "fsync": "on",
            "synchronous_commit": "on",
            "log_min_messages": "info",
        } | self._more
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self._bin / "postgres"), "-D", str(self.data), *options]

    def ready(self) -> bool:
        try:
            self._admin("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """A fast shutdown: sessions are ended, everything is synced."""
        self._end(signal.SIGINT)

    def url_for(self, database: str) -> str:
        """The address of a database of this cluster, as HUB_DATABASE_URL takes it."""
        return f"postgresql+psycopg://hub@127.0.0.1:{self.port}/{database}"

    def create(self, template: str | None = None) -> str:
        """Makes a database (a copy of ``template``, to which nobody may be connected) and returns its name."""
        name = f"test_{secrets.token_hex(6)}"
        self._admin("CREATE DATABASE {} TEMPLATE {}", name, template or "template0")
        return name

    def drop(self, name: str) -> None:
        """Removes a database, with whoever is connected to it."""
        self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def dump(self, name: str) -> str:
        """What pg_dump writes of a database."""
        where = ["--host=127.0.0.1", f"--port={self.port}", "--username=hub"]
        return self._run("pg_dump", *where, name)

    def _admin(self, statement: LiteralString, *names: str) -> None:
        where = f"host=127.0.0.1 port={self.port} user=hub dbname=postgres connect_timeout=5"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            cwd=self.folder,
            env=self.environment(),
            **_as(self.account),
        )
        if done.returncode:
            raise ServerFailed(f"{program} failed:\n{done.stderr[-3000:]}")
        return str(done.stdout)


class RabbitServer(PrivateServer):
    """A node with own cookie, name, ports and epmd, on loopback only; ``url`` is its HUB_BROKER_URL."""

    name = "rabbitmq"

    def __init__(self, watchdog: Watchdog) -> None:
        if not _RABBITMQ.exists():
            raise ServerFailed("RabbitMQ is missing. Install it with: sudo apt-get install --yes rabbitmq-server")
        super().__init__(watchdog, "rabbitmq")
        self.port, self._dist_port, self._epmd_port = free_port(), free_port(), free_port()
        self._own(".erlang.cookie", secrets.token_hex(16), 0o400)
        self._own("enabled_plugins", "[].\n", 0o600)
        self._own("rabbitmq.conf", f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndisk_free_limit.absolute = 50MB\n", 0o600)
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address; the account is RabbitMQ's public one, which it only serves on loopback."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> list[str]:
        return [str(_RABBITMQ)]

    def environment(self) -> dict[str, str]:
        own = {
            "NODENAME": f"test{self.port}@localhost",
            "DIST_PORT": self._dist_port,
            "NODE_PORT": self.port,
            "NODE_IP_ADDRESS": "127.0.0.1",
            "MNESIA_BASE": self.folder / "mnesia",
            "LOG_BASE": self.folder / "log",
            "CONFIG_FILE": self.folder / "rabbitmq.conf",
            "CONF_ENV_FILE": os.devnull,
            "ENABLED_PLUGINS_FILE": self.folder / "enabled_plugins",
            "PID_FILE": self.folder / "pid",
        }
        epmd = {"ERL_EPMD_PORT": str(self._epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        return super().environment() | epmd | {f"RABBITMQ_{key}": str(value) for key, value in own.items()}

    def start(self) -> None:
        # An epmd of our own, in the foreground: the one that RabbitMQ would start stays behind as a daemon.
        if self._epmd is None or self._epmd.poll() is not None:
            self._epmd = self.spawn(["epmd"])
            wait_until(lambda: _listens(self._epmd_port), 10, "epmd does not answer")
        super().start()

    def stop(self) -> None:
        super().stop()
        if self._epmd is not None:
            self._epmd.terminate()
            self._epmd.wait(timeout=10)
            self._epmd = None

    def ready(self) -> bool:
        """True when an AMQP greeting is answered with Connection.Start (AMQP 0-9-1 §2.2.4)."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(11)[7:] == b"\x00\x0a\x00\x0a"
        except OSError:
            return False

    def _own(self, name: str, text: str, mode: int) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        if self.account:
            shutil.chown(path, self.account)


def descendants(pid: int) -> list[int]:
    """All processes below ``pid``, read from /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The command stands in brackets and may hold anything; the parent is the second field after it.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, pending = [], [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def _as(account: str | None) -> dict[str, Any]:
    """The arguments that make a child run under ``account``; this needs root."""
    if account is None:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _postgres_bin() -> Path:
    """The folder of the newest PostgreSQL server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    if not found and on_path is None:
        raise ServerFailed("PostgreSQL is missing. Install it with: sudo apt-get install --yes postgresql")
    return found[-1].parent if found else Path(str(on_path)).parent


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def watchdog() -> Iterator[Watchdog]:
    """Ends the servers of this run, also when this run is killed."""
    guard = Watchdog()
    yield guard
    guard.close()


@pytest.fixture(scope="session")
def postgres_server(watchdog: Watchdog) -> Iterator[PostgresServer]:
    """The PostgreSQL of this run. A test that stops or freezes it starts or thaws it again."""
    server = PostgresServer(watchdog)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rabbitmq_server(watchdog: Watchdog) -> Iterator[RabbitServer]:
    """The RabbitMQ of this run. A test that stops or freezes it starts or thaws it again."""
    server = RabbitServer(watchdog)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh, empty database, dropped afterwards."""
    name = postgres_server.create()
    yield postgres_server.url_for(name)
    postgres_server.drop(name)
