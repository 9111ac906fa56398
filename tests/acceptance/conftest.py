"""Regions for the acceptance tests, each on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import LiveRegion
from tests.region import Region, region_on
from tests.servers import Watchdog
from tests.webhook import Webhook

#: Makes a live region: ``make(more={...}, webhooks=[...])``; it is stopped at the end of the test.
MakeLive = Callable[..., LiveRegion]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """The address of a fresh PostgreSQL database, or None for the embedded SQLite."""
    return request.getfixturevalue("postgres_url") if request.param == "postgresql" else None


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, webhook: Webhook
) -> Iterator[Region]:
    """One region for all tests of a module: each makes persons and, where it ends things, parties of its own."""
    with region_on(request, tmp_path_factory.mktemp("hub"), [webhook.port]) as made:
        yield made


@pytest.fixture
def region(tmp_path: Path, database: str | None, webhook: Webhook) -> Iterator[Region]:
    """A region of the test's own, for tests that move its time or break its ports."""
    made = Region(tmp_path / "hub", database, [webhook.port])
    yield made
    made.stop()


@pytest.fixture
def make_live(tmp_path: Path, database: str | None, watchdog: Watchdog) -> Iterator[MakeLive]:
    """Makes regions whose hub is a process of its own."""
    made: list[LiveRegion] = []

    def make(**arguments: object) -> LiveRegion:
        region = LiveRegion(tmp_path / "hub", watchdog, database, **arguments)  # type: ignore[arg-type]
        made.append(region)
        return region

    yield make
    for region in made:
        region.stop()
