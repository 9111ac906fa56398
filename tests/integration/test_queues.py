"""What waits, and since when, is told by every process that is asked for metrics, also by one that does only that."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.live import LiveRegion
from tests.region import Region, region_on
from tests.servers import Watchdog, wait_until


@pytest.fixture(params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Region]:
    with region_on(request, tmp_path / "hub") as made:
        yield made


def told(region: Region, name: str, state: str) -> float | None:
    return region.hub.metrics.registry.get_sample_value(f"hub_queue_{name}", {"state": state})


def test_what_waits_is_counted_with_its_age_until_it_is_acknowledged(region: Region) -> None:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    before = told(region, "deliveries", "wachtend")
    region.send(at, region.report(person, at)).expect(202)
    region.advance(600)
    assert before is not None and told(region, "deliveries", "wachtend") == before + 1
    age = told(region, "age_seconds", "wachtend")
    assert age is not None and 600 <= age < 660
    (event,) = region.fetch(guide)
    assert told(region, "deliveries", "wachtend") == before
    assert told(region, "deliveries", "afgeleverd") == 1
    region.acknowledge(guide, event["sequence"])
    assert told(region, "deliveries", "afgeleverd") == 0
    assert told(region, "age_seconds", "afgeleverd") == 0


def test_a_database_that_does_not_answer_takes_no_other_metric_away(region: Region) -> None:
    assert told(region, "deliveries", "wachtend") is not None
    with region.core.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE delivery RENAME TO elsewhere")
    assert told(region, "deliveries", "wachtend") is None
    assert region.hub.metrics.registry.get_sample_value("hub_withdraw_total") == 0
    with region.core.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO delivery")


def test_a_process_of_its_own_tells_it(tmp_path: Path, watchdog: Watchdog, postgres_url: str) -> None:
    live = LiveRegion(tmp_path / "hub", watchdog, postgres_url)
    live.stop()  # it only made the hub
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")} | live.environment
    command = [sys.executable, "-m", "hub.cli", "serve", "--only", "exporter"]
    exporter = subprocess.Popen(command, env=surroundings, stderr=subprocess.DEVNULL, start_new_session=True)
    watchdog.tell("pid", exporter.pid)
    address = f"http://127.0.0.1:{live.environment['HUB_METRICS_PORT']}/metrics"
    said: list[str] = []

    def answers() -> bool:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            said.append(answer.read().decode())
        return bool(said)

    wait_until(answers, 60, "the exporter answers")
    assert 'hub_queue_deliveries{state="wachtend"} 0.0' in said[0]
    exporter.send_signal(signal.SIGTERM)
    assert exporter.wait(30) == 0
