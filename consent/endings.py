"""How a traject ends, on the facts of a person; no I/O. Accept, release and the replay of the log all do it this way.

A closing message without a named recipient ends every involvement in its traject, one with a named recipient only that
of the recipient: at the latest with the last day of the traject, and for who is told, when it is told. From its
acceptance on nobody whose involvement it ends opens a new one there.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from consent.facts import Closing, Involvement, PersonFacts
from contracts.identity import Oin


@dataclass(frozen=True, slots=True)
class Ended:
    """A traject that a closing message (``message``), accepted ``at``, ends by ``until``.

    ``receiver``: whose involvement it ends; ``None``: that of all. ``died``: it reports that the person died.
    """

    message: str
    trajectory: str
    receiver: Oin | None
    at: datetime
    until: datetime
    died: bool = False


def close(person: PersonFacts, ended: Ended) -> PersonFacts:
    """What holds from the acceptance of a closing message on."""

    def over(one: Involvement) -> Involvement:
        mine = one.trajectory == ended.trajectory and ended.receiver in (None, one.organisation)
        if not mine or one.closing is not None or one.awaited:
            return one
        closing = Closing(ended.message, ended.at, planned_until=one.valid_until)
        return replace(one, valid_until=earlier(one.valid_until, ended.until), closing=closing)

    return replace(_each(person, over), deceased=person.deceased or ended.died)


def tell(person: PersonFacts, trajectory: str | None, organisation: Oin, at: datetime) -> PersonFacts:
    """The closing message was released to this organisation: its involvement is over."""

    def told(one: Involvement) -> Involvement:
        if (one.organisation, one.trajectory) != (organisation, trajectory):
            return one
        if one.closing is None or one.closing.told_at is not None:
            return one
        return replace(one, valid_until=earlier(one.valid_until, at), closing=replace(one.closing, told_at=at))

    return _each(person, told)


def reopen(person: PersonFacts, message: str, organisations: Collection[Oin]) -> PersonFacts:
    """A closing message was recalled: for these it never was. Their involvement ends as it would have without it."""

    def again(one: Involvement) -> Involvement:
        if one.closing is None or one.closing.message != message or one.organisation not in organisations:
            return one
        return replace(one, valid_until=one.closing.planned_until, closing=None)

    return _each(person, again)


def before(person: PersonFacts, at: datetime) -> PersonFacts:
    """As it stood at that instant: of a closing message that was accepted later nothing was known yet."""

    def open_still(one: Involvement) -> Involvement:
        if one.closing is None or one.closing.at <= at:
            return one
        return replace(one, valid_until=one.closing.planned_until, closing=None)

    return _each(person, open_still)


def cut(one: Involvement, at: datetime) -> Involvement:
    """An involvement that should not have been: it ends now, and no recall of a closing message gives it back."""
    closing = one.closing
    if closing is not None:
        closing = replace(closing, planned_until=earlier(closing.planned_until, at))
    return replace(one, valid_until=earlier(one.valid_until, at), closing=closing)


def earlier(planned: datetime | None, at: datetime) -> datetime:
    """The first of two ends, of which one may never come."""
    return at if planned is None else min(planned, at)


def _each(person: PersonFacts, change: Callable[[Involvement], Involvement]) -> PersonFacts:
    return replace(person, involvements=tuple(map(change, person.involvements)))
