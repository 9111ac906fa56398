"""People, statements and rights over the wire (``/v1/kandidaten``, ``/v1/toestemmingen``, ``/v1/zaken`` and so on)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.agent.errors import HubAnswerOdd
from connectors.agent.transport import Answer, Call, Transport, as_json, expect
from contracts.identity import KandidaatRef, kandidaat_ref


class People:
    """Part of the client. Methods raise ``HubRefused`` when the hub says no."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def register(
        self, *, bsn: str | None = None, own_number: str | None = None, established: str | None = None
    ) -> KandidaatRef:
        """Register a candidate; ``established``: ``document`` or ``BRP``. A repeat gives the same ref."""
        given = {"bsn": bsn, "lokaalNummer": own_number, "vergewist": established}
        body = {name: value for name, value in given.items() if value is not None}
        # Only a number makes a repeat the same person; without one each call would make another.
        answer = self._post("/v1/kandidaten", body, 200, 201, repeatable=bsn is not None or own_number is not None)
        return _ref(answer)

    def bind_number(self, ref: KandidaatRef, own_number: str) -> None:
        """Bind the own number; 409 when it already names somebody else."""
        call = Call("PUT", f"{_candidate(ref)}/lokaal-nummer", as_json({"lokaalNummer": own_number}))
        expect(self._transport.call(call), 200, 201, 204)

    def find(self, own_number: str) -> KandidaatRef | None:
        """The candidate of an own number, or ``None``."""
        call = Call("POST", "/v1/kandidaten/opzoeken", as_json({"lokaalNummer": own_number}))
        answer = expect(self._transport.call(call), 200, 404)
        return None if answer.status == 404 else _ref(answer)

    def open_traject(self, ref: KandidaatRef, traject: Mapping[str, Any]) -> str:
        """Open a traject ``{opdrachtgever, wettelijkKader, van, tot?}``; gives its ``trajectId``."""
        answer = self._post(f"{_candidate(ref)}/trajecten", traject, 201, repeatable=False)
        identifier = answer.object().get("trajectId")
        if not isinstance(identifier, str):
            raise HubAnswerOdd(answer.status)
        return identifier

    def record_consent(self, statement: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record what the person answered (AVG art. 7(1)); the fields stand in the API."""
        return self._post("/v1/toestemmingen", statement, 201, repeatable=False).object()

    def withdraw_consent(self, consent_id: str, given_by: str, reason: str | None = None) -> Mapping[str, Any]:
        """Withdraw (AVG art. 7(3)): answers what was stopped and what had already gone where."""
        body = {"gegevenDoor": given_by} | ({"reden": reason} if reason is not None else {})
        return self._post(f"/v1/toestemmingen/{quote(consent_id, safe='')}/intrekking", body, 200).object()

    def stop(self, ref: KandidaatRef, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """A stopverzoek: every consent-based flow about this person stops at once."""
        return _body(self._post(f"{_candidate(ref)}/stopverzoek", body or {}, 200, 201, 202))

    def release_secrecy(self, release: Mapping[str, Any]) -> Mapping[str, Any]:
        """An ontheffing van de geheimhouding, by the geheimhouder itself."""
        return self._post("/v1/ontheffingen", release, 201, repeatable=False).object()

    def answer_case(self, case_id: str, answer: str, **more: str) -> Mapping[str, Any]:
        """Answer a zaak: ``gestopt verwijderd behouden-eigen-grondslag onmogelijk`` and so on."""
        path = f"/v1/zaken/{quote(case_id, safe='')}/antwoord"
        return _body(self._post(path, {"antwoord": answer} | more, 200, 201, 204))

    def _post(self, path: str, body: Mapping[str, Any], *statuses: int, repeatable: bool = True) -> Answer:
        return expect(self._transport.call(Call("POST", path, as_json(body), repeatable=repeatable)), *statuses)


def _candidate(ref: KandidaatRef) -> str:
    return f"/v1/kandidaten/{quote(ref, safe='')}"


def _ref(answer: Answer) -> KandidaatRef:
    found = answer.object().get("kandidaatRef")
    try:
        return kandidaat_ref(found if isinstance(found, str) else "")
    except ValueError:
        pass
    raise HubAnswerOdd(answer.status)


def _body(answer: Answer) -> Mapping[str, Any]:
    return answer.object() if answer.body else {}
