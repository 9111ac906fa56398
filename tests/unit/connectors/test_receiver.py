"""The webhook receiver over real HTTP: handshake, signatures, each delivery once. Signed by the hub's own library."""

import base64
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from connectors.agent.handover import Inbox
from connectors.agent.receiver import MAX_BODY, Receiving, genuine, into, receive, server
from connectors.agent.state import State

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(24)).decode()
NOW = 1_795_000_000.0
BODY = '{"specversion":"1.0","id":"a","data":{"titel":"één"}}'.encode()


def signed(identifier: str = "d-1", secret: str = SECRET, at: float = NOW, body: bytes = BODY) -> dict[str, str]:
    moment = datetime.fromtimestamp(at, UTC)
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": Webhook(secret).sign(identifier, moment, body.decode()),
        "content-type": "application/cloudevents+json; charset=utf-8",
    }


@dataclass
class Desk:
    port: int
    folder: Path
    receiving: Receiving

    def call(
        self, method: str, headers: dict[str, str], body: bytes | None = None, path: str = "/hook"
    ) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            assert answer.read() == b""
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()

    def files(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.folder.iterdir()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with State(tmp_path / "state.sqlite") as state:
        inbox = Inbox(tmp_path / "in", state)
        receiving = Receiving("/hook", frozenset({"hub.test"}), lambda: SECRET, into(inbox, lambda: NOW), lambda: NOW)
        with server(("127.0.0.1", 0), receiving) as listening:
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield Desk(listening.server_address[1], tmp_path / "in", receiving)
            listening.shutdown()
            thread.join()


def test_a_genuine_delivery_is_handed_over_once(desk: Desk) -> None:
    assert desk.call("POST", signed(), BODY)[0] == 204
    assert desk.call("POST", signed(at=NOW + 60), BODY)[0] == 204  # the hub did not hear us and comes again
    assert desk.call("POST", signed("d-2"), BODY)[0] == 204
    assert desk.files() == {"webhook-d-1.json": BODY, "webhook-d-2.json": BODY}


def test_the_same_delivery_ten_times_at_once(desk: Desk) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(desk.call("POST", signed(), BODY)[0])) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [204] * 10
    assert desk.files() == {"webhook-d-1.json": BODY}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(secret=OTHER), BODY),
        (signed(), BODY + b" "),
        (signed(at=NOW - 301), BODY),
        (signed(at=NOW + 301), BODY),
        ({**signed(), "webhook-id": "d-9"}, BODY),
        ({**signed(), "webhook-timestamp": str(int(NOW) + 1)}, BODY),
        ({**signed(), "webhook-timestamp": "nu"}, BODY),
        ({**signed(), "webhook-signature": ""}, BODY),
        ({**signed(), "webhook-signature": "v1,"}, BODY),
        ({**signed(), "webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")}, BODY),
        (signed("../../etc"), BODY),
        ({k: v for k, v in signed().items() if k != "webhook-id"}, BODY),
    ],
)
def test_what_is_not_genuine_is_refused_and_kept_nowhere(desk: Desk, headers: dict[str, str], body: bytes) -> None:
    assert desk.call("POST", headers, body)[0] == 401
    assert desk.files() == {}


def test_one_of_several_signatures_will_do(desk: Desk) -> None:
    both = f"{signed(secret=OTHER)['webhook-signature']} {signed()['webhook-signature']}"
    assert desk.call("POST", {**signed(), "webhook-signature": both}, BODY)[0] == 204


def test_an_empty_or_strange_secret_accepts_nothing() -> None:
    for secret in ("", "whsec_", "whsec_AAAA", "whsec_%%%"):
        assert not genuine(BODY, signed(), secret, NOW)


def test_handshake_for_a_known_origin_only(desk: Desk) -> None:
    status, headers = desk.call("OPTIONS", {"WebHook-Request-Origin": "hub.test"})
    assert (status, headers["webhook-allowed-origin"]) == (200, "hub.test")
    for origin in ("evil.test", "*", ""):
        status, headers = desk.call("OPTIONS", {"WebHook-Request-Origin": origin})
        assert status == 403
        assert "webhook-allowed-origin" not in headers
    assert desk.call("OPTIONS", {"WebHook-Request-Origin": "hub.test"}, path="/ander")[0] == 404


def test_bounds_and_media_type(desk: Desk) -> None:
    assert desk.call("POST", {**signed(), "Content-Length": str(MAX_BODY + 1)})[0] == 413
    assert desk.call("POST", {**signed(), "content-type": "text/plain"}, BODY)[0] == 415
    assert desk.call("POST", signed(), BODY, path="/ander")[0] == 404
    assert desk.files() == {}


def test_a_full_disk_and_an_unknown_secret_ask_to_come_again(desk: Desk) -> None:
    def full(identifier: str, body: bytes) -> bool:
        raise OSError

    with pytest.raises(OSError):
        receive(replace(desk.receiving, hand_over=full), signed(), BODY)
    assert receive(replace(desk.receiving, secret=lambda: None), signed(), BODY).status == 503
    blocked = desk.folder / "webhook-d-1.json.part"
    blocked.mkdir()  # the file cannot be written
    assert desk.call("POST", signed(), BODY)[0] == 503
    blocked.rmdir()
    assert desk.call("POST", signed(), BODY)[0] == 204
