"""The partner's own key: made at home, private part readable by nobody else; the operator only gets ``jwks.json``."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import OKPKey

PUBLIC: Final = "jwks.json"
_PRIVATE: Final = "sleutel.json"


def own_key(folder: Path, system: str) -> Mapping[str, Any]:
    """The private JWK (Ed25519) in a folder, made there the first time. ``system``: its ``kid``."""
    place = folder / _PRIVATE
    if not place.exists():
        key = OKPKey.generate_key("Ed25519", {"kid": f"{system}-1", "use": "sig"})
        _write(folder / PUBLIC, {"keys": [key.as_dict(private=False)]})
        _write(place, key.as_dict(private=True))
    found: Mapping[str, Any] = json.loads(place.read_bytes())
    return found


def _write(place: Path, value: Mapping[str, Any]) -> None:
    part = place.with_suffix(".part")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(value, target)
    part.replace(place)
