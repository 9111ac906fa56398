"""Where a webhook may go. The address that is *connected* is the address that was checked, whatever DNS says later.

An organisation chooses its own webhook URL, so the URL is outside input that makes the hub open a connection from the
inside of its network. Everything private is refused; redirects are never followed.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Host and port to addresses as text; raises ``OSError`` when the name is unknown.
Resolver = Callable[[str, int], Sequence[str]]

#: The special-purpose registries of IANA (RFC 6890), written out: what Python counts as global differs per release.
#: The last of IPv4 is a public address that is a cloud's metadata service.
_NEVER_4: Final = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
    "168.63.129.16/32"
)
#: Of IPv6 only 2000::/3 is given out; within it: Teredo and other protocols, documentation, 6to4.
_GIVEN_OUT_6: Final = "2000::/3"
_NEVER_6: Final = "2001::/23 2001:db8::/32 2002::/16 3fff::/20"


class AddressRefused(Exception):
    """This webhook address is not allowed. ``code`` says why; the text never repeats the address."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class TooLateToSend(Exception):
    """The time in which the first byte had to leave is over; nothing has left."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Scheme, host and port of a URL that passed ``AddressGuard.endpoint``."""

    scheme: str
    host: str
    port: int


def resolve(host: str, port: int) -> list[str]:
    """Every address that the system's resolver knows for a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def is_public(address: IPAddress) -> bool:
    """True for an address on the public internet: not private, loopback, link-local (metadata services live there),
    CGNAT (RFC 6598), multicast, reserved, documentation, or a bridge to IPv4 (NAT64, 6to4, Teredo)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return address in ipaddress.IPv6Network(_GIVEN_OUT_6) and not _within(address, _NEVER_6)
        address = address.ipv4_mapped
    return not _within(address, _NEVER_4)


def _within(address: IPAddress, blocks: str) -> bool:
    return any(address in ipaddress.ip_network(block) for block in blocks.split())


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """The rules: https only, no user information, public addresses only, except for the hosts (lower case) and
    ports in ``allowed``. These may use plain http only when ``demo`` is true; they are the operator's word, never a
    partner's.
    """

    allowed: frozenset[tuple[str, int]] = frozenset()
    demo: bool = False
    resolver: Resolver = resolve

    def endpoint(self, url: str) -> Endpoint:
        """The parts of a URL that may be called as far as its text tells; ``AddressRefused`` otherwise."""
        if not url.isascii() or any(c <= " " or c == "\x7f" for c in url) or "\\" in url:
            raise AddressRefused("URL_ONGELDIG", "een URL bestaat uit ASCII-tekens zonder spaties")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise AddressRefused("URL_ONGELDIG", "dit is geen geldige URL") from None
        host = (parts.hostname or "").rstrip(".")
        if not host or parts.scheme not in ("https", "http") or parts.fragment:
            raise AddressRefused("URL_ONGELDIG", "een webhook is een https-URL met een host en zonder fragment")
        if parts.username is not None or parts.password is not None:
            raise AddressRefused("URL_MET_GEBRUIKER", "een webhook-URL bevat geen gebruikersnaam of wachtwoord")
        place = Endpoint(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))
        if place.scheme == "http" and not (self.demo and self._is_allowed(place.host, place.port)):
            raise AddressRefused("HTTPS_VERPLICHT", "een webhook gebruikt https")
        return place

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to connect to, all of them checked. ``AddressRefused`` when one is not public; ``OSError``
        when the name is unknown. One bad address refuses the whole name: no honest partner mixes them."""
        found = list(self.resolver(host, port))
        if not found:
            raise OSError("de naam heeft geen adres")
        if not self._is_allowed(host, port) and not all(is_public(ipaddress.ip_address(_bare(text))) for text in found):
            raise AddressRefused("ADRES_NIET_TOEGESTAAN", "de webhook wijst naar een adres dat niet openbaar is")
        return found

    def _is_allowed(self, host: str, port: int) -> bool:
        return (host.lower().rstrip("."), port) in self.allowed


def _bare(address: str) -> str:
    return address.split("%", 1)[0]  # a zone index says nothing about the range


@dataclass(slots=True)
class Deadlines:
    """The two limits of the attempt that is being made (monotonic seconds); a sender makes one at a time."""

    monotonic: Callable[[], float]
    first_byte_by: float | None = None
    end_by: float = float("inf")

    def start(self, first_byte_by: float | None, end_by: float) -> None:
        """A new attempt."""
        self.first_byte_by = first_byte_by
        self.end_by = end_by

    def left(self, timeout: float | None, error: type[Exception]) -> float:
        """What is left of ``timeout`` within the attempt; raises ``error`` when nothing is."""
        left = self.end_by - self.monotonic()
        if left <= 0:
            raise error("the attempt took too long")
        return left if timeout is None else min(left, timeout)

    def pass_first_byte(self) -> None:
        """Called before each write; ``TooLateToSend`` when it should have left earlier.

        The head of a request says nothing of the person: a process that is held up behind it must not send the body.
        """
        if self.first_byte_by is not None and self.monotonic() > self.first_byte_by:
            raise TooLateToSend("the release is too old")


class GuardedStream(httpcore2.NetworkStream):
    """A connection that obeys the deadlines of the attempt. What is written here is HTTP; the TLS handshake is
    below."""

    def __init__(self, stream: httpcore2.NetworkStream, deadlines: Deadlines) -> None:
        self._stream = stream
        self._deadlines = deadlines

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most ``max_bytes``; ``ReadTimeout`` when the attempt is over."""
        return self._stream.read(max_bytes, self._deadlines.left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of ``buffer``; ``TooLateToSend`` when the first byte is late."""
        self._deadlines.pass_first_byte()
        self._stream.write(buffer, self._deadlines.left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> "GuardedStream":
        """TLS for the *name*: the certificate is checked against the host, not against the address."""
        left = self._deadlines.left(timeout, httpcore2.ConnectTimeout)
        return GuardedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadlines)

    def get_extra_info(self, info: str) -> Any:
        """What the connection below knows."""
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens TCP connections only to addresses that the guard has just checked."""

    def __init__(self, guard: AddressGuard, deadlines: Deadlines) -> None:
        self._guard = guard
        self._deadlines = deadlines
        self._below = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> GuardedStream:
        """A connection to the first address that answers. ``AddressRefused``, or httpcore2's connect errors."""
        try:
            addresses = self._guard.addresses(host, port)
        except OSError as error:
            raise httpcore2.ConnectError("the name is unknown") from error
        last: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            left = self._deadlines.left(timeout, httpcore2.ConnectTimeout)
            try:
                return GuardedStream(
                    self._below.connect_tcp(address, port, left, local_address, socket_options), self._deadlines
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        """Never: a webhook is on the network."""
        raise AddressRefused("ADRES_NIET_TOEGESTAAN", "een webhook is geen socketbestand")
