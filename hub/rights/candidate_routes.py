"""Persons over HTTP: register, bind the own number, look up by it, open a traject."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.errors import Conflict, Fault, NotFound, RefusalCode, RequestInvalid
from contracts.identity import LegalFramework, Oin
from hub.access.caller import Scope
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.rights.candidates import NewTrajectory, Registration
from hub.rights.schemas import Kandidaat, KandidaatRef, LokaalNummer, Traject, TrajectId

_REF: Final = "/kandidaten/<string:kandidaatRef>"


def kandidaat_aanmelden(body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """201 for the organisation's own first registration of somebody, 200 for its repeat."""
    given = Registration(asker(), body.get("bsn"), body.get("lokaalNummer"), body.get("vergewist"))
    registered = hub().candidates.register(given)
    return {"kandidaatRef": registered.ref}, 201 if registered.first else 200


def lokaal_nummer_binden(kandidaatRef: str, body: Mapping[str, Any]) -> None:
    """Bind the organisation's own number."""
    hub().candidates.bind_number(asker(), kandidaatRef, body["lokaalNummer"])


def kandidaat_opzoeken(body: Mapping[str, Any]) -> dict[str, Any]:
    """The ref behind an own number. The number stands in the body: it must not end up in a log of addresses."""
    return {"kandidaatRef": hub().candidates.look_up(caller().organisation, body["lokaalNummer"])}


def traject_openen(kandidaatRef: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Open a traject."""
    until = body.get("tot")
    if until is not None and until <= body["van"]:
        raise RequestInvalid(faults=[Fault("tot", "VOLGORDE", "Het einde ligt niet na het begin.")])
    new = NewTrajectory(
        asker(),
        Oin(body["opdrachtgever"]),
        LegalFramework(body["wettelijkKader"]),
        body["van"],
        until,
    )
    return {"trajectId": hub().candidates.open_trajectory(kandidaatRef, new)}


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/kandidaten",
        view=kandidaat_aanmelden,
        summary="Iemand aanmelden",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=Kandidaat,
        out=KandidaatRef,
        status=201,
        answers={200: KandidaatRef},
        errors=(Conflict,),
        refusals=(RefusalCode.HANDELING_NIET_TOEGESTAAN,),
    ),
    Endpoint(
        method="PUT",
        path=f"{_REF}/lokaal-nummer",
        view=lokaal_nummer_binden,
        summary="Het eigen nummer van een kandidaat vastleggen",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=LokaalNummer,
        status=204,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="POST",
        path="/kandidaten/opzoeken",
        view=kandidaat_opzoeken,
        summary="Een kandidaat opzoeken met het eigen nummer",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=LokaalNummer,
        out=KandidaatRef,
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path=f"{_REF}/trajecten",
        view=traject_openen,
        summary="Een traject openen",
        scope=Scope.KANDIDATEN_BEHEREN,
        body=Traject,
        out=TrajectId,
        status=201,
        errors=(NotFound,),
        refusals=(RefusalCode.HANDELING_NIET_TOEGESTAAN, RefusalCode.AFSPRAAK_ONTBREEKT),
    ),
)
