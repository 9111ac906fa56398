"""Downloading evidence: the log tile by tile, the keys, a receipt and its proof. Nothing is checked here.

The layout is that of c2sp.org/tlog-tiles, so that any verifier can look at the folder with the cable out.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from connectors.agent.errors import HubRefused
from connectors.agent.partner.stage import Act, Asked, Stage

_WIDTH: Final = 256  # hashes or entries in a full tile
_LOG: Final = "/bewijslogboek"


def _download(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """The whole log as it is now, the public keys, and the receipt of one own message with its proof."""
    folder = stage.folder / "bewijs"
    proof = _proof(stage, asked)  # first: what the log shows afterwards holds its leaf
    _write(folder / "ontvangstbewijs.tlog-proof", proof)
    receipt = stage.client.receipt(asked.told["bericht"])
    _write(folder / "ontvangstbewijs.json", json.dumps(receipt, ensure_ascii=False).encode())
    _write(folder / "jwks.json", stage.client.public("/.well-known/jwks.json").body)
    key = stage.client.public("/v1/bewijslogboek/sleutel").object()["sleutel"]
    _write(folder / "logboek.sleutel", f"{key}\n".encode())
    checkpoint = stage.client.public(f"{_LOG}/checkpoint").body
    _write(folder / "logboek" / "checkpoint", checkpoint)
    size = int(checkpoint.split(b"\n")[1])
    paths = list(tile_paths(size))
    for path in paths:
        tile = stage.client.get(f"{_LOG}/{path}", accept="application/octet-stream")
        _write(folder / "logboek" / path, tile.body)
    return {"status": "gelukt", "vermeldingen": size, "tegels": len(paths)}


def _proof(stage: Stage, asked: Asked) -> bytes:
    """The proof of a decision's leaf; 404 until a checkpoint covers it."""
    while True:
        try:
            return stage.client.proof(asked.told["bericht"])
        except HubRefused as refused:
            if refused.status != 404 or stage.ports.clock() >= asked.until:
                raise
        stage.ports.sleep(0.1)


def tile_paths(size: int) -> Iterator[str]:
    """Every path of a log of so many entries: bundles of entries, then the tiles of each level."""
    yield from _level(size, "entries")
    level, width = 0, size
    while width:
        yield from _level(width, str(level))
        level, width = level + 1, width // _WIDTH


def _level(width: int, name: str) -> Iterator[str]:
    full, rest = divmod(width, _WIDTH)
    yield from (f"tile/{name}/{_number(n)}" for n in range(full))
    if rest:
        yield f"tile/{name}/{_number(full)}.p/{rest}"


def _number(n: int) -> str:
    """Groups of three digits, all but the last marked with an x: 1234067 is x001/x234/067."""
    digits = f"{n:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


ACTS: Final[Mapping[str, Act]] = {"download bewijs": _download}
