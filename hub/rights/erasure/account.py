"""A wissing as one organisation may see it, and the statement that its content was destroyed (vernietigingsverklaring).

Who recorded it sees its own part; a controller that was asked, its own; the contactpunt (``rechten:geheel``) all of it.
An id of a person that two organisations share never shows: keys are named by a hash of their id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row

from consent.log import reading as log
from consent.log.ledger import find
from consent.log.merkle import leaf_hash
from consent.store.reading import read_persons
from contracts import instants
from contracts.errors import NotFound
from contracts.identity import Oin
from contracts.retention.terms import Terms
from hub.access.caller import Scope
from hub.keys.erasing import lines
from hub.rights.erasure.erasures import OWN
from hub.rights.erasure.terms import evidence_until
from hub.rights.erasure.whole import ERASED, KEPT
from hub.store.persons import cases, erasures, picture
from hub.store.persons import erasure_requests as requests
from hub.store.persons.remains import known_to
from hub.store.region import parties
from hub.store.region.access import Asker
from hub.store.traffic import messages


@dataclass(frozen=True, slots=True)
class Seen:
    """What one organisation may see. ``request``: that it recorded or carries out; ``parts``: what was destroyed.

    ``own``: whose part of it; ``controllers``: the zaken of all who are asked, for the contactpunt alone.
    """

    id: str
    root: str
    own: Oin
    request: Row[Any] | None
    parts: tuple[Row[Any], ...]
    controllers: tuple[Row[Any], ...] | None


def seen(connection: Connection, wissing_id: str, asker: Asker) -> Seen:
    """The wissing, by the id of the request or of the zaak by which a controller was asked. Raises ``NotFound``."""
    own = asker.organisation
    # All of it is asked whatever the id names: what it costs must not tell.
    request = requests.find(connection, wissing_id)
    part = erasures.find(connection, wissing_id)
    of = requests.of_case(connection, wissing_id)
    if request is None:
        if part is None or of is None or (part.organisation != own and not _is_point(connection, of, asker)):
            raise NotFound
        return Seen(wissing_id, of.root, Oin(part.organisation), None, (part,), None)
    point = _is_point(connection, request, asker)
    if request.organisation != own and not point:
        raise NotFound
    asked = [c for c in cases.caused_by(connection, [wissing_id]) if c.kind == requests.ASKED]
    found = erasures.of(connection, [wissing_id, *(c.case_id for c in asked)])
    parts = tuple(part for part in found if point or part.organisation in (own, None))
    return Seen(wissing_id, request.root, own, request, parts, tuple(asked) if point else None)


def _is_point(connection: Connection, request: Row[Any], asker: Asker) -> bool:
    if Scope.RECHTEN_GEHEEL.value not in asker.held:
        return False
    asked = cases.caused_by(connection, [request.request_id])
    points = {c.organisation for c in asked if c.kind == requests.AT_POINT} | {request.point}
    return asker.organisation in points


@dataclass(frozen=True, slots=True)
class Beside:
    """What a wissing is told with: its kenmerk, the explanations by zaak, and the terms of what is left."""

    reference: str | None
    why: Mapping[str, str | None]
    terms: Terms


def told(connection: Connection, one: Seen, beside: Beside) -> dict[str, Any]:
    """The wissing on the wire, unsigned."""
    request, parts = one.request, one.parts
    asked = cases.caused_by(connection, [part.erasure_id for part in parts])
    notices = [c for c in asked if c.kind in cases.NOTICES]
    known = picture.names(connection, {c.organisation for c in notices})
    erased = request is not None and request.status == ERASED
    until = max((part.at for part in parts), default=request.closed_at if request is not None and erased else None)
    return {
        "wissingId": one.id,
        "omvang": OWN if request is None else request.scope,
        "reden": parts[0].reason if request is None else request.reason,
        "kenmerk": beside.reference,
        "status": ERASED if request is None else request.status,
        "tijdstip": _write(parts[0].at if request is None else request.at),
        "uiterlijkOp": None if request is None else _write(request.due_at),
        "afgerondOp": _write(parts[0].at if request is None else request.closed_at),
        "vernietigd": {
            "berichten": sum(part.messages for part in parts),
            "sleutels": sum(part.keys for part in parts),
        },
        "kennisgevingen": len(notices),
        "gevraagd": [_asked(c, known) for c in notices],
        "inhoudTot": _write(until),
        "bewijsTot": _write(_evidence(connection, one, beside.terms)),
        "verwerkingsverantwoordelijken": None
        if one.controllers is None
        else [_controller(c, parts, beside.why.get(c.case_id)) for c in one.controllers],
    }


def _asked(row: Row[Any], known: Mapping[str, Row[Any]]) -> dict[str, Any]:
    receiver = known.get(row.organisation)
    who = {"ontvanger": row.organisation, "naam": None if receiver is None else receiver.name}
    answer = {"antwoord": row.answer, "beantwoordOp": _write(row.closed_at)}
    return who | {"soort": row.kind, "zaakId": row.sender_id} | answer


def _controller(row: Row[Any], parts: Iterable[Row[Any]], why: str | None) -> dict[str, Any]:
    part = next((part for part in parts if part.erasure_id == row.case_id), None)
    ground, motivation = "", why
    if row.answer == KEPT:  # who keeps it names a ground, before its words
        ground, _, motivation = (why or "").partition("\n")
    return {
        "organisatie": row.organisation,
        "zaakId": row.case_id,
        "gevraagdOp": _write(row.opened_at),
        "uiterlijkOp": _write(row.due_at),
        "antwoord": row.answer,
        "beantwoordOp": _write(row.closed_at),
        "grond": ground or None,
        "motivering": motivation or None,
        "inhoudTot": _write(None if part is None else part.at),
    }


def _evidence(connection: Connection, one: Seen, terms: Terms) -> datetime | None:
    """Until when the evidence is kept. One organisation is told its own term: another's would show who is involved."""
    record = read_persons(connection, [one.root])[one.root]
    facts = record.facts
    known = one.controllers is not None
    mine = [i for i in facts.involvements if known or i.organisation == one.own]
    since = max((part.at for part in one.parts), default=None)
    if since is None:
        since = one.request.at if one.request is not None else None
    purposes = messages.purposes(connection, record.members, None if known else one.own)
    return None if since is None else evidence_until(mine, since, terms.evidence_years(purposes))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the entry of a vernietiging stands in the log."""

    index: int
    leaf: bytes


class NotYet(NotFound):
    """It is not done, or not in the signed log yet: ask again in a moment."""

    def __init__(self) -> None:
        super().__init__("Deze wissing is nog niet afgemaakt en getekend.", headers={"Retry-After": "5"})


def part_of(one: Seen) -> Row[Any]:
    """The vernietiging that bears this id. Raises ``NotFound`` where nothing was destroyed under it."""
    part = next((part for part in one.parts if part.erasure_id == one.id), None)
    if part is None:
        raise NotFound
    return part


def statement(connection: Connection, one: Seen, shown: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """The vernietigingsverklaring, unsigned; ``shown``: what ``told`` says. Raises ``NotFound``, ``NotYet``."""
    part = part_of(one)
    entry = find(connection, part.entry_id or "")
    index = log.index_of(connection, part.entry_id or "")
    if part.done_at is None or entry is None or index is None or index >= log.signed_size(connection):
        raise NotYet
    # With how many others a person was joined is for who sees the whole picture.
    mine = part.persons if one.controllers is not None else known_to(connection, one.own, part.persons)
    named = lines(mine, part.organisation, evidence=part.evidence is not None)
    party = None if part.organisation is None else parties.organisation_by_oin(connection, Oin(part.organisation))
    kept = ("wissingId", "reden", "kenmerk", "gevraagd", "bewijsTot")
    return {name: shown[name] for name in kept} | {
        "verklaring": "vernietigingsverklaring",
        "organisatie": part.organisation,
        "naam": None if party is None else party.name,
        "tijdstip": _write(part.at),
        "afgerondOp": _write(part.done_at),
        "inhoudTot": _write(part.at),
        "vernietigd": {"berichten": part.messages, "sleutels": part.keys},
        "sleutels": hashed(named),
        "logboek": {
            "oorsprong": origin,
            "vermelding": str(index),
            "bladHash": leaf_hash(entry.sealed.commitment).hex(),
        },
    }


def hashed(names: Sequence[str]) -> list[str]:
    """Names of keys as they may be shown: SHA-256 of each id."""
    return [sha256(name.encode()).hexdigest() for name in names]


def _write(at: datetime | None) -> str | None:
    return None if at is None else instants.write(at)
