"""Wissing over HTTP: ask, look, and show that it was done."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from flask import Response

from consent.log import reading as log
from contracts.errors import Conflict, NotFound
from hub.access.caller import Scope
from hub.intake import reading as media
from hub.intake.context import asker, hub
from hub.intake.endpoint import Endpoint
from hub.intake.routes import proof_response, signed
from hub.rights.erasure import schemas
from hub.rights.erasure.account import Beside, Seen, part_of, seen, statement, told
from hub.rights.erasure.erasures import OWN, Wish
from hub.rights.erasure.letter import STYLE, letter
from hub.store.database import reading

_PATH: Final = "/wissingen/<string:wissingId>"
HTML: Final = "text/html"
#: A letter may use its own style and nothing else (CSP 3 §8.4).
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def wissen(kandidaatRef: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Erase the own content at once (200), or ask that the person is erased as a whole (202 until it is closed)."""
    wish = Wish(body["reden"], body["kenmerk"])
    if body["omvang"] == OWN:
        wissing_id = hub().erasures.erase_own(asker(), kandidaatRef, wish)
    else:
        wissing_id = hub().erasures.erase_whole(asker(), kandidaatRef, wish, hub().clock.now())
    hub().metrics.erase.add()
    shown = _shown(wissing_id)[1]
    return signed(shown), 202 if shown["afgerondOp"] is None else 200


def wissing(wissingId: str) -> dict[str, Any]:
    """How a wissing stands, as far as the caller may see it."""
    return signed(_shown(wissingId)[1])


def vernietigingsverklaring(wissingId: str, query: Mapping[str, Any]) -> dict[str, Any] | Response:
    """The statement that content was destroyed, for systems or for people."""
    one, shown = _shown(wissingId)
    with reading(hub().engine) as connection:
        said = signed(statement(connection, one, shown, hub().log_origin))
    if query["formaat"] != "brief":
        return said
    return as_page(letter(said))


def as_page(text: str) -> Response:
    """A statement to print, that may use its own style and nothing else."""
    page = Response(text, content_type=f"{HTML}; charset=utf-8")
    page.headers["Content-Security-Policy"] = _POLICY
    return page


def wissing_bewijs(wissingId: str) -> Response:
    """The ``.tlog-proof`` of the entry that says what was destroyed."""
    with reading(hub().engine) as connection:
        part = part_of(seen(connection, wissingId, asker()))
        return proof_response(log.tlog_proof(connection, part.entry_id))


def _shown(wissing_id: str) -> tuple[Seen, dict[str, Any]]:
    with reading(hub().engine) as connection:
        one = seen(connection, wissing_id, asker())
        reference = None if one.request is None else hub().erasures.reference(one.request)
        why = {row.case_id: hub().cases.explanation(row) for row in one.controllers or ()}
        return one, told(connection, one, Beside(reference, why, hub().terms))


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/kandidaten/<string:kandidaatRef>/wissing",
        view=wissen,
        summary="De eigen inhoud over een kandidaat wissen, of vragen om de kandidaat als geheel te wissen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=schemas.NieuweWissing,
        out=schemas.Wissing,
        answers={202: schemas.Wissing},
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="GET",
        path=_PATH,
        view=wissing,
        summary="Hoe een wissing ervoor staat",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out=schemas.Wissing,
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/vernietigingsverklaring",
        view=vernietigingsverklaring,
        summary="De verklaring dat de inhoud is vernietigd",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=schemas.VerklaringQuery,
        out=schemas.Vernietigingsverklaring,
        out_content={media.JSON: schemas.Vernietigingsverklaring, HTML: {"type": "string"}},
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/bewijs",
        view=wissing_bewijs,
        summary="Het bewijs dat de vernietiging in het bewijslogboek staat",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out_media="text/plain",
        errors=(NotFound,),
    ),
)
