"""Every error as ``application/problem+json`` (RFC 9457): those of ``contracts.errors``, werkzeug and marshmallow."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from flask import Flask, Response, request
from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as SqlTimeout
from werkzeug.exceptions import HTTPException

from contracts.errors import (
    ExchangeError,
    Fault,
    MediaTypeUnknown,
    MethodUnknown,
    NotFound,
    PartUnavailable,
    RequestInvalid,
    TokenInvalid,
    TooLarge,
    Unexpected,
    problem,
)
from hub.intake.context import hub
from hub.store.writer import WriterStopped

_OAUTH_ERROR: Final = '{"error":"invalid_request"}'  # RFC 6749 §5.2, for what never reaches the token endpoint
MEDIA_TYPE: Final = "application/problem+json"
_BY_STATUS: Final[dict[int, type[ExchangeError]]] = {
    401: TokenInvalid,
    404: NotFound,
    405: MethodUnknown,
    413: TooLarge,
    415: MediaTypeUnknown,
}
#: marshmallow's own texts, as (code, Dutch reason). Anything else that is no ``Reason`` is told in general words.
_TEXTS: Final = {
    "Missing data for required field.": ("VERPLICHT", "dit veld is verplicht"),
    "Unknown field.": ("ONBEKEND_VELD", "dit veld bestaat hier niet"),
    "Field may not be null.": ("LEEG", "dit veld mag niet leeg zijn"),
    "Not a valid string.": ("GEEN_TEKST", "hier hoort tekst"),
    "Not a valid integer.": ("GEEN_GETAL", "hier hoort een geheel getal"),
    "Not a valid list.": ("GEEN_LIJST", "hier hoort een lijst"),
    "Not a valid boolean.": ("GEEN_JA_NEE", "hier hoort true of false"),
    "Not a valid date.": ("GEEN_DATUM", "hier hoort een datum (jjjj-mm-dd)"),
    "Invalid input type.": ("GEEN_OBJECT", "hier hoort een object"),
}
_GENERAL: Final = ("ONGELDIG", "deze waarde past hier niet")


class Reason(str):
    """A reason of our own in a ``ValidationError``: Dutch text without the value, with its code."""

    code: str

    def __new__(cls, code: str, text: str) -> "Reason":
        self = super().__new__(cls, text)
        self.code = code
        return self


def invalid(code: str, reason: str) -> ValidationError:
    """What a validator raises for one field: a code in capitals and a Dutch reason that does not repeat the value."""
    return ValidationError([Reason(code, reason)])


def faults(error: ValidationError) -> tuple[Fault, ...]:
    """The faults that marshmallow found, in order of place. What the caller made up is shown only if it is a name."""
    return tuple(sorted(_walk(error.messages, ""), key=lambda fault: (fault.name, fault.code)))


def _walk(messages: object, place: str) -> Iterator[Fault]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            yield from _walk(below, _join(place, key))
    elif isinstance(messages, (list, tuple)):
        for message in messages:
            yield from _walk(message, place)
    else:
        code, reason = (
            (messages.code, str(messages)) if isinstance(messages, Reason) else _TEXTS.get(str(messages), _GENERAL)
        )
        yield Fault(place, code, reason)


def _join(place: str, key: object) -> str:
    if isinstance(key, int):
        return f"{place}[{key}]"
    if key in ("_schema", "value"):
        return place
    name = str(key)
    known = name.isascii() and name.isalnum() and name[0].isalpha() and len(name) <= 40
    return ".".join(part for part in (place, name if known else "?") if part)


def respond(error: ExchangeError) -> Response:
    """The answer to an error. ``instance`` is a URN of its own (RFC 9457 §3.1.5), never the path that was called."""
    told = problem(error)
    if request.path.startswith("/oauth/"):
        return Response(_OAUTH_ERROR, told.status, headers=error.headers, content_type="application/json")
    instance = f"urn:uuid:{UUID(hub().new_id())}"
    body = json.dumps(told.body(instance), ensure_ascii=False, separators=(",", ":"))
    answer = Response(body, told.status, content_type=MEDIA_TYPE)
    if told.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750 §3
    answer.headers.update(error.headers)
    return answer


def _http_error(error: HTTPException) -> Response:
    """An error of Flask itself; its own headers (``Allow``) stay (RFC 9110 §15.5.6)."""
    status = error.code or 500
    if status < 400:  # a redirect is no error
        return Response(status=status, headers=error.get_headers())
    kind = _BY_STATUS.get(status, RequestInvalid if status < 500 else Unexpected)
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return respond(kind(headers=kept))


def _validation_error(error: ValidationError) -> Response:
    return respond(RequestInvalid(faults=faults(error)))


def _unexpected(error: Exception) -> Response:
    """Anything else is our fault. Telemetry tells its class and places only: its text may hold a body or a name."""
    route = str(request.url_rule) if request.url_rule else None
    structlog.get_logger().error("unexpected error", exc_info=error, method=request.method, route=route)
    return respond(Unexpected())


def _unavailable(error: Exception) -> Response:
    """The database refuses (full, locked, gone) or the hub is going down: nothing was done; it may be tried again."""
    structlog.get_logger().error("database refused", exc_info=error)
    return respond(PartUnavailable(headers={"Retry-After": "5"}))


def register(app: Flask) -> None:
    """Have ``app`` answer every error as a problem."""
    handlers: dict[type[Exception], Any] = {
        ExchangeError: respond,
        HTTPException: _http_error,
        ValidationError: _validation_error,
        OperationalError: _unavailable,
        SqlTimeout: _unavailable,
        WriterStopped: _unavailable,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.register_error_handler(kind, handler)
