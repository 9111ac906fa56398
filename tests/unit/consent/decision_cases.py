"""A small world for the tests of the gate: four organisations, one person, and short ways to make each fact."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from consent.facts import (
    Choice,
    Closing,
    ConsentFlow,
    Enrolment,
    Facts,
    Involvement,
    Objection,
    Party,
    PersonFacts,
    Request,
    Restriction,
    RuleFacts,
    SecrecyRelease,
    Shield,
    Statement,
    Stop,
)
from contracts.agreement import Agreement, Ground
from contracts.errors import RefusalCode as Code
from contracts.identity import Category as C
from contracts.identity import LegalBasis, LegalFramework, Oin, Purpose, Role
from contracts.identity import SecrecySubject as Onderwerp
from contracts.kinds.base import Flow

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SENDER = Oin("00000099000000000001")
RECEIVER = Oin("00000099000000000002")
OTHER = Oin("00000099000000000003")
KIND = "voortgang.gemeld"
DOEL = Purpose.OPLEIDEN
THIS = ConsentFlow(SENDER, RECEIVER, DOEL)
TOUCHED = frozenset({Onderwerp.BEGELEIDING, Onderwerp.DAGBESTEDING})
ORDINARY = frozenset({C.IDENTITEIT, C.LEERVOORTGANG})
IDENTITY_ONLY = frozenset({C.IDENTITEIT})


def ago(days: float) -> datetime:
    return NOW - days * DAY


def party(organisation: Oin, role: Role, active: bool = True) -> Party:
    return Party(organisation, role, active)


def flow(sender: Role, receiver: Role, *purposes: Purpose) -> Flow:
    return Flow(frozenset({sender}), frozenset({receiver}), frozenset(purposes or {DOEL}))


def ask(required: Any = ORDINARY, optional: Any = (), **changes: Any) -> Request:
    flows = (flow(Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP),)
    base = Request(
        SENDER, RECEIVER, KIND, DOEL, frozenset(required), frozenset(optional), flows=flows, subjects=TOUCHED
    )
    return replace(base, **changes)


def agreement(id_: str = "a1", **changes: Any) -> Agreement:
    pair = frozenset({SENDER, RECEIVER})
    accepted = {SENDER: ago(300), RECEIVER: ago(300)}
    base = Agreement(id_, pair, frozenset({KIND}), frozenset({DOEL}), ago(200), NOW + 200 * DAY, accepted)
    return replace(base, **changes)


def ground(id_: str = "g1", basis: LegalBasis = LegalBasis.PUBLIC_TASK, **changes: Any) -> Ground:
    base = Ground(
        id_,
        "a1",
        basis,
        frozenset({LegalFramework.PWET}),
        frozenset({KIND}),
        DOEL,
        Role.ONTWIKKELBEDRIJF,
        Role.KRINGLOOP,
        ORDINARY,
        ago(200),
        NOW + 200 * DAY,
        "operator-1",
        "operator-2",
    )
    return replace(base, **changes)


def yes(id_: str = "s1", days: float = 30, **changes: Any) -> Statement:
    base = Statement(
        id_,
        LegalBasis.CONSENT,
        Choice.YES,
        frozenset({DOEL}),
        ORDINARY,
        frozenset({SENDER}),
        frozenset({RECEIVER}),
        ago(days),
        ago(days),
        ago(days) + 360 * DAY,
        confirmed={SENDER: ago(days)},
    )
    return replace(base, **changes)


def explicit(id_: str = "x1", days: float = 30, **changes: Any) -> Statement:
    base = yes(id_, days, basis=LegalBasis.EXPLICIT_CONSENT, categories=frozenset({C.GEZONDHEID}))
    return replace(base, **changes)


def no(id_: str = "n1", days: float = 10, **changes: Any) -> Statement:
    base = Statement(id_, LegalBasis.CONSENT, Choice.NO, None, None, None, None, ago(days), ago(days), None)
    return replace(base, **changes)


def part(organisation: Oin = SENDER, trajectory: str = "t1", **changes: Any) -> Involvement:
    return replace(Involvement(organisation, trajectory, LegalFramework.PWET, ago(100)), **changes)


def closing(days: float = 1, **changes: Any) -> Closing:
    return replace(Closing("m1", ago(days)), **changes)


def restriction(id_: str = "b1", **changes: Any) -> Restriction:
    return replace(Restriction(id_, frozenset({SENDER}), None, None, ago(5)), **changes)


def objection(id_: str = "o1", **changes: Any) -> Objection:
    return replace(Objection(id_, frozenset({SENDER}), None, None, ago(5)), **changes)


def stop(id_: str = "p1", days: float = 5, **changes: Any) -> Stop:
    return replace(Stop(id_, ago(days), asked=frozenset({THIS})), **changes)


def shield(id_: str = "h1", *receivers: Oin, **changes: Any) -> Shield:
    return replace(Shield(id_, frozenset(receivers), ago(5)), **changes)


def release(id_: str = "r1", **changes: Any) -> SecrecyRelease:
    return replace(SecrecyRelease(id_, SENDER, RECEIVER, TOUCHED, ago(5)), **changes)


def enrolment(*parties: Oin, **changes: Any) -> Enrolment:
    return replace(Enrolment(frozenset(parties or {SENDER, RECEIVER}), ago(50)), **changes)


def rules(from_: Role = Role.ONTWIKKELBEDRIJF, to: Role = Role.KRINGLOOP, **changes: Any) -> RuleFacts:
    base = RuleFacts(party(SENDER, from_), party(RECEIVER, to), True, None, True, agreements=(agreement(),))
    return replace(base, **changes)


def person(*statements: Statement, **changes: Any) -> PersonFacts:
    base = PersonFacts(known=True, involvements=(part(SENDER), part(RECEIVER)), statements=statements)
    return replace(base, **changes)


def facts(*statements: Statement, rules_: RuleFacts | None = None, **changes: Any) -> Facts:
    """By default everything holds but for the categories: those need ``statements`` or a grondslag."""
    return Facts(rules_ or rules(), person(*statements, **changes))


def led(given: Facts, *leaders: Oin) -> Facts:
    """The same, where these lead the traject that a closing message names."""
    return replace(given, leaders=frozenset(leaders or {SENDER}))


ALLOWED, PARTIAL, STOPPED = "toegestaan", "gedeeltelijk", "tegengehouden"


@dataclass(frozen=True)
class Case:
    """``failed``: exactly the checks that fail; ``reason``: that of the first of them, or of ``step``."""

    says: str
    request: Request
    facts: Facts
    outcome: str = ALLOWED
    code: Code | None = None
    failed: frozenset[str] = frozenset()
    step: str | None = None
    reason: str | None = None


def refused(says: str, request: Request, given: Facts, check: str, **more: Any) -> Case:
    """Refused by one check alone, and for the person's checks with the one code that says nothing."""
    code = more.pop("code", Code.GEEN_GRONDSLAG)
    return Case(says, request, given, STOPPED, code, frozenset({check}), **more)


def uncovered(
    says: str, given: Facts, reason: str, request: Request | None = None, category: C = C.LEERVOORTGANG
) -> Case:
    """Refused by check 5 alone; the step of the category says why."""
    step = f"categorie:{category}"
    return refused(says, request or ask({category}), given, "categorieen", step=step, reason=reason)
