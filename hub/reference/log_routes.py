"""The evidence log over HTTP: C2SP tlog-tiles below the log's origin, and its key and proofs under ``/v1``."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response
from marshmallow import Schema

from consent.log import reading as log
from consent.log.note import Verifier
from contracts.errors import Fault, NotFound, RequestInvalid
from hub.access.caller import Scope
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
    """Add the log's own routes. Its prefix is the path of its origin, so a log that was begun anew has another."""
    prefix = "/" + hub.log_origin.partition("/")[2]
    app.add_url_rule(f"{prefix}/checkpoint", "log_checkpoint", _checkpoint, methods=["GET"])
    app.add_url_rule(f"{prefix}/tile/<path:tile>", "log_tile", _tile, methods=["GET"])


def _checkpoint() -> Response:
    with reading(hub().engine) as connection:
        note = log.fetch(connection, "checkpoint")
    if note is None:
        raise NotFound
    return Response(note, content_type="text/plain; charset=utf-8", headers={"Cache-Control": _CHECKPOINT_CACHE})


def _tile(tile: str) -> Response:
    admit(Scope.LOGBOEK_LEZEN)
    with reading(hub().engine) as connection:
        raw = log.fetch(connection, f"tile/{tile}")
    if raw is None:
        raise NotFound
    return Response(raw, content_type="application/octet-stream", headers={"Cache-Control": _TILE_CACHE})


def bewijslogboek_sleutel() -> dict[str, Any]:
    public = hub().keyring.log_key.public_key().public_bytes_raw()
    return {"sleutel": Verifier(hub().log_origin, public).vkey}


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
