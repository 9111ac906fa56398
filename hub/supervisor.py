"""The supervisor of the web workers: granian and nothing else, so that it costs little memory.

``hub serve`` becomes it.
"""

import resource
from typing import Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from hub import settings as environment
from hub.telemetry import configure_logging, granian_log_config

_BACKLOG: Final = 1024
#: Connections that a worker holds at a time, idle ones too; each takes an open file, and no thread until it asks.
_CONNECTIONS: Final = 4_096
_FILES: Final = 2 * _CONNECTIONS  # of all that a worker opens
#: Milliseconds in which the head of a request must be there, from the first byte or the end of the one before.
_HEAD_WITHIN: Final = 30_000
#: Seconds that a worker gets to finish what is under way; what was not done is found again at the next start.
_STOP_WITHIN: Final = 10


def main() -> None:
    """Serve with the settings of the environment until SIGTERM or SIGINT; a worker that dies is replaced."""
    settings = environment.from_process()
    configure_logging(settings.log_level)
    _raise_limit()
    Server(
        "hub.serving:worker",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backlog=_BACKLOG,
        backpressure=_CONNECTIONS,
        # Behind a proxy there is nothing but HTTP/1.1; and of a connection that may be HTTP/2 granian awaits the first
        # byte for ever.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_WITHIN),
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_WITHIN,
        log_level=LogLevels.warning,
        log_dictconfig=granian_log_config(),
    ).serve()


def _raise_limit() -> None:
    """As many open files as the connections need, where this account may: the usual 1,024 are fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
