"""The own register of processing activities over HTTP: as JSON in pages, or as a spreadsheet."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Response

from contracts.errors import Fault, RequestInvalid
from hub.intake import reading as media
from hub.intake.context import caller, hub
from hub.intake.endpoint import Endpoint, json_response
from hub.intake.paging import cut, page
from hub.reference.processing import schemas
from hub.reference.processing.register import of_organisation
from hub.reference.processing.rows import sheet
from hub.store.database import snapshot

CSV_TYPE: Final = "text/csv"


def verwerkingsregister(query: Mapping[str, Any]) -> Response:
    """What the own organisation processes through the hub, as it stands now."""
    as_sheet = query["formaat"] == schemas.CSV
    if as_sheet and "volgende" in query:
        raise RequestInvalid(faults=[Fault("volgende", "NIET_PASSEND", "een rekenblad heeft geen vervolg")])
    with snapshot(hub().engine) as connection:
        rows = of_organisation(connection, caller().organisation, hub().terms, hub().clock.now())
    if as_sheet:
        answer = Response(sheet(rows), content_type=f"{CSV_TYPE}; charset=utf-8; header=present")
        answer.headers["Content-Disposition"] = 'attachment; filename="verwerkingsregister.csv"'
        return answer
    return json_response(cut(rows, page(query), lambda row: (row["activiteitId"],)))


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/verwerkingsregister",
        view=verwerkingsregister,
        summary="Het eigen register van verwerkingsactiviteiten (AVG art. 30)",
        query=schemas.VerwerkingsregisterQuery,
        out=schemas.Verwerkingsregister,
        out_content={media.JSON: schemas.Verwerkingsregister, CSV_TYPE: {"type": "string"}},
        description=(
            "Gemaakt uit wat nu is afgesproken: een regel per afspraak, soort, doel en richting. Wat eindigt, "
            "verdwijnt vanzelf. Voeg zelf contactgegevens en die van de functionaris gegevensbescherming toe: "
            "die kent de hub niet."
        ),
    ),
)
