"""The receipt of a statement over HTTP: JSON-LD for systems, a letter for the person. Its proof is `…/bewijs`."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from flask import Response
from marshmallow import Schema

from consent.receipt.document import DPV, LETTER, write
from consent.receipt.letter import STYLE
from consent.store.records import Seer
from contracts.errors import LogUnavailable, NotFound
from hub.access.caller import Scope
from hub.intake.context import caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.schemas import word_field
from hub.rights.receipts.collect import collect
from hub.store.database import reading

_TYPES: Final = {DPV: "application/ld+json", LETTER: "text/html; charset=utf-8"}
#: A letter may use its own style and nothing else: it fetches nothing and runs nothing (CSP 3 §8.4).
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def toestemmingsbewijs(toestemmingId: str, query: Mapping[str, Any]) -> Response:
    """The receipt: every byte of it can be checked with the ``.tlog-proof`` and the log's public key alone."""
    form, seer = query["formaat"], Seer(caller().organisation, hub().clock.now())
    with reading(hub().engine) as connection:
        evidence = collect(connection, hub().key_store, seer, toestemmingId)
    answer = Response(write(form, evidence), content_type=_TYPES[form])
    if form == LETTER:
        answer.headers["Content-Security-Policy"] = _POLICY
    return answer


class ToestemmingsbewijsQuery(Schema):
    """In which form the receipt is wanted: `dpv` (JSON-LD) or `brief` (a letter)."""

    formaat = word_field(DPV, LETTER, load_default=DPV)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/toestemmingen/<string:toestemmingId>/toestemmingsbewijs",
        view=toestemmingsbewijs,
        summary="Het bewijs van een toestemming: ISO/IEC TS 27560 in DPV, of een brief",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=ToestemmingsbewijsQuery,
        out_content={"application/ld+json": {"type": "object"}, "text/html": {"type": "string"}},
        errors=(NotFound, LogUnavailable),
    ),
)
