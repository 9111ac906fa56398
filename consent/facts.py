"""What ``decide`` is fed with: frozen values, read from the store after the locks, never cached.

Instants are aware UTC datetimes; validity is half-open ``[valid_from, valid_until)``; ``None`` as an end means "no
end" (a ``ja`` without an end is never in force).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple, TypedDict

from contracts.agreement import Agreement, Ground
from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose, Role, SecrecySubject
from contracts.kinds.base import Flow, Kind


class Choice(StrEnum):
    """What the person answered (`keuze`)."""

    YES = "ja"
    NO = "nee"


class Speaker(StrEnum):
    """Who said it (`gegevenDoor`): the person, or somebody in the person's name."""

    PERSON = "betrokkene"
    PARENT = "ouder-met-gezag"
    GUARDIAN = "voogd"
    CURATOR = "curator"
    MENTOR = "mentor"
    PROXY = "gemachtigde"


#: Who speaks for somebody under 16 (AVG art. 8, UAVG art. 5).
SPEAKS_FOR_MINOR: Final = frozenset({Speaker.PARENT, Speaker.GUARDIAN})
#: Since when somebody is 16 of whom nothing says otherwise.
ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)


class StatementStatus(StrEnum):
    """How a statement stands: ``ingetrokken`` by the person, ``herroepen`` by its recorder, ``ongeldig``: wrong."""

    REQUESTED = "gevraagd"
    GIVEN = "gegeven"
    REFUSED = "geweigerd"
    TO_CONFIRM = "te-bevestigen"
    WITHDRAWN = "ingetrokken"
    REVOKED = "herroepen"
    EXPIRED = "verlopen"
    INVALID = "ongeldig"


class ObjectionOutcome(StrEnum):
    """Outcome of an objection (`bezwaar`), AVG art. 21."""

    PENDING = "open"
    UPHELD = "gehonoreerd"
    REJECTED = "afgewezen"


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation as the gate sees it."""

    organisation: Oin
    role: Role
    active: bool


@dataclass(frozen=True, slots=True)
class Closing:
    """That a closing message (``message``) was accepted that ends an involvement.

    What was accepted ``at`` that instant or before still goes, the closing message as the last. ``planned_until``: when
    the involvement would have ended without it. ``told_at``: when the organisation was told, and its involvement ended
    by that; ``None``: not yet, or it ended by its date.
    """

    message: str
    at: datetime
    planned_until: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Involvement:
    """That an organisation takes part in a person's traject; ``awaited`` when its opening message still waits."""

    organisation: Oin
    trajectory: str
    framework: LegalFramework
    valid_from: datetime
    valid_until: datetime | None = None
    awaited: bool = False
    closing: Closing | None = None

    def runs(self, at: datetime) -> bool:
        """True while it has begun and not ended."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A praktijkovereenkomst (POK): basis AVG 6(1)(b), only between the parties that it names."""

    parties: frozenset[Oin]
    valid_from: datetime
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A person's consent or refusal. In a ``nee`` each of the four scopes may be ``None``: all.

    ``confirmed`` says since when the part of each verstrekker is in force (only for ``ja``).
    ``ended_at`` is the instant of withdrawal or revocation; ``invalid``: its notice or authority proved wrong.
    ``by``: who said it. ``sixteen_at``: when a person for whom a parent or guardian spoke turns 16 (AVG art. 8, UAVG
    art. 5); not of what was recorded wrongly. ``own_at``: when the person, 16 by then, confirmed what somebody else had
    said, or what the person had said too young (``consent.gate.person.awaits_person``).
    """

    id: str
    basis: LegalBasis
    choice: Choice
    purposes: frozenset[Purpose] | None
    categories: frozenset[Category] | None
    senders: frozenset[Oin] | None
    receivers: frozenset[Oin] | None
    given_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    requested: bool = False
    invalid: bool = False
    ended_at: datetime | None = None
    confirmed: Mapping[Oin, datetime] = field(default_factory=dict)
    by: Speaker = Speaker.PERSON
    sixteen_at: datetime | None = None
    own_at: datetime | None = None

    @property
    def parental(self) -> bool:
        """The word of a parent with authority, of whom there may be two; not once the person made it the own one."""
        return self.by is Speaker.PARENT and self.own_at is None

    @property
    def spoken_at(self) -> datetime:
        """When it was said, or said again by the person: what is later wins."""
        return self.given_at if self.own_at is None else max(self.given_at, self.own_at)


class ConsentFlow(NamedTuple):
    """One flow of consent (`stroom`): who gives whom for what.

    ``None`` as receiver and purpose means all of the sender's: of a stop that was recorded before flows were named.
    """

    sender: Oin
    receiver: Oin | None = None
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A stopverzoek: each flow that it stopped stands still until the verstrekker's officer confirms or lifts it.

    ``asked``: the flows that it stopped, each to be answered for itself; ``confirmed`` and ``lifted`` are of these.
    For every other flow it is a general ``nee`` at its instant, as it is for one for which it was confirmed.
    """

    id: str
    at: datetime
    asked: frozenset[ConsentFlow]
    confirmed: frozenset[ConsentFlow] = frozenset()
    lifted: frozenset[ConsentFlow] = frozenset()


@dataclass(frozen=True, slots=True)
class Restriction:
    """A beperking (AVG art. 18) on flows of ``senders``; ``None`` as receivers or purpose means all."""

    id: str
    senders: frozenset[Oin]
    receivers: frozenset[Oin] | None
    purpose: Purpose | None
    valid_from: datetime
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Objection:
    """A bezwaar (AVG art. 21): restricts while pending; upheld, it closes a grondslag for good."""

    id: str
    senders: frozenset[Oin]
    receivers: frozenset[Oin] | None
    purpose: Purpose | None
    at: datetime
    outcome: ObjectionOutcome = ObjectionOutcome.PENDING


@dataclass(frozen=True, slots=True)
class SecrecyRelease:
    """An ontheffing geheimhouding by ``holder`` for ``receiver``; beside, not instead of, explicit consent.

    It covers a message that touches one of its ``subjects`` (``Kind.subjects`` says what a kind of message touches).
    """

    id: str
    holder: Oin
    receiver: Oin
    subjects: frozenset[SecrecySubject]
    at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shield:
    """An afscherming (a threat, a secret address): where somebody is reaches only ``receivers``, named one by one."""

    id: str
    receivers: frozenset[Oin]
    at: datetime
    lifted_at: datetime | None = None

    def hides_from(self, receiver: Oin, at: datetime) -> bool:
        """True while it keeps the person's whereabouts from this receiver."""
        return receiver not in self.receivers and self.at <= at and (self.lifted_at is None or at < self.lifted_at)


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """All that is known of one person (of all persons joined with it). The default knows and so allows nothing."""

    known: bool = False
    erased: bool = False
    deceased: bool = False
    involvements: tuple[Involvement, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    statements: tuple[Statement, ...] = ()
    stops: tuple[Stop, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    objections: tuple[Objection, ...] = ()
    secrecy_releases: tuple[SecrecyRelease, ...] = ()
    shields: tuple[Shield, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What the region agreed about one pair of organisations; about no person."""

    sender: Party | None
    receiver: Party | None
    mandate_active: bool  # the sender's machtiging and system, and its kinds allow this kind
    mandate_kinds: frozenset[str] | None  # None: every kind
    push_active: bool  # for a push: the subscription's systeem and machtiging are active; else True
    push_kinds: frozenset[str] | None = None  # for a push: the kinds of that machtiging; None: every kind
    agreements: tuple[Agreement, ...] = ()
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one decision rests on.

    ``leaders``: who may end the traject that a closing message names: its opdrachtgever and who opened it.
    """

    rules: RuleFacts
    person: PersonFacts
    log_writable: bool = True
    leaders: frozenset[Oin] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """One flow that is asked for: sender, receiver, kind and doel, with the categories of the actual payload.

    ``required`` must be covered or all is refused; ``optional`` is left out where uncovered. A payload that bears a
    BSN has ``Category.BSN`` in ``optional``. ``trajectory``: the traject that an opening message opens or a closing one
    ends. ``accepted_at``: of a message that was accepted before; ``None``: it is asked now. ``flows``: those of the
    kind in the catalogue; none means that nobody may send it. ``subjects``: what the kind touches of that which
    woonzorg keeps secret; none means that no release from secrecy covers it.
    """

    sender: Oin
    receiver: Oin
    kind: str
    purpose: Purpose
    required: frozenset[Category]
    optional: frozenset[Category] = frozenset()
    opens: bool = False
    about_person: bool = True
    trajectory: str | None = None
    flows: tuple[Flow, ...] = ()
    subjects: frozenset[SecrecySubject] = frozenset()
    closes: bool = False
    accepted_at: datetime | None = None


class OfKind(TypedDict):
    """What a ``Request`` takes from the catalogue alone."""

    kind: str
    flows: tuple[Flow, ...]
    subjects: frozenset[SecrecySubject]
    opens: bool
    closes: bool
    about_person: bool


def of_kind(kind: Kind) -> OfKind:
    """All that a ``Request`` says of its kind. Whoever asks about a message says it by this: so none forgets a part."""
    return {
        "kind": kind.name,
        "flows": kind.flows,
        "subjects": kind.subjects,
        "opens": kind.opens,
        "closes": kind.closes,
        "about_person": kind.about_person,
    }
