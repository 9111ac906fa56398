"""Statements over HTTP: record, list, show, prove; and the stopverzoek. Acts on one: ``consent.act_routes``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from flask import Response
from sqlalchemy import Connection, Row

from consent.facts import ALWAYS, StatementStatus
from consent.log import reading as log
from consent.store import records
from consent.store.closures import Closure
from consent.store.standing import STOPPED, closing
from contracts import instants
from contracts.errors import NotFound, RefusalCode
from contracts.identity import KandidaatRef, Oin, Purpose
from hub.access.caller import Scope
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint, json_response
from hub.intake.paging import PageQuery, page, paged
from hub.intake.routes import proof_response, signed
from hub.intake.schemas import code_field, oin_field, ref_field
from hub.rights.consent.recording import Recorded
from hub.rights.forms import new_request, new_statement
from hub.rights.schemas import (
    Gevolg,
    NieuweToestemming,
    Toestemming,
    VastgelegdeToestemming,
    page_of,
)
from hub.rights.stopping import Consequence
from hub.store.database import reading
from hub.store.persons import people

#: Seconds that recording a `ja` waits for its checkpoint; it is in force from its commit.
_PROOF_WAIT: Final = 2.0
ID: Final = "/toestemmingen/<string:toestemmingId>"


def toestemming_vastleggen(body: Mapping[str, Any]) -> dict[str, Any] | Response:
    """Record a statement. A `nee` answers at its commit with what followed; a `ja` waits a moment for its proof."""
    ref = KandidaatRef(body["kandidaatRef"])
    if body["gevraagd"]:
        asked = hub().statements.record(asker(), ref, new_request(body, hub().clock.now()))
        return shown(asked, ref) | {"bewijs": None}
    return told_of(hub().statements.record(asker(), ref, new_statement(body)), ref, 201)


def told_of(recorded: Recorded, ref: KandidaatRef, status: int) -> dict[str, Any] | Response:
    """What the caller is told of a statement that it just recorded: its proof, or, signed, what followed from it."""
    told = shown(recorded, ref)
    if recorded.consequence is None:
        return told | {"bewijs": _proof(recorded.entry_id)}
    hub().metrics.withdraw.add()
    part = recorded.consequence.part_of(caller().organisation)
    return json_response(signed({**Toestemming().dump(told), **part}), status)


def _proof(entry_id: str) -> str | None:
    if not hub().log_keeper.wait_for(entry_id, _PROOF_WAIT):
        return None
    with reading(hub().engine) as connection:
        proof = log.tlog_proof(connection, entry_id)
    return None if proof is None else proof.write()


def told_to_caller(consequence: Consequence) -> dict[str, Any]:
    """The caller's own part, signed."""
    hub().metrics.withdraw.add()
    return signed(consequence.part_of(caller().organisation))


def toestemmingen(query: Mapping[str, Any]) -> dict[str, Any]:
    """The statements that the caller recorded or that name it as verstrekker."""
    asked, own, now = page(query), caller().organisation, hub().clock.now()
    after = asked.after[0] if asked.after else ""
    found: list[Recorded] = []
    refs: dict[tuple[str, Oin], KandidaatRef] = {}
    with reading(hub().engine) as connection:
        root = _root(connection, own, query.get("kandidaatRef"))
        while len(found) <= asked.limit:
            rows = records.statements_seen_by(connection, records.Seer(own, now), root, after, asked.limit + 1)
            refs |= people.refs_of(connection, [(row.root, own) for row in rows])
            # Whose content the caller erased is nobody to it.
            known = [r for r in _recorded(connection, own, rows, now) if (r.row.root, own) in refs]
            found += [r for r in known if _fits(r, query)]
            if len(rows) <= asked.limit:
                break
            after = rows[-1].statement_id
    answer = paged(found, asked, lambda r: (r.row.statement_id,))
    with reading(hub().engine) as connection:
        closed = closing(connection, records.Seer(own, now), [r.row for r in answer["items"]])
    return answer | {"items": [shown(r, refs[r.row.root, own]) | _closed(r, closed) for r in answer["items"]]}


def _closed(recorded: Recorded, closed: Mapping[str, list[Closure]]) -> dict[str, Any]:
    found = closed.get(recorded.row.statement_id, [])
    return {"geslotenDoor": [{"toestemmingId": _statement(c), "hoe": c.how, "op": c.at} for c in found]}


def _statement(closure: Closure) -> str | None:
    """A stop is no statement, and its id is told to nobody: two who are asked could join their refs by it."""
    return None if closure.how == STOPPED else closure.statement


def _recorded(connection: Connection, own: Oin, rows: Sequence[Row[Any]], now: datetime) -> list[Recorded]:
    """Statements as the caller may see them."""
    parts = records.parts_of(connection, [row.statement_id for row in rows])
    grown = records.grown_at(connection, records.Seer(own, now), {row.root for row in rows})
    return [
        Recorded(row, parts[row.statement_id], now, row.entry_id, grown=grown.get(row.root, ALWAYS)) for row in rows
    ]


def _root(connection: Connection, own: Oin, ref: str | None) -> str | None:
    """Whom the list is limited to. A ref that names nobody with whom the caller is or was involved is not found."""
    if ref is None:
        return None
    known = people.resolve(connection, [(own, ref)]).get((own, KandidaatRef(ref)))
    root = known.root if known is not None else ""
    if not records.was_involved(connection, own, root, hub().clock.now()):
        raise NotFound
    return root


def _fits(recorded: Recorded, query: Mapping[str, Any]) -> bool:
    row = recorded.row
    if "status" in query and recorded.status != query["status"]:
        return False
    if "doel" in query and row.purposes is not None and query["doel"] not in row.purposes:
        return False
    return "ontvanger" not in query or row.receivers is None or query["ontvanger"] in row.receivers


def toestemming(toestemmingId: str) -> dict[str, Any]:
    """One statement."""
    recorded, ref = _find(toestemmingId)
    with reading(hub().engine) as connection:
        seer = records.Seer(caller().organisation, recorded.at)
        return shown(recorded, ref) | _closed(recorded, closing(connection, seer, [recorded.row]))


def _find(statement_id: str) -> tuple[Recorded, KandidaatRef]:
    """The statement as the caller may see it: recorded by it or naming it as verstrekker, while involved."""
    own, now = caller().organisation, hub().clock.now()
    with reading(hub().engine) as connection:
        row = records.statement_seen_by(connection, records.Seer(own, now), statement_id)
        if row is None:
            raise NotFound
        (found,) = _recorded(connection, own, [row], hub().clock.now())
        ref = people.refs_of(connection, [(row.root, own)]).get((row.root, own))
    if ref is None:
        raise NotFound
    return found, ref


def toestemming_bewijs(toestemmingId: str) -> Response:
    """The ``.tlog-proof`` of the statement's entry."""
    with reading(hub().engine) as connection:
        seer = records.Seer(caller().organisation, hub().clock.now())
        row = records.statement_seen_by(connection, seer, toestemmingId)
        if row is None:
            raise NotFound
        return proof_response(log.tlog_proof(connection, row.entry_id))


def stopverzoek(kandidaatRef: str) -> dict[str, Any]:
    """Stop every consent-based flow of a person at once."""
    stop_id, consequence = hub().statements.stop(asker(), kandidaatRef)
    hub().metrics.withdraw.add()
    return signed(consequence.part_of(caller().organisation) | {"stopId": stop_id})


def shown_to_caller(recorded: Recorded) -> tuple[dict[str, Any], KandidaatRef]:
    """A statement as the caller sees it, and under which ref it knows the person."""
    own, root = caller().organisation, recorded.row.root
    with reading(hub().engine) as connection:
        ref = people.refs_of(connection, [(root, own)]).get((root, own))
    if ref is None:
        raise NotFound
    return shown(recorded, ref), ref


def shown(recorded: Recorded, ref: KandidaatRef) -> dict[str, Any]:
    """A statement on the wire. Of what is only asked for nobody said anything yet."""
    row = recorded.row
    scopes = {
        "doelen": row.purposes,
        "categorieen": row.categories,
        "verstrekkers": row.senders,
        "ontvangers": row.receivers,
    }
    return (
        {
            "id": row.statement_id,
            "kandidaatRef": ref,
            "status": recorded.status.value,
            "grondslag": row.basis,
            "gevraagdOp": row.asked_at,
            "geldigVan": row.valid_from,
            "geldigTot": row.valid_until,
            "vastgelegdDoor": row.recorder,
            "vastgelegdOp": row.recorded_at,
            "verklaring": row.notice,
            "zestienOp": None if row.sixteen_at is None else instants.today(row.sixteen_at),
            "zelfBevestigdOp": row.own_at,
            "vernieuwt": row.renews,
            "gevraagdDoor": row.asked_by,
            "bevestigd": [_part(sender, at) for sender, at in sorted(recorded.parts.items())],
            "beeindigdOp": row.ended_at,
            "ongeldigOp": row.invalid_at,
        }
        | _said(row)
        | {name: codes for name, codes in scopes.items() if codes is not None}
    )


def _said(row: Row[Any]) -> dict[str, Any]:
    if row.requested:
        return {}
    return {
        "keuze": row.choice,
        "gegevenOp": row.given_at,
        "wijze": row.manner,
        "gegevenDoor": row.given_by,
    }


def _part(sender: Oin, at: datetime) -> dict[str, Any]:
    return {"verstrekker": sender, "op": at}


class ToestemmingenQuery(PageQuery):
    """Which statements to list."""

    kandidaatRef = ref_field()
    status = code_field(StatementStatus)
    doel = code_field(Purpose)
    ontvanger = oin_field()


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/toestemmingen",
        view=toestemming_vastleggen,
        summary="Een toestemming of weigering vastleggen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=NieuweToestemming,
        out=VastgelegdeToestemming,
        status=201,
        errors=(NotFound,),
        refusals=(RefusalCode.TOESTEMMING_NIET_PASSEND,),
    ),
    Endpoint(
        method="GET",
        path="/toestemmingen",
        view=toestemmingen,
        summary="Toestemmingen die de eigen organisatie vastlegde of waarin zij verstrekker is",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=ToestemmingenQuery,
        out=page_of(Toestemming, "Toestemmingen"),
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path=ID,
        view=toestemming,
        summary="Eén toestemming",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out=Toestemming,
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path=f"{ID}/bewijs",
        view=toestemming_bewijs,
        summary="Het bewijs dat een toestemming in het logboek staat",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out_media="text/plain",
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path="/kandidaten/<string:kandidaatRef>/stopverzoek",
        view=stopverzoek,
        summary="Alles stoppen wat op toestemming rust",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        out=Gevolg,
        errors=(NotFound,),
    ),
)
