"""Access over HTTP on a real database: metadata, tokens, what a token opens, and the frame of every answer."""

import hmac
import io
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from marshmallow import Schema, fields
from openapi_spec_validator import validate
from sqlalchemy import Engine, func, select
from werkzeug.test import TestResponse

import consent.log.tables
import consent.store.tables
import hub.store.tables
from consent.log import ledger, sequencer
from consent.log.note import Verifier, open_checkpoint
from consent.log.signer import Signer
from consent.store.metadata import metadata
from contracts.identity import Oin, Role
from hub.access.caller import Scope
from hub.app import make_app
from hub.intake import reading as frame
from hub.intake.endpoint import Endpoint
from hub.intake.schemas import Instant, oin_field, ref_field, text_field
from hub.keys import keyring
from hub.machine.clock import SystemClock
from hub.machine.ids import Ids
from hub.store.database import open_engine, reading
from hub.store.region.access import Asker, UsedAssertion, mandate_facts, remember_assertions
from hub.store.region.parties import (
    Mandate,
    Organisation,
    System,
    end_mandate,
    insert_mandate,
    insert_organisation,
    insert_system,
    suspend_organisation,
)
from hub.store.tables import client_assertion, system
from hub.store.writer import Transactions, Writer, single
from tests.samples import GEMEENTE, GEMEENTE_2, KRINGLOOP

BASE = "https://hub.example.nl"
ORIGIN = "hub.example.nl/bewijslogboek"
_TABLES = (consent.log.tables, consent.store.tables, hub.store.tables)  # importing them registers what is created below


class MovableClock:
    """The machine's clock, moved by ``ahead``."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.ahead.total_seconds()


class Echo(Schema):
    """A body with every building block."""

    oin = oin_field(required=True)
    ref = ref_field()
    naam = text_field(20)
    op = Instant()
    aantal = fields.Integer(strict=True)


class EchoQuery(Schema):
    soort = fields.String()


def echo(query: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[Mapping[str, Any], int]:
    return body, 201


def breekt(ref: str) -> None:
    raise RuntimeError(f"inhoud van {ref}")


def lees() -> dict[str, Any]:
    kind, raw = frame.raw_body(frame.EVENT, frame.EVENT_BATCH)
    return {"naam": f"{kind[-6:]} {len(raw)}"}


TRIAL = (
    Endpoint(method="POST", path="/echo", view=echo, summary="Echo", body=Echo, query=EchoQuery, out=Echo, status=201),
    Endpoint(method="GET", path="/breekt/<ref>", view=breekt, summary="Breekt", public=True, out=Echo),
    Endpoint(
        method="POST",
        path="/lees",
        view=lees,
        summary="Leest",
        scope=Scope.BERICHTEN_VERSTUREN,
        media={frame.EVENT: {"type": "object"}, frame.EVENT_BATCH: {"type": "array"}},
        out=Echo,
    ),
)


@dataclass(slots=True)
class Partner:
    """A system with its key, as it runs at a partner: it knows the base URL and its own key."""

    client: FlaskClient
    clock: MovableClock
    name: str = "werkplein"
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def jwks(self) -> dict[str, Any]:
        return {"keys": [dict(self.key.as_dict(private=False)) | {"kid": self.key.thumbprint()}]}

    def assertion(self, **changed: Any) -> str:
        exp = int((self.clock.now() + timedelta(minutes=2)).timestamp())
        said = {"iss": self.name, "sub": self.name, "aud": BASE, "exp": exp, "jti": uuid4().hex} | changed
        return jwt.encode({"alg": "ES256"}, said, self.key, algorithms=["ES256"])

    def ask(self, assertion: str | None = None, **form: str) -> TestResponse:
        whole = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion or self.assertion(),
        } | form
        return self.client.post("/oauth/token", data={name: value for name, value in whole.items() if value != "-"})

    def token(self, **form: str) -> str:
        answer = self.ask(**form)
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["access_token"])

    def headers(self, **form: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(**form)}"}


@dataclass(slots=True)
class World:
    """One small hub on SQLite, with all that its views reach."""

    engine: Engine
    transactions: Transactions
    writer: Writer
    clock: MovableClock
    keyring: keyring.Keyring
    client: FlaskClient
    partner: Partner
    readiness: dict[str, Callable[[], bool]]

    def mandate(
        self, organisation: str, *scopes: str, kinds: frozenset[str] | None = None, name: str = "werkplein"
    ) -> str:
        made = uuid4().hex
        value = Mandate(made, Oin(organisation), name, frozenset(scopes), kinds, None, self.clock.now())
        single(self.transactions, lambda tx: insert_mandate(tx.connection, value))
        return made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    engine = open_engine(f"sqlite:///{tmp_path}/hub.db")
    metadata.create_all(engine)
    clock = MovableClock()
    transactions = Transactions(engine, clock)
    writer = Writer(transactions)
    writer.start()
    keyring.init(tmp_path / "keys", os.urandom)
    keys = keyring.load(tmp_path / "keys")
    readiness: dict[str, Callable[[], bool]] = {"database": lambda: True}
    parts = SimpleNamespace(
        settings=SimpleNamespace(base_url=BASE, threads=16),
        engine=engine,
        writer=writer,
        clock=clock,
        new_id=Ids(clock, os.urandom),
        random=os.urandom,
        keyring=keys,
        key_store=None,
        log_origin=ORIGIN,
        log_archives={},
        readiness=readiness,
    )
    client = make_app(parts, [("proef", "Alleen in tests", TRIAL)]).test_client()  # type: ignore[arg-type]
    partner = Partner(client, clock)
    made = World(engine, transactions, writer, clock, keys, client, partner, readiness)
    now = clock.now()

    def fill(tx: Any) -> None:
        for oin, role in ((GEMEENTE, Role.GEMEENTE), (GEMEENTE_2, Role.GEMEENTE), (KRINGLOOP, Role.KRINGLOOP)):
            insert_organisation(tx.connection, Organisation(Oin(oin), f"Voorbeeld {oin[-5:]}", role, None, now))
        insert_system(tx.connection, System("werkplein", partner.jwks(), now))

    single(transactions, fill)
    yield made
    writer.stop()
    engine.dispose()


SEND, RECEIVE = Scope.BERICHTEN_VERSTUREN.value, Scope.BERICHTEN_ONTVANGEN.value


def refused(answer: TestResponse, code: str, status: int = 400) -> None:
    """An error of the token endpoint after RFC 6749 §5.2."""
    assert (answer.status_code, answer.get_json()["error"]) == (status, code), answer.text
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.get_json()) <= {"error", "error_description"}


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """An error under ``/v1`` after RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    told: dict[str, Any] = json.loads(answer.data)
    assert (told["status"], told["code"]) == (status, code)
    assert {"type", "title", "detail", "instance"} <= told.keys()
    assert told["instance"].startswith("urn:uuid:")
    assert ("velden" in told) is (status == 400)
    return told


class TestDiscovery:
    def test_metadata_names_what_is_there(self, world: World) -> None:
        told = world.client.get("/.well-known/oauth-authorization-server").get_json()
        assert told["issuer"] == BASE
        assert told["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert set(told["token_endpoint_auth_signing_alg_values_supported"]) == {
            "RS256",
            "PS256",
            "ES256",
            "EdDSA",
            "Ed25519",
        }
        assert set(told["scopes_supported"]) == {scope.value for scope in Scope}
        assert told["jwks_uri"].startswith(BASE)
        assert world.client.get(told["jwks_uri"].removeprefix(BASE)).status_code == 200

    def test_a_token_verifies_with_the_published_keys(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND, RECEIVE)
        answer = world.partner.ask(scope=SEND)
        assert answer.headers["Cache-Control"] == "no-store"
        body = answer.get_json()
        assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, SEND)
        keys = KeySet.import_key_set(world.client.get("/.well-known/jwks.json").get_json())
        token = jwt.decode(body["access_token"], keys, algorithms=["ES256"])
        assert token.header["typ"] == "at+jwt"
        claims = token.claims
        assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == (
            BASE,
            BASE,
            "werkplein",
            "werkplein",
        )
        assert (claims["org"], claims["scope"], claims["exp"] - claims["iat"]) == (GEMEENTE, SEND, 900)
        assert len(claims["jti"]) == 32


class TestTokenEndpoint:
    def test_an_ungranted_scope_is_refused_and_never_left_out(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        for scope in (RECEIVE, f"{SEND} {RECEIVE}", "onzin", f"{SEND} beheer"):
            refused(world.partner.ask(scope=scope), "invalid_scope")
        assert world.partner.ask(scope=SEND).status_code == 200

    def test_without_scope_it_is_all_that_is_granted(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND, RECEIVE)
        assert world.partner.ask().get_json()["scope"] == f"{RECEIVE} {SEND}"
        assert world.partner.ask(scope="").get_json()["scope"] == f"{RECEIVE} {SEND}"

    def test_a_system_for_several_organisations_names_one(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        world.mandate(GEMEENTE_2, RECEIVE)
        refused(world.partner.ask(scope=SEND), "invalid_request")
        refused(world.partner.ask(organisatie=KRINGLOOP), "unauthorized_client")
        refused(world.partner.ask(organisatie=GEMEENTE, scope=RECEIVE), "invalid_scope")
        answer = world.partner.ask(organisatie=GEMEENTE_2)
        claims = jwt.decode(answer.get_json()["access_token"], world.keyring.token_public, algorithms=["ES256"]).claims
        assert (claims["org"], claims["scope"]) == (GEMEENTE_2, RECEIVE)

    def test_without_a_machtiging_there_is_no_token(self, world: World) -> None:
        refused(world.partner.ask(), "unauthorized_client")
        mandate = world.mandate(GEMEENTE, SEND)
        assert world.partner.ask().status_code == 200
        single(world.transactions, lambda tx: end_mandate(tx.connection, mandate, tx.now))
        refused(world.partner.ask(), "unauthorized_client")

    def test_a_jti_serves_once_also_after_a_refusal(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        assertion = world.partner.assertion()
        assert world.partner.ask(assertion).status_code == 200
        refused(world.partner.ask(assertion), "invalid_client")
        spent = world.partner.assertion()
        refused(world.partner.ask(spent, scope="onzin"), "invalid_scope")
        refused(world.partner.ask(spent), "invalid_client")

    def test_a_used_jti_is_forgotten_only_well_after_its_assertion_expired(self, world: World) -> None:
        used = UsedAssertion("werkplein", b"x" * 32, world.clock.now() + timedelta(minutes=5))
        assert world.writer.do(remember_assertions, used) is True
        world.clock.ahead = timedelta(minutes=14, seconds=50)
        assert world.writer.do(remember_assertions, used) is False
        world.clock.ahead = timedelta(minutes=15, seconds=10)
        assert world.writer.do(remember_assertions, UsedAssertion("ander", b"y" * 32, world.clock.now())) is True
        with reading(world.engine) as connection:
            assert connection.scalar(select(func.count()).select_from(client_assertion)) == 1

    def test_a_jti_serves_once_on_postgresql_too(self, postgres_url: str) -> None:
        engine = open_engine(postgres_url)
        client_assertion.create(engine)
        transactions = Transactions(engine, SystemClock())
        writers = [Writer(transactions), Writer(transactions)]
        for writer in writers:
            writer.start()
        expires = SystemClock().now() + timedelta(minutes=5)
        for number in range(50):
            used = UsedAssertion("werkplein", number.to_bytes(32, "big"), expires)
            asked = [writer.begin(remember_assertions, used) for writer in writers]
            assert sorted(each.result() for each in asked) == [False, True]
        for writer in writers:
            writer.stop()
        engine.dispose()

    def test_bad_assertions_are_invalid_client_and_leave_nothing(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        past = int((world.clock.now() - timedelta(seconds=5)).timestamp())
        far = int((world.clock.now() + timedelta(minutes=10)).timestamp())
        stranger = Partner(world.client, world.clock)
        bad = [
            world.partner.assertion(aud="https://elders.example.nl"),
            world.partner.assertion(exp=past),
            world.partner.assertion(exp=far),
            world.partner.assertion(iss="een-ander"),
            world.partner.assertion(sub="een-ander", iss="een-ander"),
            stranger.assertion(),
            unsigned(world.partner),
            by_public_key(world),
            "x.y.z",
        ]
        for assertion in bad:
            refused(world.partner.ask(assertion), "invalid_client")
        refused(world.partner.ask(client_id="een-ander"), "invalid_client")
        refused(world.partner.ask(client_assertion_type="iets"), "invalid_client")
        refused(world.partner.ask(client_assertion="-"), "invalid_client")
        with reading(world.engine) as connection:
            assert connection.scalar(select(func.count()).select_from(client_assertion)) == 0

    def test_a_suspended_system_is_no_client(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        single(world.transactions, lambda tx: tx.connection.execute(system.update().values(suspended_at=tx.now)))
        refused(world.partner.ask(), "invalid_client")

    def test_malformed_requests(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        refused(world.partner.ask(grant_type="-"), "invalid_request")
        refused(world.partner.ask(grant_type='KANARIE"é'), "unsupported_grant_type")
        refused(world.client.post("/oauth/token", json={"grant_type": "client_credentials"}), "invalid_request")
        refused(world.client.post("/oauth/token?grant_type=client_credentials", data={"x": "y"}), "invalid_request")
        refused(world.client.post("/oauth/token", data={"grant_type": ["client_credentials"] * 2}), "invalid_request")
        for mark in ("scope", "organisatie", "client_id", "client_assertion"):
            answer = world.partner.ask(**{mark: 'KANARIE"é'})
            assert answer.status_code == 400
            assert "KANARIE" not in answer.text

    def test_too_large_and_wrong_method(self, world: World) -> None:
        answer = world.client.post("/oauth/token", data={"grant_type": "x" * 70_000})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (413, "no-store")
        assert answer.get_json() == {"error": "invalid_request"}
        answer = world.client.get("/oauth/token")
        assert (answer.status_code, sorted(answer.headers["Allow"].split(", "))) == (405, ["OPTIONS", "POST"])
        refused(answer, "invalid_request", 405)


def _part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(partner: Partner) -> str:
    return f"{_part({'alg': 'none'})}.{partner.assertion().split('.')[1]}."


def by_public_key(world: World, claims: str | None = None, typ: str = "JWT") -> str:
    """HS256 over the published token key, in the form in which a careless verifier would take it."""
    pem = world.keyring.token_public.as_pem(private=False)
    text = f"{_part({'alg': 'HS256', 'typ': typ})}.{claims or world.partner.assertion().split('.')[1]}"
    return f"{text}.{urlsafe_b64encode(hmac.digest(pem, text.encode(), 'sha256')).rstrip(b'=').decode()}"


def forged(world: World, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token that our own key signed, with something changed: what remains is up to the claims' checks."""
    claims = jwt.decode(world.partner.token(), world.keyring.token_public, algorithms=["ES256"]).claims
    head = {"alg": "ES256", "typ": "at+jwt"} | (header or {})
    said = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode(head, said, world.keyring.token_key, algorithms=["ES256"])


class TestBearer:
    @pytest.fixture(autouse=True)
    def _mandate(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)

    def get(self, world: World, token: str, scheme: str = "Bearer") -> TestResponse:
        return world.client.get("/v1/organisaties", headers={"Authorization": f"{scheme} {token}"})

    def test_a_token_opens_and_without_one_it_is_401(self, world: World) -> None:
        assert self.get(world, world.partner.token()).status_code == 200
        answer = world.client.get("/v1/organisaties")
        problem(answer, 401, "TOKEN_ONGELDIG")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        problem(self.get(world, world.partner.token(), "Basic"), 401, "TOKEN_ONGELDIG")

    def test_only_our_own_unchanged_tokens_in_time(self, world: World) -> None:
        assert self.get(world, forged(world)).status_code == 200  # control: forging nothing is accepted
        past = int(world.clock.now().timestamp()) - 1
        good = world.partner.token()
        claims = good.split(".")[1]
        tokens = [
            forged(world, aud="https://elders.example.nl"),
            forged(world, aud=[BASE]),
            forged(world, iss="https://elders.example.nl"),
            forged(world, exp=past),
            forged(world, exp=None),
            forged(world, exp="morgen"),
            forged(world, org="123"),
            forged(world, scope=""),
            forged(world, sub="een-ander"),
            forged(world, header={"typ": "JWT"}),
            f"{_part({'alg': 'none', 'typ': 'at+jwt'})}.{claims}.",
            by_public_key(world, claims, "at+jwt"),
            good[:-3],
            f"{good}x",
            world.partner.assertion(),
            "é",
            "x" * 5000,
        ]
        for token in tokens:
            problem(self.get(world, token), 401, "TOKEN_ONGELDIG")

    def test_another_key_does_not_sign_for_us(self, world: World) -> None:
        claims = jwt.decode(world.partner.token(), world.keyring.token_public, algorithms=["ES256"]).claims
        head = {"alg": "ES256", "typ": "at+jwt", "kid": world.keyring.token_key.kid}
        problem(
            self.get(world, jwt.encode(head, claims, ECKey.generate_key("P-256"), algorithms=["ES256"])),
            401,
            "TOKEN_ONGELDIG",
        )

    def test_a_remembered_token_still_expires(self, world: World) -> None:
        token = world.partner.token()
        assert self.get(world, token).status_code == 200
        world.clock.ahead = timedelta(minutes=14, seconds=30)
        assert self.get(world, token).status_code == 200
        world.clock.ahead = timedelta(minutes=15, seconds=1)
        problem(self.get(world, token), 401, "TOKEN_ONGELDIG")

    def test_a_scope_opens_only_its_own_calls(self, world: World) -> None:
        headers = world.partner.headers()
        problem(world.client.get("/v1/bewijslogboek/consistentie?van=1&tot=1", headers=headers), 403, "SCOPE_ONTBREEKT")
        problem(world.client.get("/bewijslogboek/tile/0/000", headers=headers), 403, "SCOPE_ONTBREEKT")

    def test_an_ended_machtiging_bites_before_the_token_expires(self, world: World) -> None:
        mandate = world.mandate(GEMEENTE_2, SEND)
        token = world.partner.token(organisatie=GEMEENTE_2)
        other = world.partner.token(organisatie=GEMEENTE)
        assert self.get(world, token).status_code == 200
        single(world.transactions, lambda tx: end_mandate(tx.connection, mandate, tx.now))
        problem(self.get(world, token), 401, "TOKEN_ONGELDIG")
        assert self.get(world, other).status_code == 200

    def test_a_scope_that_is_no_longer_granted(self, world: World) -> None:
        mandate = world.mandate(GEMEENTE, "logboek:lezen")
        headers = world.partner.headers()
        path = "/v1/bewijslogboek/consistentie?van=1&tot=1"
        problem(world.client.get(path, headers=headers), 400, "VERZOEK_ONGELDIG")
        single(world.transactions, lambda tx: end_mandate(tx.connection, mandate, tx.now))
        problem(world.client.get(path, headers=headers), 403, "SCOPE_ONTBREEKT")

    def test_a_suspended_organisation_or_system_is_out_at_once(self, world: World) -> None:
        token = world.partner.token()
        single(world.transactions, lambda tx: suspend_organisation(tx.connection, Oin(GEMEENTE), tx.now))
        problem(self.get(world, token), 401, "TOKEN_ONGELDIG")

    def test_a_suspended_system_is_out_at_once(self, world: World) -> None:
        token = world.partner.token()
        single(world.transactions, lambda tx: tx.connection.execute(system.update().values(suspended_at=tx.now)))
        problem(self.get(world, token), 401, "TOKEN_ONGELDIG")

    def test_machtigingen_of_one_scope_add_up(self, world: World) -> None:
        world.mandate(GEMEENTE_2, SEND, kinds=frozenset({"voortgang.gemeld"}))
        world.mandate(GEMEENTE_2, RECEIVE, kinds=frozenset({"kandidaat.voorgedragen"}))
        with reading(world.engine) as connection:
            now = world.clock.now()
            both = mandate_facts(connection, Asker(Oin(GEMEENTE_2), "werkplein"), now)
            sending = mandate_facts(connection, Asker(Oin(GEMEENTE_2), "werkplein", SEND), now)
            nobody = mandate_facts(connection, Asker(Oin(KRINGLOOP), "werkplein"), now)
            stranger = mandate_facts(connection, Asker(Oin(GEMEENTE_2), "onbekend"), now)
        assert both.kinds == {"voortgang.gemeld", "kandidaat.voorgedragen"}
        assert sending.kinds == {"voortgang.gemeld"}
        assert not nobody.active and nobody.kinds == frozenset() and nobody == stranger


class TestFrame:
    @pytest.fixture
    def headers(self, world: World) -> dict[str, str]:
        world.mandate(GEMEENTE, SEND)
        return world.partner.headers()

    @pytest.mark.parametrize(
        "path", ["/v1/openapi.json", "/v1/nergens", "/v1/organisaties", "/health/live", "/oauth/token", "/x"]
    )
    def test_every_answer_bears_the_headers_of_the_design_rules(self, world: World, path: str) -> None:
        answer = world.client.get(path)
        assert answer.headers["API-Version"] == "1.0.0"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert len(answer.headers.getlist("Cache-Control")) == 1

    @pytest.mark.parametrize(
        "path", ["/v1", "/v1/nergens", "/v1/organisaties/", "/v1//organisaties", "/V1/organisaties"]
    )
    def test_unknown_paths_are_404(self, world: World, path: str) -> None:
        problem(world.client.get(path), 404, "NIET_GEVONDEN")

    def test_a_wrong_method_is_405_and_says_which_exist(self, world: World) -> None:
        answer = world.client.delete("/v1/organisaties")
        problem(answer, 405, "METHODE_ONBEKEND")
        assert "GET" in answer.headers["Allow"]

    def test_an_unexpected_error_tells_nothing(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        answer = world.client.get("/v1/breekt/KANARIE")
        problem(answer, 500, "INTERNE_FOUT")
        assert "KANARIE" not in answer.text
        capsys.readouterr()

    def test_a_body_goes_in_and_out(self, world: World, headers: dict[str, str]) -> None:
        sent = {"oin": GEMEENTE, "naam": "Zoë", "op": "2026-11-22T12:00:00+01:00", "aantal": 3}
        answer = world.client.post("/v1/echo", json=sent, headers=headers)
        assert answer.status_code == 201
        assert answer.get_json() == sent | {"op": "2026-11-22T11:00:00.000Z"}

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"nul",
            b"\xff\xfe",
            b'{"oin": NaN}',
            b'{"oin": "a", "oin": "b"}',
            b'{"oin": "\\ud800"}',
            b'{"oin": "\\u0000"}',
            b"[" * 1000 + b"]" * 1000,
            b'{"aantal": 1.5}',
        ],
        ids=repr,
    )
    def test_what_is_no_strict_json(self, world: World, headers: dict[str, str], raw: bytes) -> None:
        problem(
            world.client.post("/v1/echo", data=raw, content_type="application/json", headers=headers),
            400,
            "JSON_ONGELDIG",
        )

    @pytest.mark.parametrize(
        ("changed", "name", "code"),
        [
            ({"oin": "KANARIE"}, "oin", "GEEN_OIN"),
            ({"oin": None}, "oin", "LEEG"),
            ({"oin": 7}, "oin", "GEEN_TEKST"),
            ({"ref": "KANARIE"}, "ref", "GEEN_REF"),
            ({"naam": "KANARIE" * 9}, "naam", "LENGTE"),
            ({"naam": "KANARIE\x1b"}, "naam", "TEKEN"),
            ({"op": "KANARIE"}, "op", "GEEN_TIJDSTIP"),
            ({"op": "2026-02-30T00:00:00Z"}, "op", "GEEN_TIJDSTIP"),
            ({"op": "2026-11-22T12:00:00"}, "op", "GEEN_TIJDSTIP"),
            ({"op": "٢٠٢٦-11-22T12:00:00Z"}, "op", "GEEN_TIJDSTIP"),
            ({"aantal": "KANARIE"}, "aantal", "GEEN_GETAL"),
            ({"vreemd": "KANARIE"}, "vreemd", "ONBEKEND_VELD"),
            ({"999990342": "KANARIE"}, "?", "ONBEKEND_VELD"),
        ],
        ids=str,
    )
    def test_faults_name_the_place_and_never_the_value(
        self, world: World, headers: dict[str, str], changed: dict[str, Any], name: str, code: str
    ) -> None:
        answer = world.client.post("/v1/echo", json={"oin": GEMEENTE} | changed, headers=headers)
        told = problem(answer, 400, "VERZOEK_ONGELDIG")
        assert [(fault["naam"], fault["code"]) for fault in told["velden"]] == [(name, code)]
        assert all(fault["reden"] for fault in told["velden"])
        assert "KANARIE" not in answer.text and "999990342" not in answer.text

    def test_a_body_that_is_no_object(self, world: World, headers: dict[str, str]) -> None:
        told = problem(world.client.post("/v1/echo", json=[1], headers=headers), 400, "VERZOEK_ONGELDIG")
        assert told["velden"][0]["code"] == "GEEN_OBJECT"

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json; charset=utf-16", ""])
    def test_another_media_type_is_415(self, world: World, headers: dict[str, str], kind: str) -> None:
        problem(
            world.client.post("/v1/echo", data=b"{}", content_type=kind, headers=headers), 415, "MEDIATYPE_ONBEKEND"
        )

    def test_a_compressed_body_is_415(self, world: World, headers: dict[str, str]) -> None:
        packed = headers | {"Content-Encoding": "gzip"}
        problem(
            world.client.post("/v1/echo", data=b"{}", content_type="application/json", headers=packed),
            415,
            "MEDIATYPE_ONBEKEND",
        )

    @pytest.mark.parametrize("query", ["?onbekend=KANARIE", "?soort=a&soort=b", "?soort=a&x"])
    def test_an_unknown_or_repeated_parameter_is_400(self, world: World, headers: dict[str, str], query: str) -> None:
        answer = world.client.post(f"/v1/echo{query}", json={"oin": GEMEENTE}, headers=headers)
        problem(answer, 400, "VERZOEK_ONGELDIG")
        assert "KANARIE" not in answer.text
        problem(world.client.get(f"/v1/bewijslogboek/sleutel{query}"), 400, "VERZOEK_ONGELDIG")

    @pytest.mark.parametrize(("kind", "most"), [(frame.EVENT, 65_536), (frame.EVENT_BATCH, 16 * 2**20)])
    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_body_may_be_so_large_and_not_one_byte_more(
        self, world: World, headers: dict[str, str], kind: str, most: int, chunked: bool
    ) -> None:
        def send(size: int) -> TestResponse:
            body: dict[str, Any] = {"data": b"x" * size}
            if chunked:  # as a server hands on a chunked body: no length, an input that ends by itself
                environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
                body = {"input_stream": io.BytesIO(b"x" * size), "environ_overrides": environ}
            return world.client.post("/v1/lees", content_type=kind, headers=headers, **body)

        assert send(most).get_json()["naam"].endswith(str(most))
        problem(send(most + 1), 413, "TE_GROOT")

    def test_a_refused_body_is_read_away_up_to_a_bound_and_never_kept(self, world: World) -> None:
        class Counted(io.BytesIO):
            most = 0

            def read(self, size: int | None = -1) -> bytes:
                assert size is not None and 0 < size <= 65_536
                self.most += size
                return super().read(size)

        sent = b"x" * 100_000
        for size, left in ((100_000, b""), (40 * 2**20, sent)):  # what announces too much is not read at all
            body = Counted(sent)
            environ = {"CONTENT_LENGTH": str(size), "wsgi.input": body, "wsgi.input_terminated": True}
            problem(world.client.post("/v1/lees", content_type=frame.EVENT, environ_overrides=environ), 413, "TE_GROOT")
            assert body.getvalue()[body.tell() :] == left


class TestReference:
    def test_lists_go_on_where_they_stopped(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        headers = world.partner.headers()
        seen: list[str] = []
        path = "/v1/organisaties?limiet=2"
        while path:
            page = world.client.get(path, headers=headers).get_json()
            seen += [one["oin"] for one in page["items"]]
            path = f"/v1/organisaties?limiet=2&volgende={page['volgende']}" if page["volgende"] else ""
        assert seen == sorted([GEMEENTE, GEMEENTE_2, KRINGLOOP])

    @pytest.mark.parametrize(
        "query", ["limiet=0", "limiet=101", "limiet=x", "volgende=KANARIE", "volgende=W10", "volgende=WzFd"]
    )
    def test_a_wrong_limit_or_cursor_is_400(self, world: World, query: str) -> None:
        world.mandate(GEMEENTE, SEND)
        answer = world.client.get(f"/v1/organisaties?{query}", headers=world.partner.headers())
        told = problem(answer, 400, "VERZOEK_ONGELDIG")
        assert told["velden"][0]["naam"] == query.split("=")[0]

    def test_kinds_come_with_their_schemas(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        headers = world.partner.headers()
        kinds = world.client.get("/v1/berichttypen", headers=headers).get_json()["items"]
        assert {kind["soort"] for kind in kinds} >= {"voortgang.gemeld", "kandidaat.voorgedragen"}
        one = world.client.get("/v1/berichttypen/nl.doorstroomhub.voortgang.gemeld.v1", headers=headers).get_json()
        short = world.client.get("/v1/berichttypen/voortgang.gemeld", headers=headers).get_json()
        assert one == short
        assert one["jsonSchema"]["$schema"].endswith("2020-12/schema")
        assert one["perOntvanger"] and all(role["jsonSchema"] for role in one["perOntvanger"])
        problem(world.client.get("/v1/berichttypen/onbekend", headers=headers), 404, "NIET_GEVONDEN")

    def test_code_lists_say_where_they_are_from(self, world: World) -> None:
        world.mandate(GEMEENTE, SEND)
        headers = world.partner.headers()
        found = world.client.get("/v1/codelijsten/crebo?limiet=3", headers=headers).get_json()
        assert found["naam"] == "crebo" and found["bron"] and found["geldigVan"] and found["volgende"]
        assert [set(code) >= {"code", "omschrijving"} for code in found["items"]] == [True] * 3
        problem(world.client.get("/v1/codelijsten/onbekend", headers=headers), 404, "NIET_GEVONDEN")

    def test_the_description_is_valid_open_and_about_v1_only(self, world: World) -> None:
        answer = world.client.get("/v1/openapi.json")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        described = answer.get_json()
        validate(described)
        assert described["openapi"].startswith("3.1")
        assert described["servers"] == [{"url": f"{BASE}/v1"}]
        assert {"name", "url", "email"} <= described["info"]["contact"].keys()
        assert not any(
            path.startswith(("/oauth", "/health", "/v1")) or path.endswith("/") for path in described["paths"]
        )
        operations = [op for item in described["paths"].values() for op in item.values() if isinstance(op, dict)]
        for operation in operations:
            for status, told in operation["responses"].items():
                if status.startswith("2"):
                    assert "API-Version" in told["headers"]
                else:
                    assert set(told["content"]) == {"application/problem+json"}
            assert "400" in operation["responses"]
        assert len({operation["operationId"] for operation in operations}) == len(operations)


class TestEvidenceLog:
    @pytest.fixture
    def size(self, world: World, tmp_path: Path) -> int:
        """A signed log of some entries, in two checkpoints."""
        signer = Signer(tmp_path / "log.state", world.keyring.log_key, ORIGIN)
        with world.engine.begin() as connection:
            signer.initialise(connection)
        for _ in range(2):
            with world.engine.begin() as connection:
                entries = [ledger.NewEntry("systeem", bytes(32), {"v": 1, "soort": "proef"}) for _ in range(3)]
                ledger.append(connection, entries, lambda: uuid4().hex)
            with world.engine.begin() as connection:
                sequencer.sequence(connection, 100)
            signer.sign(world.engine.begin)
        return 6

    def test_everybody_may_check_the_checkpoint(self, world: World, size: int) -> None:
        answer = world.client.get("/bewijslogboek/checkpoint")
        assert answer.content_type.startswith("text/plain")
        assert answer.headers["Cache-Control"] == "public, max-age=2"
        key = Verifier.parse(world.client.get("/v1/bewijslogboek/sleutel").get_json()["sleutel"])
        assert open_checkpoint(answer.text, [key]).size == size

    def test_tiles_take_a_scope_and_never_change(self, world: World, size: int) -> None:
        world.mandate(GEMEENTE, Scope.LOGBOEK_LEZEN.value)
        headers = world.partner.headers()
        problem(world.client.get(f"/bewijslogboek/tile/0/000.p/{size}"), 401, "TOKEN_ONGELDIG")
        for path, length in ((f"0/000.p/{size}", 32 * size), (f"entries/000.p/{size}", 34 * size)):
            answer = world.client.get(f"/bewijslogboek/tile/{path}", headers=headers)
            assert (answer.status_code, len(answer.data)) == (200, length)
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.content_type == "application/octet-stream"
        for path in ("0/000", f"0/000.p/{size + 1}", "0/0", "64/000", "../checkpoint", "0/000.p/0"):
            problem(world.client.get(f"/bewijslogboek/tile/{path}", headers=headers), 404, "NIET_GEVONDEN")

    def test_consistency_between_two_sizes(self, world: World, size: int) -> None:
        world.mandate(GEMEENTE, Scope.LOGBOEK_LEZEN.value)
        headers = world.partner.headers()
        path = "/v1/bewijslogboek/consistentie"
        told = world.client.get(f"{path}?van=3&tot={size}", headers=headers).get_json()
        assert (told["van"], told["tot"]) == (3, size) and told["bewijs"]
        for query in ("van=4&tot=3", f"van=1&tot={size + 1}", "van=0&tot=1", "van=1", "van=1&tot=x", ""):
            problem(world.client.get(f"{path}?{query}", headers=headers), 400, "VERZOEK_ONGELDIG")


class TestHealth:
    def test_readiness_names_the_part_that_is_not_ready(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        assert world.client.get("/health/live").status_code == 200
        assert world.client.get("/health/ready").status_code == 200

        def broken() -> bool:
            raise OSError("KANARIE")

        world.readiness.update(logboek=lambda: False, schrijver=broken)
        answer = world.client.get("/health/ready")
        assert (answer.status_code, answer.get_json()["nietGereed"]) == (503, ["logboek", "schrijver"])
        assert "KANARIE" not in answer.text
        capsys.readouterr()
