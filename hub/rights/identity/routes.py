"""Joining and splitting over HTTP. The code stands in the body: it must not end up in a log of addresses."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row

from contracts.errors import Conflict, NotFound
from hub.access.caller import Scope
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.routes import signed
from hub.rights.identity import schemas
from hub.rights.identity.asking import JOIN, SPLIT, Asked, Wish
from hub.rights.identity.confirming import Confirmation
from hub.rights.identity.told import Consequence, notify_before, own_part
from hub.store.database import reading
from hub.store.traffic import deliveries

_REF: Final = "/kandidaten/<string:kandidaatRef>"


def samenvoeging_vragen(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Ask that two persons are taken for one; nothing changes yet."""
    wish = Wish(JOIN, body["medewerker"], body["reden"], body.get("kandidaatRef"))
    return _asked("samenvoegingId", hub().identity.ask(asker(), kandidaatRef, wish))


def splitsing_vragen(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Ask that somebody is split off; nothing changes yet."""
    wish = Wish(SPLIT, body["medewerker"], body["reden"])
    return _asked("splitsingId", hub().identity.ask(asker(), kandidaatRef, wish))


def samenvoeging_bevestigen(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Join the person of this ref with the one of the code, at once; with `proef` nothing changes."""
    return signed(_confirm(JOIN, kandidaatRef, body).joining())


def splitsing_bevestigen(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Split off the person of the code, at once; with `proef` nothing changes."""
    return signed(_confirm(SPLIT, kandidaatRef, body).splitting())


def samenvoegingen(kandidaatRef: str) -> dict[str, Any]:
    """What became of the joins that the caller asked or confirmed."""
    with reading(hub().engine) as connection:
        rows = hub().identity.asked(connection, JOIN, caller().organisation, kandidaatRef)
    return {"items": [_standing(row) | {"samenvoegingId": row.request_id} for row in rows]}


def splitsingen(kandidaatRef: str) -> dict[str, Any]:
    """What became of the splits that the caller asked or confirmed, and what of its own had crossed."""
    with reading(hub().engine) as connection:
        rows = hub().identity.asked(connection, SPLIT, caller().organisation, kandidaatRef)
        return {"items": [_standing(row) | {"splitsingId": row.request_id} | _crossed(connection, row) for row in rows]}


def _asked(name: str, asked: Asked) -> dict[str, Any]:
    return {name: asked.id, "code": asked.code, "geldigTot": asked.until}


def _confirm(kind: str, ref: str, body: Mapping[str, Any]) -> Consequence:
    confirmation = Confirmation(kind, ref, body["code"], body["medewerker"], trial=body["proef"])
    return hub().identity.confirm(asker(), confirmation)


def _standing(row: Row[Any]) -> dict[str, Any]:
    own = caller().organisation
    asked, confirmed = row.organisation == own, row.confirmed_by == own
    return {
        "status": schemas.status_of(row, hub().clock.now()),
        "gevraagdOp": row.asked_at,
        "geldigTot": row.valid_until,
        "uitgevoerdOp": row.done_at,
        "medewerker": row.employee if asked else None,
        "tweedeMedewerker": row.confirming_employee if confirmed else None,
        "reden": hub().identity.reason(row) if asked else None,
    }


def _crossed(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    whys: Mapping[str, str] = row.crossed or {}
    seen = deliveries.seen(connection, list(whys))
    given = own_part(((seen[i], why) for i, why in sorted(whys.items()) if i in seen), caller().organisation)
    return {"verstrekt": given, "meldenVoor": None if row.done_at is None else notify_before(given, row.done_at)}


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path=f"{_REF}/samenvoegingen",
        view=samenvoeging_vragen,
        summary="Vragen om twee personen samen te voegen",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=schemas.NieuweSamenvoeging,
        out=schemas.SamenvoegingGevraagd,
        status=201,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="GET",
        path=f"{_REF}/samenvoegingen",
        view=samenvoegingen,
        summary="Samenvoegingen die de eigen organisatie vroeg of bevestigde",
        scope=Scope.KANDIDATEN_BEHEREN,
        reads=Scope.TOESTEMMINGEN_LEZEN,
        out=schemas.Samenvoegingen,
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path=f"{_REF}/samenvoegingen/bevestiging",
        view=samenvoeging_bevestigen,
        summary="Een samenvoeging bevestigen met de code, of eerst zien wat er zou volgen",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=schemas.SamenvoegingBevestiging,
        out=schemas.SamenvoegingGevolg,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="POST",
        path=f"{_REF}/splitsingen",
        view=splitsing_vragen,
        summary="Vragen om een persoon weer af te splitsen",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=schemas.NieuweSplitsing,
        out=schemas.SplitsingGevraagd,
        status=201,
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path=f"{_REF}/splitsingen",
        view=splitsingen,
        summary="Splitsingen die de eigen organisatie vroeg of bevestigde",
        scope=Scope.KANDIDATEN_BEHEREN,
        reads=Scope.TOESTEMMINGEN_LEZEN,
        out=schemas.Splitsingen,
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path=f"{_REF}/splitsingen/bevestiging",
        view=splitsing_bevestigen,
        summary="Een splitsing bevestigen met de code, of eerst zien wat er zou volgen",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=schemas.SplitsingBevestiging,
        out=schemas.SplitsingGevolg,
        errors=(NotFound, Conflict),
    ),
)
