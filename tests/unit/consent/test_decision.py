"""The gate, sentence by sentence (the table), and what it may tell whom."""

from dataclasses import replace
from typing import Any

import pytest

from consent.decision import Decision, Outcome, decide, notice_allowed, outward_steps
from consent.facts import Facts, PersonFacts
from contracts.errors import RefusalCode as Code
from contracts.identity import Category as C
from contracts.identity import Role
from tests.unit.consent.decision_cases import (
    NOW,
    ORDINARY,
    RECEIVER,
    Case,
    ago,
    ask,
    explicit,
    facts,
    flow,
    ground,
    no,
    party,
    person,
    release,
    rules,
    yes,
)
from tests.unit.consent.decision_table import table

CHECKS = ("organisaties", "soort", "afspraak", "betrokkenheid", "categorieen", "bsn", "logboek")


def failed(decision: Decision) -> frozenset[str]:
    return frozenset(step.name for step in decision.steps if step.name in CHECKS and not step.passed)


def reason(decision: Decision, name: str) -> str:
    return next(step.reason for step in decision.steps if step.name == name)


@pytest.mark.parametrize("case", list(table()), ids=lambda case: case.says)
def test_each_sentence_of_the_gate(case: Case) -> None:
    decision = decide(case.request, case.facts, NOW)
    assert (decision.outcome, decision.code, failed(decision)) == (case.outcome, case.code, case.failed)
    if case.reason is not None:
        first = next((name for name in CHECKS if name in case.failed), "")
        assert reason(decision, case.step or first) == case.reason


def test_every_sentence_stands_once() -> None:
    says = [case.says for case in table()]
    assert len(says) == len(set(says)) > 150


def test_seven_checks_in_order_then_each_category() -> None:
    decision = decide(ask(ORDINARY, {C.CONTACT}), facts(yes()), NOW)
    names = [step.name for step in decision.steps]
    assert names == [*CHECKS, "categorie:contact", "categorie:identiteit", "categorie:leervoortgang"]


def test_the_basis_of_each_category_is_a_named_fact() -> None:
    law = rules(grounds=(ground("g2", categories=frozenset({C.IDENTITEIT})),))
    decision = decide(ask(ORDINARY | {C.MEDEWERKER}), facts(yes(), rules_=law), NOW)
    assert decision.basis == {
        C.IDENTITEIT: "grondslag:g2",
        C.LEERVOORTGANG: "toestemming:s1",
        C.MEDEWERKER: "afspraak:a1",
    }
    assert decision.statements == {"s1"}
    assert decision.allowed == ORDINARY | {C.MEDEWERKER}


def test_a_grondslag_goes_before_consent() -> None:
    decision = decide(ask(), facts(yes(), rules_=rules(grounds=(ground(),))), NOW)
    assert set(decision.basis.values()) == {"grondslag:g1"}
    assert not decision.statements


def test_partial_names_what_is_left_out() -> None:
    decision = decide(ask(ORDINARY, {C.CONTACT, C.BEOORDELING}), facts(yes()), NOW)
    assert (decision.allowed, decision.left_out) == (ORDINARY, {C.CONTACT, C.BEOORDELING})


def test_stopped_allows_nothing_also_what_was_covered() -> None:
    decision = decide(ask(ORDINARY | {C.CONTACT}), facts(yes()), NOW)
    assert (decision.outcome, decision.allowed, decision.left_out, decision.basis) == (
        Outcome.STOPPED,
        set(),
        set(),
        {},
    )
    assert reason(decision, "categorie:identiteit") == "toestemming:s1"


def test_woonzorg_names_the_ontheffing_it_rests_on() -> None:
    wz, sob = Role.WOONZORG, Role.ONTWIKKELBEDRIJF
    given = facts(yes(), explicit(), rules_=rules(wz, sob), secrecy_releases=(release("r2"), release("r1")))
    decision = decide(ask(flows=(flow(wz, sob),)), given, NOW)
    assert decision.secrecy == "r1"
    assert decision.basis[C.GEZONDHEID] == "toestemming:x1"
    assert decide(ask(), facts(yes(), secrecy_releases=(release(),)), NOW).secrecy is None


def test_the_latest_ja_is_the_basis() -> None:
    decision = decide(ask(), facts(yes("s3", 30), yes("s1", 10), yes("s2", 20)), NOW)
    assert decision.statements == {"s1"}


# What an outsider may learn


def test_one_code_for_everything_that_depends_on_the_person() -> None:
    states = {
        "unknown": Facts(rules(), PersonFacts()),
        "erased": facts(yes(), erased=True),
        "not involved": facts(yes(), involvements=()),
        "never asked": facts(),
        "refused": facts(no()),
        "withdrawn": facts(yes(ended_at=ago(1))),
        "expired": facts(yes(valid_until=ago(1))),
    }
    seen = {(d.outcome, d.code, outward_steps(d)) for d in (decide(ask(), given, NOW) for given in states.values())}
    assert len(seen) == 1
    assert seen.pop()[:2] == (Outcome.STOPPED, Code.GEEN_GRONDSLAG)
    allowed = decide(ask(), facts(yes()), NOW)  # control: the ladder does tell yes from no
    assert all(step.passed for step in outward_steps(allowed))


def test_unknown_takes_the_same_path() -> None:
    known, unknown = (decide(ask(), given, NOW) for given in (facts(), Facts(rules(), PersonFacts())))
    assert [step.name for step in known.steps] == [step.name for step in unknown.steps]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"agreements": ()}, Code.AFSPRAAK_ONTBREEKT),
        ({"receiver": None}, Code.ONTVANGER_NIET_BEVOEGD),
        ({"mandate_kinds": frozenset()}, Code.SOORT_NIET_TOEGESTAAN),
        ({"mandate_active": False}, Code.HANDELING_NIET_TOEGESTAAN),
    ],
)
def test_codes_about_the_caller_do_not_depend_on_the_person(change: dict[str, Any], code: Code) -> None:
    law = replace(rules(), **change)
    people = [person(yes()), person(), PersonFacts(), person(yes(), erased=True)]
    decisions = [decide(ask(), Facts(law, someone), NOW) for someone in people]
    assert {(d.code, outward_steps(d)) for d in decisions} == {(code, outward_steps(decisions[0]))}
    assert "grondslag" not in [step.name for step in outward_steps(decisions[0])]


def test_bsn_refusal_is_about_the_caller_whoever_the_person_is() -> None:
    request = ask(ORDINARY, {C.BSN}, flows=(flow(Role.MBO, Role.ONTWIKKELBEDRIJF),))
    law = rules(Role.MBO, Role.ONTWIKKELBEDRIJF)
    decisions = [decide(request, Facts(law, p), NOW) for p in (person(yes()), person(), PersonFacts())]
    assert {(d.code, outward_steps(d)) for d in decisions} == {(Code.BSN_NIET_TOEGESTAAN, outward_steps(decisions[0]))}
    assert outward_steps(decisions[0])[3].code is Code.BSN_NIET_TOEGESTAAN


def test_a_log_that_is_down_answers_alike_for_every_person() -> None:
    people = [person(yes()), person(), PersonFacts()]
    decisions = [decide(ask(), Facts(rules(), someone, log_writable=False), NOW) for someone in people]
    assert {(d.outcome, d.code) for d in decisions} == {(Outcome.STOPPED, None)}
    refused = decide(ask(), Facts(rules(agreements=()), person(yes()), log_writable=False), NOW)
    assert refused.code is Code.AFSPRAAK_ONTBREEKT


def test_outward_steps_bear_no_reason() -> None:
    for case in table():
        steps = outward_steps(decide(case.request, case.facts, NOW))
        assert {step.reason for step in steps} == {""}
        assert {step.name for step in steps} <= {"organisaties", "soort", "afspraak", "grondslag", "logboek"}


# Notices that only the hub makes


@pytest.mark.parametrize(
    ("active", "given", "allowed"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_notice_goes_only_to_an_active_receiver_that_was_given_it(active: bool, given: bool, allowed: bool) -> None:
    assert notice_allowed(party(RECEIVER, Role.KRINGLOOP, active), given) is allowed


def test_notice_to_nobody() -> None:
    assert notice_allowed(None, True) is False
