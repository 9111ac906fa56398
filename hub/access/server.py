"""The authorization server: client_credentials with private_key_jwt (RFC 6749 §4.4, RFC 7523). Alone in using Authlib.

Every answer is JSON with ``Cache-Control: no-store`` (RFC 6749 §5); errors are those of §5.2 and repeat nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import (
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from contracts.identity import Oin
from hub.access import tokens
from hub.access.assertions import AssertionRefused, Proven, verify
from hub.intake.context import Hub
from hub.store.database import reading
from hub.store.locks import Locks
from hub.store.region.access import UsedAssertion, remember_assertions
from hub.store.region.parties import Mandate, keys_digest, mandates_in_force, system_by_name

TOKEN_PATH: Final = "/oauth/token"
METHOD: Final = "private_key_jwt"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Client:
    """A proven system, and after validation the grant that it is given. Speaks Authlib's client protocol."""

    name: str
    mandates: tuple[Mandate, ...]
    keys: str | None = None
    grant: tokens.Grant | None = None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Systems have keys, never secrets."""
        return method == METHOD and endpoint == "token"

    def check_grant_type(self, grant_type: str) -> bool:
        """There is no other grant."""
        return grant_type == ClientCredentialsGrant.GRANT_TYPE


class _Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]  # noqa: RUF012 - as Authlib declares it

    def validate_requested_scope(self) -> None:
        """Find the organisation and the scopes; what is not granted is refused, never left out in silence."""
        client = cast(Client, self.request.client)
        organisation = _organisation(client, request.form.get("organisatie"))
        granted = frozenset[str]().union(*(m.scopes for m in client.mandates if m.organisation == organisation))
        asked = frozenset((request.form.get("scope") or "").split())
        if not asked <= granted:
            raise InvalidScopeError("a scope is not granted to this client for this organisation")
        client.grant = tokens.Grant(client.name, organisation, asked or granted, client.keys)


def _organisation(client: Client, asked: str | None) -> Oin:
    known = {m.organisation for m in client.mandates if m.scopes}
    if not known:
        raise UnauthorizedClientError("the client acts for no organisation")
    if not asked:
        if len(known) > 1:
            raise InvalidRequestError("the client acts for more than one organisation: name one in organisatie")
        return next(iter(known))
    if asked not in known:
        raise UnauthorizedClientError("the client does not act for this organisation")
    return Oin(asked)


class TokenServer(AuthorizationServer):
    """Issues tokens for one hub."""

    def __init__(self, app: Flask, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        self._issuer = hub.settings.base_url
        self.init_app(app, query_client=self._client, save_token=_keep_nothing)
        self.register_client_auth_method(METHOD, self._authenticate)
        self.register_token_generator("default", cast(Any, self._generate))
        self.register_grant(_Grant)

    def answer(self) -> Response:
        """The answer to one request at the token endpoint."""
        try:
            _well_formed()
            response = cast(Response, self.create_token_response())
        except OAuth2Error as error:
            response = self.handle_response(*error())
        except HTTPException as error:
            response = self.handle_response(*_unreadable(error)())
        response.headers["Cache-Control"] = "no-store"
        return response

    def _client(self, name: str) -> Client:
        with reading(self._hub.engine) as connection:
            return Client(name, tuple(mandates_in_force(connection, name, self._hub.clock.now())))

    def _keys(self, name: str) -> Mapping[str, Any] | None:
        """The keys of a system that is there and not suspended."""
        with reading(self._hub.engine) as connection:
            found = system_by_name(connection, name)
        if found is None or (found.suspended_at is not None and found.suspended_at <= self._hub.clock.now()):
            return None
        return found.jwks

    def _authenticate(self, query_client: Any, oauth_request: Any) -> Client:
        form = request.form
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            raise InvalidClientError("authenticate with private_key_jwt")
        audiences = (self._issuer, self._issuer + TOKEN_PATH)
        # Those by which it was proven, not those that are there a moment later.
        used: list[Mapping[str, Any]] = []
        try:
            proven = verify(form["client_assertion"], self._noting(used), audiences, self._hub.clock.now())
        except AssertionRefused as error:
            raise InvalidClientError(str(error)) from error
        if form.get("client_id") not in (None, "", proven.system):
            raise InvalidClientError("client_id is not the sub of the assertion")
        if not self._first_use(proven):
            raise InvalidClientError("this jti was used before")
        client: Client = query_client(proven.system)
        client.keys = keys_digest(used[-1])
        return client

    def _noting(self, used: list[Mapping[str, Any]]) -> Callable[[str], Mapping[str, Any] | None]:
        def find(name: str) -> Mapping[str, Any] | None:
            found = self._keys(name)
            used.extend([] if found is None else [found])
            return found

        return find

    def _first_use(self, proven: Proven) -> bool:
        used = UsedAssertion(proven.system, proven.jti_hash, proven.expires_at)
        # After this commit the assertion is spent, also if the answer is lost: the client makes a new one.
        # Two processes that are shown the same ones in another order would else wait for each other.
        lock = Locks(exclusive=frozenset({f"jti/{used.jti_hash.hex()}"}))
        return self._hub.writer.do(remember_assertions, used, lock)

    def _generate(self, client: Client, **_: Any) -> dict[str, Any]:
        assert client.grant is not None  # set by validation, without which no token is made
        now, jti = self._hub.clock.now(), self._hub.new_id()
        return {
            "token_type": "Bearer",
            "access_token": tokens.issue(self._hub.keyring.token_key, self._issuer, client.grant, now, jti),
            "expires_in": int(tokens.LIFETIME.total_seconds()),
            "scope": " ".join(sorted(client.grant.scopes)),
        }


def _keep_nothing(token: Mapping[str, Any], oauth_request: object) -> None:
    """Tokens are checked by their signature; none is stored."""


def _well_formed() -> None:
    """RFC 6749 §3.2: a form, nothing in the query, each parameter once, the one grant type."""
    if request.mimetype != _FORM or request.args:
        raise InvalidRequestError("send the parameters as application/x-www-form-urlencoded in the body")
    if any(len(values) > 1 for values in request.form.to_dict(flat=False).values()):
        raise InvalidRequestError("a parameter stands there twice")
    if not request.form.get("grant_type"):
        raise InvalidRequestError("grant_type is missing")
    if request.form["grant_type"] != ClientCredentialsGrant.GRANT_TYPE:
        raise UnsupportedGrantTypeError(ClientCredentialsGrant.GRANT_TYPE)


def _unreadable(error: HTTPException) -> OAuth2Error:
    if isinstance(error, RequestEntityTooLarge):
        return InvalidRequestError("the request is too large", status_code=413)
    return InvalidRequestError("the request cannot be read")
