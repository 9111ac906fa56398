"""The open side of access: metadata (RFC 8414), public keys (RFC 7517), and the token endpoint."""

from flask import Flask, Response

from hub.access.assertions import ALGORITHMS
from hub.access.caller import Scope
from hub.access.server import METHOD, TOKEN_PATH, TokenServer
from hub.intake.context import Hub
from hub.intake.endpoint import json_response

JWKS_PATH = "/.well-known/jwks.json"
_CACHE = {"Cache-Control": "public, max-age=300"}


def add(app: Flask, hub: Hub) -> None:
    """Add the three routes; they need no token and stand outside the described API."""
    server = TokenServer(app, hub)
    issuer = hub.settings.base_url

    def authorization_server() -> Response:
        return json_response(_metadata(issuer), headers=_CACHE)

    def jwks() -> Response:
        return json_response(hub.keyring.public_jwks(), headers=_CACHE)

    app.add_url_rule("/.well-known/oauth-authorization-server", view_func=authorization_server, methods=["GET"])
    app.add_url_rule(JWKS_PATH, view_func=jwks, methods=["GET"])
    app.add_url_rule(TOKEN_PATH, "oauth_token", server.answer, methods=["POST"])


def _metadata(issuer: str) -> dict[str, object]:
    """RFC 8414 §2. There is no authorization endpoint, so there are no response types."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}{TOKEN_PATH}",
        "jwks_uri": f"{issuer}{JWKS_PATH}",
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": [METHOD],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": [scope.value for scope in Scope],
    }
