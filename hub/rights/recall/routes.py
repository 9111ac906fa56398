"""Recalling over HTTP, and the work sheet that goes with it."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Response

from consent.keys import evidence_key
from contracts import instants
from contracts.errors import Conflict, NotFound
from contracts.identity import Oin, PersonId
from hub.access.caller import Scope
from hub.intake import reading as media
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.routes import signed
from hub.rights.recall import schemas
from hub.rights.recall.letter import letter
from hub.rights.recall.recalls import NewRecall, Recalled, found
from hub.rights.recall.worksheet import Known, worksheet
from hub.store.database import reading
from hub.store.persons import people
from hub.store.region import parties
from hub.store.traffic import messages, recalls

_PATH: Final = "/berichten/<string:berichtId>/terugroeping"
HTML: Final = "text/html"


def bericht_terugroepen(berichtId: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Recall an own message; answered at commit with what was stopped and who was asked."""
    receivers = body.get("ontvangers")
    named = None if receivers is None else frozenset(map(Oin, receivers))
    new = NewRecall(berichtId, body["reden"], named, body.get("bedoeldVoor"), body.get("ontdektOp"))
    return signed(_told(hub().recalls.recall(asker(), new)))


def _told(recalled: Recalled) -> dict[str, Any]:
    row = recalled.row
    return {
        "terugroepingId": row.recall_id,
        "berichtId": row.message_id,
        "reden": row.reason,
        "tijdstip": instants.write(row.at),
        "gestopt": len(row.stopped),
        "gestoptBij": row.stopped,
        "verstrekt": [
            {"berichtId": r.message_id, "ontvanger": r.recipient, "tijdstip": instants.write(r.released_at)}
            for r in recalled.given
        ],
        "kennisgevingen": len(recalled.asked),
        "gevraagd": [
            {"ontvanger": asked.organisation, "soort": asked.kind, "zaakId": asked.sender_id}
            for asked in recalled.asked
        ],
    }


def terugroeping_werkblad(berichtId: str, query: Mapping[str, Any]) -> dict[str, Any] | Response:
    """Who got what of whom, what they answered, and what AVG art. 33 and 34 ask: for the sender of the message.

    A wissing does not end what its sender has to account for (AVG art. 33(5)): the sheet stays, with the ref it had,
    until the evidence about the person has had its term.
    """
    own = caller().organisation
    with reading(hub().engine) as connection:
        message = messages.own(connection, berichtId, own)
        root = recalls.whose(connection, berichtId)
        recalled = found(connection, berichtId) if message is not None else []
        if message is None or root is None or not recalled or _forgotten(message.person_id):
            raise NotFound
        refs = people.given_refs(connection, [(root, own)])
        receivers = {Oin(row.recipient) for one in recalled for row in one.given}
        names = {oin: party.name for oin in receivers if (party := parties.organisation_by_oin(connection, oin))}
    answered = (row for one in recalled for row in one.asked)
    explanations = {row.case_id: hub().cases.explanation(row) for row in answered}
    sheet = worksheet(recalled, Known(message, refs.get((root, own)), names, explanations, hub().clock.now()))
    if query["formaat"] == "brief":
        return Response(letter(sheet), content_type=f"{HTML}; charset=utf-8")
    return sheet


def _forgotten(person: str) -> bool:
    return bool(hub().key_store.destroyed([evidence_key(PersonId(person))]))


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path=_PATH,
        view=bericht_terugroepen,
        summary="Een eigen bericht terugroepen",
        scope=Scope.BERICHTEN_VERSTUREN,
        body=schemas.NieuweTerugroeping,
        out=schemas.Terugroeping,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="GET",
        path=_PATH,
        view=terugroeping_werkblad,
        summary="Het werkblad bij een teruggeroepen bericht",
        scope=Scope.BERICHTEN_VERSTUREN,
        reads=Scope.TOESTEMMINGEN_LEZEN,
        query=schemas.WerkbladQuery,
        out=schemas.Werkblad,
        out_content={media.JSON: schemas.Werkblad, HTML: {"type": "string"}},
        errors=(NotFound,),
    ),
)
