"""What retention destroyed, over HTTP: the months, and the vernietigingsverklaring of one, as JSON or as a letter."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flask import Response

from contracts import instants
from contracts.errors import NotFound
from hub.access.caller import Scope
from hub.intake import reading as media
from hub.intake.context import caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.paging import cut, page
from hub.intake.routes import signed
from hub.rights.erasure.routes import HTML, as_page
from hub.rights.retention import schemas
from hub.rights.retention.account import Month, months, statement
from hub.rights.retention.letter import letter
from hub.store.database import reading

_MONTH: Final = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def vernietigingsverklaringen(query: Mapping[str, Any]) -> dict[str, Any]:
    """The months in which something of the caller's was destroyed after its term."""
    since = instants.start_of(query["van"]) if "van" in query else _LONG_AGO
    until = instants.start_of(query["tot"]) if "tot" in query else hub().clock.now()
    with reading(hub().engine) as connection:
        found = list(months(connection, caller().organisation, since, until))
    return cut(found, page(query), lambda one: (one["periode"],))


def maandverklaring(periode: str, query: Mapping[str, Any]) -> dict[str, Any] | Response:
    """The statement of one month, for systems or for people."""
    named = _MONTH.fullmatch(periode)
    if named is None:
        raise NotFound
    month = Month(int(named[1]), int(named[2]))
    with reading(hub().engine) as connection:
        told = statement(connection, caller().organisation, month, hub().terms, hub().clock.now())
    said = signed(told | {"oorsprong": hub().log_origin})
    return said if query["formaat"] != "brief" else as_page(letter(said))


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/vernietigingsverklaringen",
        view=vernietigingsverklaringen,
        summary="De maanden waarin iets van de eigen organisatie na zijn bewaartermijn is vernietigd",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=schemas.MaandenQuery,
        out=schemas.Maanden,
    ),
    Endpoint(
        method="GET",
        path="/vernietigingsverklaringen/<string:periode>",
        view=maandverklaring,
        summary="De verklaring van wat in een maand is vernietigd",
        scope=Scope.TOESTEMMINGEN_LEZEN,
        query=schemas.MaandverklaringQuery,
        out=schemas.Maandverklaring,
        out_content={media.JSON: schemas.Maandverklaring, HTML: {"type": "string"}},
        errors=(NotFound,),
    ),
)
