"""The mailbox over HTTP: fetch and acknowledge."""

import re
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, request
from marshmallow import Schema, fields, validates_schema

from contracts.errors import LogUnavailable, MethodUnknown, PartUnavailable
from hub.access.caller import Scope
from hub.delivery.mailbox import Acknowledgement
from hub.delivery.release import LEAVE_WITHIN
from hub.delivery.states import Step
from hub.intake import reading
from hub.intake.context import asker, hub
from hub.intake.endpoint import Endpoint, json_response
from hub.intake.message_schemas import EVENTS
from hub.intake.problems import invalid
from hub.intake.schemas import Whole, free_text, word_field

_SEQUENCE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_MOST: Final = 500
_LONGEST_WAIT: Final = 30  # seconds
_OUTCOMES: Final = {"verwerkt": Step.ACKNOWLEDGE, "onverwerkbaar": Step.REJECT}


def _sequence(value: str) -> None:
    if not _SEQUENCE.fullmatch(value):
        raise invalid("GEEN_VOLGNUMMER", "hier hoort een volgnummer in cijfers")


def _between(low: int, high: int) -> Any:
    def check(value: int) -> None:
        if not low <= value <= high:
            raise invalid("BEREIK", f"hier hoort een getal van {low} tot en met {high}")

    return check


def sequence_field(**kwargs: Any) -> fields.String:
    """A mailbox sequence: a decimal string."""
    return fields.String(validate=_sequence, metadata={"pattern": "^(0|[1-9][0-9]{0,17})$"}, **kwargs)


class PostvakQuery(Schema):
    """Where to go on from, how many at most, and how long to wait for the first (seconds)."""

    na = sequence_field(load_default="0")
    limiet = Whole(load_default=100, validate=_between(1, _MOST), metadata={"minimum": 1, "maximum": _MOST})
    wachten = Whole(
        load_default=0, validate=_between(0, _LONGEST_WAIT), metadata={"minimum": 0, "maximum": _LONGEST_WAIT}
    )


class Bevestigd(Schema):
    """The outcome of one message at its recipient."""

    sequence = sequence_field(required=True)
    uitkomst = word_field(*_OUTCOMES, required=True)
    reden = free_text(500)


class Bevestiging(Schema):
    """Either everything up to ``tot``, or single messages."""

    tot = sequence_field()
    berichten = fields.List(fields.Nested(Bevestigd), validate=lambda found: _between(1, _MOST)(len(found)))

    @validates_schema(skip_on_field_errors=True)
    def _one_of(self, data: Mapping[str, Any], **_: Any) -> None:
        if ("tot" in data) == ("berichten" in data):
            raise invalid("KEUZE", "geef tot of berichten, niet allebei")
        numbers = [b["sequence"] for b in data.get("berichten", ())]
        if len(set(numbers)) < len(numbers):
            raise invalid("HERHAALD", "een volgnummer mag maar één keer voorkomen")


def postvak_berichten(query: Mapping[str, Any]) -> Response:
    """What is the caller's own and allowed now, oldest first."""
    if request.method == "HEAD":
        # It would note as given what never leaves (RFC 9110 §9.3.2: an answer to HEAD has no content).
        raise MethodUnknown(headers={"Allow": "GET, OPTIONS"})
    page = hub().mailbox.fetch(asker(), int(query["na"]), query["limiet"], query["wachten"])
    answer = json_response(page.events, headers={"Postvak-Volgende": str(page.next_sequence)})
    if hub().clock.monotonic() - page.committed > LEAVE_WITHIN:  # held up since: the next fetch decides anew
        raise PartUnavailable("De hub is te druk om berichten op tijd uit te geven.")
    answer.content_type = reading.EVENT_BATCH
    return answer


def postvak_bevestigen(body: Mapping[str, Any]) -> None:
    """Take an acknowledgement."""
    if "tot" in body:
        hub().mailbox.acknowledge(Acknowledgement(asker(), through=int(body["tot"])))
        hub().metrics.acknowledge.add(outcome="bevestigd")
        return
    single = {int(b["sequence"]): (_OUTCOMES[b["uitkomst"]], b.get("reden")) for b in body["berichten"]}
    hub().mailbox.acknowledge(Acknowledgement(asker(), single=single))
    for told in body["berichten"]:
        hub().metrics.acknowledge.add(outcome=told["uitkomst"])


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/postvak/berichten",
        view=postvak_berichten,
        summary="Eigen berichten ophalen, oudste eerst",
        scope=Scope.BERICHTEN_ONTVANGEN,
        query=PostvakQuery,
        answers={200: EVENTS},
        out_media=reading.EVENT_BATCH,
        errors=(PartUnavailable, LogUnavailable),
    ),
    Endpoint(
        method="POST",
        path="/postvak/bevestigingen",
        view=postvak_bevestigen,
        summary="Opgehaalde berichten bevestigen",
        scope=Scope.BERICHTEN_ONTVANGEN,
        body=Bevestiging,
        status=204,
    ),
)
