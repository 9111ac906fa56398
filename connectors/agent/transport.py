"""HTTP to the hub: one connection pool, a token on every call, and patience where a repeat is harmless.

What may be repeated is decided per call. A message (``source`` and ``id``), a fetch, an acknowledgement may always be;
opening a traject may not, so that one is repeated only when it surely did not arrive.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from connectors.agent.errors import AgentError, HubAnswerOdd, HubRefused, Unreachable
from connectors.agent.ports import Ports
from connectors.agent.token import Identity, TokenSource
from contracts.errors import Fault, JsonInvalid
from contracts.strict_json import loads

MAX_ANSWER: Final = 64 * 2**20  # bytes: a page of 500 messages of 64 KiB, and room
MAX_OBEYED: Final = 300.0  # seconds: the longest Retry-After that is waited out in one call
_BUSY: Final = frozenset({429, 503})
_GATEWAY: Final = frozenset({502, 504})
#: These errors mean that the request did not reach the hub.
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying: attempts, and the longest wait between two of them in seconds."""

    attempts: int = 6
    longest_wait: float = 30.0
    timeout: float = 30.0  # seconds for one answer, beside what a waiting fetch asks for


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``repeatable``: doing it twice is the same as doing it once."""

    method: str
    path: str
    body: bytes | None = None
    media_type: str = "application/json"
    params: Mapping[str, str] | None = None
    repeatable: bool = True
    wait: float = 0.0  # seconds that the hub may hold its answer
    accept: str = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that was read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises ``HubAnswerOdd``."""
        try:
            return loads(self.body)
        except JsonInvalid:
            pass
        raise HubAnswerOdd(self.status)

    def object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ``HubAnswerOdd``."""
        found = self.json()
        if not isinstance(found, dict):
            raise HubAnswerOdd(self.status)
        return found

    def refusal(self) -> HubRefused:
        """The problem in this answer; an unreadable one keeps its status."""
        try:
            found = self.object()
        except HubAnswerOdd:
            found = {}
        code = found.get("code") or found.get("error") or "ONBEKEND"
        fields = found.get("velden")
        rows = [row for row in fields if isinstance(row, dict)] if isinstance(fields, list) else []
        faults = tuple(Fault(str(r.get("naam")), str(r.get("code")), str(r.get("reden"))) for r in rows)
        return HubRefused(self.status, str(code), faults)


class Transport:
    """Carries calls. Close it when done."""

    def __init__(
        self,
        identity: Identity,
        ports: Ports,
        patience: Patience | None = None,
        carrier: httpx2.BaseTransport | None = None,
    ) -> None:
        self._ports = ports
        self._patience = patience or Patience()
        self._client = httpx2.Client(
            base_url=identity.base_url.rstrip("/"),
            transport=carrier,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(self._patience.timeout, connect=10.0),
            limits=httpx2.Limits(max_connections=8, max_keepalive_connections=4),
        )
        self._tokens = TokenSource(identity, ports, self._token)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(self, call: Call) -> Answer:
        """Carry out a call with the partner's token; any status under 500 but 429 comes back as an answer.

        Raises ``Unreachable`` after the last attempt, ``HubRefused`` when no token is to be had.
        """
        answer = self._patiently(call, authorised=True)
        if answer.status == 401:
            # The token ended early (another key, a suspension): once more with a fresh one, then the answer stands.
            self._tokens.drop()
            answer = self._patiently(call, authorised=True)
        return answer

    def open_call(self, call: Call) -> Answer:
        """The same without a token: for what is public."""
        return self._patiently(call, authorised=False)

    def _patiently(self, call: Call, authorised: bool) -> Answer:
        for attempt in range(self._patience.attempts):
            asked: float | None = None
            try:
                answer = self._once(call, self._tokens.get() if authorised else None)
            except _NEVER_SENT:
                again = True
            except httpx2.HTTPError:
                again = call.repeatable
            else:
                if answer.status < 500 and answer.status != 429:
                    return answer
                asked = _retry_after(answer)
                again = _may_repeat(answer, call)
            if not again:
                raise Unreachable(attempt + 1)
            if attempt + 1 < self._patience.attempts:
                self._ports.sleep(self._delay(attempt, asked))
        raise Unreachable(self._patience.attempts)

    def _once(self, call: Call, token: str | None) -> Answer:
        headers = {"Accept": call.accept}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if call.body is not None:
            headers["Content-Type"] = call.media_type
        timeout = httpx2.Timeout(self._patience.timeout + call.wait, connect=10.0)
        with self._client.stream(
            call.method, call.path, content=call.body, params=call.params, headers=headers, timeout=timeout
        ) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise HubAnswerOdd(response.status_code)
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body))

    def _delay(self, attempt: int, asked: float | None) -> float:
        growing = float(0.25 * 2**attempt) * (0.5 + self._ports.jitter())
        return max(min(asked or 0.0, MAX_OBEYED), min(self._patience.longest_wait, growing))

    def _token(self, form: Mapping[str, str]) -> tuple[str, float]:
        body = str(httpx2.QueryParams(form)).encode()
        # Not repeatable by itself: the assertion's jti is good for one use. The outer loop asks with a fresh one.
        call = Call("POST", "/oauth/token", body, "application/x-www-form-urlencoded", repeatable=False)
        answer = self._once(call, None)
        if answer.status >= 500 or answer.status == 429:
            raise httpx2.ConnectError("het token komt niet")
        if answer.status != 200:
            raise answer.refusal()
        found = answer.object()
        token, life = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str) or not isinstance(life, int):
            raise HubAnswerOdd(answer.status)
        return token, float(life)


def as_json(value: Any) -> bytes:
    """A request body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def expect(answer: Answer, *statuses: int) -> Answer:
    """The answer when it has one of these statuses. Raises ``HubRefused`` (4xx) or ``HubAnswerOdd``."""
    if answer.status in statuses:
        return answer
    error: AgentError = answer.refusal() if 400 <= answer.status < 500 else HubAnswerOdd(answer.status)
    raise error


def _may_repeat(answer: Answer, call: Call) -> bool:
    """429 is said before anything is done; 503 too when the hub says so itself (problem details), not a proxy."""
    if answer.status == 429:
        return True
    if answer.status in _BUSY and answer.headers.get("content-type", "").startswith("application/problem+json"):
        return True
    return call.repeatable and answer.status in _BUSY | _GATEWAY | {500}


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
