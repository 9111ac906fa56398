"""Messages in: one or a batch, their fate, their receipt, their proof (steps 1, 3 and 7 of the path)."""

import json
from datetime import date
from typing import Any, Final
from uuid import UUID

from flask import Response

from consent.log import reading as log
from consent.log.proof import TlogProof
from contracts import instants
from contracts.envelope import Message, read, read_batch
from contracts.errors import (
    ExchangeError,
    KindUnknown,
    LogUnavailable,
    MessageIdTaken,
    MessageInvalid,
    MessageLapsed,
    NotFound,
    Problem,
    RefusalCode,
    Refused,
    SenderMismatch,
    problem,
)
from hub.access.authenticate import require_mandate
from hub.access.caller import Scope
from hub.intake import reading
from hub.intake.accept import Accepted, Answer, Denied, body_key, receipt_aad
from hub.intake.context import caller, hub
from hub.intake.endpoint import Endpoint, json_response
from hub.intake.message_schemas import BATCH, Berichtstatus, Gebeurtenis, Ontvangstbewijs, Reeksresultaat
from hub.keys.sealing import unseal
from hub.rights.retention.dates import dates_of
from hub.store.database import reading as looking
from hub.store.refusals import logged
from hub.store.traffic import messages as store

#: What the gate may tell a sender.
REFUSALS: Final = (
    RefusalCode.GEEN_GRONDSLAG,
    RefusalCode.GEEN_ONTVANGER,
    RefusalCode.AFSPRAAK_ONTBREEKT,
    RefusalCode.ONTVANGER_NIET_BEVOEGD,
    RefusalCode.SOORT_NIET_TOEGESTAAN,
    RefusalCode.DOEL_NIET_TOEGESTAAN,
    RefusalCode.BSN_NIET_TOEGESTAAN,
)
_REFUSED: Final = "Geen ontvanger mag dit bericht hebben"


def bericht_versturen() -> Response:
    """Step 1 and 3 for one message or a batch, then ``accept``, then the signed answer, written exactly as signed."""
    kind, raw = reading.raw_body(reading.EVENT, reading.EVENT_BATCH)
    today = instants.today(hub().clock.now())
    if kind == reading.EVENT_BATCH:
        return _batch(raw, today)
    message = read(raw, today)
    require_own(message)
    (answer,) = _accept([message])
    if isinstance(answer, ExchangeError):
        raise answer
    if isinstance(answer, Denied):
        raise Refused(answer.code, _REFUSED, extra=_decisions(answer))
    told: dict[str, Any] = {"ontvangstbewijs": answer.receipt}
    if answer.repeat:
        told["herhaling"] = True
    return json_response(signed(told), 202)


def _batch(raw: bytes, today: date) -> Response:
    items = read_batch(raw, today)
    outcomes: dict[int, Answer | ExchangeError] = {}
    mine: dict[int, Message] = {}
    for place, item in enumerate(items):
        if not isinstance(item.outcome, Message):
            outcomes[place] = item.outcome
        elif not _is_own(item.outcome):
            outcomes[place] = SenderMismatch()
        else:
            mine[place] = item.outcome
    outcomes |= dict(zip(mine, _accept(list(mine.values())), strict=True))
    results = [_result(item.id, outcomes[place]) for place, item in enumerate(items)]
    return json_response(signed({"resultaten": results}), 202)


def _accept(messages: list[Message]) -> list[Answer | ExchangeError]:
    began = hub().clock.monotonic()
    with logged():
        answers = hub().accepter.accept(messages)
    hub().metrics.accept_seconds.observe(hub().clock.monotonic() - began)
    if not all(_decided_anew(answer) for answer in answers):
        # What was stored before, or has nobody to decide on, is told without the gate: so the machtiging is asked.
        with looking(hub().engine) as connection:
            require_mandate(connection, caller(), hub().clock.now(), Scope.BERICHTEN_VERSTUREN)
    return answers


def _decided_anew(answer: Answer | ExchangeError) -> bool:
    return isinstance(answer, Accepted) and not answer.repeat


def require_own(message: Message) -> None:
    """The caller speaks for itself: raises ``SenderMismatch`` when ``source`` is another's."""
    if not _is_own(message):
        raise SenderMismatch


def _is_own(message: Message) -> bool:
    return message.source.organisation == caller().organisation and message.source.system == caller().system


def _result(message_id: str | None, outcome: Answer | ExchangeError) -> dict[str, Any]:
    told: dict[str, Any] = {"id": message_id}
    if isinstance(outcome, Accepted):
        told |= {"status": "aanvaard", "ontvangstbewijs": outcome.receipt}
        return told | {"herhaling": True} if outcome.repeat else told
    if isinstance(outcome, Denied):
        refusal = Refused(outcome.code, _REFUSED, extra=_decisions(outcome))
        return told | {"status": "geweigerd", "probleem": _problem(refusal)}
    status = "conflict" if isinstance(outcome, (MessageIdTaken, MessageLapsed)) else "ongeldig"
    return told | {"status": status, "probleem": _problem(outcome)}


def _problem(error: ExchangeError) -> dict[str, Any]:
    told: Problem = problem(error)
    return told.body(f"urn:uuid:{UUID(hub().new_id())}")


def _decisions(denied: Denied) -> dict[str, Any]:
    return {} if denied.decisions is None else {"besluiten": denied.decisions}


def signed(members: dict[str, Any]) -> dict[str, Any]:
    """One signature for the answer as a whole (detached JWS, RFC 7515 app. F)."""
    return members | {"handtekening": hub().keyring.sign_receipt(members)}


def bericht_status(berichtId: str) -> dict[str, Any]:
    """The fate of a message, for its sender: a state per recipient that it was told of."""
    with looking(hub().engine) as connection:
        row = store.own(connection, berichtId, caller().organisation)
        if row is None:
            raise NotFound
        states = store.states(connection, berichtId)
        until, proof_until = dates_of(connection, hub().terms, row)
    return {
        "berichtId": row.message_id,
        "id": row.event_id,
        "aanvaardOp": row.accepted_at,
        "inhoudTot": until,
        "bewijsTot": proof_until,
        "afleveringen": [
            {"ontvanger": s.recipient, "status": s.state, "pogingen": s.attempts, "vrijgegevenOp": s.released_at}
            for s in states
        ],
    }


def bericht_ontvangstbewijs(berichtId: str) -> dict[str, Any]:
    """The signed receipt of this message alone."""
    with looking(hub().engine) as connection:
        row = store.own(connection, berichtId, caller().organisation)
    if row is None:
        raise NotFound
    name = body_key(row.person_id, caller().organisation)
    key = hub().key_store.find([name]).get(name)
    if key is None or not row.receipt:  # it was erased, or its term was over
        raise MessageLapsed
    receipt: dict[str, Any] = json.loads(unseal(key, row.receipt, receipt_aad(row.message_id)))
    return signed({"ontvangstbewijs": receipt})


def bericht_bewijs(berichtId: str) -> Response:
    """The ``.tlog-proof`` of the message's decision leaf; 404 with ``Retry-After`` until a checkpoint covers it."""
    with looking(hub().engine) as connection:
        row = store.own(connection, berichtId, caller().organisation)
        if row is None:
            raise NotFound
        return proof_response(log.tlog_proof(connection, row.entry_id))


def proof_response(proof: TlogProof | None) -> Response:
    """A ``.tlog-proof`` file, or 404 with ``Retry-After`` while no checkpoint covers its entry yet."""
    if proof is None:
        raise NotFound("Het logboek heeft nog geen checkpoint over dit blad.", headers={"Retry-After": "1"})
    return Response(proof.write(), content_type="text/plain; charset=utf-8")


_MESSAGE_ERRORS: Final[tuple[type[ExchangeError], ...]] = (
    MessageInvalid,
    KindUnknown,
    MessageIdTaken,
    MessageLapsed,
    SenderMismatch,
    LogUnavailable,
)

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/berichten",
        view=bericht_versturen,
        summary="Eén bericht of een reeks berichten aanbieden",
        scope=Scope.BERICHTEN_VERSTUREN,
        decides=True,
        media={reading.EVENT: Gebeurtenis, reading.EVENT_BATCH: BATCH},
        out=Reeksresultaat,
        status=202,
        errors=_MESSAGE_ERRORS,
        refusals=REFUSALS,
    ),
    Endpoint(
        method="GET",
        path="/berichten/<string:berichtId>",
        view=bericht_status,
        summary="Wat er van een eigen bericht is geworden",
        scope=Scope.BERICHTEN_VERSTUREN,
        reads=Scope.TOESTEMMINGEN_LEZEN,
        out=Berichtstatus,
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path="/berichten/<string:berichtId>/ontvangstbewijs",
        view=bericht_ontvangstbewijs,
        summary="Het getekende ontvangstbewijs van een eigen bericht",
        scope=Scope.BERICHTEN_VERSTUREN,
        reads=Scope.TOESTEMMINGEN_LEZEN,
        out=Ontvangstbewijs,
        errors=(NotFound, MessageLapsed),
    ),
    Endpoint(
        method="GET",
        path="/berichten/<string:berichtId>/bewijs",
        view=bericht_bewijs,
        summary="Het bewijs dat het besluit over een eigen bericht in het logboek staat",
        scope=Scope.BERICHTEN_VERSTUREN,
        reads=Scope.TOESTEMMINGEN_LEZEN,
        out_media="text/plain",
        errors=(NotFound,),
    ),
)
