"""Access tokens: JWTs after RFC 9068, signed by the token key (ES256), for this hub alone, for fifteen minutes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from contracts.errors import TokenInvalid
from contracts.identity import Oin, oin
from hub.keys.keyring import TOKEN_ALGORITHM

LIFETIME: Final = timedelta(minutes=15)
KEYS: Final = "sleutels"  # a claim of our own
TYPE: Final = "at+jwt"  # RFC 9068 §2.1
_MOST_SIZE: Final = 4_096  # characters; ours are about 600


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: this system acts for this organisation, within these scopes.

    ``keys``: the key set of the system by which it was asked (``keys_digest``). Once the system has another, the token
    is refused, whatever the second in which either was made; ``None``: a token of before tokens said so.
    """

    system: str
    organisation: Oin
    scopes: frozenset[str]
    keys: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A token that proved genuine and in time, and until when."""

    grant: Grant
    expires_at: datetime


def issue(key: ECKey, issuer: str, grant: Grant, now: datetime, jti: str) -> str:
    """A new token (RFC 9068 §2.2). ``aud`` is the hub itself, the only one that reads it."""
    header = {"alg": TOKEN_ALGORITHM, "kid": key.kid, "typ": TYPE}
    claims = {
        "iss": issuer,
        "aud": issuer,
        "sub": grant.system,
        "client_id": grant.system,
        "org": grant.organisation,
        "scope": " ".join(sorted(grant.scopes)),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "jti": jti,
    }
    if grant.keys is not None:
        claims[KEYS] = grant.keys
    return jwt.encode(header, claims, key, algorithms=[TOKEN_ALGORITHM])


def check(token: str, key: ECKey, issuer: str, now: datetime) -> Checked:
    """What a token says, if it is ours and in time (RFC 9068 §4). Raises ``TokenInvalid``, whatever is wrong."""
    if len(token) > _MOST_SIZE or not token.isascii():
        raise TokenInvalid
    try:
        decoded = jwt.decode(token, key, algorithms=[TOKEN_ALGORITHM])
        return _checked(decoded.header, decoded.claims, issuer, now)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise TokenInvalid from None


def _checked(header: dict[str, Any], claims: dict[str, Any], issuer: str, now: datetime) -> Checked:
    audience = claims["aud"]
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    ours = header.get("typ") == TYPE and claims["iss"] == issuer and audience == issuer
    if not ours or not now < expires or claims["client_id"] != claims["sub"]:
        raise TokenInvalid
    keys = None if KEYS not in claims else str(claims[KEYS])
    grant = Grant(str(claims["client_id"]), oin(claims["org"]), _scopes(claims["scope"].split(" ")), keys)
    return Checked(grant, expires)


def _scopes(words: Collection[str]) -> frozenset[str]:
    if not all(words):
        raise ValueError("an empty scope")
    return frozenset(words)
