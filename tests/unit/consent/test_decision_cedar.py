"""``decide`` against a second implementation of the same rules, in another language and with another engine."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import cedarpy
import pytest

from consent.decision import Outcome, decide
from consent.facts import ConsentFlow, Facts, ObjectionOutcome, Request, Speaker, Statement
from contracts.identity import Category as C
from contracts.identity import LegalBasis, LegalFramework, Purpose, Role
from contracts.identity import SecrecySubject as Onderwerp
from tests.unit.consent.cedar_gate import OF_PERSON, context, policies, query
from tests.unit.consent.decision_cases import (
    DAY,
    DOEL,
    KIND,
    NOW,
    OTHER,
    RECEIVER,
    SENDER,
    THIS,
    ago,
    agreement,
    ask,
    closing,
    enrolment,
    explicit,
    flow,
    ground,
    no,
    objection,
    part,
    party,
    person,
    release,
    restriction,
    rules,
    shield,
    stop,
    yes,
)

T = TypeVar("T")
ROLES = (Role.GEMEENTE, Role.ONTWIKKELBEDRIJF, Role.MBO, Role.KRINGLOOP, Role.WOONZORG)
SOME = (C.IDENTITEIT, C.LEERVOORTGANG, C.CONTACT, C.GEZONDHEID, C.BSN, C.MEDEWERKER)
LAWS = (LegalFramework.PWET, LegalFramework.PWET, LegalFramework.WMO)
#: Flows of a stop: the one that is asked for, all of its sender's, and such as differ from it in one thing.
FLOWS = (
    *(THIS, ConsentFlow(SENDER), THIS._replace(sender=OTHER), THIS._replace(receiver=OTHER)),
    THIS._replace(purpose=Purpose.CERTIFICEREN),
)
CHUNK = 250


class Dice(random.Random):
    """Draws facts that nearly fit: mostly what covers the flow, and now and then something else."""

    def seldom(self, often: T, other: T, one_in: int = 8) -> T:
        return other if self.randrange(one_in) == 0 else often

    def some(self, values: Any, least: int = 0) -> frozenset[Any]:
        return frozenset(self.sample(values, self.randint(least, len(values))))

    def instant(self) -> datetime:
        return ago(self.randint(-2, 8))

    def ends(self) -> datetime | None:
        return self.seldom(None, self.instant(), 5)

    def statement(self, number: int) -> Statement:
        choice = self.seldom(yes, no, 6)
        given = self.instant()
        all_of_it = None if choice is no else frozenset({SENDER, RECEIVER})
        known = frozenset(SOME) if choice is yes else None
        return replace(
            choice(f"s{number}"),
            basis=self.seldom(LegalBasis.CONSENT, LegalBasis.EXPLICIT_CONSENT, 3),
            purposes=self.seldom(frozenset({DOEL}), self.some([DOEL, Purpose.CERTIFICEREN], 1)),
            categories=self.seldom(known, self.some(SOME, 1), 2),
            senders=self.seldom(all_of_it, self.some([SENDER, OTHER], 1)),
            receivers=self.seldom(all_of_it, self.some([RECEIVER, OTHER], 1)),
            given_at=given,
            valid_from=self.seldom(given, self.instant()),
            valid_until=self.seldom(NOW + 90 * DAY, self.ends()),
            requested=self.seldom(False, True, 12),
            invalid=self.seldom(False, True, 12),
            ended_at=self.seldom(None, self.instant(), 12),
            confirmed=self.seldom({SENDER: given}, {OTHER: given}),
            by=self.seldom(Speaker.PERSON, self.choice([Speaker.PARENT, Speaker.PARENT, *Speaker]), 3),
            sixteen_at=self.seldom(None, self.instant(), 8),
            own_at=self.seldom(None, self.instant(), 8),
        )

    def question(self) -> tuple[Request, Facts]:
        usual = (Role.ONTWIKKELBEDRIJF, self.choice([Role.KRINGLOOP, Role.GEMEENTE]))
        usual = self.seldom(usual, (Role.WOONZORG, Role.ONTWIKKELBEDRIJF), 4)
        ends = self.seldom(usual, (self.choice(ROLES), self.choice(ROLES)), 2)
        cared = ends[0] is Role.WOONZORG
        opens = self.seldom(False, True)
        closes = not opens and self.seldom(False, True)
        request = ask(
            self.seldom(self.some(SOME[:3], 1), self.some(SOME), 3),
            self.some(SOME),
            opens=opens,
            trajectory=self.choice(["t1", "t1", "t2"]) if opens or closes else None,
            closes=closes,
            accepted_at=self.seldom(None, self.instant(), 4),
            subjects=self.some(list(Onderwerp)),
            flows=(self.seldom(flow(*ends), flow(self.choice(ROLES), self.choice(ROLES)), 15),),
        )
        leaders = frozenset({self.seldom(SENDER, RECEIVER)})
        writable = self.seldom(True, False, 40)
        return request, Facts(self.region(*ends), self.person(cared), log_writable=writable, leaders=leaders)

    def region(self, sender: Role, receiver: Role) -> Any:
        agreed = [
            agreement(
                f"a{n}",
                kinds=self.seldom(frozenset({KIND}), frozenset({"doorstroom.gemeld"}), 10),
                ended_at=self.seldom(None, self.instant(), 10),
                parties=self.seldom(frozenset({SENDER, RECEIVER}), frozenset({SENDER, OTHER}), 12),
            )
            for n in range(self.randint(1, 2))
        ]
        laws = [
            ground(
                f"g{n}",
                self.choice([LegalBasis.PUBLIC_TASK, LegalBasis.LEGAL_OBLIGATION, LegalBasis.CONTRACT]),
                agreement_id=self.choice(["a0", "a1"]),
                frameworks=self.some(LAWS[1:], 1),
                sender_role=self.seldom(sender, Role.MBO),
                receiver_role=receiver,
                categories=self.some(SOME, 1),
                uavg_article=self.choice([None, "UAVG 30 lid 1"]),
                valid_until=self.seldom(NOW + DAY, self.instant()),
                confirmed_by=self.choice(["operator-2", "operator-2", "operator-1", None]),
            )
            for n in range(self.randrange(3))
        ]
        return rules(
            sender,
            receiver,
            agreements=tuple(agreed),
            grounds=tuple(laws),
            receiver=party(RECEIVER, receiver, self.seldom(True, False, 30)),
            mandate_active=self.seldom(True, False, 30),
            mandate_kinds=self.seldom(None, self.choice([frozenset({KIND}), frozenset()]), 15),
            push_active=self.seldom(True, False, 40),
        )

    def person(self, cared: bool) -> Any:
        outcomes = list(ObjectionOutcome)
        asked = self.choice([frozenset({THIS}), self.some(FLOWS), frozenset({ConsentFlow(SENDER)}), frozenset[Any]()])
        involved = [
            part(
                self.seldom(who, OTHER, 10),
                self.choice(["t1", "t1", "t2"]),
                framework=self.choice(LAWS),
                valid_until=self.seldom(None, self.instant(), 10),
                awaited=self.seldom(False, True, 10),
                closing=self.seldom(None, replace(closing(), at=self.instant()), 12),
            )
            for who in (SENDER, RECEIVER, SENDER, RECEIVER)[: self.randint(2, 4)]
        ]
        twofold = (yes("a1", 9), explicit("a2", 9)) if cared else ()  # else secrecy is hardly ever what decides
        return person(
            *twofold,
            *(self.statement(n) for n in range(self.randint(0, 4 - len(twofold)))),
            known=self.seldom(True, False, 40),
            erased=self.seldom(False, True, 40),
            deceased=self.seldom(False, True, 30),
            involvements=tuple(involved),
            enrolments=(enrolment(),) if self.seldom(True, False, 2) else (),
            stops=tuple(
                stop(
                    f"p{n}",
                    self.randint(-1, 8),
                    asked=asked,
                    lifted=asked & self.seldom(frozenset(FLOWS), self.some(FLOWS), 3),
                    confirmed=asked & self.choice([self.some(FLOWS), frozenset[Any](), frozenset[Any]()]),
                )
                for n in range(self.seldom(0, self.randint(1, 2), 3))
            ),
            restrictions=tuple(
                restriction(
                    senders=self.some([SENDER, OTHER], 1),
                    receivers=self.choice([None, frozenset({OTHER})]),
                    purpose=self.choice([None, Purpose.CERTIFICEREN]),
                    valid_until=self.ends(),
                )
                for _ in range(self.seldom(0, 1, 6))
            ),
            objections=tuple(
                objection(f"o{n}", outcome=self.choice(outcomes), at=self.instant(), purpose=self.choice([None, DOEL]))
                for n in range(self.seldom(0, self.randint(1, 2), 6))
            ),
            secrecy_releases=tuple(
                release(
                    ended_at=self.ends(),
                    at=self.instant(),
                    subjects=self.seldom(frozenset(Onderwerp), self.some(list(Onderwerp)), 2),
                )
                for _ in range(self.seldom(1, 0))
            ),
            shields=tuple(
                shield("h1", *self.some([RECEIVER, OTHER]), at=self.instant(), lifted_at=self.ends())
                for _ in range(self.seldom(0, 1, 5))
            ),
        )


def needed(request: Request, facts: Facts) -> frozenset[C]:
    """All from or to woonzorg is also health."""
    ends = {end.role for end in (facts.rules.sender, facts.rules.receiver) if end is not None}
    return request.required | (frozenset({C.GEZONDHEID}) if Role.WOONZORG in ends else frozenset())


def second_opinions(
    questions: list[tuple[Request, Facts]], gate: cedarpy.PolicySet
) -> Iterator[tuple[bool, frozenset[C]]]:
    """Per question whether Cedar lets it go, and which categories it allows."""
    given = [context(request, facts, NOW) for request, facts in questions]
    flows = ask_cedar([query("flow", known) for known in given], gate)
    for (request, facts), known, flows_ in zip(questions, given, flows, strict=True):
        required = needed(request, facts)
        allowed = shared(known, required | request.optional, gate) if flows_ else frozenset()
        # at least one fact must let this flow say something of the person, be it of a category that is not asked for
        goes = required <= allowed and flows_
        goes = goes and bool(allowed & OF_PERSON or shared(known, OF_PERSON - required - request.optional, gate))
        yield goes, allowed if goes else frozenset()


def shared(known: dict[str, Any], wanted: frozenset[C], gate: cedarpy.PolicySet) -> frozenset[C]:
    """The categories that Cedar lets go."""
    asked = sorted(wanted)
    said = ask_cedar([query("share", known, category) for category in asked], gate)
    return frozenset(category for category, yes_ in zip(asked, said, strict=True) if yes_)


def ask_cedar(asked: list[dict[str, Any]], gate: cedarpy.PolicySet) -> list[bool]:
    """An error in a condition counts as no in Cedar; here it is a fault of the test."""
    said = cedarpy.is_authorized_batch(asked, gate, [])
    assert not [answer for answer in said if answer.diagnostics.errors]
    return [bool(answer.allowed) for answer in said]


def differences(seed: int, count: int, gate: cedarpy.PolicySet) -> tuple[list[int], Counter[str]]:
    """Numbers of the questions on which the two disagree, and how often each outcome came."""
    dice, found, outcomes = Dice(seed), [], Counter[str]()
    for start in range(0, count, CHUNK):
        questions = [dice.question() for _ in range(min(CHUNK, count - start))]
        for number, (question, (goes, allowed)) in enumerate(
            zip(questions, second_opinions(questions, gate), strict=True), start
        ):
            decision = decide(*question, NOW)
            outcomes[decision.outcome.value] += 1
            if (decision.outcome is not Outcome.STOPPED, decision.allowed) != (goes, allowed):
                found.append(number)
    return found, outcomes


def agree(seed: int, count: int) -> None:
    found, outcomes = differences(seed, count, policies())
    assert not found, f"seed {seed}: {len(found)} of {count} differ, the first is number {found[0]}"
    assert min(outcomes[outcome.value] for outcome in Outcome) > count / 50, outcomes


def test_cedar_says_the_same() -> None:
    agree(seed=20261122, count=4_000)


@pytest.mark.long
def test_cedar_says_the_same_of_a_hundred_thousand() -> None:
    agree(seed=random.SystemRandom().randrange(10**9), count=100_000)


@pytest.mark.parametrize(
    "forgotten",
    [
        *("gate.weighing.stop_pending", "gate.weighing.stop_refuses", "gate.weighing.secrecy_release"),
        *("gate.weighing.enrolled", "gate.weighing.awaits_person", "gate.coverage.shielded"),
    ],
)
def test_control_a_gate_that_forgets_a_rule_is_told_from_cedar(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"consent.{forgotten}", lambda *_: None)
    found, _ = differences(7, 2_000, policies())
    assert found
