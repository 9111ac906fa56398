"""A webhook receiver: the CloudEvents WebHook handshake, Standard Webhooks signatures, each delivery handed over once.

The answer is 2xx only when the message stands in the inbox for good; then the hub counts it as acknowledged.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from connectors.agent.handover import Delivery, Inbox

TOLERANCE: Final = 300  # seconds between the sender's clock and ours (Standard Webhooks)
MAX_BODY: Final = 256 * 2**10  # bytes: a message of 64 KiB, and room
READ_TIMEOUT: Final = 30.0  # seconds in which a request must have come in
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_ORIGIN: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")

HandOver = Callable[[str, bytes], bool]  # webhook-id and body -> True when it was new


@dataclass(frozen=True, slots=True)
class Receiving:
    """What a receiver is told: the path where it listens, and the hosts of the hub that may ask for the handshake.

    ``secret`` is asked at each call, because it is known only after the handshake: the ``whsec_`` text, or ``None``.
    ``clock``: seconds since 1970.
    """

    path: str
    origins: frozenset[str]
    secret: Callable[[], str | None] = field(repr=False)
    hand_over: HandOver
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and headers; a receiver never answers with a body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


def genuine(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> bool:
    """True for a body signed with this secret, not more than ``TOLERANCE`` from now. Header names are lower case."""
    identifier, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(identifier) or not _TIMESTAMP.fullmatch(stamp) or abs(now - int(stamp)) > TOLERANCE:
        return False
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return False
    signed = f"{identifier}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # Several signatures, one per valid secret, while a secret is being replaced.
    given = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split(" ") if part[:3] == "v1,"]
    matches = [hmac.compare_digest(expected, signature.encode()) for signature in given]
    return len(key) >= 16 and any(matches)


def handshake(receiving: Receiving, headers: Mapping[str, str]) -> Reply:
    """CloudEvents WebHook 1.0 §4: grant a known origin, refuse another."""
    origin = headers.get("webhook-request-origin", "")
    if not _ORIGIN.fullmatch(origin) or origin not in receiving.origins:
        return Reply(403)
    return Reply(200, {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "OPTIONS, POST"})


def receive(receiving: Receiving, headers: Mapping[str, str], body: bytes) -> Reply:
    """Take one delivery: 204 when it is in the inbox, now or earlier; 401 when it is not genuine."""
    secret = receiving.secret()
    if secret is None:
        return Reply(503, {"Retry-After": "5"})
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/cloudevents+json":
        return Reply(415)
    if not genuine(body, headers, secret, receiving.clock()):
        return Reply(401)
    receiving.hand_over(headers["webhook-id"], body)
    return Reply(204)


def into(inbox: Inbox, clock: Callable[[], float]) -> HandOver:
    """Hand over to an inbox: one JSON file per delivery, named by its ``webhook-id``."""

    def hand_over(identifier: str, body: bytes) -> bool:
        return inbox.hand_over(Delivery(f"webhook-{identifier}", {f"webhook-{identifier}.json": body}), clock())

    return hand_over


def server(address: tuple[str, int], receiving: Receiving) -> ThreadingHTTPServer:
    """A server that is bound and not yet serving; behind TLS of the partner's own. Nothing is written to a log."""

    class Handler(BaseHTTPRequestHandler):
        timeout = READ_TIMEOUT
        server_version, sys_version = "doorstroom-ontvanger", ""
        protocol_version = "HTTP/1.1"

        def do_OPTIONS(self) -> None:
            known = self.path == receiving.path
            self._answer(handshake(receiving, self._headers()) if known else Reply(404))

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not re.fullmatch("[0-9]{1,9}", length) or int(length) > MAX_BODY:
                self.close_connection = True  # the body is not read, so the connection cannot go on
                self._answer(Reply(413 if length else 411))
                return
            body = self.rfile.read(int(length))
            if self.path != receiving.path:
                self._answer(Reply(404))
            elif len(body) != int(length):
                self._answer(Reply(400))
            else:
                self._answer(self._received(body))

        def _received(self, body: bytes) -> Reply:
            try:
                return receive(receiving, self._headers(), body)
            except OSError:  # the disk is full, say: the hub keeps it and comes again
                return Reply(503, {"Retry-After": "60"})

        def _headers(self) -> dict[str, str]:
            return {name.lower(): value for name, value in self.headers.items()}

        def _answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a request line is not for a log."""

    return ThreadingHTTPServer(address, Handler)
