"""Every fact of a person, weighed once against one flow.

The weight of a fact is a mask of the *aspects* in which it differs from the flow. An empty mask: the fact covers what
it names. A mask that is not empty is the explanation. Labels hold ids and aspect names, never a value of a person.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from consent.facts import SPEAKS_FOR_MINOR, Choice, ConsentFlow, Facts, PersonFacts, Request, Statement
from consent.gate.person import (
    awaits_person,
    enrolled,
    grown_at,
    objection_upheld,
    secrecy_release,
    stop_pending,
    stop_refuses,
)
from contracts.agreement import Ground
from contracts.identity import SPECIAL, Category, LegalBasis, LegalFramework, Role

_STATUS: Final = 1 << 0
_GIVEN: Final = 1 << 1
_VALIDITY: Final = 1 << 2
_CONFIRMATION: Final = 1 << 3
_PURPOSE: Final = 1 << 4
_SENDER: Final = 1 << 5
_RECEIVER: Final = 1 << 6
_STOP: Final = 1 << 7
_AGREEMENT: Final = 1 << 8
_KIND: Final = 1 << 9
_FRAMEWORK: Final = 1 << 10
_ENROLMENT: Final = 1 << 11
_OBJECTION: Final = 1 << 12
_SECRECY: Final = 1 << 13
OTHER_CATEGORY: Final = 1 << 14
OTHER_BASIS: Final = 1 << 15
_AGE: Final = 1 << 16
#: That a `ja` was said under 16: it shows that somebody else spoke for the person, which not everybody may know.
AGE: Final = "leeftijd"
#: The aspects in words, in the order of their bits.
_ASPECTS: Final = (
    *("status", "gegeven-op", "geldigheid", "bevestiging", "doel", "verstrekker", "ontvanger", "stopverzoek"),
    *("afspraak", "soort", "kader", "pok", "bezwaar", "ontheffing", "categorie", "basis", AGE),
)

_NONE: Final[frozenset[Category]] = frozenset()
_ORDINARY: Final = frozenset(Category) - SPECIAL - {Category.BSN, Category.MEDEWERKER}
#: Categories that say something of the person; a BSN has its own check, `medewerker` is about staff.
OF_PERSON: Final = _ORDINARY | SPECIAL
_WITH_BSN: Final = _ORDINARY | {Category.BSN}
_PUBLIC_BASES: Final = frozenset({LegalBasis.LEGAL_OBLIGATION, LegalBasis.PUBLIC_TASK})
#: Explicit consent carries only special categories, ordinary consent never one (AVG art. 9(2)(a)).
_CONSENT_FITS: Final = {LegalBasis.CONSENT: _ORDINARY, LegalBasis.EXPLICIT_CONSENT: SPECIAL}
_YES: Final = Choice.YES  # a member is looked up once: this is the hot path


class Setting(NamedTuple):
    """What the checks before this one found about the flow.

    ``agreements``: ids of those in force that cover kind and doel. ``frameworks``: laws of the trajects in which both
    take part; ``bsn_frameworks``: those of them for which both may hold a BSN.
    """

    sender_role: Role | None
    receiver_role: Role | None
    agreements: frozenset[str]
    frameworks: frozenset[LegalFramework]
    bsn_frameworks: frozenset[LegalFramework]


class Candidate(NamedTuple):
    """A fact that could open the flow: how it differs, what it names, and what its basis may carry at all."""

    distance: int  # how many aspects differ
    label: str
    miss: int
    categories: frozenset[Category]
    fits: frozenset[Category]


class Opening(NamedTuple):
    """A `ja` that is in force for this flow: what the person confirmed at 16 from then on. ``parental``: a parent's."""

    since: datetime
    label: str
    categories: frozenset[Category]
    parental: bool = False


class Closing(NamedTuple):
    """A `nee`, a withdrawal or a confirmed stopverzoek that closes categories (``None``: all) for this flow.

    ``parental``: a parent's `nee`; two parents who disagree have said no, whoever spoke last.
    """

    since: datetime
    label: str
    categories: frozenset[Category] | None
    parental: bool = False


class Weighed(NamedTuple):
    """All facts of one person, weighed against one flow. ``near`` are the statements that differ, with their masks."""

    grounds: list[Candidate]
    openings: list[Opening]
    closings: list[Closing]
    near: list[tuple[int, Statement]]
    secrecy: str | None  # the ontheffing that it rests on

    def nearest(self) -> list[Candidate]:
        """All that could have opened the flow, the nearest first; always in the same order."""
        found = [
            Candidate(
                miss.bit_count(),
                f"toestemming:{said.id}",
                miss,
                said.categories or _NONE,
                _CONSENT_FITS.get(said.basis, _NONE),
            )
            for miss, said in self.near
        ]
        found += self.grounds
        found.sort()
        return found


def weigh(request: Request, facts: Facts, setting: Setting, at: datetime) -> Weighed:
    """All facts of the person against this flow, at one instant."""
    person = facts.person
    release, secret = None, 0
    if setting.sender_role == Role.WOONZORG:  # needs its own ontheffing for all that it says of the person
        release = secrecy_release(request, person, at)
        secret = _SECRECY if release is None else 0
    stopped = _STOP if stop_pending(request, person, at) else 0
    grounds = _grounds(request, facts, setting, secret, at) if facts.rules.grounds else []
    openings, closings, near = _statements(request, person, secret | stopped, at)
    return Weighed(grounds, openings, closings, near, release)


def _grounds(request: Request, facts: Facts, setting: Setting, extra: int, at: datetime) -> list[Candidate]:
    """(b): every grondslag between the two, weighed."""
    named = enrolled(request, facts.person, at)
    if objection_upheld(request, facts.person, at):
        extra |= _OBJECTION
    found = []
    for ground in facts.rules.grounds:
        miss = _ground_miss(ground, request, setting, named, at) | extra
        fits = _ground_fits(ground, setting)
        found.append(Candidate(miss.bit_count(), f"grondslag:{ground.id}", miss, ground.categories, fits))
    return found


def _ground_miss(ground: Ground, request: Request, setting: Setting, named: bool, at: datetime) -> int:
    """In what a grondslag differs from the flow."""
    miss = 0 if ground.in_force(at) else _VALIDITY
    if ground.agreement_id not in setting.agreements:
        miss |= _AGREEMENT
    if request.kind not in ground.kinds:
        miss |= _KIND
    if ground.purpose is not request.purpose:
        miss |= _PURPOSE
    if ground.sender_role is not setting.sender_role:
        miss |= _SENDER
    if ground.receiver_role is not setting.receiver_role:
        miss |= _RECEIVER
    if ground.basis in _PUBLIC_BASES:
        if ground.frameworks.isdisjoint(setting.frameworks):
            miss |= _FRAMEWORK
    elif ground.basis is LegalBasis.CONTRACT:
        if not named:
            miss |= _ENROLMENT
    else:
        miss |= OTHER_BASIS  # consent is given by a person, never configured
    return miss


def _ground_fits(ground: Ground, setting: Setting) -> frozenset[Category]:
    """What a grondslag may carry: special categories only with a UAVG article, a BSN only by law (UAVG art. 46)."""
    bsn = ground.basis in _PUBLIC_BASES and not ground.frameworks.isdisjoint(setting.bsn_frameworks)
    if ground.uavg_article:
        return _WITH_BSN | SPECIAL if bsn else OF_PERSON
    return _WITH_BSN if bsn else _ORDINARY


def _statements(
    request: Request, person: PersonFacts, extra: int, at: datetime
) -> tuple[list[Opening], list[Closing], list[tuple[int, Statement]]]:
    """(c): what the person said, apart into what opens, what closes, and what could have opened this flow."""
    openings: list[Opening] = []
    closings: list[Closing] = []
    near: list[tuple[int, Statement]] = []
    grown = grown_at(person.statements)
    for said in person.statements:
        if said.ended_at is not None and said.ended_at <= at:
            if denies(said, request):  # as a `nee` from that instant, whatever its validity: no older `ja` revives
                closings.append(Closing(said.ended_at, f"ingetrokken:toestemming:{said.id}", said.categories))
        elif said.choice is _YES:
            miss = _yes_miss(said, request, grown, at) | extra
            carried = (said.categories or _NONE) & _CONSENT_FITS.get(said.basis, _NONE)
            if not miss:
                openings.append(Opening(said.spoken_at, f"toestemming:{said.id}", carried, said.parental))
            near.append((miss, said))
        elif _in_force(said, at) and denies(said, request):
            closings.append(Closing(said.given_at, f"nee:toestemming:{said.id}", said.categories, said.parental))
    for stop in person.stops:
        if stop_refuses(stop, request, at):
            closings.append(Closing(stop.at, f"stopverzoek:{stop.id}", None))
    return openings, closings, near


def _yes_miss(said: Statement, request: Request, grown: datetime, at: datetime) -> int:
    """In what a `ja` differs from the flow. All its scopes are required; a `ja` without an end is not in force."""
    sender = request.sender
    miss = _STATUS if said.requested or said.invalid else 0
    if said.given_at > at:
        miss |= _GIVEN
    if said.valid_until is None or at < said.valid_from or at >= said.valid_until:
        miss |= _VALIDITY
    if said.purposes is None or request.purpose not in said.purposes:
        miss |= _PURPOSE
    if said.receivers is None or request.receiver not in said.receivers:
        miss |= _RECEIVER
    if said.senders is None or sender not in said.senders:
        miss |= _SENDER
    else:
        confirmed = said.confirmed.get(sender)
        if confirmed is None or confirmed > at:
            miss |= _CONFIRMATION
    if awaits_person(said, grown, at):
        miss |= _CONFIRMATION if said.by in SPEAKS_FOR_MINOR else _AGE
    return miss


def _in_force(said: Statement, at: datetime) -> bool:
    """For a `nee`: given, not merely asked for, not invalid, within its validity."""
    return (
        said.given_at <= at
        and said.valid_from <= at
        and (said.valid_until is None or at < said.valid_until)
        and not said.requested
        and not said.invalid
    )


def denies(said: Statement, request: Request | ConsentFlow) -> bool:
    """True when a `nee` concerns this flow: a scope that is left out means all."""
    return (
        (said.purposes is None or request.purpose in said.purposes)
        and (said.senders is None or request.sender in said.senders)
        and (said.receivers is None or request.receiver in said.receivers)
    )


@lru_cache(maxsize=4_096)  # of masks alone; a few dozen occur
def aspects(miss: int) -> str:
    """A mask in words, joined by ``+``."""
    return "+".join(name for bit, name in enumerate(_ASPECTS) if miss >> bit & 1)
