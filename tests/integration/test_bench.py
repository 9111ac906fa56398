"""`hub bench` leaves an empty database empty, and keeps its hands off a database that holds a hub."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from hub.administration import installation
from hub.bench.load import DIGITS, http, percentile
from hub.bench.place import DatabaseInUse, place
from hub.machine.clock import SystemClock
from hub.settings import load


def _no_chance(size: int) -> bytes:
    return bytes(range(size))


def _tables(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        found = inspect(engine)
        return {f"{schema}.{name}" for schema in ("public", "hub_keys") for name in found.get_table_names(schema)}
    finally:
        engine.dispose()


def test_an_empty_database_is_empty_again_afterwards(postgres_url: str) -> None:
    with place({"HUB_DATABASE_URL": postgres_url}, 9, fill=False) as where:
        assert "public.message" in _tables(postgres_url)
        folder = where.folder
    assert _tables(postgres_url) == set()
    assert not folder.exists()


def test_a_database_with_a_hub_is_refused(postgres_url: str, tmp_path: Path) -> None:
    env = {"HUB_DATABASE_URL": postgres_url, "HUB_DATA_DIR": str(tmp_path / "var")}
    installation.initialise(load(env), SystemClock(), _no_chance)
    before = _tables(postgres_url)
    with pytest.raises(DatabaseInUse), place(env, 9, fill=False):
        pass
    assert _tables(postgres_url) == before != set()


def test_a_request_is_as_long_as_it_says() -> None:
    texts = http(80, "/v1/berichten", "token", "application/json", ['{"id":"é', '"},{"id":"', '"}'])
    head, _, body = "0".zfill(DIGITS).join(texts).partition("\r\n\r\n")
    assert f"Content-Length: {len(body.encode())}" in head
    assert json.loads(f"[{body}]") == [{"id": "é" + "0" * DIGITS}, {"id": "0" * DIGITS}]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (1.0, 99.0)])
def test_percentiles(share: float, expected: float) -> None:
    assert percentile([float(n) for n in reversed(range(100))], share) == expected
    assert percentile([], share) == 0.0
