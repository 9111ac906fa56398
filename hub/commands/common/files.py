"""Reading the JSON files that an operator hands in."""

from pathlib import Path
from typing import Any

from contracts.errors import TooLarge
from contracts.strict_json import loads

_MOST = 1024 * 1024  # bytes


def read_json(path: Path) -> Any:
    """The JSON value in a file. Raises ``JsonInvalid``, ``TooLarge`` and ``OSError``."""
    with path.open("rb") as file:
        raw = file.read(_MOST + 1)
    if len(raw) > _MOST:
        raise TooLarge(f"een bestand mag hoogstens {_MOST} bytes zijn")
    return loads(raw)
