"""Texts of notices over HTTP: publish, list, show, invalidate. Each organisation has its own."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row

from consent.store import notice_texts
from contracts import instants
from contracts.errors import Conflict, Fault, NotFound, RequestInvalid
from hub.access.caller import Scope
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.paging import PageQuery, page, paged
from hub.intake.routes import signed
from hub.rights.consent.texts.schemas import (
    Geraakt,
    NieuweVerklaring,
    Ongeldigverklaring,
    VerklaringMetTekst,
    Verklaringstekst,
)
from hub.rights.consent.texts.versions import Version
from hub.rights.schemas import Verklaring, page_of
from hub.store.database import reading

_VERSION: Final = "/verklaringen/<string:verklaringId>/<string:versie>"
#: A published name is one that a statement can name.
_NAMES: Final = Verklaring(only=("id", "versie", "taal"))


def verklaring_publiceren(
    verklaringId: str, versie: str, taal: str, body: Mapping[str, Any]
) -> tuple[dict[str, Any], int]:
    """Publish a text, once and for all."""
    wrong = _NAMES.validate({"id": verklaringId, "versie": versie, "taal": taal})
    if wrong:
        reason = "Een id of versie heeft letters, cijfers, punten en streepjes; een taal twee kleine letters."
        raise RequestInvalid(faults=[Fault(name, "PATROON", reason) for name in sorted(wrong)])
    row, fresh = hub().statements.publish_text(asker(), Version(verklaringId, versie), taal, body["tekst"])
    return _head(row), 201 if fresh else 200


def verklaringen(query: Mapping[str, Any]) -> dict[str, Any]:
    """The texts that the caller's organisation published, without the texts themselves."""
    asked = page(query)
    with reading(hub().engine) as connection:
        rows = notice_texts.of_organisation(connection, caller().organisation, asked.after, asked.limit + 1)
    answer = paged(rows, asked, lambda row: (row.notice_id, row.version, row.language))
    return answer | {"items": [_head(row) for row in answer["items"]]}


def verklaring(verklaringId: str, versie: str, taal: str) -> dict[str, Any]:
    """One text."""
    with reading(hub().engine) as connection:
        found = notice_texts.of_version(connection, caller().organisation, verklaringId, versie)
    if taal not in found:
        raise NotFound
    return _head(found[taal]) | {"tekst": found[taal].text}


def verklaring_ongeldig_verklaren(verklaringId: str, versie: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A version proved wrong: no consent that rests on it holds any more. With `proef` nothing changes."""
    version = Version(verklaringId, versie)
    if body["proef"]:
        touched = hub().statements.preview_invalidation(caller().organisation, version, hub().clock.now())
    else:
        touched = hub().statements.invalidate_text(asker(), version, body["reden"])
        hub().metrics.withdraw.add()
    told = {
        "proef": body["proef"],
        "tijdstip": instants.write(touched.at),
        "toestemmingen": touched.statements,
        "wachtend": touched.waiting,
        "verstrekt": touched.given,
    }
    return signed(told if touched.notices is None else told | {"kennisgevingen": touched.notices})


def _head(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.notice_id,
        "versie": row.version,
        "taal": row.language,
        "sha256": row.sha256,
        "gepubliceerdOp": row.published_at,
        "ongeldigOp": row.invalid_at,
    }


ENDPOINTS: Final = (
    Endpoint(
        method="PUT",
        path=f"{_VERSION}/<string:taal>",
        view=verklaring_publiceren,
        summary="De tekst van een verklaring publiceren, voorgoed",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=NieuweVerklaring,
        out=Verklaringstekst,
        answers={201: Verklaringstekst},
        errors=(NotFound, Conflict),  # not found: what cannot even be a name
    ),
    Endpoint(
        method="GET",
        path="/verklaringen",
        view=verklaringen,
        summary="De teksten die de eigen organisatie publiceerde",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=PageQuery,
        out=page_of(Verklaringstekst, "Verklaringen"),
    ),
    Endpoint(
        method="GET",
        path=f"{_VERSION}/<string:taal>",
        view=verklaring,
        summary="Eén tekst, woord voor woord",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        out=VerklaringMetTekst,
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path=f"{_VERSION}/ongeldigverklaring",
        view=verklaring_ongeldig_verklaren,
        summary="Een versie van een tekst ongeldig verklaren, of zien wat dat raakt",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=Ongeldigverklaring,
        out=Geraakt,
        errors=(NotFound,),
    ),
)
