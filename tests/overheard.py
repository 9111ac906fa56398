"""Everything that this process says while a test runs: log lines at DEBUG, standard output and error."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import structlog

from hub.telemetry import configure_logging


@contextmanager
def overheard() -> Iterator[io.StringIO]:
    """What is logged or printed meanwhile, as the hub writes it at ``HUB_LOG_LEVEL=DEBUG``; put back afterwards."""
    said = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions)
    configure_logging("DEBUG", said)
    try:
        with redirect_stdout(said), redirect_stderr(said):
            yield said
    finally:
        root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions = before
        logging.captureWarnings(False)
        structlog.reset_defaults()
