"""Acts of operators over HTTP, in the forms and with the checks of the commands."""

from collections.abc import Mapping
from typing import Any, Final

from contracts import instants
from contracts.errors import Conflict, NotFound, RefusalCode
from contracts.identity import Oin
from contracts.strict_json import loads
from hub.access.caller import Scope
from hub.administration import agreements, forms, parties
from hub.administration.online.acting import Acting
from hub.administration.online.schemas import NieuweAanvaarding
from hub.intake import reading
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.reference import routes as reference
from hub.reference.schemas import GrondslagVoorBeheer, Organisatie, Uitwisselafspraak


def uitwisselafspraak_maken() -> dict[str, Any]:
    """Write down an agreement."""
    new = forms.agreement(_file(), instants.today(hub().clock.now()))
    return reference.agreement(*_acting().operate(lambda tx, act: agreements.add_agreement(tx, act, new)))


def uitwisselafspraak_aanvaarden(afspraakId: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Accept an agreement, for the own organisation or, as an operator, for a named party."""
    named = (body or {}).get("organisatie")
    return reference.agreement(*_acting().accept(afspraakId, None if named is None else Oin(named)))


def uitwisselafspraak_beeindigen(afspraakId: str) -> dict[str, Any]:
    """End an agreement: what waits under it is stopped at its release."""
    done = _acting().operate(lambda tx, act: agreements.end_agreement(tx, act, afspraakId), take_away=True)
    return reference.agreement(*done)


def grondslag_maken() -> dict[str, Any]:
    """Write down a ground."""
    new = forms.ground(_file(), caller().system)
    return reference.ground_for_operators(*_acting().operate(lambda tx, act: agreements.add_ground(tx, act, new)))


def grondslag_bevestigen(grondslagId: str) -> dict[str, Any]:
    """Confirm a ground that another operator made."""
    done = _acting().operate(lambda tx, act: agreements.confirm_ground(tx, act, grondslagId))
    return reference.ground_for_operators(*done)


def grondslag_beeindigen(grondslagId: str) -> dict[str, Any]:
    """End a ground."""
    done = _acting().operate(lambda tx, act: agreements.end_ground(tx, act, grondslagId), take_away=True)
    return reference.ground_for_operators(*done)


def organisatie_schorsen(oin: str) -> dict[str, Any]:
    """Suspend an organisation: its tokens open nothing any more, and nothing goes to it."""
    done = _acting().operate(lambda tx, act: parties.suspend_organisation(tx, act, Oin(oin)), take_away=True)
    return reference.organisation(*done)


def _acting() -> Acting:
    return Acting(asker(), hub().writer, hub().evidence)


def _file() -> Any:
    """The body as it was sent: the forms of the commands read it. Raises what ``reading.raw_body`` raises."""
    return loads(reading.raw_body(reading.JSON)[1])


_AGREEMENT: Final = "/uitwisselafspraken/<string:afspraakId>"
_GROUND: Final = "/grondslagen/<string:grondslagId>"
_NOT_YOURS: Final = (RefusalCode.HANDELING_NIET_TOEGESTAAN,)
ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/uitwisselafspraken",
        view=uitwisselafspraak_maken,
        summary="Een uitwisselafspraak vastleggen; zij werkt als beide partijen haar aanvaarden",
        scope=Scope.BEHEER,
        media={reading.JSON: forms.NieuweUitwisselafspraak},
        out=Uitwisselafspraak,
        status=201,
        errors=(Conflict,),
        refusals=_NOT_YOURS,
    ),
    Endpoint(
        method="POST",
        path=f"{_AGREEMENT}/aanvaarding",
        view=uitwisselafspraak_aanvaarden,
        summary="Een uitwisselafspraak aanvaarden",
        description=(
            "Zonder body voor de eigen organisatie. Alleen het beheer van de regio noemt de partij voor wie het de "
            "aanvaarding vastlegt."
        ),
        scope=Scope.BEHEER,
        body=NieuweAanvaarding,
        body_optional=True,
        out=Uitwisselafspraak,
        errors=(NotFound, Conflict),
        refusals=_NOT_YOURS,
    ),
    Endpoint(
        method="POST",
        path=f"{_AGREEMENT}/beeindiging",
        view=uitwisselafspraak_beeindigen,
        summary="Een uitwisselafspraak met haar grondslagen beëindigen",
        scope=Scope.BEHEER,
        out=Uitwisselafspraak,
        errors=(NotFound, Conflict),
        refusals=_NOT_YOURS,
    ),
    Endpoint(
        method="POST",
        path="/grondslagen",
        view=grondslag_maken,
        summary="Een grondslag vastleggen; zij werkt als een ander haar bevestigt",
        scope=Scope.BEHEER,
        media={reading.JSON: forms.NieuweGrondslag},
        out=GrondslagVoorBeheer,
        status=201,
        errors=(Conflict,),
        refusals=_NOT_YOURS,
    ),
    Endpoint(
        method="POST",
        path=f"{_GROUND}/bevestiging",
        view=grondslag_bevestigen,
        summary="Een grondslag bevestigen die een ander systeem vastlegde",
        scope=Scope.BEHEER,
        out=GrondslagVoorBeheer,
        errors=(NotFound, Conflict),
        refusals=_NOT_YOURS,
    ),
    Endpoint(
        method="POST",
        path=f"{_GROUND}/beeindiging",
        view=grondslag_beeindigen,
        summary="Een grondslag beëindigen",
        scope=Scope.BEHEER,
        out=GrondslagVoorBeheer,
        errors=(NotFound, Conflict),
        refusals=_NOT_YOURS,
    ),
    Endpoint(
        method="POST",
        path="/organisaties/<string:oin>/schorsing",
        view=organisatie_schorsen,
        summary="Een organisatie schorsen; dat werkt meteen",
        scope=Scope.BEHEER,
        out=Organisatie,
        errors=(NotFound, Conflict),
        refusals=_NOT_YOURS,
    ),
)
