"""Another master key in the place of the one in use. What it wraps is wrapped anew; nothing that it wraps changes.

The new key stands beside the old one (``<master file>.new``) while this is at work. A crash anywhere leaves it there,
and the next run goes on: every step sees whether it was done. The hub does not run meanwhile.
"""

from consent.keys import KeyStore, open_key_engine
from hub.administration import installation
from hub.administration.folder import FolderLock
from hub.keys import files, keyring
from hub.ports import Random
from hub.settings import Settings
from hub.store import installation as facts
from hub.store.database import open_engine


def rewrap(settings: Settings, random: Random) -> int:
    """Make a new master key and wrap everything under it; how many keys of persons were wrapped anew."""
    with FolderLock(settings.data_dir):
        path = settings.master_key
        fresh = path.with_name(f"{path.name}.new")
        if not fresh.exists():
            files.write_new(fresh, random(keyring.MASTER_SIZE))
        old, new = keyring.read_master(path), keyring.read_master(fresh)
        wrapped = _rewrap_persons(settings, old, new, random)
        keyring.rewrap(installation.keys_folder(settings), old, new, random)
        engine = open_engine(settings.database_url)
        try:
            with engine.begin() as connection:
                facts.write(connection, installation.MASTER_CHECK, keyring.check_value(new))
        finally:
            engine.dispose()
        # Only now is nothing left under the old key. Up to here the next run finds both and goes on.
        files.move(fresh, path)
        return wrapped


def _rewrap_persons(settings: Settings, old: bytes, new: bytes, random: Random) -> int:
    engine = open_key_engine(settings.keys_url)
    try:
        if KeyStore(engine, new, random).check_value():
            return 0  # done in an earlier run
        return KeyStore(engine, old, random).rewrap(new)
    finally:
        engine.dispose()
