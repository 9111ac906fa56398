"""Operators at their desks: processes that run ``hub`` commands, one after the other, as the command line does.

Only the start of the interpreter is saved: each command opens the hub anew, and commits in this process, not in the
hub's own. ``python -m tests.acceptance.race_desk`` is one desk: a line with arguments in, a line with the outcome out.
"""

import contextlib
import io
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from tests.acceptance.race_heard import Pace
from tests.live import ROOT


class CommandFailed(AssertionError):
    """A command that had to succeed did not. Its text is what the operator read."""


class Desks:
    """So many desks; ``run`` uses one that is free."""

    def __init__(self, environment: Mapping[str, str], size: int) -> None:
        self._free: queue.Queue[subprocess.Popen[str]] = queue.Queue()
        self._all = [_open(environment) for _ in range(size)]
        for desk in self._all:
            self._free.put(desk)
        self._counting = threading.Lock()
        self.commands = 0
        self.pace = Pace(0.1)

    def run(self, *arguments: str) -> dict[str, Any]:
        """One command with ``--json``; its answer. Raises ``CommandFailed``."""
        began, desk = time.monotonic(), self._free.get()
        try:
            assert desk.stdin is not None and desk.stdout is not None
            desk.stdin.write(json.dumps([*arguments, "--json"]) + "\n")
            desk.stdin.flush()
            found = json.loads(desk.stdout.readline())
        finally:
            self._free.put(desk)
        with self._counting:
            self.commands += 1
            self.pace.learn(time.monotonic() - began)
        if found["code"]:
            raise CommandFailed(f"{arguments[:2]}: {found['code']} {found['error']}")
        answer: dict[str, Any] = json.loads(found["output"])
        return answer

    def close(self) -> None:
        """End every desk."""
        for desk in self._all:
            assert desk.stdin is not None and desk.stdout is not None
            desk.stdin.close()
            desk.wait(timeout=30)
            desk.stdout.close()


def _open(environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.race_desk"],
        cwd=ROOT,
        env=dict(environment) | {"PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def serve() -> None:
    """Until the end of the input."""
    from hub.cli import main

    for line in sys.stdin:
        output, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
            try:
                main(json.loads(line))
                code: object = 0
            except SystemExit as end:
                code = end.code
        sys.stdout.write(json.dumps({"code": code, "output": output.getvalue(), "error": error.getvalue()}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
