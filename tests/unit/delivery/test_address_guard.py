"""Where a webhook may go: by its text, by its address, and by what DNS says at the moment of connecting."""

import ipaddress
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.delivery.webhook.address_guard import AddressGuard, AddressRefused, Endpoint, is_public
from hub.delivery.webhook.send import Delivered, HandshakeFailed, Parcel, Retry, Sender
from tests.unit.delivery.world import SECRET, Answer, Receiver, Shifted

PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "172.32.0.1", "11.0.0.1", "100.63.255.255"]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:a00:1::",
    "2001::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_everything_else_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    guard = AddressGuard(resolver=lambda host, port: [address])
    with pytest.raises(AddressRefused) as refused:
        guard.addresses("hooks.example.nl", 443)
    assert refused.value.code == "ADRES_NIET_TOEGESTAAN"
    assert address not in str(refused.value) or address in ("::", "::1")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.nl/x", "HTTPS_VERPLICHT"),
        ("http://10.0.0.1:8080/x", "HTTPS_VERPLICHT"),
        ("https://user@hooks.example.nl/", "URL_MET_GEBRUIKER"),
        ("https://user:geheim@hooks.example.nl/", "URL_MET_GEBRUIKER"),
        ("https://:@hooks.example.nl/", "URL_MET_GEBRUIKER"),
        ("ftp://hooks.example.nl/", "URL_ONGELDIG"),
        ("file:///etc/passwd", "URL_ONGELDIG"),
        ("gopher://hooks.example.nl", "URL_ONGELDIG"),
        ("https://", "URL_ONGELDIG"),
        ("https:///x", "URL_ONGELDIG"),
        ("hooks.example.nl", "URL_ONGELDIG"),
        ("", "URL_ONGELDIG"),
        ("https://hooks.example.nl:99999/", "URL_ONGELDIG"),
        ("https://hooks.example.nl:x/", "URL_ONGELDIG"),
        ("https://[::1", "URL_ONGELDIG"),
        ("https://hooks.example.nl/#deel", "URL_ONGELDIG"),
        ("https://hooks.example.nl\\@10.0.0.1/", "URL_ONGELDIG"),
        ("https://hooks.example.nl/ x", "URL_ONGELDIG"),
        ("https://hooks.example.nl/\r\nX: y", "URL_ONGELDIG"),
        ("https://hоoks.example.nl/", "URL_ONGELDIG"),
    ],
)
def test_a_url_is_refused_by_its_text(url: str, code: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        AddressGuard().endpoint(url)
    assert refused.value.code == code
    assert not url or url not in str(refused.value)


def test_a_good_url_has_parts() -> None:
    assert AddressGuard().endpoint("https://Hooks.example.nl/pad?x=1") == Endpoint("https", "hooks.example.nl", 443)
    assert AddressGuard().endpoint("https://[2606:4700::1111]:8443/") == Endpoint("https", "2606:4700::1111", 8443)


def test_plain_http_needs_both_the_demo_and_the_operators_word() -> None:
    allowed = frozenset({("localhost", 8099)})
    assert AddressGuard(allowed, demo=True).endpoint("http://localhost:8099/x").port == 8099
    for guard, url in (
        (AddressGuard(allowed, demo=False), "http://localhost:8099/x"),
        (AddressGuard(allowed, demo=True), "http://localhost:8098/x"),
        (AddressGuard(demo=True), "http://localhost:8099/x"),
    ):
        with pytest.raises(AddressRefused):
            guard.endpoint(url)


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    guard = AddressGuard(resolver=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(AddressRefused):
        guard.addresses("hooks.example.nl", 443)


def test_an_allowed_name_may_be_private_at_that_port_only() -> None:
    guard = AddressGuard(frozenset({("intern.example.nl", 8443)}), resolver=lambda host, port: ["10.0.0.1"])
    assert guard.addresses("Intern.example.nl", 8443) == ["10.0.0.1"]
    with pytest.raises(AddressRefused):
        guard.addresses("intern.example.nl", 443)


def parcel(url: str, clock: Shifted) -> Parcel:
    return Parcel("d-1", url, SECRET, {"specversion": "1.0"}, clock.monotonic())


def test_dns_rebinding_cannot_slip_through() -> None:
    """The name is public when it is looked up before, and loopback when the connection is made."""
    inside = Receiver()
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    clock = Shifted()
    guard = AddressGuard(resolver=lambda host, port: next(answers))
    url = f"https://hooks.example.nl:{inside.port}/"
    assert guard.addresses("hooks.example.nl", inside.port) == ["93.184.216.34"]
    sender = Sender(guard, clock, ssl.create_default_context())
    assert sender.send(parcel(url, clock)) == Retry("adres")
    with pytest.raises(StopIteration):
        next(answers)  # it was looked up once for this connection, not again after the check
    assert inside.connections == 0
    sender.close()
    inside.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for ``partner.example.nl``, with its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "partner.pem"
    made = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            "-",
            "-out",
            "-",
            "-subj",
            "/CN=partner.example.nl",
            "-addext",
            "subjectAltName=DNS:partner.example.nl",
        ],
        capture_output=True,
        check=True,
    )
    file.write_bytes(made.stdout)
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Receiver(tls=context)
    yield made
    made.stop()


def tls_sender(certificate: Path, host: str, port: int, clock: Shifted) -> Sender:
    guard = AddressGuard(frozenset({(host, port)}), resolver=lambda name, _: ["127.0.0.1"])
    return Sender(guard, clock, ssl.create_default_context(cafile=certificate))


def test_tls_is_checked_for_the_name_while_the_checked_address_is_connected(
    secure: Receiver, certificate: Path
) -> None:
    clock = Shifted()
    sender = tls_sender(certificate, "partner.example.nl", secure.port, clock)
    assert sender.send(parcel(f"https://partner.example.nl:{secure.port}/in", clock)) == Delivered(200)
    assert secure.calls[0].headers["host"] == f"partner.example.nl:{secure.port}"
    assert sender.send(parcel(f"https://partner.example.nl:{secure.port}/in", clock)) == Delivered(200)
    assert secure.connections == 1  # kept alive
    sender.close()
    other = tls_sender(certificate, "ander.example.nl", secure.port, clock)
    assert other.send(parcel(f"https://ander.example.nl:{secure.port}/in", clock)) == Retry("tls")
    assert len(secure.calls) == 2
    other.close()


def test_a_certificate_of_nobody_we_know_is_refused(secure: Receiver, certificate: Path) -> None:
    clock = Shifted()
    guard = AddressGuard(frozenset({("partner.example.nl", secure.port)}), resolver=lambda name, _: ["127.0.0.1"])
    sender = Sender(guard, clock, ssl.create_default_context())
    assert sender.send(parcel(f"https://partner.example.nl:{secure.port}/", clock)) == Retry("tls")
    sender.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, {"WebHook-Allowed-Origin": "*"}), None),
        (Answer(204, {"WebHook-Allowed-Origin": "hub.example.nl", "WebHook-Allowed-Rate": "120"}), None),
        (Answer(200), "HANDDRUK_GEWEIGERD"),
        (Answer(200, {"WebHook-Allowed-Origin": "elders.example.nl"}), "HANDDRUK_GEWEIGERD"),
        (Answer(405, {"WebHook-Allowed-Origin": "*"}), "HANDDRUK_MISLUKT"),
        (Answer(302, {"Location": "http://127.0.0.1:1/", "WebHook-Allowed-Origin": "*"}), "HANDDRUK_MISLUKT"),
    ],
)
def test_the_handshake_asks_first(answer: Answer, code: str | None) -> None:
    receiver = Receiver(lambda call: answer)
    guard = AddressGuard(frozenset({("127.0.0.1", receiver.port)}), demo=True)
    sender = Sender(guard, Shifted(), ssl.create_default_context())
    caught: Any = None
    try:
        sender.handshake(receiver.url, "hub.example.nl")
    except HandshakeFailed as error:
        caught = error.code
    assert caught == code
    (call,) = receiver.calls
    assert (call.method, call.headers["webhook-request-origin"]) == ("OPTIONS", "hub.example.nl")
    sender.close()
    receiver.stop()


def test_the_handshake_is_guarded_too() -> None:
    inside = Receiver()
    sender = Sender(AddressGuard(resolver=lambda host, port: ["127.0.0.1"]), Shifted(), ssl.create_default_context())
    with pytest.raises(AddressRefused):
        sender.handshake(f"https://hooks.example.nl:{inside.port}/", "hub.example.nl")
    assert inside.connections == 0
    sender.close()
    inside.stop()
    unknown = Sender(AddressGuard(resolver=_unknown), Shifted(), ssl.create_default_context())
    with pytest.raises(HandshakeFailed):
        unknown.handshake("https://hooks.example.nl/", "hub.example.nl")
    unknown.close()


def _unknown(host: str, port: int) -> list[str]:
    raise OSError("unknown")
