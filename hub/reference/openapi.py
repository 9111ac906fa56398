"""The description of the API: OpenAPI 3.1 for ``/v1`` only, without login, from any origin (NL GOV ADR 2.2)."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response
from flask_smorest import Api, Blueprint

from hub.access.caller import Scope
from hub.intake.endpoint import PREFIX

API_VERSION: Final = "1.0.0"
_DESCRIPTION: Final = (
    "Berichten over praktijkleren tussen gemeenten, ontwikkelbedrijven, mbo-instellingen en sociale partners. Elk "
    "bericht wordt getoetst aan wet en toestemming; elke ontvanger krijgt alleen het deel dat mag. Elke fout is "
    "application/problem+json (RFC 9457) met een code."
)
_SCOPES: Final = {
    Scope.BERICHTEN_VERSTUREN: "berichten versturen en hun lot zien",
    Scope.BERICHTEN_ONTVANGEN: "berichten ophalen, bevestigen of laten bezorgen",
    Scope.KANDIDATEN_BEHEREN: "kandidaten registreren en trajecten openen",
    Scope.TOESTEMMINGEN_LEZEN: "eigen vastgelegde toestemmingen zien",
    Scope.TOESTEMMINGEN_BEHEREN: "toestemmingen vastleggen, intrekken en zaken beantwoorden",
    Scope.RECHTEN_GEHEEL: "het geheel zien als contactpunt van de regeling",
    Scope.LOGBOEK_LEZEN: "het bewijslogboek lezen",
    Scope.STUURINFORMATIE_LEZEN: "stuurinformatie lezen",
    Scope.BEHEER: "afspraken en organisaties beheren",
}


def describe(base_url: str, blueprints: Iterable[Blueprint]) -> dict[str, Any]:
    """The whole description. Paths stand without ``/v1``: that is part of the server's address."""
    app = Flask("description", static_folder=None)  # never served: flask-smorest describes what an app of its own has
    app.config.update(API_TITLE="Doorstroomhub", API_VERSION=API_VERSION, OPENAPI_VERSION="3.1.0")
    api = Api(app, spec_kwargs={"info": _info(base_url), "servers": [{"url": f"{base_url}{PREFIX}"}]})
    api.DEFAULT_ERROR_RESPONSE_NAME = None  # every operation names its own errors
    api.spec.components.header(
        "API-Version", {"description": "Volledig versienummer van de API", "schema": {"type": "string"}}
    )
    api.spec.components.security_scheme("oauth", _security(base_url))
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    described: dict[str, Any] = api.spec.to_dict()
    for unused in ("Error", "PaginationMetadata"):  # flask-smorest's own
        described["components"]["schemas"].pop(unused, None)
    described["paths"] = {path.removeprefix(PREFIX): item for path, item in described["paths"].items()}
    return described


def _info(base_url: str) -> dict[str, Any]:
    return {
        "description": _DESCRIPTION,
        "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        "contact": {"name": "Beheer van deze hub", "url": base_url, "email": f"beheer@{urlsplit(base_url).hostname}"},
    }


def _security(base_url: str) -> dict[str, Any]:
    scopes = {scope.value: text for scope, text in _SCOPES.items()}
    return {
        "type": "oauth2",
        "description": "client_credentials met private_key_jwt; zie /.well-known/oauth-authorization-server",
        "flows": {"clientCredentials": {"tokenUrl": f"{base_url}/oauth/token", "scopes": scopes}},
    }


def publish(app: Flask, base_url: str, blueprints: Sequence[Blueprint]) -> None:
    """Serve it at ``/v1/openapi.json``. Made at the first question: half a second that no start should wait for."""

    @cache
    def text() -> str:
        return json.dumps(describe(base_url, blueprints), ensure_ascii=False, indent=1)

    def openapi_json() -> Response:
        return Response(text(), headers={"Access-Control-Allow-Origin": "*"}, content_type="application/json")

    app.add_url_rule(f"{PREFIX}/openapi.json", view_func=openapi_json, methods=["GET"])
