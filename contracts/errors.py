"""The one error tree. Each class carries its code, its HTTP status and whose fault it is; no error repeats a value.

ExchangeError
├── CallerError                the caller can mend it
│   ├── JsonInvalid            400 JSON_ONGELDIG
│   ├── MessageInvalid         400 BERICHT_ONGELDIG      (field by field)
│   ├── KindUnknown            400 SOORT_ONBEKEND
│   ├── RequestInvalid         400 VERZOEK_ONGELDIG      (field by field)
│   ├── TokenInvalid           401 TOKEN_ONGELDIG
│   ├── ScopeMissing           403 SCOPE_ONTBREEKT
│   ├── SenderMismatch         403 AFZENDER_ONGELIJK
│   ├── Refused                403 a refusal code of the gate
│   ├── NotFound               404 NIET_GEVONDEN         (also where existence is a secret)
│   ├── MethodUnknown          405 METHODE_ONBEKEND
│   ├── MessageIdTaken         409 BERICHT_ID_BEZET
│   ├── Conflict               409 STAAT_ONGELIJK
│   ├── MessageLapsed          410 BERICHT_VERVALLEN
│   ├── TooLarge               413 TE_GROOT
│   ├── MediaTypeUnknown       415 MEDIATYPE_ONBEKEND
│   └── TooMany                429 TE_VEEL               (with Retry-After)
└── HubError                   the hub must mend it
    ├── LogUnavailable         503 LOG_NIET_BESCHIKBAAR
    ├── PartUnavailable        503 NIET_BESCHIKBAAR
    └── Unexpected             500 INTERNE_FOUT
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class RefusalCode(StrEnum):
    """Outward codes of the gate (gate rules, "What an outsider may learn")."""

    GEEN_GRONDSLAG = "GEEN_GRONDSLAG"
    GEEN_ONTVANGER = "GEEN_ONTVANGER"
    AFSPRAAK_ONTBREEKT = "AFSPRAAK_ONTBREEKT"
    ONTVANGER_NIET_BEVOEGD = "ONTVANGER_NIET_BEVOEGD"
    SOORT_NIET_TOEGESTAAN = "SOORT_NIET_TOEGESTAAN"
    DOEL_NIET_TOEGESTAAN = "DOEL_NIET_TOEGESTAAN"
    BSN_NIET_TOEGESTAAN = "BSN_NIET_TOEGESTAAN"
    TOESTEMMING_NIET_PASSEND = "TOESTEMMING_NIET_PASSEND"
    HANDELING_NIET_TOEGESTAAN = "HANDELING_NIET_TOEGESTAAN"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field. ``name`` is a path such as ``data.werkproces[0].code``."""

    name: str
    code: str
    reason: str


class ExchangeError(Exception):
    """Anything that ends a call without its result. ``title`` is fixed Dutch text, ``detail`` may name a place."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        faults: Sequence[Fault] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.faults = tuple(faults)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    @property
    def outward_code(self) -> str:
        """The code that the caller is given."""
        return self.code


class CallerError(ExchangeError):
    """The caller sent or asked something that it can mend."""


class HubError(ExchangeError):
    """The hub could not do what it should; the caller may try again."""


class JsonInvalid(CallerError):
    code, status, title = "JSON_ONGELDIG", 400, "Dit is geen geldige JSON"


class MessageInvalid(CallerError):
    code, status, title = "BERICHT_ONGELDIG", 400, "Het bericht voldoet niet aan zijn berichttype"


class KindUnknown(CallerError):
    code, status, title = "SOORT_ONBEKEND", 400, "Dit berichttype is niet bekend"


class RequestInvalid(CallerError):
    code, status, title = "VERZOEK_ONGELDIG", 400, "Het verzoek klopt niet"


class TokenInvalid(CallerError):
    code, status, title = "TOKEN_ONGELDIG", 401, "Het token is niet (meer) geldig"


class ScopeMissing(CallerError):
    code, status, title = "SCOPE_ONTBREEKT", 403, "Het token geeft hier geen recht op"


class SenderMismatch(CallerError):
    code, status, title = "AFZENDER_ONGELIJK", 403, "De afzender is niet de organisatie van het token"


class Refused(CallerError):
    """The gate said no. Only for acts other than messages: a refused message is an answer, returned and logged."""

    code, status, title = "GEEN_GRONDSLAG", 403, "Dit mag niet"

    def __init__(
        self, refusal: RefusalCode, detail: str | None = None, *, extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail, extra=extra)
        self.refusal = refusal

    @property
    def outward_code(self) -> str:
        return self.refusal.value


class NotFound(CallerError):
    code, status, title = "NIET_GEVONDEN", 404, "Dit is niet gevonden"


class MethodUnknown(CallerError):
    code, status, title = "METHODE_ONBEKEND", 405, "Deze methode bestaat hier niet"


class MessageIdTaken(CallerError):
    code, status, title = "BERICHT_ID_BEZET", 409, "Dit id is al gebruikt voor een ander bericht"


class Conflict(CallerError):
    code, status, title = "STAAT_ONGELIJK", 409, "Dit past niet bij wat er al staat"


class MessageLapsed(CallerError):
    code, status, title = "BERICHT_VERVALLEN", 410, "Dit bericht is gewist of verlopen"


class TooLarge(CallerError):
    code, status, title = "TE_GROOT", 413, "Dit is te groot"


class MediaTypeUnknown(CallerError):
    code, status, title = "MEDIATYPE_ONBEKEND", 415, "Dit mediatype wordt hier niet gelezen"


class TooMany(CallerError):
    code, status, title = "TE_VEEL", 429, "Te veel verzoeken"


class LogUnavailable(HubError):
    code, status, title = "LOG_NIET_BESCHIKBAAR", 503, "Het logboek kan nu niet worden geschreven"


class PartUnavailable(HubError):
    code, status, title = "NIET_BESCHIKBAAR", 503, "Een onderdeel van de hub is nu niet beschikbaar"


class Unexpected(HubError):
    code, status, title = "INTERNE_FOUT", 500, "Er ging iets mis in de hub"


@dataclass(frozen=True, slots=True)
class Problem:
    """RFC 9457 problem details, before it is written as JSON."""

    title: str
    status: int
    code: str
    detail: str | None = None
    faults: tuple[Fault, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self, instance: str) -> dict[str, Any]:
        """The JSON members; ``instance`` names this occurrence (a URN), never a path with a ref in it."""
        members: dict[str, Any] = {
            "type": f"urn:doorstroomhub:probleem:{self.code.lower().replace('_', '-')}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "instance": instance,
            "code": self.code,
        }
        if self.status == 400:
            members["velden"] = [{"naam": f.name, "code": f.code, "reden": f.reason} for f in self.faults]
        return members | dict(self.extra)


def problem(error: ExchangeError) -> Problem:
    """The problem that an error tells its caller."""
    return Problem(error.title, error.status, error.outward_code, error.detail, error.faults, error.extra)
