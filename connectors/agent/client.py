"""The hub's wire, for a partner's own programs. One method per call of the API; nothing is kept but a token.

Messages, fetches and acknowledgements may be repeated without harm and are, on 429, 503 and lost connections.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2

from connectors.agent.errors import HubAnswerOdd
from connectors.agent.people import People
from connectors.agent.ports import Ports
from connectors.agent.token import Identity
from connectors.agent.transport import Answer, Call, Patience, Transport, as_json, expect
from contracts.errors import MessageInvalid

EVENT: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
MAX_BATCH: Final = 1_000  # messages
MAX_BATCH_BYTES: Final = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: ``aanvaard geweigerd ongeldig conflict vervallen`` and the hub's own words on it."""

    id: str
    status: str
    code: str | None
    body: Mapping[str, Any]

    @property
    def accepted(self) -> bool:
        """True when the hub took it, now or earlier."""
        return self.status == "aanvaard"


@dataclass(frozen=True, slots=True)
class Page:
    """What the mailbox gave, oldest first. ``next``: the sequence to go on from (``Postvak-Volgende``)."""

    events: tuple[Mapping[str, Any], ...]
    next: str | None

    @property
    def last(self) -> str | None:
        """The highest sequence of this page."""
        return str(self.events[-1]["sequence"]) if self.events else None


class Client:
    """A connection to one hub for one organisation. Use it as a context manager."""

    def __init__(
        self,
        identity: Identity,
        ports: Ports,
        patience: Patience | None = None,
        carrier: httpx2.BaseTransport | None = None,
    ) -> None:
        self.identity = identity
        self._transport = Transport(identity, ports, patience, carrier)
        self.people = People(self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def send(self, event: Mapping[str, Any]) -> Outcome:
        """Offer one message. A refusal is an answer; raises ``HubRefused`` for what is not about the message."""
        answer = self._transport.call(Call("POST", "/v1/berichten", as_json(event), EVENT))
        name = str(event.get("id", ""))
        status = {202: "aanvaard", 400: "ongeldig", 403: "geweigerd", 409: "conflict", 410: "vervallen"}
        found = expect(answer, *status).object()
        code = None if answer.status == 202 else str(found.get("code"))
        if code in ("SCOPE_ONTBREEKT", "AFZENDER_ONGELIJK"):
            raise answer.refusal()
        return Outcome(name, status[answer.status], code, found)

    def send_batch(self, events: Sequence[Mapping[str, Any]]) -> tuple[Outcome, ...]:
        """Offer 1 to 1,000 messages of at most 16 MiB together, each on its own merits; outcomes in the same order."""
        body = as_json(list(events))
        if not 1 <= len(events) <= MAX_BATCH or len(body) > MAX_BATCH_BYTES:
            raise MessageInvalid("een reeks is 1 tot en met 1.000 berichten en hoogstens 16 MiB")
        answer = expect(self._transport.call(Call("POST", "/v1/berichten", body, BATCH)), 202)
        results = answer.object().get("resultaten")
        if not isinstance(results, list) or len(results) != len(events):
            raise HubAnswerOdd(answer.status)
        return tuple(
            _outcome(str(event.get("id", "")), row, answer) for event, row in zip(events, results, strict=True)
        )

    def precheck(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """ "Mag dit?" in dry run: ``{uitkomst, stappen, watOntbreekt}``; ``data`` may be left out."""
        call = Call("POST", "/v1/vooraf-controles", as_json(event), EVENT)
        return expect(self._transport.call(call), 200, 403).object()

    def fate(self, message_id: str) -> Mapping[str, Any]:
        """What became of an own message, by the hub's ``berichtId``."""
        return self.get(f"/v1/berichten/{quote(message_id, safe='')}").object()

    def receipt(self, message_id: str) -> Mapping[str, Any]:
        """The signed receipt of this message alone."""
        return self.get(f"/v1/berichten/{quote(message_id, safe='')}/ontvangstbewijs").object()

    def proof(self, message_id: str) -> bytes:
        """The ``.tlog-proof`` of its decision leaf."""
        return self.get(f"/v1/berichten/{quote(message_id, safe='')}/bewijs", accept="*/*").body

    def mailbox(self, after: str | None = None, limit: int = 100, wait: float = 0.0) -> Page:
        """Fetch what is yours, oldest first. ``limit`` 1 to 500, ``wait`` 0 to 30 s for the hub to hold its answer."""
        params = {"limiet": str(limit)} | ({"na": after} if after is not None else {})
        params |= {"wachten": str(int(wait))} if wait else {}
        call = Call("GET", "/v1/postvak/berichten", params=params, wait=wait, accept=BATCH)
        answer = expect(self._transport.call(call), 200)
        events = answer.json()
        if not isinstance(events, list) or not all(isinstance(e, dict) and _is_sequence(e) for e in events):
            raise HubAnswerOdd(answer.status)
        return Page(tuple(events), answer.headers.get("postvak-volgende"))

    def acknowledge(self, up_to: str) -> None:
        """Everything up to and including this sequence is processed."""
        self._acknowledge({"tot": up_to})

    def subscribe(self, url: str, kinds: Sequence[str] | None = None) -> str:
        """Be pushed to instead of fetching; the webhook secret is given once, here."""
        body = as_json({"url": url} | ({"soorten": list(kinds)} if kinds is not None else {}))
        # The hub shows the secret only once: a repeat after a lost answer makes a new one, which is then the valid one.
        answer = expect(self._transport.call(Call("PUT", "/v1/abonnement", body)), 200, 201)
        secret = answer.object().get("geheim")
        if not isinstance(secret, str):
            raise HubAnswerOdd(answer.status)
        return secret

    def items(self, path: str, **filters: str) -> Iterator[Mapping[str, Any]]:
        """Every item of a list of the API (``/v1/uitwisselafspraken``), page after page."""
        cursor: str | None = None
        while True:
            params = filters | ({"volgende": cursor} if cursor else {})
            answer = self.get(path, params)
            found = answer.object()
            items = found.get("items")
            if not isinstance(items, list):
                raise HubAnswerOdd(answer.status)
            yield from items
            cursor = found.get("volgende")
            if not cursor:
                return

    def get(self, path: str, params: Mapping[str, str] | None = None, accept: str = "application/json") -> Answer:
        """Any other GET with the partner's token, such as a tile of the log. Raises ``HubRefused``."""
        return expect(self._transport.call(Call("GET", path, params=params, accept=accept)), 200)

    def public(self, path: str) -> Answer:
        """A GET without token: checkpoint, keys, metadata, OpenAPI."""
        return expect(self._transport.open_call(Call("GET", path, accept="*/*")), 200)

    def _acknowledge(self, body: Mapping[str, Any]) -> None:
        expect(self._transport.call(Call("POST", "/v1/postvak/bevestigingen", as_json(body))), 204)


def _outcome(name: str, row: Any, answer: Answer) -> Outcome:
    if not isinstance(row, dict) or not isinstance(row.get("status"), str):
        raise HubAnswerOdd(answer.status)
    problem = row.get("probleem")
    code = problem.get("code") if isinstance(problem, dict) else None
    return Outcome(name, row["status"], code, row)


def _is_sequence(event: Mapping[str, Any]) -> bool:
    sequence = event.get("sequence")
    return isinstance(sequence, str) and sequence.isascii() and sequence.isdigit() and len(sequence) <= 18
