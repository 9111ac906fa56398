"""``hub serve`` as an operator meets it: a port that is taken, a stop at any moment, what lies on disk afterwards."""

import http.client
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import ROOT, LiveRegion
from tests.samples import KRINGLOOP, ONTWIKKELBEDRIJF
from tests.servers import Watchdog, free_port


@pytest.fixture
def region(tmp_path: Path, watchdog: Watchdog) -> Iterator[LiveRegion]:
    made = LiveRegion(tmp_path, watchdog)
    yield made
    made.stop()


def serve(region: LiveRegion, **other: str) -> "subprocess.Popen[str]":
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
    return subprocess.Popen(
        [sys.executable, "-m", "hub.cli", "serve"],
        cwd=ROOT,
        env=surroundings | region.environment | other,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("name", ["HUB_PORT", "HUB_METRICS_PORT"])
def test_a_port_that_is_taken_is_named_before_anything_starts(region: LiveRegion, name: str) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as the web server of another hub would
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = serve(region, **{name: port})
        _, told = ended.communicate(timeout=60)
    assert ended.returncode == 2
    assert port in told and name in told and "Traceback" not in told


def test_an_address_of_another_machine_is_one_sentence(region: LiveRegion) -> None:
    ended = serve(region, HUB_HOST="192.0.2.1")  # RFC 5737: nobody's
    _, told = ended.communicate(timeout=60)
    assert ended.returncode == 2 and "HUB_HOST" in told and "Traceback" not in told


@pytest.mark.parametrize("after", [0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.4])
def test_a_stop_while_it_starts_is_heard(region: LiveRegion, watchdog: Watchdog, after: float) -> None:
    """At whatever moment: the supervisor and its worker are gone within the time that a worker gets to finish."""
    started = serve(region, HUB_PORT=str(free_port()), HUB_METRICS_PORT=str(free_port()))
    watchdog.tell("pid", started.pid)
    time.sleep(after)
    started.send_signal(signal.SIGTERM)
    started.communicate(timeout=25)
    assert started.returncode is not None


def test_after_a_stop_the_database_file_alone_is_whole(region: LiveRegion, tmp_path: Path) -> None:
    region.start()
    person, _ = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.core.engine.dispose()  # this test's own connection would be the last to close
    region.stop()
    copy = tmp_path / "copy.db"
    copy.write_bytes((region.settings.data_dir / "hub.db").read_bytes())
    with sqlite3.connect(copy) as connection:
        (count,) = connection.execute("SELECT count(*) FROM message WHERE kind = 'voortgang.gemeld'").fetchone()
    assert count == 1


def test_who_connects_and_says_nothing_keeps_nobody_out(region: LiveRegion) -> None:
    """More idle connections than granian holds by itself (1,024), for a hub that was started with few open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    try:
        region.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    idle: list[socket.socket] = []
    try:
        for _ in range(1_200):
            idle.append(socket.create_connection(("127.0.0.1", region.port), 5))
        # Shorter than the 30 s after which the idle ones are closed: it is answered beside them, not after them.
        asking = http.client.HTTPConnection("127.0.0.1", region.port, timeout=20)
        asking.request("GET", "/health/live")
        assert asking.getresponse().status == 200
        asking.close()
    finally:
        for one in idle:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
