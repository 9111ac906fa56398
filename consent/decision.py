"""May this sender give this receiver this message about this person? Seven checks, then per category; no I/O.

The rules are those of the gate ("decide(request, facts, at)"): default no, deny wins, no exception leads to yes.
Every check is always made, also after one has failed, so that the steps explain fully and an unknown person takes the
same path as a known one.

The code that may be told outward is that of the first failed check, in an order in which all that concerns the caller
itself comes before all that depends on the person (``_OUTWARD_ORDER``): an outsider learns nothing about the person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from consent.facts import Facts, Party, Request, RuleFacts
from consent.gate import checks
from consent.gate.checks import Step, entitled_laws
from consent.gate.coverage import Coverage, cover, cover_without_person
from consent.gate.weighing import Setting
from contracts.errors import RefusalCode
from contracts.identity import Category, LegalFramework, Role

__all__ = ["GROUND", "Decision", "Outcome", "Step", "decide", "notice_allowed", "outward_steps", "statements_of"]

GROUND: Final = "grondslag"  # outward: checks 4 to 6 as one step
_OUTWARD_ORDER: Final = (
    *(checks.PARTIES, checks.CATALOGUE, checks.AGREEMENT, checks.BSN, checks.LOG),
    *(checks.INVOLVEMENT, checks.CATEGORIES),
)
_STATEMENT: Final = "toestemming:"
_HEALTH: Final = frozenset({Category.GEZONDHEID})
_NO_CATEGORY: Final[frozenset[Category]] = frozenset()


class Outcome(StrEnum):
    """What the gate says of one recipient (`uitkomst`)."""

    ALLOWED = "toegestaan"
    PARTIAL = "gedeeltelijk"
    STOPPED = "tegengehouden"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one recipient, with its explanation.

    ``basis`` names the fact that covers each allowed category: ``grondslag:<id>``, ``toestemming:<id>`` or
    ``afspraak:<id>``. ``secrecy`` is the id of the ontheffing geheimhouding that it also rests on (sender woonzorg).
    When stopped, nothing is allowed and ``code`` is outward; a stop without a code: the log cannot be written.
    """

    outcome: Outcome
    code: RefusalCode | None
    allowed: frozenset[Category]
    left_out: frozenset[Category]
    basis: Mapping[Category, str]
    steps: tuple[Step, ...]
    secrecy: str | None = None

    @property
    def statements(self) -> frozenset[str]:
        """Ids of the statements it rests on: who withdraws one of them must be told of this release (AVG 7(3))."""
        return statements_of(self.basis.values())


def statements_of(basis: Iterable[str]) -> frozenset[str]:
    """Ids of the statements among the facts that cover categories."""
    return frozenset(b.removeprefix(_STATEMENT) for b in basis if b.startswith(_STATEMENT))


def decide(request: Request, facts: Facts, at: datetime) -> Decision:
    """The gate for one recipient at one instant (aware UTC). Pure: equal arguments give an equal answer."""
    rules = facts.rules
    agreement, agreements = checks.agreement(request, rules, at)
    involvement, frameworks = checks.involvement(request, facts, at)
    setting = _setting(rules, agreements, frameworks)
    required = _required(request, setting)
    wanted = required | request.optional
    if request.about_person:
        coverage = cover(request, facts, setting, wanted, at)
    else:
        involvement = checks.NO_PERSON
        coverage = cover_without_person(setting, wanted)
    seven = (
        checks.parties(request, rules),
        checks.catalogue(request, rules),
        agreement,
        involvement,
        checks.categories(required, wanted, coverage),
        checks.bsn(rules.sender, wanted, coverage),
        checks.log(facts.log_writable),
    )
    return _conclude(seven, wanted, coverage)


def notice_allowed(receiver: Party | None, given: bool) -> bool:
    """For messages that only the hub makes (doel `rechten`, and `bericht.ingetrokken`): of the checks only two hold.

    The receiver is active and was ``given`` those messages; and the log can be written, which the caller holds to by
    appending in the same transaction. It goes out also after involvement, agreement or key has ended (AVG 7(3), 19).
    """
    return receiver is not None and receiver.active and given


def outward_steps(decision: Decision) -> tuple[Step, ...]:
    """The ladder that the sender may see: codes only, and checks 4 to 6 as one step `grondslag`.

    Where a check about the caller itself failed, the person's step is left out: who has no agreement must not learn
    from a dry run whether there is a basis for this person.
    """
    by_name = {step.name: step for step in decision.steps}
    steps = [_bare(by_name[name]) for name in (checks.PARTIES, checks.CATALOGUE, checks.AGREEMENT)]
    if all(step.passed for step in steps):
        failed = [
            by_name[name].code
            for name in (checks.BSN, checks.INVOLVEMENT, checks.CATEGORIES)
            if not by_name[name].passed
        ]
        steps.append(Step(GROUND, not failed, failed[0] if failed else None, ""))
    return (*steps, _bare(by_name[checks.LOG]))


def _bare(step: Step) -> Step:
    return Step(step.name, step.passed, step.code, "")


def _setting(rules: RuleFacts, agreements: frozenset[str], frameworks: frozenset[LegalFramework]) -> Setting:
    sender = rules.sender.role if rules.sender else None
    receiver = rules.receiver.role if rules.receiver else None
    return Setting(
        sender, receiver, agreements, frameworks, frameworks & entitled_laws(sender) & entitled_laws(receiver)
    )


def _required(request: Request, setting: Setting) -> frozenset[Category]:
    """All that comes from or goes to woonzorg is *also* `gezondheid`, whatever the payload shows."""
    if request.about_person and Role.WOONZORG in (setting.sender_role, setting.receiver_role):
        return request.required | _HEALTH
    return request.required


def _conclude(seven: tuple[Step, ...], wanted: frozenset[Category], coverage: Coverage) -> Decision:
    """One failed check stops all; else what is not covered is left out."""
    steps = (*seven, *[checks.category_step(category, coverage) for category in sorted(wanted)])
    failed = {step.name: step.code for step in seven if not step.passed}
    if failed:
        code = next(failed[name] for name in _OUTWARD_ORDER if name in failed)
        return Decision(Outcome.STOPPED, code, _NO_CATEGORY, _NO_CATEGORY, {}, steps)
    allowed = frozenset(coverage.basis)
    left_out = wanted - allowed
    outcome = Outcome.PARTIAL if left_out else Outcome.ALLOWED
    return Decision(outcome, None, allowed, left_out, coverage.basis, steps, coverage.secrecy)
