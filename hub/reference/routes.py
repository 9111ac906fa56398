"""Looking up: agreements and grounds (own only; an operator all), organisations, kinds of message, code lists."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from contracts import catalogue
from contracts.codelists import loader
from contracts.errors import NotFound
from contracts.identity import Oin, Role
from contracts.kinds.base import Kind
from hub.access.operators import sees_all
from hub.intake.context import caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.paging import PageQuery, cut, page
from hub.reference.schemas import (
    Berichttypen,
    BerichttypeVolledig,
    Codelijst,
    Grondslagen,
    Organisaties,
    Uitwisselafspraken,
)
from hub.store.database import reading
from hub.store.region.agreements import StoredAgreement, StoredGround, all_agreements, all_grounds
from hub.store.region.parties import Organisation, all_organisations

Row = TypeVar("Row")
#: How a row looks at an instant.
Shown = Callable[[Row, datetime], dict[str, Any]]


def _listed(
    query: Mapping[str, Any],
    read: Callable[[Connection, Oin | None], Sequence[Row]],
    key: Callable[[Row], str],
    shown: tuple[Shown[Row], Shown[Row]],
) -> dict[str, Any]:
    """A page. ``read`` is asked for what is the caller's own, or (``None``) for all that an operator may see.

    ``shown``: how a row looks to a party, and how to an operator.
    """
    now = hub().clock.now()
    with reading(hub().engine) as connection:
        everything = sees_all(connection, caller(), now)
        rows = sorted(read(connection, None if everything else caller().organisation), key=key)
    found = cut(rows, page(query), lambda row: (key(row),))
    return found | {"items": [shown[everything](row, now) for row in found["items"]]}


def uitwisselafspraken(query: Mapping[str, Any]) -> dict[str, Any]:
    return _listed(query, all_agreements, lambda row: row.agreement.id, (agreement, agreement))


def grondslagen(query: Mapping[str, Any]) -> dict[str, Any]:
    return _listed(query, all_grounds, lambda row: row.ground.id, (ground, ground_for_operators))


def organisaties(query: Mapping[str, Any]) -> dict[str, Any]:
    return _listed(query, lambda c, _: all_organisations(c), lambda row: row.oin, (organisation, organisation))


def berichttypen(query: Mapping[str, Any]) -> dict[str, Any]:
    kinds = sorted(catalogue.all_kinds(), key=lambda kind: kind.type)
    found = cut(kinds, page(query), lambda kind: (kind.type,))
    return found | {"items": [_kind(kind) for kind in found["items"]]}


def berichttype(type: str) -> dict[str, Any]:
    kind = catalogue.by_name(type)
    if kind is None:
        raise NotFound
    roles = sorted(role for role in kind.receiver_roles if kind.shapes(role))
    return _kind(kind) | {
        "json_schema": catalogue.json_schema(kind),
        "per_ontvanger": [{"rol": role.value, "json_schema": catalogue.json_schema(kind, role)} for role in roles],
    }


def codelijst(naam: str, query: Mapping[str, Any]) -> dict[str, Any]:
    found = loader.load(naam)
    if found is None:
        raise NotFound
    codes = [found.values[code] for code in sorted(found.values)]
    head = {name: value for name, value in found.document.items() if name != "waarden"}
    dates = {"geldig_van": head.pop("geldigVan"), "geldig_tot": head.pop("geldigTot")}
    return head | dates | cut(codes, page(query), lambda value: (value["code"],))


def agreement(row: StoredAgreement, now: datetime) -> dict[str, Any]:
    """An agreement as the wire shows it at an instant."""
    value = row.agreement
    return {
        "afspraak_id": value.id,
        "partijen": sorted(value.parties),
        "soorten": sorted(value.kinds),
        "doelen": sorted(value.purposes),
        "geldig_van": value.valid_from,
        "geldig_tot": value.valid_until,
        "verwerkersovereenkomst": row.processing_agreement,
        "art26_regeling": value.joint_arrangement,
        "dpia_op": row.dpia_on,
        "motivering": row.motivation,
        "aanvaard": [{"organisatie": oin, "op": at} for oin, at in sorted(value.accepted.items())],
        "beeindigd_op": value.ended_at,
        "in_werking": value.in_force(now),
    }


def ground(row: StoredGround, now: datetime) -> dict[str, Any]:
    """A ground as a party sees it."""
    value = row.ground
    return {
        "grondslag_id": value.id,
        "afspraak_id": value.agreement_id,
        "basis": value.basis.value,
        "wettelijke_kaders": sorted(value.frameworks),
        "uavg_artikel": value.uavg_article,
        "wet": row.law,
        "artikel": row.article,
        "lid": row.paragraph,
        "soorten": sorted(value.kinds),
        "doel": value.purpose.value,
        "verstrekker_rol": value.sender_role.value,
        "ontvanger_rol": value.receiver_role.value,
        "categorieen": sorted(value.categories),
        "geldig_van": value.valid_from,
        "geldig_tot": value.valid_until,
        "beeindigd_op": value.ended_at,
        "in_werking": value.in_force(now),
    }


def ground_for_operators(row: StoredGround, now: datetime) -> dict[str, Any]:
    """With the two operators who made it: names that are no business of a party."""
    return ground(row, now) | {
        "vastgesteld_door": row.ground.established_by,
        "tweede_vaststeller": row.ground.confirmed_by,
    }


def organisation(row: Organisation, now: datetime) -> dict[str, Any]:
    """An organisation as the wire shows it."""
    return {
        "oin": row.oin,
        "naam": row.name,
        "rol": row.role.value,
        "rechtsvorm": row.legal_form,
        "actief": row.suspended_at is None or now < row.suspended_at,
    }


def _kind(kind: Kind) -> dict[str, Any]:
    return {
        "type": kind.type,
        "soort": kind.name,
        "versie": kind.version,
        "opent_betrokkenheid": kind.opens,
        "sluit_betrokkenheid": kind.closes,
        "over_kandidaat": kind.about_person,
        "door_hub": kind.by_hub,
        "onderwerpen": sorted(kind.subjects) if Role.WOONZORG in kind.sender_roles else [],
        "stromen": [
            {"afzenders": sorted(f.senders), "ontvangers": sorted(f.receivers), "doelen": sorted(f.purposes)}
            for f in kind.flows
        ],
    }


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/uitwisselafspraken",
        view=uitwisselafspraken,
        summary="De uitwisselafspraken van de eigen organisatie; voor het beheer alle",
        query=PageQuery,
        out=Uitwisselafspraken,
    ),
    Endpoint(
        method="GET",
        path="/grondslagen",
        view=grondslagen,
        summary="De grondslagen onder de eigen uitwisselafspraken; voor het beheer alle",
        query=PageQuery,
        out=Grondslagen,
    ),
    Endpoint(
        method="GET",
        path="/organisaties",
        view=organisaties,
        summary="De organisaties in de regio",
        query=PageQuery,
        out=Organisaties,
    ),
    Endpoint(
        method="GET",
        path="/berichttypen",
        view=berichttypen,
        summary="De berichttypen",
        query=PageQuery,
        out=Berichttypen,
    ),
    Endpoint(
        method="GET",
        path="/berichttypen/<type>",
        view=berichttype,
        summary="Een berichttype met zijn JSON Schema, ook per rol van de ontvanger",
        out=BerichttypeVolledig,
        errors=(NotFound,),
    ),
    Endpoint(
        method="GET",
        path="/codelijsten/<naam>",
        view=codelijst,
        summary="Een codelijst",
        query=PageQuery,
        out=Codelijst,
        errors=(NotFound,),
    ),
)
