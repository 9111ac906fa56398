"""The subscription over HTTP: a handshake, a secret that is given once, and a mailbox for what is no longer pushed."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import BoundedSemaphore
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from contracts.identity import Oin
from hub.access.caller import Scope
from hub.access.tokens import Grant, issue
from hub.app import make_app
from hub.delivery.states import State
from hub.delivery.webhook import subscription_routes
from hub.keys import keyring
from hub.store.database import reading
from hub.store.region.parties import Mandate, insert_mandate
from hub.store.tables import subscription
from tests.unit.delivery import world as worlds
from tests.unit.delivery.world import OTHER, RECEIVER, SENDER, Answer, Call, Receiver, World, wait_until

BASE = "https://hub.example.nl"


def friendly(call: Call) -> Answer:
    return Answer(200, {"WebHook-Allowed-Origin": "hub.example.nl"} if call.method == "OPTIONS" else {})


class Partner:
    """A caller with a token of its own organisation."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    def put(self, **body: Any) -> TestResponse:
        return self._client.put("/v1/abonnement", json=body, headers=self._headers)

    def get(self) -> TestResponse:
        return self._client.get("/v1/abonnement", headers=self._headers)

    def delete(self) -> TestResponse:
        return self._client.delete("/v1/abonnement", headers=self._headers)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    keyring.init(tmp_path / "keys", os.urandom)
    keys = keyring.load(tmp_path / "keys")
    monkeypatch.setattr(worlds, "SECRET_KEY", keys.webhook_key)
    made = World(tmp_path)
    made.organisations(SENDER, RECEIVER, OTHER)
    yield made
    made.stop()


@pytest.fixture
def client(world: World, tmp_path: Path) -> FlaskClient:
    parts = SimpleNamespace(
        settings=SimpleNamespace(base_url=BASE, threads=16),
        engine=world.engine,
        writer=world.writer,
        clock=world.clock,
        new_id=world.new_id,
        random=os.urandom,
        keyring=keyring.load(tmp_path / "keys"),
        key_store=world.keys,
        evidence=world.evidence,
        log_origin="hub.example.nl/bewijslogboek",
        log_archives={},
        readiness={},
    )
    app = make_app(parts, [("abonnement", "Push", subscription_routes.ENDPOINTS)])  # type: ignore[arg-type]
    app.extensions[subscription_routes.NEW_SENDER] = world.sender
    app.extensions[subscription_routes.HANDSHAKES] = BoundedSemaphore(1)
    return app.test_client()


def partner(world: World, client: FlaskClient, who: Oin, scope: Scope = Scope.BERICHTEN_ONTVANGEN) -> Partner:
    value = Mandate(uuid4().hex, who, "platform", frozenset({scope.value}), None, None, world.clock.now())
    world.write(lambda tx: insert_mandate(tx.connection, value))
    parts = client.application.extensions["hub"]
    granted = Grant("platform", who, frozenset({scope.value}))
    return Partner(client, issue(parts.keyring.token_key, BASE, granted, world.clock.now(), uuid4().hex))


@pytest.fixture
def receiver(world: World) -> Iterator[Receiver]:
    made = world.allow(Receiver(friendly))
    yield made
    made.stop()


def rows(world: World) -> int:
    with reading(world.engine) as connection:
        return connection.execute(select(func.count()).select_from(subscription)).scalar_one()


def test_the_whole_life_of_a_subscription(world: World, client: FlaskClient, receiver: Receiver) -> None:
    caller = partner(world, client, RECEIVER)
    assert caller.get().status_code == 404
    made = caller.put(url=receiver.url, soorten=["nl.doorstroomhub.bericht.ingetrokken.v1", "voortgang.gemeld"])
    assert made.status_code == 201, made.text
    secret = made.get_json()["geheim"]
    assert secret.startswith("whsec_")
    assert [call.method for call in receiver.calls] == ["OPTIONS"]

    seen = caller.get()
    assert seen.status_code == 200
    assert seen.get_json()["soorten"] == ["bericht.ingetrokken", "voortgang.gemeld"]
    assert seen.get_json()["url"] == receiver.url
    assert "geheim" not in seen.get_json()
    assert secret.removeprefix("whsec_") not in seen.text
    assert not any(
        secret.encode()[6:30] in file.read_bytes()
        for file in Path(str(world.engine.url.database)).parent.glob("hub.db*")
    )

    world.start()
    (one,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.state(one) is State.CONFIRMED)
    assert Webhook(secret).verify(receiver.calls[-1].body, receiver.calls[-1].headers)

    again = caller.put(url=receiver.url)
    assert again.status_code == 200
    assert again.get_json()["geheim"] != secret
    assert "soorten" not in again.get_json()
    (two,) = world.accept(RECEIVER, ["a"])
    wait_until(lambda: world.state(two) is State.CONFIRMED)
    assert Webhook(again.get_json()["geheim"]).verify(receiver.calls[-1].body, receiver.calls[-1].headers)

    assert caller.delete().status_code == 204
    assert caller.delete().status_code == 204
    assert caller.get().status_code == 404
    (three,) = world.accept(RECEIVER, ["a"])
    world.advance(100)
    assert world.state(three) is State.WAITING
    assert world.row(three).lease_token is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.nl/x", "HTTPS_VERPLICHT"),
        ("https://10.1.2.3/x", "ADRES_NIET_TOEGESTAAN"),
        ("https://169.254.169.254/latest/meta-data", "ADRES_NIET_TOEGESTAAN"),
        ("https://[::ffff:127.0.0.1]/x", "ADRES_NIET_TOEGESTAAN"),
        ("https://localhost/x", "ADRES_NIET_TOEGESTAAN"),
        ("https://user:geheim@hooks.example.nl/", "URL_MET_GEBRUIKER"),
        ("ftp://hooks.example.nl/", "URL_ONGELDIG"),
        ("x", "URL_ONGELDIG"),
        ("", "LENGTE"),
        ("https://" + "a" * 2000, "LENGTE"),
    ],
)
def test_a_bad_address_is_told_by_field_and_never_repeated(
    world: World, client: FlaskClient, url: str, code: str
) -> None:
    answer = partner(world, client, RECEIVER).put(url=url)
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "VERZOEK_ONGELDIG"
    assert [(v["naam"], v["code"]) for v in answer.get_json()["velden"]] == [("url", code)]
    assert len(url) < 2 or url not in answer.text
    assert rows(world) == 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (lambda call: Answer(200), "HANDDRUK_GEWEIGERD"),
        (lambda call: Answer(404), "HANDDRUK_MISLUKT"),
        (lambda call: Answer(302, {"Location": "http://10.0.0.1/", "WebHook-Allowed-Origin": "*"}), "HANDDRUK_MISLUKT"),
    ],
)
def test_without_a_handshake_nothing_changes(
    world: World, client: FlaskClient, receiver: Receiver, script: Any, code: str
) -> None:
    caller = partner(world, client, RECEIVER)
    before = caller.put(url=receiver.url).get_json()["gemaaktOp"]
    receiver.script = script
    answer = caller.put(url=receiver.url)
    assert answer.status_code == 400
    assert [v["code"] for v in answer.get_json()["velden"]] == [code]
    assert caller.get().get_json()["gemaaktOp"] == before


@pytest.mark.parametrize("body", [{"soorten": ["onbekend.soort"]}, {"soorten": []}, {"soorten": "x"}, {"extra": 1}])
def test_a_bad_body_is_refused_before_anybody_is_called(
    world: World, client: FlaskClient, receiver: Receiver, body: dict[str, Any]
) -> None:
    answer = partner(world, client, RECEIVER).put(url=receiver.url, **body)
    assert answer.status_code == 400
    assert receiver.calls == []


def test_each_organisation_has_its_own_and_needs_the_scope(
    world: World, client: FlaskClient, receiver: Receiver
) -> None:
    assert partner(world, client, RECEIVER).put(url=receiver.url).status_code == 201
    assert partner(world, client, OTHER).get().status_code == 404
    sender = partner(world, client, SENDER, Scope.BERICHTEN_VERSTUREN)
    for answer in (sender.get(), sender.delete(), sender.put(url=receiver.url)):
        assert answer.status_code == 403
        assert answer.get_json()["code"] == "SCOPE_ONTBREEKT"
    assert rows(world) == 1
