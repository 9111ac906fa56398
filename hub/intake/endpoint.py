"""One call of the API, declared as data: how it is reached, who may call it, what goes in and out, and how it can fail.

From a table of these both the routes and the OpenAPI description are made, so that they cannot differ.

The order of every call: size (`reading.bound_size`), token, scope, machtiging, query, body, the view, the answer.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, current_app, g, request
from flask_smorest import Blueprint
from marshmallow import Schema

from contracts.errors import (
    ExchangeError,
    JsonInvalid,
    LogUnavailable,
    MediaTypeUnknown,
    NotFound,
    PartUnavailable,
    RefusalCode,
    Refused,
    RequestInvalid,
    ScopeMissing,
    TokenInvalid,
    TooLarge,
    Unexpected,
)
from hub.access.authenticate import Authenticator, require_keys, require_mandate
from hub.access.caller import Scope
from hub.intake import reading
from hub.intake.context import caller, hub
from hub.intake.problems import MEDIA_TYPE
from hub.intake.schemas import Probleem
from hub.store.database import glance

AUTHENTICATOR: Final = "authenticator"  # name in ``app.extensions``
PREFIX: Final = "/v1"
_SECURITY: Final = "oauth"

#: How an answer looks, for the description: a schema class, or a schema in OpenAPI terms.
Shape = type[Schema] | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation under ``/v1``.

    ``view`` is called by keyword with the path's parameters, and with ``query`` and ``body`` (loaded mappings) where
    schemas for them are named. It returns what ``out`` can dump, or that with a status, or that with a status and
    headers; a ``Response`` goes out as it is; with ``status`` 204 it returns ``None``.

    ``scope`` ``None``: any valid token; ``public``: none at all. ``scopes``: each of these lets in, and the view asks
    for the one that its part needs (`hub.intake.context.need`). ``reads``: with this scope, too, it may be asked: who
    reads all of the own organisation and changes nothing, as its FG does (AVG art. 39). ``decides``: the view asks for
    the machtiging itself, in its deciding transaction (`hub.access.authenticate.require_mandate`); all others are
    checked here, once per call.

    ``media`` (instead of ``body``) names the media types that the view reads itself with `reading.raw_body`, each with
    its schema in OpenAPI terms; ``answers`` are further successes by status, each with its schema (or None).
    With ``body_optional`` a call without a body reaches the view with ``None``.
    ``out_content`` (instead of ``out``) names the media types of which the view answers one, each with its schema.
    """

    method: str
    path: str
    view: Callable[..., Any]
    summary: str
    out: type[Schema] | None = None
    status: int = 200
    scope: Scope | None = None
    scopes: tuple[Scope, ...] = ()
    reads: Scope | None = None
    public: bool = False
    decides: bool = False
    body: type[Schema] | None = None
    body_optional: bool = False
    query: type[Schema] | None = None
    media: Mapping[str, Any] | None = None
    out_media: str = reading.JSON
    out_content: Mapping[str, Any] | None = None
    answers: Mapping[int, Shape | None] | None = None
    errors: tuple[type[ExchangeError], ...] = ()
    refusals: tuple[RefusalCode, ...] = ()
    description: str | None = None


def json_response(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer, in UTF-8 and without spaces."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, headers=dict(headers or {}), content_type=reading.JSON)


def blueprint(name: str, description: str, endpoints: Iterable[Endpoint]) -> Blueprint:
    """The routes of one subject, described under one tag."""
    made = Blueprint(name, __name__, url_prefix=PREFIX, description=description)
    for endpoint in endpoints:
        documented = made.doc(**_operation(endpoint))(_serve(endpoint))
        made.route(endpoint.path, methods=[endpoint.method], endpoint=_operation_id(endpoint))(documented)
    return made


def _serve(endpoint: Endpoint) -> Callable[..., Response]:
    """The view behind everything that comes before and after it."""
    body = endpoint.body() if endpoint.body else None
    query = endpoint.query() if endpoint.query else None
    out = endpoint.out() if endpoint.out else None

    def serve(**path: str) -> Response:
        if not endpoint.public:
            admit(endpoint.scope, decides=endpoint.decides, reads=endpoint.reads)
            if endpoint.scopes and caller().scopes.isdisjoint(endpoint.scopes):
                raise ScopeMissing
        parameters = reading.query(query)
        if not all(map(str.isprintable, path.values())):
            raise NotFound  # no id looks like this, and not every database takes a NUL
        given: dict[str, Any] = dict(path)
        if query is not None:
            given["query"] = parameters
        if body is not None:
            given["body"] = None if endpoint.body_optional and reading.no_body() else reading.json_body(body)
        return _answer(endpoint.view(**given), endpoint.status, out)

    return serve


def admit(scope: Scope | None, *, decides: bool = False, reads: Scope | None = None) -> None:
    """Let the caller of this request in, or raise ``TokenInvalid`` or ``ScopeMissing``. From here `caller` knows."""
    authenticator: Authenticator = current_app.extensions[AUTHENTICATOR]
    g.caller = authenticator.caller(request.headers.get("Authorization"))
    if reads is not None and scope not in caller().scopes:
        scope = reads
    g.scope = scope
    if scope is not None and scope not in caller().scopes:
        raise ScopeMissing
    with glance(hub().engine) as connection:
        if decides:
            require_keys(connection, caller())
        else:
            require_mandate(connection, caller(), hub().clock.now(), scope)


def _answer(result: Any, status: int, out: Schema | None) -> Response:
    if isinstance(result, Response):
        return result
    headers: Mapping[str, str] = {}
    if isinstance(result, tuple):
        result, status, *rest = result
        headers = rest[0] if rest else {}
    if out is None or status == 204:
        empty = Response(status=status, headers=dict(headers))
        del empty.headers["Content-Type"]  # there is nothing that could have a type (RFC 9110 §8.3)
        return empty
    return json_response(out.dump(result), status, headers)


def _operation_id(endpoint: Endpoint) -> str:
    return endpoint.view.__name__.lstrip("_")


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    """The operation in OpenAPI 3.1 terms (OAS 3.1 §4.8.10); schema classes are resolved by apispec."""
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "responses": _successes(endpoint) | _failures(endpoint),
        "security": [] if endpoint.public else [{_SECURITY: scopes} for scopes in _alternatives(endpoint)],
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.query:
        operation["parameters"] = [{"in": "query", "schema": endpoint.query}]
    if content := _request_content(endpoint):
        operation["requestBody"] = {"required": not endpoint.body_optional, "content": content}
    return operation


def _alternatives(endpoint: Endpoint) -> list[list[str]]:
    """The scopes of a token that lets in: one of several sets."""
    if endpoint.scopes:
        return [[scope.value] for scope in endpoint.scopes]
    return [[scope.value] for scope in (endpoint.scope, endpoint.reads) if scope is not None] or [[]]


def _request_content(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.body:
        return {reading.JSON: {"schema": endpoint.body}}
    return {media: {"schema": schema} for media, schema in (endpoint.media or {}).items()}


def _successes(endpoint: Endpoint) -> dict[str, Any]:
    schemas: dict[int, Shape | None] = {endpoint.status: endpoint.out, **(endpoint.answers or {})}
    described = {str(status): _success(schema, endpoint.out_media) for status, schema in schemas.items()}
    if endpoint.out_content is not None:
        content = {media: {"schema": schema} for media, schema in endpoint.out_content.items()}
        described[str(endpoint.status)]["content"] = content
    return described


def _success(schema: Shape | None, media: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": "Gelukt",
        "headers": {"API-Version": {"$ref": "#/components/headers/API-Version"}},
    }
    if schema is not None:
        answer["content"] = {media: {"schema": schema}}
    elif media != reading.JSON:
        answer["content"] = {media: {"schema": {"type": "string"}}}
    return answer


def _failures(endpoint: Endpoint) -> dict[str, Any]:
    """Every way in which the call can fail, by status, with its codes."""
    kinds: set[type[ExchangeError]] = {RequestInvalid, Unexpected, PartUnavailable, *endpoint.errors}
    if not endpoint.public:
        kinds |= {TokenInvalid, ScopeMissing}
    if endpoint.method != "GET":
        kinds.add(LogUnavailable)
    if endpoint.body or endpoint.media:
        kinds |= {JsonInvalid, MediaTypeUnknown, TooLarge}
    codes = {(kind.status, kind.code) for kind in kinds if kind is not Refused}
    codes |= {(Refused.status, code.value) for code in endpoint.refusals}
    by_status: dict[int, list[str]] = {}
    for status, code in sorted(codes):
        by_status.setdefault(status, []).append(code)
    return {
        str(status): {"description": ", ".join(found), "content": {MEDIA_TYPE: {"schema": Probleem}}}
        for status, found in by_status.items()
    }
