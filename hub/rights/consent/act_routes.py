"""What is done with one statement over HTTP: answer, renew, confirm, withdraw, revoke, invalidate."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Response

from contracts.errors import Conflict, NotFound, RefusalCode
from contracts.identity import KandidaatRef
from hub.access.caller import Scope
from hub.intake.context import asker, hub
from hub.intake.endpoint import Endpoint
from hub.rights import forms
from hub.rights.consent.recording import Recorded
from hub.rights.schemas import (
    Beantwoording,
    EigenBevestiging,
    Gevolg,
    Intrekking,
    Redenering,
    Toestemming,
    VastgelegdeToestemming,
    Verlenging,
)
from hub.rights.statement_routes import ID, shown_to_caller, told_of, told_to_caller


def toestemming_beantwoorden(toestemmingId: str, body: Mapping[str, Any]) -> dict[str, Any] | Response:
    """What the person answered to a request of the caller."""
    choice, said = forms.answer(body)
    recorded = hub().statements.answer(asker(), toestemmingId, choice, said)
    return told_of(recorded, _ref(recorded), 200)


def toestemming_verlengen(toestemmingId: str, body: Mapping[str, Any]) -> dict[str, Any] | Response:
    """The same again for a new term, as a statement of its own."""
    recorded = hub().statements.renew(asker(), toestemmingId, forms.renewal(body))
    return told_of(recorded, _ref(recorded), 201)


def toestemming_bevestigen(toestemmingId: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """A verstrekker confirms its own part; with a body the person, 16 by then, confirms what was said for them."""
    if body is None:
        recorded = hub().statements.confirm(asker(), toestemmingId)
    else:
        recorded = hub().statements.confirm_own(asker(), toestemmingId, body["op"])
    return shown_to_caller(recorded)[0]


def toestemming_intrekken(toestemmingId: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Withdraw in the person's name; answered at commit."""
    began = hub().clock.monotonic()
    consequence = hub().statements.withdraw(asker(), toestemmingId, body["gegevenDoor"], body.get("reden"))
    hub().metrics.withdraw_seconds.observe(hub().clock.monotonic() - began)
    return told_to_caller(consequence)


def toestemming_herroepen(toestemmingId: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take back what the caller recorded wrongly; answered at commit."""
    return told_to_caller(hub().statements.revoke(asker(), toestemmingId, body["reden"]))


def toestemming_ongeldig_verklaren(toestemmingId: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Who gave it had no authority; answered at commit."""
    return told_to_caller(hub().statements.invalidate(asker(), toestemmingId, body["reden"]))


def _ref(recorded: Recorded) -> KandidaatRef:
    return shown_to_caller(recorded)[1]


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path=f"{ID}/antwoord",
        view=toestemming_beantwoorden,
        summary="Vastleggen wat de betrokkene op een vraag om toestemming antwoordde",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=Beantwoording,
        out=VastgelegdeToestemming,
        errors=(NotFound, Conflict),
        refusals=(RefusalCode.TOESTEMMING_NIET_PASSEND,),
    ),
    Endpoint(
        method="POST",
        path=f"{ID}/verlenging",
        view=toestemming_verlengen,
        summary="Een toestemming verlengen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=Verlenging,
        out=VastgelegdeToestemming,
        status=201,
        errors=(NotFound, Conflict),
        refusals=(RefusalCode.TOESTEMMING_NIET_PASSEND,),
    ),
    Endpoint(
        method="POST",
        path=f"{ID}/bevestiging",
        view=toestemming_bevestigen,
        summary="Het eigen deel van een toestemming bevestigen, of namens de betrokkene die 16 is geworden",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=EigenBevestiging,
        body_optional=True,
        out=Toestemming,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="POST",
        path=f"{ID}/intrekking",
        view=toestemming_intrekken,
        summary="Een toestemming intrekken namens de betrokkene",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=Intrekking,
        out=Gevolg,
        errors=(NotFound,),
    ),
    Endpoint(
        method="POST",
        path=f"{ID}/herroeping",
        view=toestemming_herroepen,
        summary="Een verklaring herroepen die verkeerd is vastgelegd",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=Redenering,
        out=Gevolg,
        errors=(NotFound, Conflict),
    ),
    Endpoint(
        method="POST",
        path=f"{ID}/ongeldigverklaring",
        view=toestemming_ongeldig_verklaren,
        summary="Een verklaring ongeldig verklaren van iemand die niet mocht beslissen",
        scope=Scope.TOESTEMMINGEN_BEHEREN,
        body=Redenering,
        out=Gevolg,
        errors=(NotFound, Conflict),
    ),
)
