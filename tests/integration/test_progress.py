"""How far a long look at the log is: told on a terminal, and nowhere else."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from consent.log.tables import ledger_entry, ledger_pending
from hub.ledger.replay import entries
from hub.ledger.replay.check import check
from hub.store.database import snapshot
from tests.region import Region, environment_for, region_on
from tests.terminal import shown

VERIFY = ("-m", "hub.cli", "ledger", "verify", "--db")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("voortgang")) as made:
        made.wait_signed()
        yield made


def size(region: Region) -> int:
    """Every entry, also one that waits."""
    with snapshot(region.core.engine) as connection:
        counts = [select(func.count()).select_from(table) for table in (ledger_entry, ledger_pending)]
        return sum(connection.scalars(one).one() for one in counts)


def test_each_look_tells_a_terminal_how_far_it_is_and_wipes_it(region: Region) -> None:
    """The signed log, its rows, what its entries hold; each fits in one page here, so each says it once."""
    settings = region.core.settings
    environment = environment_for(settings.data_dir, settings.database_url, settings.port)
    whole = size(region)
    assert shown(VERIFY, environment, terminal=True) == f"\r{whole} van {whole}\r\033[K" * 3
    assert shown(VERIFY, environment, terminal=False) == ""


def test_the_replay_counts_up_to_all_that_there_is(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "_PAGE", 2)
    told: list[int] = []
    with snapshot(region.core.engine) as connection:
        report, _ = check(connection, region.core.key_store, told.append)
    assert report.findings == []
    assert len(told) > 2 and told == sorted(set(told)) and told[-1] == size(region)
