"""The supervisor of the web workers: granian and nothing else, so that it costs little memory.

``hub serve`` becomes it.
"""

from typing import Final

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from hub import settings as environment
from hub.telemetry import configure_logging, granian_log_config

_BACKLOG: Final = 1024
#: Seconds that a worker gets to finish what is under way; what was not done is found again at the next start.
_STOP_WITHIN: Final = 10


def main() -> None:
    """Serve with the settings of the environment until SIGTERM or SIGINT; a worker that dies is replaced."""
    settings = environment.from_process()
    configure_logging(settings.log_level)
    Server(
        "hub.serving:worker",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backlog=_BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_WITHIN,
        log_level=LogLevels.warning,
        log_dictconfig=granian_log_config(),
    ).serve()


if __name__ == "__main__":
    main()
