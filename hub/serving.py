"""The processes of a running hub: granian's supervisor (hub/supervisor.py) with its worker, or one part alone.

granian cannot be embedded in a process of ours, so on SQLite the hub is one worker under its supervisor. The worker
holds everything, holds the data folder for itself alone, and ends when its supervisor dies.
"""

import ctypes
import gc
import os
import signal
import sys
import threading
from multiprocessing.util import Finalize
from typing import Final

import structlog
from flask import Flask

from hub import settings as environment
from hub import wiring
from hub.administration.folder import FolderLock
from hub.core import open_core
from hub.settings import Settings
from hub.store.traffic import outbox
from hub.store.writer import single
from hub.telemetry import configure_logging, serve_metrics

_PR_SET_PDEATHSIG: Final = 1
#: Which part a worker of this supervisor serves; the worker is another process and knows only the environment.
_ONLY: Final = "DOORSTROOMHUB_ONLY"


def serve(settings: Settings, only: str | None) -> None:
    """Run until SIGTERM or SIGINT. ``only``: one part, on PostgreSQL; ``None``: all of it."""
    if only in (None, "web"):
        os.environ[_ONLY] = only or ""
        # This process looked whether the hub is whole, and holds all of it in memory. Its successor supervises only.
        os.execv(sys.executable, [sys.executable, "-m", "hub.supervisor"])
    configure_logging(settings.log_level)
    _run_part(settings, only)


def worker() -> Flask:
    """What granian's worker serves: the whole hub, built and running. It ends with its supervisor."""
    _end_with_supervisor()
    # Until granian listens for signals here, one ends this process at once: what it inherited would swallow it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    settings = environment.from_process()
    configure_logging(settings.log_level)
    if not settings.on_postgresql:
        _HELD.append(FolderLock(settings.data_dir))
    core = open_core(settings)
    if not settings.on_postgresql:
        # The worker before this one is dead: what it held need not wait for its leases to run out.
        single(core.transactions, lambda tx: outbox.end_leases(tx.connection, tx.now))
    hub = wiring.build(core)
    hub.start(os.environ.get(_ONLY) or None)
    if settings.workers == 1:
        serve_metrics(hub.metrics, settings.host, settings.metrics_port)
    # The last to close SQLite writes its log into the database file: a copy of that file alone is then whole.
    Finalize(None, hub.stop, args=(os.environ.get(_ONLY) or None,), exitpriority=1)
    part, at = os.environ.get(_ONLY) or "hub", settings
    structlog.get_logger().info("started", part=part, host=at.host, port=at.port, address=at.base_url)
    app = hub.app()
    # What was built now stays: the collector need not look through it again while messages are handled.
    gc.collect()
    gc.freeze()
    return app


#: The lock on the data folder, held until the process ends: the kernel gives it up then, whatever the end was like.
_HELD: Final[list[FolderLock]] = []


def _run_part(settings: Settings, only: str) -> None:
    """One part without a web server."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    hub = wiring.build(open_core(settings))
    hub.start(only)
    metrics = serve_metrics(hub.metrics, settings.host, settings.metrics_port)
    structlog.get_logger().info("started", part=only)
    stopping.wait()
    hub.stop(only)
    metrics.close()


def _end_with_supervisor() -> None:
    """Have the kernel end this process when its parent dies (prctl(2)): a worker alone would hold the data for ever."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died just before
        os._exit(1)
