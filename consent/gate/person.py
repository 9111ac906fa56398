"""What stands about the person for one flow, whatever the category: blocks, stops, objections, releases, the POK."""

from collections.abc import Iterable
from datetime import datetime

from consent.facts import (
    ALWAYS,
    SPEAKS_FOR_MINOR,
    ConsentFlow,
    Objection,
    ObjectionOutcome,
    PersonFacts,
    Request,
    Restriction,
    Statement,
    Stop,
)
from contracts.identity import Oin


def blocked(request: Request, person: PersonFacts, at: datetime) -> str | None:
    """(a): unknown, erased or deceased; restricted (AVG art. 18) or an objection pending (art. 21) for this flow."""
    labels: list[str] = []
    for restriction in person.restrictions:
        if valid(restriction.valid_from, restriction.valid_until, at) and concerns(request, restriction):
            labels.append(f"beperking:{restriction.id}")
    for objection in person.objections:
        if objection.outcome == ObjectionOutcome.PENDING and objection.at <= at and concerns(request, objection):
            labels.append(f"bezwaar:{objection.id}")
    if not person.known:
        return "kandidaat-onbekend"
    if person.erased:
        return "kandidaat-gewist"
    if person.deceased and not request.closes:  # that it is over is told, so that those who are involved stop
        return "kandidaat-overleden"
    return min(labels) if labels else None


def shielded(receiver: Oin, person: PersonFacts, at: datetime) -> str | None:
    """The afscherming that keeps where the person is from this receiver; ``None``: there is none."""
    return min((f"afscherming:{s.id}" for s in person.shields if s.hides_from(receiver, at)), default=None)


def grown_at(statements: Iterable[Statement]) -> datetime:
    """When the person is 16 by all that was said of it; where two differ, the latest. ``ALWAYS``: nothing says so."""
    return max((s.sixteen_at for s in statements if s.sixteen_at is not None), default=ALWAYS)


def awaits_person(said: Statement, grown: datetime, at: datetime) -> bool:
    """True while a `ja` needs the person's word, given at 16 (``grown``) or later.

    What a parent or guardian said needs it from that day; what the person said before it, or a proxy did, counts for
    nothing without it: under 16 a parent or guardian decides (AVG art. 8, UAVG art. 5).
    """
    if said.by in SPEAKS_FOR_MINOR:
        due = said.sixteen_at is not None and said.sixteen_at <= at
    else:
        due = said.given_at < grown
    return due and (said.own_at is None or at < said.own_at or said.own_at < grown)


def secrecy_release(request: Request, person: PersonFacts, at: datetime) -> str | None:
    """The ontheffing geheimhouding in force by this sender for this receiver, that names what the message touches."""
    found = [
        release.id
        for release in person.secrecy_releases
        if release.holder == request.sender
        and release.receiver == request.receiver
        and not release.subjects.isdisjoint(request.subjects)
        and release.at <= at
        and (release.ended_at is None or at < release.ended_at)
    ]
    return min(found, default=None)


def stop_pending(request: Request | ConsentFlow, person: PersonFacts, at: datetime) -> bool:
    """A stopverzoek that was neither confirmed nor lifted for this flow stops all in it that rests on consent."""
    return any(stop.at <= at and _waits(stop, request) for stop in person.stops)


def stop_refuses(stop: Stop, request: Request | ConsentFlow, at: datetime) -> bool:
    """A general ``nee`` for this flow: it was confirmed for it, or the flow was none of those that it asked about."""
    return (
        stop.at <= at
        and not _waits(stop, request)
        and not any(_names(flow, request) for flow in stop.lifted - stop.confirmed)
    )


def _waits(stop: Stop, request: Request | ConsentFlow) -> bool:
    return any(_names(flow, request) for flow in stop.asked - stop.confirmed - stop.lifted)


def _names(flow: ConsentFlow, request: Request | ConsentFlow) -> bool:
    return (
        flow.sender == request.sender
        and flow.receiver in (None, request.receiver)
        and flow.purpose in (None, request.purpose)
    )


def objection_upheld(request: Request, person: PersonFacts, at: datetime) -> bool:
    """An upheld objection closes every grondslag of this flow, and none reopens it; consent stays open."""
    return any(
        objection.outcome == ObjectionOutcome.UPHELD and objection.at <= at and concerns(request, objection)
        for objection in person.objections
    )


def enrolled(request: Request, person: PersonFacts, at: datetime) -> bool:
    """A praktijkovereenkomst in force names both, AVG art. 6(1)(b)."""
    return any(
        request.sender in pok.parties and request.receiver in pok.parties and valid(pok.valid_from, pok.valid_until, at)
        for pok in person.enrolments
    )


def concerns(request: Request, block: Restriction | Objection) -> bool:
    """True when a restriction or objection names this flow."""
    return (
        request.sender in block.senders
        and (block.receivers is None or request.receiver in block.receivers)
        and (block.purpose is None or block.purpose == request.purpose)
    )


def valid(start: datetime, end: datetime | None, at: datetime) -> bool:
    """Half-open validity: ``[start, end)``."""
    return start <= at and (end is None or at < end)
