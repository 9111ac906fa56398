"""Client assertions: each allowed algorithm is accepted, and everything that proves nothing is refused."""

import hmac
import json
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from hub.access.assertions import ALGORITHMS, AssertionRefused, KeysUnusable, Proven, public_keys, verify

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ISSUER = "https://hub.example.nl"
AUDIENCES = (ISSUER, f"{ISSUER}/oauth/token")
RSA, EC, OKP = RSAKey.generate_key(2048), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")
KEYS = {"RS256": RSA, "PS256": RSA, "ES256": EC, "EdDSA": OKP, "Ed25519": OKP}
Key = RSAKey | ECKey | OKPKey


def jwks(*keys: Key) -> dict[str, Any]:
    return {"keys": [dict(key.as_dict(private=False)) | {"kid": key.thumbprint()} for key in keys]}


def claims(**changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "iss": "werkstap",
        "sub": "werkstap",
        "aud": ISSUER,
        "exp": int((NOW + timedelta(minutes=1)).timestamp()),
        "jti": "een-keer",
    } | changed
    return {name: value for name, value in made.items() if value is not None}


def signed(alg: str, key: Key, said: Mapping[str, Any], **header: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joserfc's view of the name EdDSA
        return jwt.encode({"alg": alg} | header, dict(said), key, algorithms=[alg])


def check(assertion: str, *keys: Key) -> Proven:
    known = jwks(*(keys or (RSA, EC, OKP)))
    return verify(assertion, lambda name: known if name == "werkstap" else None, AUDIENCES, NOW)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_allowed_algorithm_proves_the_system(alg: str) -> None:
    proven = check(signed(alg, KEYS[alg], claims()))
    assert (proven.system, proven.expires_at) == ("werkstap", NOW + timedelta(minutes=1))


def test_the_lists_are_exactly_those_that_were_agreed() -> None:
    assert set(ALGORITHMS) == {"RS256", "PS256", "ES256", "EdDSA", "Ed25519"}


def test_a_kid_chooses_the_key_and_another_jti_is_another_assertion() -> None:
    other = ECKey.generate_key("P-256")
    assertion = signed("ES256", other, claims(), kid=other.thumbprint())
    assert check(assertion, EC, other).system == "werkstap"
    with pytest.raises(AssertionRefused, match="signature"):
        check(signed("ES256", other, claims(), kid=EC.thumbprint()), EC, other)
    assert check(assertion, other).jti_hash != check(signed("ES256", other, claims(jti="twee")), other).jti_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "een-ander"},
        {"iss": None},
        {"sub": "onbekend", "iss": "onbekend"},
        {"sub": None},
        {"sub": ["werkstap"]},
        {"aud": "https://elders.example.nl"},
        {"aud": None},
        {"aud": []},
        {"aud": [["https://hub.example.nl"]]},
        {"exp": None},
        {"exp": int(NOW.timestamp())},
        {"exp": int((NOW - timedelta(seconds=1)).timestamp())},
        {"exp": int((NOW + timedelta(seconds=301)).timestamp())},
        {"exp": "morgen"},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": int((NOW + timedelta(minutes=1)).timestamp())},
        {"iat": int((NOW + timedelta(minutes=1)).timestamp())},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 256},
    ],
    ids=str,
)
def test_refuses_wrong_claims(changed: dict[str, Any]) -> None:
    assert check(signed("ES256", EC, claims())).system == "werkstap"  # control: without the change it is accepted
    with pytest.raises(AssertionRefused) as refused:
        check(signed("ES256", EC, claims(**changed)))
    assert str(refused.value).isascii()


@pytest.mark.parametrize("aud", [AUDIENCES[1], [AUDIENCES[0]], ["https://elders.example.nl", AUDIENCES[1]]], ids=str)
def test_accepts_issuer_or_token_endpoint_as_audience(aud: Any) -> None:
    assert check(signed("ES256", EC, claims(aud=aud))).system == "werkstap"


def test_exp_may_be_exactly_five_minutes_ahead() -> None:
    assert check(signed("ES256", EC, claims(exp=int((NOW + timedelta(minutes=5)).timestamp())))).system == "werkstap"


def _part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_refuses_alg_none_and_a_public_key_as_shared_secret() -> None:
    unsigned = f"{_part({'alg': 'none'})}.{_part(claims())}."
    with pytest.raises(AssertionRefused, match="algorithm"):
        check(unsigned)
    for public in (RSA.as_pem(private=False), EC.as_pem(private=False)):
        text = f"{_part({'alg': 'HS256'})}.{_part(claims())}"
        mac = urlsafe_b64encode(hmac.digest(public, text.encode(), "sha256")).rstrip(b"=").decode()
        with pytest.raises(AssertionRefused, match="algorithm"):
            check(f"{text}.{mac}")


def test_refuses_an_algorithm_that_is_not_listed_or_another_kind_of_key() -> None:
    for alg, key in (("RS512", RSA), ("ES384", ECKey.generate_key("P-384"))):
        with pytest.raises(AssertionRefused, match="algorithm"):
            check(signed(alg, key, claims()))
    with pytest.raises(AssertionRefused, match="signature"):
        check(signed("ES256", EC, claims()), RSA)


@pytest.mark.parametrize(
    "assertion",
    [
        "",
        ".",
        "a.b.c",
        "é.é.é",
        "x" * 9000,
        f"{_part(['alg'])}.{_part({})}.",
        f"{_part({'alg': 'ES256'})}.{_part([1])}.AA",
    ],
)
def test_refuses_what_is_no_jwt(assertion: str) -> None:
    with pytest.raises(AssertionRefused):
        check(assertion)


def test_deeply_nested_parts_break_nothing() -> None:
    deep = urlsafe_b64encode(b"[" * 2000 + b"]" * 2000).rstrip(b"=").decode()
    for assertion in (f"{deep}.{_part(claims())}.AA", f"{_part({'alg': 'ES256'})}.{deep}.AA"):
        with pytest.raises(AssertionRefused):
            check(assertion)


def test_refuses_a_payload_that_says_one_thing_twice() -> None:
    payload = json.dumps(claims())[:-1] + ', "sub": "een-ander"}'
    parts = f"{_part({'alg': 'ES256'})}.{urlsafe_b64encode(payload.encode()).rstrip(b'=').decode()}"
    with pytest.raises(AssertionRefused, match="not a JWT"):
        check(f"{parts}.AA")


def test_a_refusal_repeats_nothing() -> None:
    marked = claims(iss="KANARIE", sub="KANARIE", aud="KANARIE", jti="KANARIE")
    for assertion in (signed("ES256", EC, marked), signed("ES256", EC, marked | {"sub": "werkstap"})):
        with pytest.raises(AssertionRefused) as refused:
            check(assertion)
        assert "KANARIE" not in str(refused.value)


@pytest.mark.parametrize(
    "keys",
    [
        None,
        [],
        "x",
        ["x"],
        [{"kty": "oct", "k": "AAAA"}],
        [{"kty": "EC"}],
        [dict(EC.as_dict(private=True))],
        [{"kty": "RSA", "e": "AQAB", "n": urlsafe_b64encode(b"\xff" * 128).decode()}],
        [dict(ECKey.generate_key("P-384").as_dict(private=False))],
        [dict(OKPKey.generate_key("X25519").as_dict(private=False))],
        [dict(EC.as_dict(private=False)) | {"kid": "a"}, dict(OKP.as_dict(private=False)) | {"kid": "a"}],
        [dict(EC.as_dict(private=False))] * 11,
    ],
)
def test_key_sets_that_cannot_be_registered(keys: Any) -> None:
    assert len(public_keys(jwks(RSA, EC, OKP))) == 3
    with pytest.raises(KeysUnusable):
        public_keys({"keys": keys})
