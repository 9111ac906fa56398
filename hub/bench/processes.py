"""The processes of a measurement: started, watched through /proc, and ended whatever happens."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from hub.bench.load import Plan

_PR_SET_PDEATHSIG: Final = 1
_START: Final = 60.0  # seconds
_STOP: Final = 20.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchFailed(Exception):
    """A process of the measurement did not do its part. Its text says which."""


def free_port() -> int:
    """A port of loopback on which nobody listens now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(arguments: Sequence[str], env: Mapping[str, str], log: Path, *, piped: bool = False) -> subprocess.Popen[str]:
    """``python -m`` these arguments; it ends with this process, however that ends."""
    pipe = subprocess.PIPE if piped else None
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=dict(env),
            stdin=pipe or subprocess.DEVNULL,
            stdout=pipe or out,
            stderr=out,
            text=True,
            preexec_fn=_end_with_parent,
        )


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, in MB: resident, and proportional (shared pages divided by those who share them)."""

    rss: float
    pss: float


class Server:
    """A server under measurement: the process that was started and all below it."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self._name = arguments[0]
        self._log = log
        self._began = time.monotonic()
        self._process = spawn(arguments, env, log)

    def wait(self, path: str, statuses: frozenset[int]) -> float:
        """Wait until ``path`` answers so; the seconds since the start."""
        while not self._answers(path, statuses):
            if self._process.poll() is not None or time.monotonic() > self._began + _START:
                raise BenchFailed(f"{self._name} does not start: {self._log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.01)
        return time.monotonic() - self._began

    def _answers(self, path: str, statuses: frozenset[int]) -> bool:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", path)
                return connection.getresponse().status in statuses
            except OSError:
                return False

    def pids(self) -> list[int]:
        """The supervisor, then its worker."""
        found = [self._process.pid]
        for pid in found:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found

    def cpu(self) -> float:
        """Seconds of CPU that its processes took so far."""
        fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids())
        return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS

    def memory(self) -> list[Memory]:
        """Supervisor and worker."""
        return [_memory(pid) for pid in self.pids()]

    def stop(self) -> None:
        """End it in good order, or else at once."""
        self._process.terminate()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _memory(pid: int) -> Memory:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(rest.split()[0]) / 1000 for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(sizes["Rss"], sizes["Pss"])


def run_load(plan: Plan, log: Path, beside: Callable[[], None] | None = None) -> dict[str, Any]:
    """Have the load generator carry out a plan, with ``beside`` done in this process meanwhile; what it saw."""
    process = spawn(["hub.bench.load"], os.environ, log, piped=True)
    if process.stdin is None or process.stdout is None:
        raise BenchFailed("the load generator has no pipes")
    json.dump(asdict(plan), process.stdin)
    process.stdin.close()
    if beside is not None:
        beside()
    answer = process.stdout.read()
    if process.wait() != 0:
        raise BenchFailed(f"the load generator failed: {log.read_text(errors='replace')[-1000:]}")
    seen: dict[str, Any] = json.loads(answer)
    return seen
