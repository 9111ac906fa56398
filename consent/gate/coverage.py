"""Check 5 of the gate: is each category of this flow covered by a fact, and if not, which fact came nearest.

Per category: (a) a blocked person or flow is never covered; (b) else a grondslag in force; (c) else the latest
statement that covers the flow and the category decides; (d) else no. Nothing permits by exception.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from consent.facts import Facts, Request
from consent.gate.person import blocked, shielded
from consent.gate.weighing import (
    OF_PERSON,
    OTHER_BASIS,
    OTHER_CATEGORY,
    Candidate,
    Closing,
    Opening,
    Setting,
    Weighed,
    aspects,
    weigh,
)
from contracts.identity import SPECIAL, Category

_BSN: Final = Category.BSN
_STAFF: Final = Category.MEDEWERKER
#: What shows where somebody can be found: how to reach them, and who works with them.
WHEREABOUTS: Final = frozenset({Category.CONTACT, Category.MEDEWERKER})


class Coverage(NamedTuple):
    """``basis``: the fact that covers each covered category; ``reasons``: per uncovered one, what was nearest.

    ``speaks``: at least one fact lets this flow say something of this person. ``secrecy``: the ontheffing it rests on.
    """

    basis: dict[Category, str]
    reasons: dict[Category, str]
    speaks: bool
    secrecy: str | None


def cover(request: Request, facts: Facts, setting: Setting, categories: frozenset[Category], at: datetime) -> Coverage:
    """Which of ``categories`` may go, each with its fact, and for the others the nearest fact and what differs."""
    no = blocked(request, facts.person, at)
    hidden = shielded(request.receiver, facts.person, at)
    weighed = weigh(request, facts, setting, at)
    basis: dict[Category, str] = {}
    uncovered: list[Category] = []
    for category in categories:
        found = _staff(setting) if category is _STAFF else _find(weighed, category)
        if found is not None and no is None and (hidden is None or category not in WHEREABOUTS):
            basis[category] = found
        else:
            uncovered.append(category)
    near = weighed.nearest() if uncovered else []
    reasons = {
        category: no or (hidden if category in WHEREABOUTS else None) or _why_not(weighed, near, category, setting)
        for category in uncovered
    }
    speaks = not OF_PERSON.isdisjoint(basis) or (no is None and _speaks(weighed, hidden is not None))
    return Coverage(basis, reasons, speaks, weighed.secrecy)


def cover_without_person(setting: Setting, categories: frozenset[Category]) -> Coverage:
    """For kinds about no person: the agreement covers what they hold, but never a BSN or a special category."""
    agreement = _staff(setting)
    basis: dict[Category, str] = {}
    reasons: dict[Category, str] = {}
    for category in categories:
        if agreement is not None and category is not _BSN and category not in SPECIAL:
            basis[category] = agreement
        else:
            reasons[category] = "geen-feit"
    return Coverage(basis, reasons, True, None)


def _staff(setting: Setting) -> str | None:
    """The agreement that covers `medewerker`; the person is not asked."""
    return f"afspraak:{min(setting.agreements)}" if setting.agreements else None


def _find(weighed: Weighed, category: Category) -> str | None:
    """The fact that covers the category: a grondslag, else the latest statement when that is a `ja`."""
    lawful: str | None = None
    for ground in weighed.grounds:
        if not ground.miss and category in ground.categories and category in ground.fits:
            lawful = ground.label if lawful is None else min(lawful, ground.label)
    if lawful is not None:
        return lawful
    latest: Opening | None = None
    closings = [closing for closing in weighed.closings if closing.categories is None or category in closing.categories]
    disagree = any(closing.parental for closing in closings)  # where one parent says no, the other's `ja` is none
    for opening in weighed.openings:
        if category not in opening.categories or (disagree and opening.parental):
            continue
        # of two at one instant always the same one (the label decides), so that the order of facts means nothing
        if latest is None or opening > latest:
            latest = opening
    if latest is None:
        return None
    # a `ja` reopens only when it is later: at the same instant `nee` wins
    return None if any(closing.since >= latest.since for closing in closings) else latest.label


def _closing(closings: Sequence[Closing], category: Category) -> Closing | None:
    """The latest that closes the category."""
    found = [closing for closing in closings if closing.categories is None or category in closing.categories]
    return max(found, key=_by_instant) if found else None


def _by_instant(closing: Closing) -> tuple[datetime, str]:
    return closing.since, closing.label


def _speaks(weighed: Weighed, hidden: bool) -> bool:
    """True when a fact covers any category of the person for this flow, be it one that this message does not hold."""
    if not weighed.openings and all(g.miss for g in weighed.grounds):
        return False
    spoken = OF_PERSON - WHEREABOUTS if hidden else OF_PERSON
    return any(_find(weighed, category) is not None for category in spoken)


def _why_not(weighed: Weighed, near: Sequence[Candidate], category: Category, setting: Setting) -> str:
    """The decisive `nee`, else the nearest fact with the aspects in which it differs, else that there is none."""
    if category is _STAFF:
        return "afspraak-ontbreekt"
    if category is _BSN:
        if not setting.bsn_frameworks:
            return "bsn-niet-gerechtigd"
    else:
        closing = _closing(weighed.closings, category)
        if closing is not None:
            return closing.label
    best: tuple[int, str, int] | None = None
    for distance, label, miss, named, fits in near:
        if best is not None and distance > best[0]:
            break  # sorted by distance: nothing nearer follows
        found = miss
        if category not in named:
            found |= OTHER_CATEGORY
        if category not in fits:
            found |= OTHER_BASIS
        if best is None or (found.bit_count(), label) < best[:2]:
            best = found.bit_count(), label, found
        if found == miss:
            break  # nor one as near that would be named before this one
    return "geen-feit" if best is None else f"bijna:{best[1]}:{aspects(best[2])}"
