"""Client assertions (private_key_jwt, RFC 7523 §3, OIDC Core §9): a system proves itself by a signed statement.

Pure. The algorithms are named one by one; nothing in the token chooses another, and no key of ours is ever tried.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from contracts.errors import JsonInvalid
from contracts.strict_json import parse

#: Algorithm → the kind of key that it takes. RFC 9864 calls EdDSA with this curve Ed25519; both names stand for it.
ALGORITHMS: Final[Mapping[str, type[Key]]] = {
    "RS256": RSAKey,
    "PS256": RSAKey,
    "ES256": ECKey,
    "EdDSA": OKPKey,
    "Ed25519": OKPKey,
}
LIFETIME: Final = timedelta(minutes=5)
_SKEW: Final = timedelta(seconds=10)  # of the client's clock, for `iat` and `nbf` only
_MOST_KEYS: Final = 10
_MOST_SIZE: Final = 8_192  # characters
_MOST_JTI: Final = 255
_CURVES: Final = frozenset({"P-256", "Ed25519"})
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class AssertionRefused(Exception):
    """This assertion proves nothing. The text (ASCII, for the client's developer) repeats nothing of it."""


class KeysUnusable(ValueError):
    """This JWK set cannot be registered for a system."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Who an assertion proved, and what makes it unique until it expires."""

    system: str
    jti_hash: bytes
    expires_at: datetime


class _Registry(JWSRegistry):
    """Exactly our algorithms. joserfc's own list warns about the name EdDSA, which partners still use (RFC 8037)."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError("this algorithm is not allowed")
        return self.algorithms[name]


def public_keys(jwks: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys of a system's JWK set (RFC 7517 §5).

    Raises ``KeysUnusable``: a private or shared key, RSA below 2048 bits, another curve than P-256 or Ed25519, two keys
    of one ``kid``, none or more than ten.
    """
    listed = jwks.get("keys")
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_KEYS:
        raise KeysUnusable(f"a key set holds 1 to {_MOST_KEYS} keys")
    keys = tuple(_public_key(one) for one in listed)
    kids = [one.get("kid") for one in listed if one.get("kid") is not None]
    if len(set(kids)) != len(kids):
        raise KeysUnusable("two keys bear the same kid")
    return keys


def _public_key(one: object) -> Key:
    if not isinstance(one, dict) or one.get("kty") not in ("RSA", "EC", "OKP"):
        raise KeysUnusable("a key is of kind RSA, EC or OKP")
    if _PRIVATE & one.keys():
        raise KeysUnusable("a key set holds public keys only")
    if one["kty"] != "RSA" and one.get("crv") not in _CURVES:
        raise KeysUnusable("a curve is P-256 or Ed25519")
    try:
        if one["kty"] == "RSA" and int.from_bytes(urlsafe_b64decode(one["n"] + "==")).bit_length() < 2048:
            raise KeysUnusable("an RSA key has at least 2048 bits")
        return KeySet.import_key_set({"keys": [one]}).keys[0]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise KeysUnusable("a key cannot be read") from error


def verify(
    assertion: str, find_keys: Callable[[str], Mapping[str, Any] | None], audiences: Collection[str], now: datetime
) -> Proven:
    """Who signed this assertion, at ``now``. ``find_keys`` gives a system's registered JWK set.

    ``iss`` = ``sub`` = the system, ``aud`` one of ``audiences``, ``exp`` ahead but at most five minutes, a ``jti``.
    Raises ``AssertionRefused``.
    """
    if len(assertion) > _MOST_SIZE or not assertion.isascii():
        raise AssertionRefused("the assertion is not a JWT")
    registry = _Registry()
    try:
        parts = jws.extract_compact(assertion.encode())
        header = dict(parts.headers())
        system = _claims(parts.payload).get("sub")
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AssertionRefused("the assertion is not a JWT") from error
    if header.get("alg") not in ALGORITHMS:
        raise AssertionRefused("the algorithm is not one of " + " ".join(ALGORITHMS))
    jwks = find_keys(system) if isinstance(system, str) else None
    if jwks is None or not isinstance(system, str):
        raise AssertionRefused("the client is not known here")
    for key in _candidates(jwks, header):
        try:
            claims = _claims(jws.deserialize_compact(assertion.encode(), key, registry=registry).payload)
        except (JoseError, ValueError, TypeError):
            continue  # not this key; the next may be it
        return _accepted(claims, system, audiences, now)
    raise AssertionRefused("the signature is not of a registered key")


def _claims(payload: bytes | None) -> Mapping[str, Any]:
    try:
        claims = parse(payload or b"").value  # a NumericDate may have a fraction
    except JsonInvalid as error:
        raise ValueError("not JSON") from error
    if not isinstance(claims, dict):
        raise ValueError("not an object")
    return claims


def _candidates(jwks: Mapping[str, Any], header: Mapping[str, Any]) -> Sequence[Key]:
    """The keys of the right kind; when the assertion names a key (``kid``), only that one."""
    kind = ALGORITHMS[header["alg"]]
    keys = [key for key in public_keys(jwks) if isinstance(key, kind)]
    return [key for key in keys if key.kid == header["kid"]] if "kid" in header else keys


def _accepted(claims: Mapping[str, Any], system: str, audiences: Collection[str], now: datetime) -> Proven:
    if claims.get("iss") != system:
        raise AssertionRefused("iss and sub are both the client id")
    given = claims.get("aud")
    named = given if isinstance(given, list) else [given]
    if not any(isinstance(one, str) and one in audiences for one in named):
        raise AssertionRefused("aud is the issuer or the token endpoint")
    expires = _instant(claims, "exp")
    if expires is None or not now < expires <= now + LIFETIME:
        raise AssertionRefused("exp lies ahead, at most five minutes")
    for name in ("iat", "nbf"):
        if (at := _instant(claims, name)) is not None and at > now + _SKEW:
            raise AssertionRefused(f"{name} lies ahead")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _MOST_JTI:
        raise AssertionRefused(f"jti is text of 1 to {_MOST_JTI} characters")
    return Proven(system, sha256(jti.encode()).digest(), expires)


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A NumericDate (RFC 7519 §2); ``None`` when it is absent."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 33:
        raise AssertionRefused(f"{name} is not a number of seconds")
    return datetime.fromtimestamp(value, UTC)
