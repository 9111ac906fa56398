"""What the web server and Flask cost alone: one route that reads a body and answers as large a one as a receipt.

On granian with the settings of `hub.serving`, so that the share of it which a hub reaches is the hub's own work.
"""

import sys
from typing import Final

from flask import Flask, Response, request
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

_ANSWER: Final = b'{"ontvangstbewijs":"' + b"0" * 800 + b'"}'


def app() -> Flask:
    """The application."""
    flask = Flask("echo", static_folder=None)

    def echo() -> Response:
        request.get_data()
        return Response(_ANSWER, 202, content_type="application/json")

    flask.add_url_rule("/v1/berichten", view_func=echo, methods=["POST"])
    return flask


def main() -> None:
    """Serve: port, threads, workers."""
    port, threads, workers = (int(argument) for argument in sys.argv[1:])
    Server(
        "hub.bench.echo:app",
        factory=True,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        backlog=1024,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
