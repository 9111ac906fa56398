"""Zaken and releases from secrecy over HTTP."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from consent.store import records
from contracts.errors import Conflict, NotFound, RefusalCode
from contracts.identity import KandidaatRef, Oin
from hub.access.caller import Scope
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.paging import PageQuery, page, paged
from hub.intake.schemas import Truth, word_field
from hub.rights.cases.answering import Reply
from hub.rights.consent.means import STOP, WITHDRAWAL
from hub.rights.consent.stops import flow_of, told
from hub.rights.limits.flows import Flows
from hub.rights.limits.objections import OBJECTION
from hub.rights.schemas import (
    CASE_KINDS,
    Antwoord,
    Gevolg,
    NieuweOntheffing,
    Ontheffing,
    OntheffingId,
    Zaak,
    page_of,
)
from hub.rights.statement_routes import told_to_caller
from hub.store.database import reading
from hub.store.persons import cases, limits, people
from hub.store.persons.erasure_requests import AT_POINT


def zaken(query: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller's organisation is asked or told, and the notices that went out in its name, oldest first."""
    asked, own = page(query), caller().organisation
    after = asked.after[0] if asked.after else ""
    wanted = cases.Wanted(query.get("soort"), query.get("open"), after, asked.limit + 1)
    with reading(hub().engine) as connection:
        rows = cases.seen_by(connection, own, wanted)
        refs = _refs(connection, [(row.root, own) for row in rows])
        objections, causes = _objections(connection, rows), _causes(connection, own, rows)
    answer = paged(rows, asked, lambda row: (row.shown_id,))
    answer["items"] = [
        _case(row, row.shown_id, refs[row.root, own], causes.get(row.case_id), objections.get(row.case_id))
        for row in answer["items"]
    ]
    return answer


class _Ref(NamedTuple):
    """The organisation's own ref for the person of a zaak; without one: why there is none."""

    ref: KandidaatRef | None
    why_not: str | None


def _refs(connection: Connection, pairs: Collection[tuple[str, Oin]]) -> dict[tuple[str, Oin], _Ref]:
    own, given = people.refs_of(connection, pairs), people.given_refs(connection, pairs)
    return {
        pair: _Ref(own.get(pair), None if pair in own else "gewist" if pair in given else "niet-bekend")
        for pair in pairs
    }


def zaak_beantwoorden(zaakId: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a zaak, once."""
    own = caller().organisation
    reply = Reply(body["antwoord"], body.get("grond"), body.get("motivering"))
    row = hub().cases.answer(asker(), zaakId, reply)
    with reading(hub().engine) as connection:
        refs = _refs(connection, [(row.root, own)])
        objections, causes = _objections(connection, [row]), _causes(connection, own, [row])
    return _case(row, row.case_id, refs[row.root, own], causes.get(row.case_id), objections.get(row.case_id))


def _causes(connection: Connection, own: Oin, rows: Sequence[Row[Any]]) -> dict[str, str]:
    """Per zaak what it came of, where the organisation may see that.

    A notice, a stop and a statement of others have one id for all who are asked or told: two of them could join their
    refs by it.
    """
    withdrawn = [row for row in rows if row.kind == WITHDRAWAL]
    seen = records.which_seen_by(connection, records.Seer(own, hub().clock.now()), {row.cause for row in withdrawn})
    told = [row for row in withdrawn if row.cause in seen] + [row for row in rows if row.kind == AT_POINT]
    return {row.case_id: row.cause for row in told}


def _objections(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, dict[str, Any]]:
    """Per zaak about a bezwaar, what must be weighed: the flow and the person's reasons."""
    weighed = [row for row in rows if row.kind == OBJECTION]
    found = limits.objections(connection, [row.cause for row in weighed])
    reasons = hub().limits.objections.reasons(list(found.values()))
    return {
        row.case_id: Flows.of(found[row.cause]).told() | {"grond": reasons.get(row.cause)}
        for row in weighed
        if row.cause in found
    }


def _case(
    row: Row[Any], shown_id: str, known: _Ref, cause: str | None, objection: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "id": shown_id,
        "soort": row.kind,
        "kandidaatRef": known.ref,
        "kandidaatRefReden": known.why_not,
        "verstrekker": row.verstrekker,
        "gevraagd": row.organisation,
        "oorzaak": cause,
        "berichten": row.messages,
        "geopendOp": row.opened_at,
        "uiterlijkOp": row.due_at,
        "geslotenOp": row.closed_at,
        "antwoord": row.answer,
        "toelichting": hub().cases.explanation(row),
        # Who does not know the person learns nothing of their reasons.
        "bezwaar": None if known.ref is None else objection,
        "stroom": told(flow_of(row)) if row.kind == STOP else None,
    }


def ontheffing_vastleggen(body: Mapping[str, Any]) -> dict[str, Any]:
    """A woonzorg organisation records a release from its professional secrecy."""
    values = {
        "receiver": body["ontvanger"],
        "subjects": sorted(body["onderwerpen"]),
        "at": body["op"],
        "manner": body["wijze"],
    }
    return {"id": hub().statements.release_secrecy(asker(), body["kandidaatRef"], values)}


def ontheffingen(query: Mapping[str, Any]) -> dict[str, Any]:
    """The releases that the caller recorded."""
    asked, own = page(query), caller().organisation
    with reading(hub().engine) as connection:
        after = asked.after[0] if asked.after else ""
        rows = records.secrecy_releases_of(connection, own, after, asked.limit + 1)
        refs = people.refs_of(connection, [(row.root, own) for row in rows])
    answer = paged(rows, asked, lambda row: (row.release_id,))
    shown = (row for row in answer["items"] if (row.root, own) in refs)  # whose content it erased is nobody to it
    return answer | {"items": [_release(row, refs[row.root, own]) for row in shown]}


def _release(row: Row[Any], ref: KandidaatRef) -> dict[str, Any]:
    return {
        "id": row.release_id,
        "kandidaatRef": ref,
        "geheimhouder": row.holder,
        "ontvanger": row.receiver,
        "onderwerpen": row.subjects,
        "op": row.at,
        "wijze": row.manner,
        "ingetrokkenOp": row.ended_at,
    }


def ontheffing_intrekken(ontheffingId: str) -> dict[str, Any]:
    """Withdraw a release from secrecy; answered at commit."""
    return told_to_caller(hub().statements.end_secrecy_release(asker(), ontheffingId))


class ZakenQuery(PageQuery):
    """Which zaken to list."""

    soort = word_field(*CASE_KINDS)
    open = Truth()


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/zaken",
        view=zaken,
        summary="Wat de eigen organisatie is gevraagd of verteld, en wat in haar naam is gevraagd",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=ZakenQuery,
        out=page_of(Zaak, "Zaken"),
    ),
    Endpoint(
        method="POST",
        path="/zaken/<string:zaakId>/antwoord",
        view=zaak_beantwoorden,
        summary="Een zaak beantwoorden",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=Antwoord,
        out=Zaak,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="POST",
        path="/ontheffingen",
        view=ontheffing_vastleggen,
        summary="Een ontheffing van de geheimhouding vastleggen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=NieuweOntheffing,
        out=OntheffingId,
        status=201,
        errors=(NotFound,),
        refusals=(RefusalCode.HANDELING_NIET_TOEGESTAAN,),
    ),
    Endpoint(
        method="GET",
        path="/ontheffingen",
        view=ontheffingen,
        summary="Ontheffingen die de eigen organisatie vastlegde",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=PageQuery,
        out=page_of(Ontheffing, "Ontheffingen"),
    ),
    Endpoint(
        method="POST",
        path="/ontheffingen/<string:ontheffingId>/intrekking",
        view=ontheffing_intrekken,
        summary="Een ontheffing van de geheimhouding intrekken",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        out=Gevolg,
        errors=(NotFound,),
    ),
)
