"""One attempt over HTTP: a signed webhook out, one outcome value back. Whatever goes wrong below becomes an outcome.

Structured CloudEvent (CloudEvents HTTP binding §3.2) with Standard Webhooks headers; and the CloudEvents WebHook
handshake (§4), by which a receiver says that it wants to be called.
"""

import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpcore2
import httpx2
from standardwebhooks import Webhook

from hub.delivery.retry import LONGEST_RETRY_AFTER
from hub.delivery.webhook.address_guard import AddressGuard, AddressRefused, Deadlines, GuardedBackend, TooLateToSend
from hub.ports import Clock

MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
#: Seconds: to connect, to wait for a piece of the answer, for the whole attempt, and from release to first byte.
CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 10.0
ATTEMPT_TIMEOUT: Final = 20.0
FIRST_BYTE_WITHIN: Final = 2.0
#: How much of an answer is read (and thrown away), bytes.
ANSWER_LIMIT: Final = 65_536
_KEEP_ALIVE: Final = 15.0  # seconds that an idle connection is kept
#: Reasons of failure that speak of the recipient's endpoint, not of this one message.
ENDPOINT_REASONS: Final = frozenset(
    {"verbinding", "tijd", "tls", "adres", "http-429", "http-502", "http-503", "http-504"}
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The recipient has it: a 2xx."""

    status: int


@dataclass(frozen=True, slots=True)
class Retry:
    """It did not arrive, as far as we know. ``reason`` is a code; ``retry_after``: as the recipient asked (seconds)."""

    reason: str
    retry_after: float | None = None

    @property
    def endpoint(self) -> bool:
        """True when every message to this recipient would fare the same."""
        return self.reason in ENDPOINT_REASONS


@dataclass(frozen=True, slots=True)
class Gone:
    """410: the recipient ends its subscription."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """Nothing left: the release became too old before the first byte. Release again."""


Outcome = Delivered | Retry | Gone | TooLate


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out: to which URL, under which delivery id, signed with which secret, released when (monotonic)."""

    delivery_id: str
    url: str
    secret: bytes
    event: Mapping[str, Any]
    released_at: float


class HandshakeFailed(Exception):
    """The receiver did not agree to be called. ``code`` and ``reason`` may be told to it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Transport(httpx2.BaseTransport):
    """httpx2 over a connection pool whose every connection is opened by the guard. Written out, so that no new
    version of
    the library can lose the guard."""

    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=20,
            max_keepalive_connections=20,
            keepalive_expiry=_KEEP_ALIVE,
            network_backend=backend,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request on one guarded connection; raises httpcore2's errors."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Any:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


class Sender:
    """Makes attempts, one at a time, on connections of its own. One per worker thread."""

    def __init__(self, guard: AddressGuard, clock: Clock, tls: ssl.SSLContext) -> None:
        self._guard = guard
        self._clock = clock
        self._deadlines = Deadlines(clock.monotonic)
        self._client = httpx2.Client(
            transport=_Transport(GuardedBackend(guard, self._deadlines), tls),
            timeout=httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, parcel: Parcel) -> Outcome:
        """Bring one parcel. Never raises for what the network or the recipient does."""
        if self._clock.monotonic() > parcel.released_at + FIRST_BYTE_WITHIN:
            return TooLate()  # seen here, the idle connection stays whole
        try:
            self._guard.endpoint(parcel.url)
            body = json.dumps(parcel.event, ensure_ascii=False, separators=(",", ":")).encode()
            headers = sign(parcel, body, self._clock.now())
            return self._attempt(parcel.url, headers, body, parcel.released_at)
        except TooLateToSend:
            return TooLate()
        except Exception as error:  # noqa: BLE001 - the port wraps every foreign error
            return Retry(reason_of(error))

    def _attempt(self, url: str, headers: Mapping[str, str], body: bytes, released_at: float) -> Outcome:
        self._deadlines.start(released_at + FIRST_BYTE_WITHIN, self._clock.monotonic() + ATTEMPT_TIMEOUT)
        with self._client.stream("POST", url, content=body, headers=dict(headers)) as answer:
            _discard(answer)
            return outcome_of(answer.status_code, answer.headers.get("retry-after"), self._clock.now())

    def handshake(self, url: str, origin: str) -> None:
        """Ask the receiver whether ``origin`` (our host name) may call ``url`` (CloudEvents WebHook §4).

        Raises ``AddressRefused`` or ``HandshakeFailed``; their texts repeat nothing that was sent or received.
        """
        self._guard.endpoint(url)
        self._deadlines.start(None, self._clock.monotonic() + ATTEMPT_TIMEOUT)
        try:
            with self._client.stream("OPTIONS", url, headers={"WebHook-Request-Origin": origin}) as answer:
                _discard(answer)
                status, allowed = answer.status_code, answer.headers.get("webhook-allowed-origin", "")
        except AddressRefused:
            raise
        except Exception as error:
            raise HandshakeFailed("HANDDRUK_MISLUKT", "de webhook is niet bereikbaar") from error
        if not 200 <= status < 300:
            raise HandshakeFailed("HANDDRUK_MISLUKT", "de webhook antwoordt niet met 200 op OPTIONS")
        if allowed.strip() not in ("*", origin):
            raise HandshakeFailed("HANDDRUK_GEWEIGERD", "de webhook noemt deze hub niet in WebHook-Allowed-Origin")

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


#: Makes the sender of one worker.
NewSender = Callable[[], Sender]


def sign(parcel: Parcel, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of an attempt (Standard Webhooks §"Signature scheme"). ``webhook-id`` never changes."""
    signature = Webhook(parcel.secret).sign(parcel.delivery_id, now, body.decode())
    return {
        "content-type": MEDIA_TYPE,
        "user-agent": "doorstroomhub",
        "webhook-id": parcel.delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


def outcome_of(status: int, retry_after: str | None, now: datetime) -> Outcome:
    """What a status code means for the delivery. A redirect is a failure: only a checked URL may be called."""
    if 200 <= status < 300:
        return Delivered(status)
    if status == 410:
        return Gone()
    if 300 <= status < 400:
        return Retry("omleiding")
    return Retry(f"http-{status}", seconds_of(retry_after, now) if status in (429, 503) else None)


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """``Retry-After`` in seconds from now, in [0, 24 h]; both forms of RFC 9110 §10.2.3. Nonsense is None."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(int(text[:9])), LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def reason_of(error: BaseException) -> str:
    """The code of a failure; never its text, which may hold a URL."""
    for cause in _chain(error):
        if isinstance(cause, AddressRefused):
            return "adres"
        if isinstance(cause, ssl.SSLError):
            return "tls"
        if isinstance(cause, (httpcore2.TimeoutException, TimeoutError)):
            return "tijd"
        if isinstance(cause, (httpcore2.NetworkError, OSError)):
            return "verbinding"
        if isinstance(cause, (httpcore2.ProtocolError, httpx2.HTTPError)):
            return "protocol"
    return "fout"


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        # An SSL error hides below httpcore2's own ConnectError.
        deeper = error.__cause__ or error.__context__
        if not (isinstance(error, httpcore2.ConnectError) and isinstance(deeper, ssl.SSLError)):
            yield error
        error = deeper


def _discard(answer: httpx2.Response) -> None:
    """Read a bounded part of the answer, so that the connection can be used again; its status already stands."""
    size = 0
    try:
        for piece in answer.iter_raw():
            size += len(piece)
            if size > ANSWER_LIMIT:
                return
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError):
        return  # the status was received, and only that counts
