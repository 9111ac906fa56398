"""A message on the wire: a CloudEvent 1.0 in the NL GOV profile (structured and batch), read strictly.

Each message passes two gates here: its shape (compiled; marshmallow only explains a rejection) and its rules.
No fault repeats a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from contracts import catalogue, shape, strict_json
from contracts.canonical import canonical, sha256_hex
from contracts.errors import CallerError, Fault, KindUnknown, MessageInvalid, RequestInvalid, TooLarge
from contracts.identity import KandidaatRef, Oin, Purpose, is_bsn, oin
from contracts.kinds import walk
from contracts.kinds.base import TYPE_PREFIX as TYPE_PREFIX
from contracts.kinds.base import Kind
from contracts.kinds.fields import (
    BSN_AS_ID,
    ID_PATTERN,
    OIN_PATTERN,
    REF_PATTERN,
    Choice,
    Instant,
    Leaf,
    Matched,
    RuleContext,
)
from contracts.kinds.objects import DataSchema

MAX_MESSAGE: Final = 65_536  # bytes of one message (CloudEvents 1.0, size limits)
MAX_BATCH_BYTES: Final = 16 * 2**20
MAX_BATCH: Final = 1_000  # messages
CONTENT_TYPE: Final = "application/json"

_SOURCE_PATTERN: Final = f"urn:nld:oin:{OIN_PATTERN}:systeem:[A-Za-z0-9][A-Za-z0-9._-]{{0,62}}"
_TRACE: Final = frozenset({"traceparent", "tracestate"})


@dataclass(frozen=True, slots=True)
class Source:
    """Who sent it: an organisation, through one of its systems."""

    organisation: Oin
    system: str

    @classmethod
    def parse(cls, text: str) -> "Source":
        """From ``urn:nld:oin:<oin>:systeem:<system>``; raises ``ValueError``."""
        if not _SOURCE.compiled.fullmatch(text):
            raise ValueError("geen geldige source: urn:nld:oin:<oin>:systeem:<systeem>")
        _, _, _, organisation, _, system = text.split(":")
        return cls(oin(organisation), system)

    def urn(self) -> str:
        """The wire form."""
        return f"urn:nld:oin:{self.organisation}:systeem:{self.system}"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that has the shape of its kind and obeys its rules. ``event`` is the CloudEvent exactly as read."""

    id: str
    source: Source
    kind: Kind
    subject: KandidaatRef | None
    purpose: Purpose
    trajectory: str | None
    recipient: Oin | None
    data: Mapping[str, Any]
    event: Mapping[str, Any]

    def canonical(self) -> bytes:
        """RFC 8785 bytes of the event without its trace attributes."""
        return canonical(self._untraced())

    def digest(self) -> str:
        """SHA-256 of :meth:`canonical`, hexadecimal."""
        return sha256_hex(self._untraced())

    def _untraced(self) -> dict[str, Any]:
        return {name: value for name, value in self.event.items() if name not in _TRACE}


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One message of a batch: what it is, or why it is refused. ``id`` is its own id when that is well-formed."""

    id: str | None
    outcome: Message | CallerError


class _Data(Leaf):
    """``data`` as the envelope sees it; the kind says the rest."""

    def fault(self, value: Any) -> str | None:
        return None if type(value) is dict else "TYPE|Hier hoort een object"

    def json(self) -> dict[str, Any]:
        return {"type": "object"}


_ID: Final = Matched("[!-~](?:[ -~]{0,253}[!-~])?", 255, required=True, hint="1 tot 255 gewone tekens")
_SOURCE: Final = Matched(_SOURCE_PATTERN, 112, required=True, hint="urn:nld:oin:<oin>:systeem:<systeem>")


class Envelope(DataSchema):
    """The attributes of an event. What depends on the kind (subject, doel, ontvanger, data) is asked by rules."""

    specversion = Choice("1.0", required=True)
    id = _ID
    source = _SOURCE
    type = Matched("[a-z0-9.-]{1,128}", 128, required=True)
    subject = Matched(REF_PATTERN, 26, hint="Een kandidaatRef: 26 tekens a-z en 2-7")
    time = Instant()
    datacontenttype = Choice(CONTENT_TYPE)
    dataschema = Matched("[!-~]+", 255, hint="Een URI")
    doel = Choice(" ".join(Purpose))
    traject = Matched(ID_PATTERN, 64, hint="Een trajectId")
    ontvanger = Matched(OIN_PATTERN, 20, hint="Een OIN: 20 cijfers met een bekend voorvoegsel")
    traceparent = Matched("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", 55, hint="W3C Trace Context")
    tracestate = Matched("[ -~]+", 512, hint="W3C Trace Context")
    data = _Data()


_ENVELOPE: Final = Envelope()


def read(raw: bytes, today: date, kinds: catalogue.Registry | None = None) -> Message:
    """The message in ``raw``; ``today`` is the day in Europe/Amsterdam.

    Raises ``TooLarge``, ``JsonInvalid``, ``KindUnknown`` or ``MessageInvalid`` with its faults.
    """
    return _read_one(raw, today, kinds, dry=False)


def read_dry(raw: bytes, today: date, kinds: catalogue.Registry | None = None) -> Message:
    """Like :func:`read`, but ``data`` may be left out; it is then empty and no rule is asked."""
    return _read_one(raw, today, kinds, dry=True)


def read_batch(raw: bytes, today: date, kinds: catalogue.Registry | None = None) -> list[BatchItem]:
    """The messages of a JSON array of 1 to 1,000, each on its own merits.

    Raises ``TooLarge``, ``JsonInvalid`` or ``RequestInvalid`` for the batch as a whole.
    """
    if len(raw) > MAX_BATCH_BYTES:
        raise TooLarge("Een reeks berichten is ten hoogste 16 MiB")
    document = strict_json.parse(raw)
    events = document.value
    if type(events) is not list or not 1 <= len(events) <= MAX_BATCH:
        fault = Fault("berichten", "AANTAL", f"Een JSON-lijst van 1 tot en met {MAX_BATCH} berichten")
        raise RequestInvalid(faults=[fault])
    sized = len(raw) > MAX_MESSAGE
    return [_batch_item(event, today, kinds, document.fractions, sized) for event in events]


def reopen(stored: bytes, kinds: catalogue.Registry | None = None) -> Message:
    """A message that was accepted before, from its stored bytes; neither shape nor rules are asked again."""
    event = strict_json.loads(stored)
    kind = (kinds if kinds is not None else catalogue.standard())[event["type"]]
    return _message(kind, event)


def outbound(
    message: Message, data: Mapping[str, Any], subject: KandidaatRef | None, sequence: int | None = None
) -> dict[str, Any]:
    """The event for one recipient: its own subject and its own part of the data; ``traject`` is never passed on.

    ``tracestate`` stays behind too: it is text of the sender's own making.
    """
    event = {name: message.event[name] for name in ("specversion", "id", "source", "type")}
    if subject is not None:
        event["subject"] = subject
    event |= {name: message.event[name] for name in ("time", "traceparent") if name in message.event}
    event |= {"datacontenttype": CONTENT_TYPE, "doel": message.purpose.value}
    if sequence is not None:
        event["sequence"] = str(sequence)
    event["data"] = dict(data)
    return event


def compose(kind: Kind, attributes: Mapping[str, Any], data: Mapping[str, Any], today: date) -> Message:
    """A message that the hub itself makes, from ``id, source, subject?, time?``; raises ``MessageInvalid``."""
    event = {"specversion": "1.0", "type": kind.type, "datacontenttype": CONTENT_TYPE} | dict(attributes)
    event["data"] = dict(data)
    return _checked(kind, event, today, dry=False)


def warnings(message: Message, today: date) -> list[Fault]:
    """What is odd in a message but never a reason to refuse it, such as a crebo that is not in the list."""
    context = RuleContext(today, message.purpose, message.subject)
    return message.kind.warnings(message.data, context) if message.data else []


def _read_one(raw: bytes, today: date, kinds: catalogue.Registry | None, dry: bool) -> Message:
    if len(raw) > MAX_MESSAGE:
        raise TooLarge("Een bericht is ten hoogste 65.536 bytes")
    document = strict_json.parse(raw)
    return _read_event(document.value, today, kinds, dry, document.fractions)


def _batch_item(event: Any, today: date, kinds: catalogue.Registry | None, fractions: bool, sized: bool) -> BatchItem:
    known = event.get("id") if type(event) is dict else None
    id_ = known if known is not None and _ID.fault(known) is None else None
    outcome: Message | CallerError
    try:
        outcome = _read_event(event, today, kinds, False, fractions)
        if sized and len(canonical(event)) > MAX_MESSAGE:
            outcome = TooLarge("Een bericht is ten hoogste 65.536 bytes")
    except CallerError as error:
        outcome = error
    return BatchItem(id_, outcome)


def _read_event(event: Any, today: date, kinds: catalogue.Registry | None, dry: bool, fractions: bool) -> Message:
    kind = _kind(event, kinds if kinds is not None else catalogue.standard())
    if fractions:  # JSON Schema takes 1.0 for a whole number; the explanation does not
        _refuse(_shape_faults(kind, event))
    return _checked(kind, event, today, dry)


def _kind(event: Any, kinds: catalogue.Registry) -> Kind:
    type_ = event.get("type") if type(event) is dict else None
    if type(type_) is not str:
        raise MessageInvalid(faults=shape.explain(_ENVELOPE, event))
    kind = kinds.get(type_)
    if kind is None:
        raise KindUnknown
    if kind.by_hub:
        raise KindUnknown("Dit berichttype maakt alleen de hub zelf")
    return kind


def _checked(kind: Kind, event: Mapping[str, Any], today: date, dry: bool) -> Message:
    if not shape.fits(_ENVELOPE, kind, event):
        _refuse(_shape_faults(kind, event))
        raise AssertionError("the compiled and the explaining shape of a kind disagree")
    _refuse(_envelope_faults(kind, event, dry))
    message = _message(kind, event)
    if "data" in event:
        context = RuleContext(today, message.purpose, message.subject)
        found = walk.faults(kind.shape(message.data), message.data, context)
        _refuse(found + kind.rules(message.data, context))
    return message


def _shape_faults(kind: Kind, event: Any) -> list[Fault]:
    found = [_dataref(fault) for fault in shape.explain(_ENVELOPE, event)]
    data = event.get("data")
    return found + shape.explain(kind.shape(data), data, "data") if type(data) is dict else found


def _dataref(fault: Fault) -> Fault:
    return Fault("dataref", "DATAREF", "Stuur de inhoud mee in data") if fault.name == "dataref" else fault


def _envelope_faults(kind: Kind, event: Mapping[str, Any], dry: bool) -> list[Fault]:
    """What the kind asks of the envelope."""
    found: list[Fault] = []
    if kind.about_person and "subject" not in event:
        found.append(Fault("subject", "VERPLICHT", "Dit bericht gaat over een kandidaat: noem uw kandidaatRef"))
    if not kind.about_person and "subject" in event:
        found.append(Fault("subject", "ONBEKEND_VELD", "Dit bericht gaat niet over een kandidaat"))
    if kind.default_purpose is None and "doel" not in event:
        found.append(Fault("doel", "VERPLICHT", "Dit berichttype kent meer dan één doel: noem het doel"))
    if kind.opens and "ontvanger" not in event:
        found.append(Fault("ontvanger", "VERPLICHT", "Noem bij dit berichttype de ontvanger"))
    if "data" not in event and not dry:
        found.append(Fault("data", "VERPLICHT", "Dit veld is verplicht"))
    found += [walk.fault(name, BSN_AS_ID) for name in ("id", "traject") if name in event and is_bsn(event[name])]
    named = _trajectory_in_data(kind, event)
    if named is not None and event.get("traject", named) != named:
        found.append(Fault("traject", "TRAJECT_ONGELIJK", "Dit is een ander traject dan dat in data"))
    return found


def _message(kind: Kind, event: Mapping[str, Any]) -> Message:
    recipient, subject = event.get("ontvanger"), event.get("subject")
    purpose = Purpose(event["doel"]) if "doel" in event else kind.default_purpose
    if purpose is None:
        raise ValueError("een bericht zonder doel, van een soort met meer dan één doel")
    return Message(
        id=event["id"],
        source=Source.parse(event["source"]),
        kind=kind,
        subject=None if subject is None else KandidaatRef(subject),
        purpose=purpose,
        trajectory=event.get("traject") or _trajectory_in_data(kind, event),
        recipient=None if recipient is None else Oin(recipient),
        data=event.get("data", {}),
        event=event,
    )


def _trajectory_in_data(kind: Kind, event: Mapping[str, Any]) -> str | None:
    """The traject that the data names; the whole of a closing message is about one."""
    data = event.get("data", {})
    named = (data if kind.closes else data.get("traject", {})).get("trajectId")
    return named if isinstance(named, str) else None


def _refuse(found: list[Fault]) -> None:
    if found:
        raise MessageInvalid(faults=found[: shape.MAX_FAULTS])
