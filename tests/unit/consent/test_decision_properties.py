"""What must hold of the gate whatever the facts: the properties on which a privacy officer stakes a name."""

import random
from collections import Counter
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.decision import Decision, Outcome, decide
from consent.facts import (
    Choice,
    ConsentFlow,
    Facts,
    ObjectionOutcome,
    PersonFacts,
    Request,
    RuleFacts,
    Speaker,
    Statement,
)
from contracts.identity import SPECIAL, LegalBasis, LegalFramework, Purpose, Role
from contracts.identity import Category as C
from contracts.identity import SecrecySubject as Onderwerp
from tests.unit.consent.decision_cases import (
    DOEL,
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
    release,
    restriction,
    rules,
    shield,
    stop,
    yes,
)

PAIRS = [(Role.GEMEENTE, Role.ONTWIKKELBEDRIJF), (Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP), (Role.WOONZORG, Role.MBO)]
CATEGORIES = [C.IDENTITEIT, C.LEERVOORTGANG, C.GEZONDHEID, C.BSN, C.MEDEWERKER]

categories = st.frozensets(st.sampled_from([*CATEGORIES, C.CONTACT]), max_size=4)
some_categories = st.frozensets(st.sampled_from(CATEGORIES), min_size=2)
organisations = st.frozensets(st.sampled_from([SENDER, RECEIVER, OTHER]), min_size=1)
FLOWS = [
    THIS,
    THIS._replace(sender=OTHER),
    THIS._replace(receiver=OTHER),
    THIS._replace(purpose=Purpose.CERTIFICEREN),
    ConsentFlow(SENDER),
]
flows_ = st.frozensets(st.sampled_from(FLOWS))
subjects = st.frozensets(st.sampled_from(list(Onderwerp)))
purposes = st.frozensets(st.sampled_from([DOEL, Purpose.CERTIFICEREN]), min_size=1)
instants = st.integers(-3, 12).map(ago)
later = st.one_of(st.none(), instants)
mostly = st.sampled_from([True] * 9 + [False])
frameworks = st.sampled_from([LegalFramework.PWET, LegalFramework.WMO])

#: No time limits: the machine that runs this may be busy.
tried = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def scope(of: st.SearchStrategy[Any], all_of_it: Any) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(all_of_it), of)


def ids(prefix: str) -> st.SearchStrategy[str]:
    return st.integers(0, 10**6).map(lambda number: f"{prefix}{number}")


@st.composite
def statements(draw: st.DrawFn, choice: Choice | None = None) -> Statement:
    chosen = choice or draw(st.sampled_from([Choice.YES, Choice.YES, Choice.NO]))
    given_at = draw(instants)
    made = yes() if chosen is Choice.YES else no()
    all_or = None if chosen is Choice.NO else frozenset({SENDER, RECEIVER, OTHER})
    return replace(
        made,
        id=draw(ids("s")),
        basis=draw(st.sampled_from([LegalBasis.CONSENT, LegalBasis.CONSENT, LegalBasis.EXPLICIT_CONSENT])),
        purposes=draw(scope(purposes, frozenset({DOEL}))),
        categories=draw(scope(some_categories, None if chosen is Choice.NO else frozenset(CATEGORIES))),
        senders=draw(scope(organisations, all_or)),
        receivers=draw(scope(organisations, all_or)),
        given_at=given_at,
        valid_from=given_at,
        valid_until=draw(scope(later, NOW + timedelta(days=90))),
        requested=not draw(mostly),
        invalid=not draw(mostly),
        ended_at=draw(scope(later, None)),
        confirmed={SENDER: given_at} if draw(mostly) else {},
        by=draw(st.sampled_from([Speaker.PERSON, Speaker.PERSON, Speaker.PARENT, Speaker.GUARDIAN, Speaker.PROXY])),
        sixteen_at=draw(scope(later, None)),
        own_at=draw(scope(later, None)),
    )


def ended(draw: st.DrawFn) -> dict[str, Any]:
    """Now and then a closing message was accepted, and its receiver told."""
    if draw(mostly):
        return {}
    days = draw(st.integers(0, 5))
    return {"closing": closing(days), "valid_until": draw(st.sampled_from([ago(days / 2), NOW + timedelta(days=1)]))}


@st.composite
def people(draw: st.DrawFn) -> PersonFacts:
    rarely = st.sampled_from([[], [], [], [], [1], [3], [0]])
    law = draw(frameworks)
    outcomes = st.sampled_from(list(ObjectionOutcome))
    asked = draw(st.sampled_from([frozenset({THIS}), frozenset(FLOWS), frozenset(FLOWS[1:]), frozenset()]))
    sound = (yes("a1", 9), explicit("a2", 9)) if draw(mostly) else ()
    return PersonFacts(
        known=draw(mostly),
        involvements=tuple(part(o, framework=law, **ended(draw)) for o in (SENDER, RECEIVER) if draw(mostly)),
        enrolments=(enrolment(),) if draw(st.booleans()) else (),
        statements=(*sound, *draw(st.lists(statements(), max_size=4, unique_by=lambda said: said.id))),
        stops=tuple(
            stop(
                f"p{n}",
                n,
                asked=asked,
                lifted=asked & draw(flows_),
                confirmed=asked & draw(flows_),
            )
            for n in draw(rarely)
        ),
        restrictions=tuple(restriction(f"b{n}", purpose=Purpose.CERTIFICEREN) for n in draw(rarely)),
        objections=tuple(objection(f"o{n}", outcome=draw(outcomes)) for n in draw(rarely)),
        secrecy_releases=(release(),) if draw(mostly) else (),
        shields=tuple(shield(f"h{n}", *draw(st.sampled_from([(), (RECEIVER,)]))) for n in draw(rarely)),
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[Request, Facts]:
    sender, receiver = draw(st.sampled_from(PAIRS))
    laws = [
        ground(
            f"g{number}",
            draw(st.sampled_from([LegalBasis.PUBLIC_TASK, LegalBasis.CONTRACT])),
            sender_role=sender,
            receiver_role=receiver,
            categories=draw(some_categories),
            uavg_article=draw(st.sampled_from([None, "UAVG 30 lid 1"])),
            confirmed_by="operator-2" if draw(mostly) else None,
        )
        for number in draw(st.lists(st.integers(0, 9), max_size=2, unique=True))
    ]
    known = rules(sender, receiver, grounds=tuple(laws), agreements=(agreement(), agreement("a2")))
    closes = draw(st.sampled_from([False, False, False, True]))
    request = ask(
        draw(categories),
        draw(some_categories),
        flows=(flow(sender, receiver),),
        closes=closes,
        trajectory="t1" if closes else None,
        accepted_at=draw(st.one_of(st.none(), instants)),
    )
    return request, Facts(known, draw(people()), leaders=frozenset({SENDER}) if draw(mostly) else frozenset())


def is_yes(decision: Decision) -> bool:
    return decision.outcome is not Outcome.STOPPED


@tried
@given(questions(), statements(Choice.NO))
def test_adding_a_nee_never_turns_no_into_yes(question: tuple[Request, Facts], said: Statement) -> None:
    request, before = question
    after = replace(
        before, person=replace(before.person, statements=(*before.person.statements, replace(said, id="new")))
    )
    first, second = decide(request, before, NOW), decide(request, after, NOW)
    assert second.allowed <= first.allowed
    assert is_yes(first) or not is_yes(second)


@tried
@given(questions(), st.data())
def test_withdrawing_never_widens(question: tuple[Request, Facts], data: st.DataObject) -> None:
    request, before = question
    ended = tuple(replace(s, ended_at=NOW) if data.draw(st.booleans()) else s for s in before.person.statements)
    first = decide(request, before, NOW)
    second = decide(request, replace(before, person=replace(before.person, statements=ended)), NOW)
    assert second.allowed <= first.allowed
    assert is_yes(first) or not is_yes(second)


@tried
@given(questions(), flows_, flows_, st.integers(0, 9))
def test_a_stopverzoek_never_widens_and_its_answer_is_for_its_own_flow(
    question: tuple[Request, Facts], asked: frozenset[ConsentFlow], answered: frozenset[ConsentFlow], days: int
) -> None:
    request, before = question

    def says(**answers: frozenset[ConsentFlow]) -> Decision:
        stops = (*before.person.stops, stop("new", days, asked=asked | {THIS}, **answers))
        return decide(request, replace(before, person=replace(before.person, stops=stops)), NOW)

    first, waiting = decide(request, before, NOW), says()
    elsewhere = answered - {THIS, ConsentFlow(SENDER)}
    for lifted, confirmed in ((elsewhere, frozenset[ConsentFlow]()), (frozenset[ConsentFlow](), elsewhere)):
        assert says(lifted=lifted, confirmed=confirmed) == waiting
    assert waiting.allowed <= says(confirmed=asked | {THIS}).allowed <= first.allowed
    assert says(lifted=asked | {THIS}) == first


@tried
@given(questions(), instants, later)
def test_to_hear_that_somebody_is_younger_never_widens(
    question: tuple[Request, Facts], until: datetime, ended: datetime | None
) -> None:
    """What a parent says of the age counts, whatever becomes of the rest of it."""
    request, before = question
    said = replace(yes("new", by=Speaker.PARENT, sixteen_at=until, ended_at=ended), receivers=frozenset({OTHER}))
    told = replace(before, person=replace(before.person, statements=(*before.person.statements, said)))
    first, second = decide(request, before, NOW), decide(request, told, NOW)
    assert second.allowed <= first.allowed
    assert is_yes(first) or not is_yes(second)


@tried
@given(questions(), subjects, subjects)
def test_a_release_that_names_less_never_turns_no_into_yes(
    question: tuple[Request, Facts], named: frozenset[Onderwerp], keep: frozenset[Onderwerp]
) -> None:
    request, before = question

    def says(of: frozenset[Onderwerp]) -> Decision:
        releases = tuple(replace(one, subjects=of) for one in before.person.secrecy_releases)
        return decide(request, replace(before, person=replace(before.person, secrecy_releases=releases)), NOW)

    more, less = says(named), says(named & keep)
    assert less.allowed <= more.allowed
    assert is_yes(more) or not is_yes(less)


@tried
@given(questions())
def test_for_somebody_who_died_only_the_end_goes(question: tuple[Request, Facts]) -> None:
    request, before = question
    died = replace(before, person=replace(before.person, deceased=True))
    decision = decide(request, died, NOW)
    assert not is_yes(decision) or request.closes
    if request.closes:  # and death opens nothing that was not open
        assert decision.allowed <= decide(request, before, NOW).allowed


@tried
@given(questions(), st.integers(0, 5))
def test_the_end_of_a_traject_never_turns_no_into_yes(question: tuple[Request, Facts], days: int) -> None:
    """Whatever is asked now, whoever was told or not; and nobody leads but who is said to."""
    request, before = replace(question[0], accepted_at=None), question[1]
    over = [replace(i, closing=closing(days), valid_until=NOW) for i in before.person.involvements]
    after = replace(before, person=replace(before.person, involvements=tuple(over)))
    first, second = decide(request, before, NOW), decide(request, after, NOW)
    assert second.allowed <= first.allowed and (is_yes(first) or not is_yes(second))
    if request.closes:
        assert not is_yes(decide(request, replace(before, leaders=frozenset()), NOW))


@tried
@given(questions(), categories, categories)
def test_fewer_categories_never_turn_yes_into_no(
    question: tuple[Request, Facts], keep: frozenset[C], keep_too: frozenset[C]
) -> None:
    request, given_ = question
    fewer = replace(request, required=request.required & keep, optional=request.optional & keep_too)
    if is_yes(decide(request, given_, NOW)):
        assert is_yes(decide(fewer, given_, NOW))


@tried
@given(questions(), st.integers(-400, 800))
def test_outside_validity_never_yes(question: tuple[Request, Facts], days: int) -> None:
    request, given_ = question
    at = NOW + timedelta(days=days)
    outside = tuple(s for s in given_.person.statements if not within(s.valid_from, s.valid_until, at))
    laws = tuple(g for g in given_.rules.grounds if not within(g.valid_from, g.valid_until, at))
    facts = Facts(replace(given_.rules, grounds=laws), replace(given_.person, statements=outside))
    assert not is_yes(decide(request, facts, at))


def within(start: datetime, end: datetime | None, at: datetime) -> bool:
    return start <= at and (end is None or at < end)


@tried
@given(questions())
def test_yes_means_that_every_category_is_covered_by_a_named_fact(question: tuple[Request, Facts]) -> None:
    request, given_ = question
    decision = decide(request, given_, NOW)
    if is_yes(decision):
        assert request.required <= decision.allowed == decision.basis.keys()
        assert decision.allowed | decision.left_out >= request.required | request.optional
        assert all(names(given_, label, category) for category, label in decision.basis.items())
    else:
        assert not decision.allowed
        assert not decision.basis


def names(given_: Facts, label: str, category: C) -> bool:
    """True when the fact exists, names the category, and may carry it at all; read from the facts anew."""
    sort, _, id_ = label.partition(":")
    if sort == "afspraak":
        return category is C.MEDEWERKER and any(a.id == id_ for a in given_.rules.agreements)
    if sort == "grondslag":
        law = next(g for g in given_.rules.grounds if g.id == id_)
        return category in law.categories and (category not in SPECIAL or law.uavg_article is not None)
    said = next(s for s in given_.person.statements if s.id == id_)
    fits = LegalBasis.EXPLICIT_CONSENT if category in SPECIAL else LegalBasis.CONSENT
    named = said.categories is not None and category in said.categories and category is not C.BSN
    standing = said.ended_at is None or said.ended_at > NOW
    return named and standing and said.choice is Choice.YES and said.basis is fits


@tried
@given(questions(), st.integers(0, 10**6))
def test_the_order_of_facts_means_nothing(question: tuple[Request, Facts], seed: int) -> None:
    request, given_ = question
    shuffled = replace(given_, rules=mixed(given_.rules, seed), person=mixed(given_.person, seed))
    assert decide(request, shuffled, NOW) == decide(request, given_, NOW)


def mixed(record: Any, seed: int) -> Any:
    """The record with every tuple in another order."""
    dice = random.Random(seed)
    held = {f.name: getattr(record, f.name) for f in fields(record)}
    return replace(record, **{n: tuple(dice.sample(v, len(v))) for n, v in held.items() if isinstance(v, tuple)})


@tried
@given(questions(), st.booleans(), st.booleans())
def test_empty_facts_mean_no(question: tuple[Request, Facts], opens: bool, about_person: bool) -> None:
    request, given_ = question
    request = replace(request, opens=opens, trajectory="t1", about_person=about_person)
    nothing = RuleFacts(None, None, True, None, True)
    assert not is_yes(decide(request, Facts(nothing, given_.person), NOW))
    if about_person:
        assert not is_yes(decide(request, Facts(given_.rules, PersonFacts()), NOW))


@tried
@given(questions())
def test_the_same_question_has_the_same_answer(question: tuple[Request, Facts]) -> None:
    assert decide(*question, NOW) == decide(*question, NOW)


def test_the_questions_reach_every_answer() -> None:
    """Control: the properties above are tried on yes, on partial and on no, and on each sort of basis."""
    seen: Counter[str] = Counter()

    @settings(tried, max_examples=200, derandomize=True)
    @given(questions())
    def count(question: tuple[Request, Facts]) -> None:
        decision = decide(*question, NOW)
        seen.update({str(decision.outcome), *(label.partition(":")[0] for label in decision.basis.values())})

    count()
    assert seen["tegengehouden"] > 50
    assert min(seen[word] for word in ("toegestaan", "gedeeltelijk", "toestemming", "grondslag", "afspraak")) >= 5
