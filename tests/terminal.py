"""A command whose stderr is a terminal, and the same where it is none."""

import errno
import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.live import ROOT


def shown(command: Sequence[str], environment: Mapping[str, str], *, terminal: bool) -> str:
    """All that ``python <command>`` writes to its stderr, byte by byte; it must say that all is well."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    ours, its = pty.openpty() if terminal else os.pipe()
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=surroundings | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=its,
    ) as process:
        os.close(its)
        seen = _all(ours)
    os.close(ours)
    assert process.returncode == 0, seen
    return seen.decode()


def _all(reader: int) -> bytes:
    seen = b""
    try:
        while part := os.read(reader, 4_096):
            seen += part
    except OSError as error:
        if error.errno != errno.EIO:  # how Linux says that nobody holds the other side of a terminal any more
            raise
    return seen
