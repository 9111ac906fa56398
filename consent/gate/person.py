"""What stands about the person for one flow, whatever the category: blocks, stops, objections, releases, the POK."""

from datetime import datetime

from consent.facts import Objection, ObjectionOutcome, PersonFacts, Request, Restriction
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


def secrecy_release(request: Request, person: PersonFacts, at: datetime) -> str | None:
    """The ontheffing geheimhouding in force by this sender for this receiver."""
    found = [
        release.id
        for release in person.secrecy_releases
        if release.holder == request.sender
        and release.receiver == request.receiver
        and release.at <= at
        and (release.ended_at is None or at < release.ended_at)
    ]
    return min(found, default=None)


def stop_pending(request: Request, person: PersonFacts, at: datetime) -> bool:
    """A stopverzoek that this verstrekker has neither confirmed nor lifted stops all that rests on consent."""
    return any(stop.at <= at and stop.pending(request.sender) for stop in person.stops)


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
