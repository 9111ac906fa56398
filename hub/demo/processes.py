"""Starting processes that end with the demo, and talking with them in lines of JSON. Every wait has an end."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_TIED: Final = Path(__file__).with_name("tied.py")
_ROOT: Final = Path(__file__).parent.parent.parent
_STOP_SECONDS: Final = 10.0
_TAIL: Final = 600  # characters of a log that a message shows


class ProcessFailed(Exception):
    """A process ended, or did not answer in time. Its text says which, and where its log is."""


def free_ports(count: int) -> list[int]:
    """Different TCP ports on loopback on which nobody listens now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process: what the system needs, and ``own``; no setting of the caller's hub."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ")}
    return kept | {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"} | dict(own)


@dataclass(frozen=True, slots=True)
class Start:
    """How a process is started: as ``python …`` with these settings; all it says goes to ``log``.

    ``held``: a descriptor that it keeps open, so that the lock on it lives as long as the last process of the demo.
    """

    name: str
    command: Sequence[str]
    own: Mapping[str, str]
    log: Path
    held: int


class Child:
    """A process in a session of its own, that ends with this one."""

    talks = False

    def __init__(self, start: Start) -> None:
        self.name = start.name
        self.log = start.log
        with start.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_TIED), str(os.getpid()), sys.executable, *start.command],
                stdin=subprocess.PIPE if self.talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.talks else log,
                stderr=log,
                env=environment(start.own),
                start_new_session=True,
                pass_fds=(start.held,),
            )

    @property
    def running(self) -> bool:
        """False once it ended."""
        return self._process.poll() is None

    def failed(self, what: str) -> ProcessFailed:
        """What to say of a process that did not do its work."""
        tail = self.log.read_text("utf-8", errors="replace")[-_TAIL:].strip() if self.log.exists() else ""
        return ProcessFailed(f"{self.name} {what} (logboek: {self.log})" + (f"\n{tail}" if tail else ""))

    def stop(self) -> None:
        """End it: first by the end of its input and a request, then for certain."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)


class Talker(Child):
    """A process that answers lines of JSON with lines of JSON."""

    talks = True

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._read, name=f"lines of {start.name}", daemon=True).start()

    def say(self, value: Any) -> None:
        """Send one line. Raises ``ProcessFailed`` when nobody is there."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(value).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self.failed("is gestopt") from error

    def hear(self, seconds: float) -> dict[str, Any]:
        """The next line. Raises ``ProcessFailed`` after ``seconds``, or when there comes none."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise self.failed(f"gaf binnen {seconds:.0f} seconden geen antwoord") from None
        if line is None:
            raise self.failed("is gestopt")
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise self.failed("zei iets onverstaanbaars") from error
        return found

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._lines.put(line)
        except ValueError:  # closed while it was read
            self._lines.put(None)
        else:
            self._lines.put(None)
