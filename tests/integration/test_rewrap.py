"""Replacing the master key: all opens under the new one, nothing under the old, and an interrupted run goes on."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest

from consent.keys import SYSTEM_KEY, MasterKeyMismatch
from hub.administration import installation
from hub.administration.rewrap import rewrap
from hub.keys.files import KeysRefused
from hub.keys.keyring import Keyring
from hub.machine.clock import SystemClock
from hub.settings import Settings, load
from hub.store.database import open_engine


def opened(settings: Settings) -> tuple[Keyring, bytes]:
    """The hub's keys and one key of the key store, once all of it is seen to belong together."""
    keys = installation.load_keyring(settings)
    engine = open_engine(settings.database_url)
    try:
        installation.require_whole(settings, engine, keys)
    finally:
        engine.dispose()
    with installation.key_store(settings, keys, os.urandom) as store:
        return keys, store.find([SYSTEM_KEY])[SYSTEM_KEY]


@pytest.fixture(params=["in the data folder", "elsewhere"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    environment = {"HUB_DATA_DIR": str(tmp_path / "var")}
    if request.param == "elsewhere":
        environment["HUB_MASTER_KEY_FILE"] = str(tmp_path / "apart/hoofdsleutel")
    made = load(environment)
    installation.initialise(made, SystemClock(), os.urandom)
    return made


def test_all_keys_move_and_none_changes(settings: Settings) -> None:
    before, system = opened(settings)
    old = settings.master_key.read_bytes()
    rewrap(settings, os.urandom)
    after, same = opened(settings)
    assert settings.master_key.read_bytes() != old and after.master != before.master
    assert same == system and after.bsn_index("999990342") == before.bsn_index("999990342")
    assert after.receipt_kid == before.receipt_kid
    settings.master_key.write_bytes(old)
    with pytest.raises((KeysRefused, MasterKeyMismatch)):
        opened(settings)


def test_an_interrupted_run_goes_on(settings: Settings) -> None:
    _, system = opened(settings)
    with (
        patch("hub.administration.rewrap.keyring.rewrap", side_effect=OSError("power")),
        pytest.raises(OSError, match="power"),
    ):
        rewrap(settings, os.urandom)
    rewrap(settings, os.urandom)
    assert opened(settings)[1] == system
