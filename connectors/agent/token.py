"""Access tokens by private_key_jwt (RFC 7523 §2.2): a short assertion signed with the partner's own key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from connectors.agent.ports import Ports

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE: Final = 120  # seconds; the hub allows 300
_RENEW_BEFORE: Final = 60  # seconds before the token ends
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the agent is. ``key``: private JWK (RSA, EC P-256 or Ed25519) with a ``kid`` that the hub has registered."""

    base_url: str  # https://hub.example; http only on this machine
    client_id: str  # name of the systeem
    organisation: str  # OIN for which it acts
    key: Mapping[str, Any] = field(repr=False)
    scopes: tuple[str, ...]

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
            raise ValueError("het adres van de hub moet met https:// beginnen")

    @property
    def source(self) -> str:
        """The CloudEvents source of this partner's messages."""
        return f"urn:nld:oin:{self.organisation}:systeem:{self.client_id}"

    @property
    def token_endpoint(self) -> str:
        """Where tokens are asked, and the audience of the assertion."""
        return f"{self.base_url.rstrip('/')}/oauth/token"


#: Sends the form fields to the token endpoint; gives the token and its life in seconds.
Exchange = Callable[[Mapping[str, str]], tuple[str, float]]


def assertion(identity: Identity, ports: Ports) -> str:
    """A signed assertion, good for one use (``jti``)."""
    key = import_key(dict(identity.key))
    algorithm = _algorithm(key)
    now = int(ports.clock())
    claims = {
        "iss": identity.client_id,
        "sub": identity.client_id,
        "aud": identity.token_endpoint,
        "iat": now,
        "exp": now + _ASSERTION_LIFE,
        "jti": ports.token(),
    }
    header = {"alg": algorithm, "typ": "JWT"}
    if "kid" in identity.key:
        header["kid"] = identity.key["kid"]
    return jwt.encode(header, claims, key, algorithms=[algorithm])


class TokenSource:
    """Holds the current token; asks a new one a minute before it ends."""

    def __init__(self, identity: Identity, ports: Ports, exchange: Exchange) -> None:
        self._identity = identity
        self._ports = ports
        self._exchange = exchange
        self._token: str | None = None
        self._until = 0.0

    def get(self) -> str:
        """A token that is still good for a while. Raises what ``exchange`` raises."""
        if self._token is None or self._ports.clock() >= self._until - _RENEW_BEFORE:
            token, life = self._exchange(
                {
                    "grant_type": "client_credentials",
                    "client_assertion_type": ASSERTION_TYPE,
                    "client_assertion": assertion(self._identity, self._ports),
                    "organisatie": self._identity.organisation,
                    "scope": " ".join(self._identity.scopes),
                }
            )
            self._token, self._until = token, self._ports.clock() + life
        return self._token

    def drop(self) -> None:
        """Forget the token: the hub no longer takes it."""
        self._token = None


def _algorithm(key: object) -> str:
    if isinstance(key, RSAKey):
        return "PS256"
    if isinstance(key, ECKey) and key.curve_name == "P-256":
        return "ES256"
    if isinstance(key, OKPKey) and key.curve_name == "Ed25519":
        return "Ed25519"  # RFC 9864; "EdDSA" is its older name
    raise ValueError("de sleutel moet RSA, EC P-256 of Ed25519 zijn")
