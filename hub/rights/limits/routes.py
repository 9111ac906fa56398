"""Beperking, bezwaar and afscherming over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.facts import ObjectionOutcome
from consent.store import records
from contracts import instants
from contracts.errors import Conflict, NotFound, RefusalCode
from contracts.identity import KandidaatRef, Oin
from hub.access.caller import Scope
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.routes import signed
from hub.rights.limits import schemas
from hub.rights.limits.flows import Flows
from hub.rights.limits.objections import OBJECTION, a_month_after
from hub.rights.limits.shields import Lift
from hub.rights.stopping import Consequence
from hub.store.database import reading
from hub.store.persons import cases, limits, people

_REF: Final = "/kandidaten/<string:kandidaatRef>"


def beperken(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Restrict own flows of a person at once."""
    restriction_id, consequence = hub().limits.restrictions.restrict(
        asker(), kandidaatRef, Flows.stated(body), body["grond"]
    )
    return _told(consequence, beperkingId=restriction_id)


def beperking_opheffen(kandidaatRef: str, query: Mapping[str, Any]) -> None:
    """Lift an own beperking, or all of them."""
    hub().limits.restrictions.lift(asker(), kandidaatRef, query.get("id"))


def beperkingen(kandidaatRef: str) -> dict[str, Any]:
    """The beperkingen that the caller recorded."""
    with reading(hub().engine) as connection:
        rows = _own(connection, kandidaatRef, limits.restrictions_by)
    return {
        "items": [
            Flows.of(row).told()
            | {"id": row.restriction_id, "grond": row.reason, "op": row.at, "opgehevenOp": row.ended_at}
            for row in rows
        ]
    }


def bezwaar_maken(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Record a bezwaar: restricts at once, and asks each verstrekker to weigh it."""
    filed, consequence = hub().limits.objections.file(asker(), kandidaatRef, Flows.stated(body), body["grond"])
    asked = [
        {"bezwaarId": one.id, "verstrekker": one.sender, "uiterlijkOp": instants.write(one.due_at)} for one in filed
    ]
    return _told(consequence, bezwaren=asked)


def bezwaren(kandidaatRef: str) -> dict[str, Any]:
    """The bezwaren that the caller recorded, and what became of them: it tells the person."""
    with reading(hub().engine) as connection:
        rows = _own(connection, kandidaatRef, limits.objections_by)
        caused = cases.caused_by(connection, [row.objection_id for row in rows])
    weighed = {row.cause: row for row in caused if row.kind == OBJECTION}
    reasons = hub().limits.objections.reasons(rows)
    return {
        "items": [
            Flows.of(row).told()
            | {
                "id": row.objection_id,
                "op": row.at,
                "uiterlijkOp": a_month_after(row.at),
                "grond": reasons.get(row.objection_id),
                "uitkomst": row.outcome or ObjectionOutcome.PENDING.value,
                "beslotenOp": row.decided_at,
                "motivering": _motivation(weighed, row.objection_id),
            }
            for row in rows
        ]
    }


def _motivation(weighed: Mapping[str, Row[Any]], objection_id: str) -> str | None:
    row = weighed.get(objection_id)
    return None if row is None else hub().cases.explanation(row)


def afschermen(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Keep somebody's whereabouts from all who are not named, at once."""
    named = frozenset(map(Oin, body["ontvangers"]))
    shield_id, consequence = hub().limits.shields.shield(asker(), kandidaatRef, body["grond"], named)
    return _told(consequence, afschermingId=shield_id)


def afschermingen(kandidaatRef: str) -> dict[str, Any]:
    """The afschermingen that the caller recorded."""
    with reading(hub().engine) as connection:
        rows = _own(connection, kandidaatRef, limits.shields_by)
    return {
        "items": [
            {
                "id": row.shield_id,
                "grond": row.reason,
                "ontvangers": row.receivers,
                "op": row.at,
                "opheffingGevraagdOp": row.lift_asked_at,
                "opgehevenOp": row.lifted_at,
            }
            for row in rows
        ]
    }


def afscherming_opheffen(kandidaatRef: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """202 for the first employee, 200 for the second."""
    named = body.get("ontvangers")
    asked = Lift(body["medewerker"], None if named is None else frozenset(map(Oin, named)))
    lifted = hub().limits.shields.lift(asker(), kandidaatRef, asked)
    return {"status": "opgeheven" if lifted else "gevraagd"}, 200 if lifted else 202


def _told(consequence: Consequence, **more: Any) -> dict[str, Any]:
    """The caller's own part, signed."""
    hub().metrics.withdraw.add()
    return signed(consequence.part_of(caller().organisation) | more)


def _own(
    connection: Connection, ref: str, recorded: Callable[[Connection, Oin, str], list[Row[Any]]]
) -> list[Row[Any]]:
    """What the caller recorded for a person with whom it is or was involved. Raises ``NotFound``."""
    own = caller().organisation
    known = people.resolve(connection, [(own, ref)]).get((own, KandidaatRef(ref)))
    root = known.root if known is not None else ""
    if not records.was_involved(connection, own, root, hub().clock.now()):
        raise NotFound
    return recorded(connection, own, root)


_NOT_OWN: Final = (RefusalCode.HANDELING_NIET_TOEGESTAAN,)
ENDPOINTS: Final = (
    Endpoint(
        method="PUT",
        path=f"{_REF}/beperking",
        view=beperken,
        summary="Eigen stromen van een kandidaat beperken",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=schemas.NieuweBeperking,
        out=schemas.BeperkingGevolg,
        errors=(NotFound,),
        refusals=_NOT_OWN,
    ),
    Endpoint(
        method="DELETE",
        path=f"{_REF}/beperking",
        view=beperking_opheffen,
        summary="Een eigen beperking opheffen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        query=schemas.BeperkingQuery,
        status=204,
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path=f"{_REF}/beperking",
        view=beperkingen,
        summary="Beperkingen die de eigen organisatie vastlegde",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out=schemas.Beperkingen,
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path=f"{_REF}/bezwaar",
        view=bezwaar_maken,
        summary="Bezwaar tegen eigen stromen vastleggen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=schemas.NieuwBezwaar,
        out=schemas.BezwaarGevolg,
        errors=(NotFound,),
        refusals=_NOT_OWN,
    ),
    Endpoint(
        method="GET",
        path=f"{_REF}/bezwaar",
        view=bezwaren,
        summary="Bezwaren die de eigen organisatie vastlegde, met hun uitkomst",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out=schemas.Bezwaren,
        errors=(NotFound,),
    ),
    Endpoint(
        method="PUT",
        path=f"{_REF}/afscherming",
        view=afschermen,
        summary="De verblijfplaats van een kandidaat afschermen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=schemas.NieuweAfscherming,
        out=schemas.AfschermingGevolg,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="GET",
        path=f"{_REF}/afscherming",
        view=afschermingen,
        summary="Afschermingen die de eigen organisatie vastlegde",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out=schemas.Afschermingen,
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path=f"{_REF}/afscherming/opheffing",
        view=afscherming_opheffen,
        summary="Een eigen afscherming opheffen, door twee medewerkers",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=schemas.Opheffing,
        out=schemas.OpheffingStand,
        answers={202: schemas.OpheffingStand},
        errors=(NotFound, Conflict),
    ),
)
