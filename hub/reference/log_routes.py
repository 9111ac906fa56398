"""The evidence log over HTTP: C2SP tlog-tiles below the log's origin, and its key and proofs under ``/v1``."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response
from marshmallow import Schema

from consent.log import reading as log
from consent.log.note import Verifier
from contracts.errors import Fault, NotFound, RequestInvalid
from hub.access.caller import Scope
from hub.administration.installation import SUCCESSOR, ancestors
from hub.intake.context import Hub, hub
from hub.intake.endpoint import Endpoint, admit
from hub.intake.problems import invalid
from hub.intake.schemas import Whole
from hub.reference.schemas import Consistentie, Sleutel
from hub.store.database import reading

_CHECKPOINT_CACHE: Final = "public, max-age=2"
#: A tile of one width never changes; it is private because it is read with a token.
_TILE_CACHE: Final = "private, max-age=31536000, immutable"


def add(app: Flask, hub: Hub) -> None:
    """Add the log's own routes. Its prefix is the path of its origin, so a log that was begun anew has another.

    The logs of earlier origins stay where they were, as far as they were restored; they never grow again.
    """
    _add(app, hub.log_origin, "log", _own)
    for number, (origin, folder) in enumerate(hub.log_archives.items(), start=1):
        name, prefix = f"log_archive_{number}", "/" + origin.partition("/")[2]
        _add(app, origin, name, partial(log.fetch_exported, folder))
        app.add_url_rule(f"{prefix}/opvolger", f"{name}_successor", partial(_successor, folder), methods=["GET"])


def _add(app: Flask, origin: str, name: str, fetch: Callable[[str], bytes | None]) -> None:
    prefix = "/" + origin.partition("/")[2]
    app.add_url_rule(f"{prefix}/checkpoint", f"{name}_checkpoint", partial(_checkpoint, fetch), methods=["GET"])
    app.add_url_rule(f"{prefix}/tile/<path:tile>", f"{name}_tile", partial(_tile, fetch), methods=["GET"])


def _own(path: str) -> bytes | None:
    with reading(hub().engine) as connection:
        return log.fetch(connection, path)


def _checkpoint(fetch: Callable[[str], bytes | None]) -> Response:
    note = fetch("checkpoint")
    if note is None:
        raise NotFound
    return Response(note, content_type="text/plain; charset=utf-8", headers={"Cache-Control": _CHECKPOINT_CACHE})


def _tile(fetch: Callable[[str], bytes | None], tile: str) -> Response:
    admit(Scope.LOGBOEK_LEZEN)
    raw = fetch(f"tile/{tile}")
    if raw is None:
        raise NotFound
    return Response(raw, content_type="application/octet-stream", headers={"Cache-Control": _TILE_CACHE})


def _successor(folder: Path) -> Response:
    """Which log succeeds the one that lies here: the opening of its entry 0, in which the last checkpoint stands."""
    try:
        raw = (folder / SUCCESSOR).read_bytes()
    except FileNotFoundError:
        raise NotFound from None
    return Response(raw, content_type="application/json")


def bewijslogboek_sleutel() -> dict[str, Any]:
    keys, origin = hub().keyring.log_keys(), hub().log_origin
    signing = [key.verifier.vkey for key in keys.signers(origin)]
    retired = [Verifier(origin, public).vkey for public in keys.retired]
    told = {"sleutel": signing[0], "opvolger": signing[1] if signing[1:] else None, "eerdere": retired}
    return told | {"oorsprong": origin, "adres": _address(origin), "voorgangers": [*map(_earlier, ancestors(origin))]}


def _address(origin: str) -> str:
    return f"{hub().settings.base_url}/{origin.partition('/')[2]}"


def _earlier(origin: str) -> dict[str, Any]:
    """A log that ended with a restore. Where it lies here it says itself, below its address, which one succeeds it."""
    return {"oorsprong": origin, "adres": _address(origin) if origin in hub().log_archives else None}


def bewijslogboek_consistentie(query: Mapping[str, Any]) -> dict[str, Any]:
    with reading(hub().engine) as connection:
        proof = log.consistency(connection, query["van"], query["tot"])
    if proof is None:
        fault = Fault("tot", "BEREIK", "van is hoogstens tot, en tot is hoogstens de omvang van het laatste checkpoint")
        raise RequestInvalid(faults=[fault])
    return {"van": query["van"], "tot": query["tot"], "bewijs": [b64encode(each).decode() for each in proof]}


def _size(value: int) -> None:
    if not 1 <= value < 1 << 53:
        raise invalid("BEREIK", "hier hoort een omvang van 1 of meer")


class ConsistentieQuery(Schema):
    """The two sizes of the log between which a proof is asked."""

    van = Whole(required=True, validate=_size, metadata={"minimum": 1})
    tot = Whole(required=True, validate=_size, metadata={"minimum": 1})


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/bewijslogboek/sleutel",
        view=bewijslogboek_sleutel,
        summary="De sleutel waarmee checkpoints worden gecontroleerd",
        public=True,
        out=Sleutel,
    ),
    Endpoint(
        method="GET",
        path="/bewijslogboek/consistentie",
        view=bewijslogboek_consistentie,
        summary="Het bewijs dat het logboek tussen twee omvangen alleen is aangevuld",
        scope=Scope.LOGBOEK_LEZEN,
        query=ConsistentieQuery,
        out=Consistentie,
    ),
)
