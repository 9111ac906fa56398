"""The hub's wire in memory, as a carrier for the client: checks the assertion, knows repeats, and can fail on demand.

``script`` holds what happens to the next calls to a path: ``before`` loses the request, ``after`` does it and loses the
answer, a number is a status that is answered without doing anything.
"""

import json
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx2
from joserfc import jwt
from joserfc.jwk import OKPKey

from connectors.agent.ports import Ports
from connectors.agent.token import Identity

OIN = "00000099000000005000"
BASE = "https://hub.test"


def identity() -> Identity:
    key = OKPKey.generate_key("Ed25519", {"kid": "k1"}, private=True)
    return Identity(BASE, "kringloop-kassa", OIN, key.as_dict(private=True), ("berichten:versturen",))


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0
        self.slept: list[float] = []
        self.count = 0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def token(self) -> str:
        self.count += 1
        return f"jti-{self.count}"

    def ports(self) -> Ports:
        return Ports(lambda: self.now, self.sleep, self.token, lambda: 0.5)


class FakeHub(httpx2.BaseTransport):
    def __init__(self, who: Identity, clock: Clock) -> None:
        self.key = OKPKey.import_key(dict(who.key))
        self.who, self.clock = who, clock
        self.script: dict[str, deque[str | int]] = defaultdict(deque)
        self.calls: list[str] = []
        self.tokens: dict[str, float] = {}
        self.used: set[str] = set()
        self.messages: dict[str, str] = {}
        self.received: list[str] = []  # every id of every message that was offered
        self.refuse: set[str] = set()
        self.mailbox: list[dict[str, Any]] = []
        self.acknowledged: list[int] = []
        self.numbers: dict[str, str] = {}
        self.trajects = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        self.calls.append(f"{request.method} {path}")
        step = self.script[path].popleft() if self.script[path] else "do"
        if step == "before":
            raise httpx2.ConnectError("down", request=request)
        if step == "read":
            raise httpx2.ReadTimeout("slow", request=request)
        if isinstance(step, int):
            return problem(step)
        answer = self._answer(request, path)
        if step == "after":
            raise httpx2.RemoteProtocolError("lost", request=request)
        return answer

    def _answer(self, request: httpx2.Request, path: str) -> httpx2.Response:
        body = request.read()
        if path == "/oauth/token":
            return self._token(body)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) < self.clock.now:
            return problem(401, "TOKEN_ONGELDIG")
        if path == "/v1/berichten":
            return self._accept(json.loads(body), request.headers["Content-Type"])
        if path == "/v1/postvak/berichten":
            return self._fetch(dict(request.url.params))
        if path == "/v1/postvak/bevestigingen":
            self.acknowledged.append(int(json.loads(body)["tot"]))
            return httpx2.Response(204)
        if path == "/v1/kandidaten/opzoeken":
            ref = self.numbers.get(json.loads(body)["lokaalNummer"])
            return httpx2.Response(200, json={"kandidaatRef": ref}) if ref else problem(404, "NIET_GEVONDEN")
        if path.endswith("/trajecten"):
            self.trajects += 1
            return httpx2.Response(201, json={"trajectId": f"T-{self.trajects}"})
        return problem(404, "NIET_GEVONDEN")

    def _token(self, body: bytes) -> httpx2.Response:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        claims = jwt.decode(form["client_assertion"], self.key, algorithms=["Ed25519"]).claims
        assert claims["iss"] == claims["sub"] == self.who.client_id
        assert claims["aud"] == f"{BASE}/oauth/token"
        assert self.clock.now < claims["exp"] <= self.clock.now + 300
        assert form["organisatie"] == OIN
        if claims["jti"] in self.used:
            return httpx2.Response(401, json={"error": "invalid_client"})
        self.used.add(claims["jti"])
        token = f"token-{len(self.used)}"
        self.tokens[token] = self.clock.now + 900
        return httpx2.Response(200, json={"access_token": token, "token_type": "Bearer", "expires_in": 900})

    def _accept(self, body: Any, media_type: str) -> httpx2.Response:
        if media_type == "application/cloudevents+json":
            result = self._one(body)
            status = {"aanvaard": 202, "geweigerd": 403, "conflict": 409}[result["status"]]
            return problem(status, result["probleem"]["code"]) if status != 202 else httpx2.Response(202, json=result)
        return httpx2.Response(202, json={"resultaten": [self._one(event) for event in body]})

    def _one(self, event: Mapping[str, Any]) -> dict[str, Any]:
        self.received.append(event["id"])
        text = json.dumps(event, sort_keys=True)
        if event["id"] in self.refuse:
            return {"id": event["id"], "status": "geweigerd", "probleem": {"code": "GEEN_GRONDSLAG"}}
        if self.messages.setdefault(event["id"], text) != text:
            return {"id": event["id"], "status": "conflict", "probleem": {"code": "BERICHT_ID_BEZET"}}
        return {"id": event["id"], "status": "aanvaard", "ontvangstbewijs": {"id": event["id"]}}

    def _fetch(self, params: Mapping[str, str]) -> httpx2.Response:
        after = max([int(params.get("na", "0")), *self.acknowledged])
        page = [event for event in self.mailbox if int(event["sequence"]) > after][: int(params["limiet"])]
        headers = {"Postvak-Volgende": page[-1]["sequence"] if page else str(after)}
        return httpx2.Response(200, json=page, headers=headers)


def problem(status: int, code: str = "NIET_BESCHIKBAAR") -> httpx2.Response:
    body = json.dumps({"title": "x", "status": status, "code": code}).encode()
    headers = {"Content-Type": "application/problem+json"} | ({"Retry-After": "7"} if status == 503 else {})
    return httpx2.Response(status, content=body, headers=headers)
