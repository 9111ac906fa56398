"""One attempt: what each answer, fault and delay becomes."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from hub.delivery.webhook import send
from hub.delivery.webhook.address_guard import AddressGuard
from hub.delivery.webhook.send import (
    ANSWER_LIMIT,
    Delivered,
    Gone,
    Outcome,
    Parcel,
    Retry,
    Sender,
    TooLate,
    outcome_of,
    seconds_of,
)
from tests.unit.delivery.world import SECRET, Answer, Receiver, Shifted

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def make(clock: Shifted, port: int, resolver: Callable[[str, int], list[str]] | None = None) -> Sender:
    guard = AddressGuard(frozenset({("127.0.0.1", port)}), demo=True, resolver=resolver or (lambda host, _: [host]))
    return Sender(guard, clock, ssl.create_default_context())


def parcel(url: str, released_at: float) -> Parcel:
    return Parcel("lever-1", url, SECRET, {"specversion": "1.0", "data": {"naam": "Zoë"}}, released_at)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Delivered(200)),
        (202, Delivered(202)),
        (204, Delivered(204)),
        (301, Retry("omleiding")),
        (308, Retry("omleiding")),
        (400, Retry("http-400")),
        (401, Retry("http-401")),
        (410, Gone()),
        (429, Retry("http-429", 120.0)),
        (500, Retry("http-500")),
        (503, Retry("http-503", 120.0)),
    ],
)
def test_a_status_has_one_meaning(status: int, outcome: Outcome) -> None:
    assert outcome_of(status, "120", NOW) == outcome


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("999999", 86_400.0),
        ("9" * 5000, 86_400.0),
        ("Sun, 22 Nov 2026 12:01:40 GMT", 100.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2036 12:00:00 GMT", 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("straks", None),
        ("١٢", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(text: str | None, seconds: float | None) -> None:
    assert seconds_of(text, NOW) == seconds


def test_an_attempt_is_signed_and_its_id_never_changes(receiver: Receiver) -> None:
    clock = Shifted()
    sender = make(clock, receiver.port)
    assert sender.send(parcel(receiver.url, clock.monotonic())) == Delivered(200)
    clock.ahead += 1
    assert sender.send(parcel(receiver.url, clock.monotonic())) == Delivered(200)
    first, second = receiver.calls
    assert Webhook(SECRET).verify(first.body, first.headers)["data"] == {"naam": "Zoë"}
    assert first.id == second.id == "lever-1"
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert receiver.connections == 1
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(first.body.replace(b"Zo", b"Zu"), first.headers)
    sender.close()


def test_a_release_older_than_two_seconds_does_not_leave(receiver: Receiver) -> None:
    clock = Shifted()
    sender = make(clock, receiver.port)
    assert sender.send(parcel(receiver.url, clock.monotonic() - 2.01)) == TooLate()
    assert receiver.connections == 0
    assert sender.send(parcel(receiver.url, clock.monotonic() - 1.0)) == Delivered(200)  # the control
    sender.close()


def test_when_connecting_takes_too_long_no_byte_leaves(receiver: Receiver) -> None:
    clock = Shifted()

    def slow(host: str, port: int) -> list[str]:
        clock.ahead += 2.5
        return [host]

    sender = make(clock, receiver.port, slow)
    assert sender.send(parcel(receiver.url, clock.monotonic())) == TooLate()
    time.sleep(0.1)
    assert receiver.calls == []
    sender.close()


def test_a_large_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.script = lambda call: Answer(200, body=b"x" * (ANSWER_LIMIT * 40))
    clock = Shifted()
    sender = make(clock, receiver.port)
    assert sender.send(parcel(receiver.url, clock.monotonic())) == Delivered(200)
    assert sender.send(parcel(receiver.url, clock.monotonic())) == Delivered(200)
    assert receiver.connections == 2  # the rest of the first answer was thrown away with its connection
    sender.close()


class Raw:
    """A server that does as it pleases with one connection after the other."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._act = act
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                try:
                    self._act(connection)
                except OSError:
                    continue

    def close(self) -> None:
        self._listener.close()


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(200):
        connection.sendall(f"X-{n}: y\r\n".encode())
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (lambda c: None, {"protocol", "verbinding"}),
        (lambda c: c.sendall(b"SSH-2.0-x\r\n"), {"protocol", "verbinding"}),  # closing may overtake what was said
        (lambda c: time.sleep(3), {"tijd"}),
        (_drip, {"tijd"}),
    ],
)
def test_a_broken_server_becomes_an_outcome_in_time(
    act: Callable[[socket.socket], None], outcome: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "ATTEMPT_TIMEOUT", 0.7)
    server = Raw(act)
    clock = Shifted()
    sender = make(clock, server.port)
    began = time.monotonic()
    found = sender.send(parcel(f"http://127.0.0.1:{server.port}/", clock.monotonic()))
    assert isinstance(found, Retry)
    assert found.reason in outcome
    assert time.monotonic() - began < 2.9  # less than the slowest of these servers takes
    sender.close()
    server.close()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    clock = Shifted()
    sender = make(clock, port)
    found = sender.send(parcel(f"http://127.0.0.1:{port}/", clock.monotonic()))
    assert found == Retry("verbinding")
    assert isinstance(found, Retry)
    assert found.endpoint
    assert not Retry("http-422").endpoint
    sender.close()


def test_an_unknown_name_is_a_connection_that_failed() -> None:
    clock = Shifted()

    def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    sender = Sender(AddressGuard(resolver=unknown), clock, ssl.create_default_context())
    assert sender.send(parcel("https://hooks.example.nl/", clock.monotonic())) == Retry("verbinding")
    sender.close()


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    clock = Shifted()
    sender = make(clock, receiver.port)
    assert sender.send(parcel(receiver.url, clock.monotonic())) == Delivered(200)
    sender.close()


def test_bad_events_never_raise(receiver: Receiver) -> None:
    clock = Shifted()
    sender = make(clock, receiver.port)
    event: Any = {"x": object()}
    made = Parcel("lever-1", receiver.url, SECRET, event, clock.monotonic())
    assert sender.send(made) == Retry("fout")
    assert receiver.calls == []
    sender.close()


def test_time_is_passed_in() -> None:
    assert seconds_of("Sun, 22 Nov 2026 12:00:10 GMT", NOW - timedelta(seconds=10)) == 20.0
