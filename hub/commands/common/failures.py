"""Which errors a command expects, and the sentence that each becomes. Anything else is a fault of ours."""

import errno
from dataclasses import dataclass
from typing import Final

_REFUSED: Final = 1
_USAGE: Final = 2


#: What an operating system says of a file, in the language of the rest.
_IN_DUTCH: Final = {
    errno.ENOENT: "is er niet",
    errno.EEXIST: "is er al",
    errno.EACCES: "geen toegang",
    errno.EPERM: "dit mag hier niet",
    errno.ENOSPC: "de schijf is vol",
    errno.EROFS: "hier kan niets worden geschreven",
    errno.ENOTDIR: "hier hoort een map",
    errno.EISDIR: "dit is een map; hier hoort een bestand",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What an operator reads on the error output, and the exit code that goes with it."""

    text: str
    exit_code: int


def sentence(error: Exception) -> Told | None:
    """The sentence for an expected error; ``None`` for any other."""
    for find in (_of_settings, _of_exchange, _of_installation, _of_database, _of_files):
        told = find(error)
        if told is not None:
            return told
    return None


def _of_settings(error: Exception) -> Told | None:
    from hub.settings import SettingsInvalid

    return Told(str(error), _USAGE) if isinstance(error, SettingsInvalid) else None


def _of_exchange(error: Exception) -> Told | None:
    from contracts.errors import ExchangeError, JsonInvalid, RequestInvalid

    if not isinstance(error, ExchangeError):
        return None
    places = "; ".join(f"{f.name}: {f.reason}" if f.name else f.reason for f in error.faults)
    what = error.detail or error.title
    text = f"{what}: {places}" if places else what
    return Told(text, _USAGE if isinstance(error, (RequestInvalid, JsonInvalid)) else _REFUSED)


def _of_installation(error: Exception) -> Told | None:
    from consent.keys import KeyDestroyed, MasterKeyMismatch
    from consent.log.signer import LogForked, SignerInitialised, SignerNotInitialised
    from hub.administration.folder import FolderBusy
    from hub.keys.files import KeysRefused
    from hub.store.database import DatabaseUnsafe
    from hub.store.migrations.schema import SchemaMismatch

    plain = (KeysRefused, DatabaseUnsafe, FolderBusy, SchemaMismatch)
    sealed = (MasterKeyMismatch, KeyDestroyed, LogForked, SignerInitialised, SignerNotInitialised)
    return Told(str(error), _REFUSED) if isinstance(error, plain + sealed) else None


def _of_database(error: Exception) -> Told | None:
    from sqlalchemy.exc import DBAPIError

    if not isinstance(error, DBAPIError):
        return None
    # Its own text may hold a piece of a row; its kind says enough.
    return Told(f"De database geeft een fout ({type(error).__name__}); er is niets veranderd", _REFUSED)


def _of_files(error: Exception) -> Told | None:
    if not isinstance(error, OSError) or error.filename is None:
        return None
    return Told(f"{error.filename}: {_IN_DUTCH.get(error.errno or 0, error.strerror)}", _REFUSED)
