"""Reading a request: size before content, media type, strict JSON, and a query without surprises."""

from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import Any, Final

from flask import current_app, request
from marshmallow import RAISE, Schema

from contracts.envelope import MAX_BATCH_BYTES, MAX_MESSAGE
from contracts.errors import Fault, JsonInvalid, MediaTypeUnknown, RequestInvalid, TooLarge
from contracts.strict_json import loads

JSON: Final = "application/json"
EVENT: Final = "application/cloudevents+json"
EVENT_BATCH: Final = "application/cloudevents-batch+json"
DRAINS: Final = "drains"  # name in ``app.extensions``: places for refusals that read on at once
_MOST_DRAINED: Final = 2 * MAX_BATCH_BYTES
_CHUNK: Final = 65_536


def bound_size() -> None:
    """Set the most that may be read of this request, and refuse at once what announces more (RFC 9110 §15.5.14).

    A chunked body announces nothing, and werkzeug cuts it off at the limit without a word: so one byte more is read, by
    which `raw_body` sees that it is too large.
    """
    most = _most()
    request.max_content_length = most + 1
    if (request.content_length or 0) > most:
        raise TooLarge


def drain() -> None:
    """Read away what a refusal left unread: a caller that is still sending sees the answer, not a broken connection.

    Bounded, and nothing is kept. Only where the server marks the body's end itself.
    """
    if not request.environ.get("wsgi.input_terminated") or (request.content_length or 0) > _MOST_DRAINED:
        return
    # Nobody who may send slowly without a token holds more than a few threads.
    places: BoundedSemaphore = current_app.extensions[DRAINS]
    if not places.acquire(blocking=False):
        return
    try:
        left = _MOST_DRAINED
        while left > 0 and (chunk := request.environ["wsgi.input"].read(_CHUNK)):
            left -= len(chunk)
    finally:
        places.release()


def _most() -> int:
    return MAX_BATCH_BYTES if request.mimetype == EVENT_BATCH else MAX_MESSAGE


def raw_body(*media_types: str) -> tuple[str, bytes]:
    """The media type, one of ``media_types``, and the body. Raises ``MediaTypeUnknown``, ``TooLarge``."""
    kind = request.mimetype
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if (
        kind not in media_types
        or charset not in ("utf-8", "utf8")
        or request.content_encoding not in (None, "", "identity")
    ):
        raise MediaTypeUnknown
    raw = request.get_data(cache=False)
    if len(raw) > _most():
        raise TooLarge
    if request.content_length not in (None, len(raw)):  # RFC 9112 §8: a message that broke off is not acted upon
        raise JsonInvalid("De aanvraag is niet volledig aangekomen")
    return kind, raw


def no_body() -> bool:
    """True when the request announces no body at all (RFC 9112 §6.3)."""
    return not request.content_length and "Transfer-Encoding" not in request.headers


def json_body(schema: Schema) -> Mapping[str, Any]:
    """The JSON body as the schema loads it. Raises what `raw_body` raises, ``JsonInvalid`` and ``ValidationError``."""
    loaded: Mapping[str, Any] = schema.load(loads(raw_body(JSON)[1]), unknown=RAISE)
    return loaded


def query(schema: Schema | None) -> Mapping[str, Any]:
    """The query parameters as the schema loads them; without a schema there may be none. Each may stand there once."""
    given = request.args.to_dict(flat=False)
    if any(len(values) > 1 for values in given.values()):
        raise RequestInvalid(faults=[Fault("query", "HERHAALD", "een parameter mag maar één keer voorkomen")])
    if schema is None:
        if given:
            raise RequestInvalid(faults=[Fault("query", "ONBEKEND_VELD", "hier zijn geen parameters")])
        return {}
    loaded: Mapping[str, Any] = schema.load({name: values[0] for name, values in given.items()}, unknown=RAISE)
    return loaded
