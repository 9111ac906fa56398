"""The gate as a table: each line is a sentence of the rules with a case, and what the gate must say.

``test_decision.py`` runs it; ``test_decision_mutations.py`` changes the rules line by line and asks that some line of
this table then says otherwise.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from consent.facts import Facts, PersonFacts, Request
from contracts.errors import RefusalCode as Code
from contracts.identity import Category as C
from contracts.identity import LegalBasis, LegalFramework, Purpose, Role
from tests.unit.consent.decision_cases import (
    DAY,
    IDENTITY_ONLY,
    KIND,
    NOW,
    ORDINARY,
    OTHER,
    PARTIAL,
    RECEIVER,
    SENDER,
    STOPPED,
    Case,
    ago,
    agreement,
    ask,
    closing,
    enrolment,
    explicit,
    facts,
    flow,
    ground,
    led,
    objection,
    part,
    party,
    person,
    refused,
    release,
    restriction,
    rules,
    uncovered,
    yes,
)
from tests.unit.consent.decision_table_person import (
    about_blocks,
    about_children,
    about_consent,
    about_grounds,
    about_latest,
    about_minors,
    about_shields,
    about_special,
    about_stops,
    about_woonzorg,
)


def table() -> Iterator[Case]:
    yield from about_parties()
    yield from about_catalogue()
    yield from about_agreement()
    yield from about_involvement()
    yield from about_closing()
    yield from about_blocks()
    yield from about_grounds()
    yield from about_consent()
    yield from about_latest()
    yield from about_stops()
    yield from about_minors()
    yield from about_children()
    yield from about_shields()
    yield from about_special()
    yield from about_woonzorg()
    yield from about_bsn()
    yield from about_outcome()


def about_parties() -> Iterator[Case]:
    yield Case("1 all checks hold", ask(), facts(yes()))

    def stopped(says: str, code: Code, reason: str, **changes: Any) -> Case:
        return refused(says, ask(), facts(yes(), rules_=rules(**changes)), "organisaties", code=code, reason=reason)

    own, out = Code.HANDELING_NIET_TOEGESTAAN, Code.ONTVANGER_NIET_BEVOEGD
    sender, receiver = Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP
    yield stopped("1 sender suspended", own, "afzender-niet-actief", sender=party(SENDER, sender, active=False))
    yield stopped("1 facts of another sender", own, "afzender-niet-actief", sender=party(OTHER, sender))
    yield stopped("1 machtiging ended", own, "machtiging-niet-actief", mandate_active=False)
    kinds = frozenset({"doorstroom.gemeld"})
    yield stopped(
        "1 machtiging for other kinds", Code.SOORT_NIET_TOEGESTAAN, "machtiging-zonder-soort", mandate_kinds=kinds
    )
    yield Case("1 machtiging for this kind", ask(), facts(yes(), rules_=rules(mandate_kinds=frozenset({KIND}))))
    yield stopped(
        "1 receiver suspended", out, "ontvanger-niet-actief", receiver=party(RECEIVER, receiver, active=False)
    )
    yield stopped("1 facts of another receiver", out, "ontvanger-niet-actief", receiver=party(OTHER, receiver))
    yield stopped("1 subscription's systeem ended", out, "abonnement-niet-actief", push_active=False)
    yield stopped("1 subscription's systeem for other kinds", out, "abonnement-zonder-soort", push_kinds=kinds)
    yield Case("1 subscription for this kind", ask(), facts(yes(), rules_=rules(push_kinds=frozenset({KIND}))))
    given = facts(yes(), rules_=rules(sender=None))
    with_bsn = frozenset({"organisaties", "soort", "bsn"})
    yield Case("1 no sender of a bsn", ask(ORDINARY, {C.BSN}), given, STOPPED, own, with_bsn)
    both = frozenset({"organisaties", "soort"})
    given = facts(yes(), rules_=rules(sender=None))
    yield Case("1 no sender", ask(), given, STOPPED, own, both, reason="afzender-niet-actief")
    given = facts(yes(), rules_=rules(receiver=None))
    yield Case("1 no receiver", ask(), given, STOPPED, out, both, reason="ontvanger-niet-actief")


def about_catalogue() -> Iterator[Case]:
    sob, kringloop = Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP
    first, second = flow(Role.MBO, kringloop), flow(sob, Role.MBO)

    def stopped(says: str, code: Code, reason: str, *flows: Any) -> Case:
        return refused(says, ask(flows=flows), facts(yes()), "soort", code=code, reason=reason)

    yield stopped("2 no flows: nobody", Code.SOORT_NIET_TOEGESTAAN, "soort-niet-voor-afzender")
    yield stopped("2 not from this role", Code.SOORT_NIET_TOEGESTAAN, "soort-niet-voor-afzender", first)
    yield stopped("2 not to this role", Code.ONTVANGER_NIET_BEVOEGD, "soort-niet-voor-ontvanger", first, second)
    third = flow(sob, kringloop, Purpose.CERTIFICEREN)
    yield stopped("2 not for this doel", Code.DOEL_NIET_TOEGESTAAN, "doel-niet-in-soort", first, second, third)
    yield Case("2 one flow of several", ask(flows=(first, second, third, flow(sob, kringloop))), facts(yes()))


def about_agreement() -> Iterator[Case]:
    def stopped(says: str, code: Code, reason: str, *agreements: Any) -> Case:
        given = facts(yes(), rules_=rules(agreements=agreements))
        return refused(says, ask(), given, "afspraak", code=code, reason=reason)

    missing, old = Code.AFSPRAAK_ONTBREEKT, "niet-van-kracht:afspraak:a1"
    yield stopped("3 no agreement", missing, "geen-afspraak")
    yield stopped("3 of another pair", missing, "geen-afspraak", agreement(parties=frozenset({SENDER, OTHER})))
    yield stopped("3 accepted by one", missing, old, agreement(accepted={SENDER: ago(9)}))
    yield stopped("3 accepted later", missing, old, agreement(accepted={SENDER: ago(9), RECEIVER: NOW + DAY}))
    yield stopped("3 ended", missing, old, agreement(ended_at=NOW))
    yield stopped("3 not yet valid", missing, old, agreement(valid_from=NOW + DAY))
    yield stopped("3 no longer valid", missing, old, agreement(valid_until=NOW))
    at_once = agreement(valid_from=NOW, accepted={SENDER: NOW, RECEIVER: NOW})
    for says, one in (
        ("from this instant", at_once),
        ("without an end", agreement(valid_until=None)),
        ("until it ends", agreement(ended_at=NOW + DAY)),
    ):
        yield Case(f"3 in force {says}", ask(), facts(yes(), rules_=rules(agreements=(one,))))
    own = rules(receiver=party(SENDER, Role.KRINGLOOP), agreements=(agreement(parties=frozenset({SENDER})),))
    given = facts(yes(receivers=frozenset({SENDER})), rules_=own)
    yield refused("3 with oneself is none", ask(receiver=SENDER), given, "afspraak", code=missing, reason=old)
    kinds, doelen = frozenset({"doorstroom.gemeld"}), frozenset({Purpose.CERTIFICEREN})
    yield stopped("3 other kind", Code.SOORT_NIET_TOEGESTAAN, "soort-niet-in-afspraak", agreement(kinds=kinds))
    yield stopped("3 other doel", Code.DOEL_NIET_TOEGESTAAN, "doel-niet-in-afspraak", agreement(purposes=doelen))
    halves = (agreement(kinds=kinds), agreement("a2", purposes=doelen))
    yield stopped("3 two halves are no whole", Code.DOEL_NIET_TOEGESTAAN, "doel-niet-in-afspraak", *halves)
    yield Case("3 one of several", ask(), facts(yes(), rules_=rules(agreements=(*halves, agreement("a3")))))


def about_involvement() -> Iterator[Case]:
    def stopped(says: str, reason: str, *parts: Any, request: Request | None = None) -> Case:
        return refused(says, request or ask(), facts(yes(), involvements=parts), "betrokkenheid", reason=reason)

    there = part(RECEIVER)
    yield stopped("4 an agreement alone opens nothing", "afzender-niet-betrokken", there)
    yield stopped("4 sender no longer", "afzender-niet-meer-betrokken", there, part(valid_until=NOW))
    yield stopped("4 sender not yet", "afzender-niet-meer-betrokken", there, part(valid_from=NOW + DAY))
    yield stopped("4 awaiting is never for sending", "afzender-nog-niet-betrokken", there, part(awaited=True))
    yield stopped("4 receiver not", "ontvanger-niet-betrokken", part())
    yield stopped("4 another than the receiver", "ontvanger-niet-betrokken", part(), part(OTHER))
    yield stopped("4 receiver no longer", "ontvanger-niet-meer-betrokken", part(), part(RECEIVER, valid_until=NOW))
    yield Case("4 awaiting counts to receive", ask(), facts(yes(), involvements=(part(), part(RECEIVER, awaited=True))))
    instant = (part(valid_from=NOW, valid_until=NOW + DAY), part(RECEIVER, valid_from=NOW))
    yield Case("4 from this instant", ask(), facts(yes(), involvements=instant))
    yield Case("4 consent asks no common traject", ask(), facts(yes(), involvements=(part(), part(RECEIVER, "t2"))))
    opening = ask(opens=True, trajectory="t1")
    yield Case("4 who is presented to becomes involved", opening, facts(yes(), involvements=(part(),)))
    elsewhere = "afzender-niet-in-dit-traject"
    yield stopped("4 opening of another traject", elsewhere, part(), request=ask(opens=True, trajectory="t2"))
    yield stopped("4 opening of no traject", elsewhere, part(), request=ask(opens=True))
    yield stopped("4 opening by an outsider", "afzender-niet-betrokken", there, request=opening)


def about_closing() -> Iterator[Case]:
    ending = ask(closes=True, trajectory="t1")
    there, over = part(RECEIVER), {"closing": closing(), "valid_until": ago(0.5)}

    def given(*parts: Any, leader: Any = SENDER, **changes: Any) -> Facts:
        return led(facts(yes(), involvements=parts or (part(), there), **changes), leader)

    def stopped(says: str, reason: str, request: Request, *parts: Any, **changes: Any) -> Case:
        return refused(f"4 {says}", request, given(*parts, **changes), "betrokkenheid", reason=reason)

    sender, receiver = "afzender-niet-in-dit-traject", "ontvanger-niet-in-dit-traject"
    yield Case("4 who leads the traject ends it", ending, given())
    yield stopped("nobody leads it", sender, ending, leader=OTHER)
    yield stopped("its receiver leads it", sender, ending, leader=RECEIVER)
    yield stopped("the end of another traject", sender, ask(closes=True, trajectory="t2"))
    yield stopped("the end of no traject", sender, ask(closes=True))
    yield stopped("ended by an outsider", "afzender-niet-betrokken", ending, there)
    yield stopped("ended by who is awaited", sender, ending, part(awaited=True), there)
    yield stopped("told in another traject alone", receiver, ending, part(), part(RECEIVER, "t2"))
    yield stopped("told to an outsider", "ontvanger-niet-betrokken", ending, part())
    yield Case("4 told behind an opening that waits", ending, given(part(), part(RECEIVER, awaited=True)))
    running = {"closing": closing(), "valid_until": NOW + DAY}
    yield stopped("ended twice", sender, ending, part(**running), there)
    yield stopped("told twice", receiver, ending, part(), part(RECEIVER, **running))
    itself = ask(closes=True, trajectory="t1", accepted_at=ago(1))
    yield Case("4 the last message goes, also late and again", itself, given(part(**over), part(RECEIVER, **over)))
    yield Case("4 what was accepted before the end goes", ask(accepted_at=ago(2)), given(part(**over), there))
    yield Case("4 to who was told, too", ask(accepted_at=ago(1)), given(part(), part(RECEIVER, **over)))
    no_longer = "ontvanger-niet-meer-betrokken"
    yield stopped("what came behind it", no_longer, ask(accepted_at=ago(0.9)), part(), part(RECEIVER, **over))
    yield stopped("what comes now", no_longer, ask(), part(), part(RECEIVER, **over))
    dated = part(RECEIVER, valid_until=ago(0.5))
    yield stopped("what came before a date", no_longer, ask(accepted_at=ago(2)), part(), dated)
    yield Case("4 the rest of the last day", ask(), given(part(**running), part(RECEIVER, **running)))
    late = part(RECEIVER, valid_from=NOW + DAY, closing=closing())
    yield stopped("an end before the begin", no_longer, ask(accepted_at=ago(2)), part(), late)
    for says, accepted in (("now", None), ("accepted before", ago(2))):
        opening = ask(opens=True, trajectory="t1", accepted_at=accepted)
        yield stopped(f"a traject that is over opens to nobody, {says}", sender, opening, part(**running))
    lawful = rules(grounds=(ground(),))
    wmo = {"framework": LegalFramework.WMO}
    both = (part(**wmo), part(RECEIVER, **wmo), part(trajectory="t2"), part(RECEIVER, "t2"))
    elsewhere = led(facts(rules_=lawful, involvements=both))
    yield uncovered("5b the law of the traject that ends", elsewhere, "bijna:grondslag:g1:kader", ending)
    yield Case("5b of that one alone", ask(), replace(elsewhere, leaders=frozenset()))
    yield Case("5a deceased: its end is told", ending, given(deceased=True))
    yield Case("5a deceased: on a grondslag too", ending, led(facts(rules_=lawful, deceased=True)))
    yield uncovered("5a erased: nor its end", given(erased=True, deceased=True), "kandidaat-gewist", ending)
    yield uncovered("5a unknown: nor its end", given(known=False, deceased=True), "kandidaat-onbekend", ending)
    blocks = {"restrictions": (restriction(),), "deceased": True}
    yield uncovered("5a restricted: nor its end", given(**blocks), "beperking:b1", ending)
    blocks = {"objections": (objection(),), "deceased": True}
    yield uncovered("5a objected to: nor its end", given(**blocks), "bezwaar:o1", ending)


def about_bsn() -> Iterator[Case]:
    gem, sob = Role.GEMEENTE, Role.ONTWIKKELBEDRIJF
    asked = ask(ORDINARY, {C.BSN}, flows=(flow(gem, sob),))
    step = "categorie:bsn"

    def given(law: LegalFramework = LegalFramework.PWET, receiver: Role = sob, **changes: Any) -> Facts:
        base = {"sender_role": gem, "receiver_role": receiver, "frameworks": frozenset({law})}
        lawful = ground(**base | {"categories": ORDINARY | {C.BSN}} | changes)
        involved = (part(framework=law), part(RECEIVER, framework=law))
        return facts(yes(), rules_=rules(gem, receiver, grounds=(lawful,)), involvements=involved)

    def left_out(says: str, reason: str, facts_: Facts, request: Request = asked) -> Case:
        return Case(f"6 {says}", request, facts_, PARTIAL, step=step, reason=reason)

    yield Case("6 both entitled for this traject's law", asked, given())
    yield Case("6 Wsw too", asked, given(LegalFramework.WSW))
    for law in (LegalFramework.WMO, LegalFramework.UWV, LegalFramework.OVERIG):
        yield left_out(f"not for {law}", "bsn-niet-gerechtigd", given(law))
    other_gem = ask(ORDINARY, {C.BSN}, flows=(flow(gem, gem),))
    yield Case("6 gemeente for any law", other_gem, given(LegalFramework.WMO, gem))
    for role in (Role.MBO, Role.KRINGLOOP, Role.WOONZORG, Role.LEERBEDRIJF, Role.CERTIFICEERDER, Role.REGIO):
        request = ask(ORDINARY, {C.BSN}, flows=(flow(gem, role),))
        facts_ = given(receiver=role)
        if role is Role.WOONZORG:
            facts_ = Facts(facts_.rules, person(yes(), explicit()))
        yield left_out(f"never to {role}", "bsn-niet-gerechtigd", facts_, request)
        never = ask(ORDINARY, {C.BSN}, flows=(flow(role, sob),))
        releases = (release(),) if role is Role.WOONZORG else ()
        sent = facts(yes(), explicit(), rules_=rules(role, sob), secrecy_releases=releases)
        code = Code.BSN_NIET_TOEGESTAAN
        yield refused(f"6 refused from {role}", never, sent, "bsn", code=code, reason="bsn-niet-voor-afzender")
    yield left_out("a grondslag that leaves it out", "bijna:grondslag:g1:categorie", given(categories=ORDINARY))
    yield left_out("a lapsed grondslag", "bijna:grondslag:g1:geldigheid", given(valid_until=NOW))
    pok = given(basis=LegalBasis.CONTRACT)
    pok = Facts(pok.rules, person(yes(), enrolments=(enrolment(),)))
    yield left_out("never on a contract", "bijna:grondslag:g1:basis", pok)
    pok = given(basis=LegalBasis.CONTRACT, uavg_article="UAVG 30 lid 1")
    pok = Facts(pok.rules, person(yes(), enrolments=(enrolment(valid_until=NOW + DAY),)))
    yield left_out("nor on one with an article", "bijna:grondslag:g1:basis", pok)
    consented = facts(yes(categories=ORDINARY | {C.BSN}), rules_=rules(gem, sob))
    yield left_out("never on consent", "bijna:toestemming:s1:basis", consented)
    apart = Facts(given().rules, person(yes(), involvements=(part(), part(RECEIVER, "t2"))))
    yield left_out("only in a common traject", "bsn-niet-gerechtigd", apart)
    special = given(categories=ORDINARY | {C.BSN, C.GEZONDHEID}, uavg_article="UAVG 30 lid 1")
    yield Case("6 beside a UAVG article", ask(ORDINARY | {C.GEZONDHEID}, {C.BSN}, flows=(flow(gem, sob),)), special)
    needed = ask(ORDINARY | {C.BSN}, flows=(flow(gem, sob),))
    yield refused("6 required and not entitled", needed, given(LegalFramework.WMO), "categorieen")


def about_outcome() -> Iterator[Case]:
    yield Case("out: uncovered optional categories are left out", ask(ORDINARY, {C.CONTACT}), facts(yes()), PARTIAL)
    given = facts(yes(categories=IDENTITY_ONLY))
    nearest = "bijna:toestemming:s1:categorie"
    yield uncovered("out: one required category uncovered", given, nearest, ask())
    yield Case("out: staff on the agreement", ask(ORDINARY | {C.MEDEWERKER}), facts(yes()))
    none = refused(
        "out: no basis to speak of this person", ask((), ORDINARY), facts(), "categorieen", reason="niets-gedekt"
    )
    yield none
    yield refused(
        "out: nor of staff about this person", ask({C.MEDEWERKER}), facts(), "categorieen", reason="niets-gedekt"
    )
    yield refused("out: nothing but a withdrawn ja", ask((), ORDINARY), facts(yes(ended_at=ago(1))), "categorieen")
    yield Case("out: a basis for another category", ask((), {C.CONTACT}), facts(yes()), PARTIAL)
    yield Case("out: no category at all", ask(()), facts(yes()))
    table_talk = ask({C.MEDEWERKER, C.CONTACT}, about_person=False)
    nobody = PersonFacts()
    yield Case("out: about no person, checks 1 to 3 and 7", table_talk, Facts(rules(), nobody))
    for category in (C.BSN, C.GEZONDHEID):
        request = ask({category}, about_person=False, flows=(flow(Role.GEMEENTE, Role.KRINGLOOP),))
        given = Facts(rules(Role.GEMEENTE), nobody)
        yield refused(f"out: about no person, never {category}", request, given, "categorieen", reason="niet-gedekt")
    both = frozenset({"afspraak", "categorieen"})
    lonely = Facts(rules(agreements=()), nobody)
    missing = Code.AFSPRAAK_ONTBREEKT
    yield Case("out: about no person, no agreement", table_talk, lonely, STOPPED, missing, both)
    given = facts(yes(), rules_=rules(agreements=()))
    staff = "categorie:medewerker"
    yield Case(
        "out: staff, no agreement",
        ask(ORDINARY | {C.MEDEWERKER}),
        given,
        STOPPED,
        missing,
        both,
        staff,
        "afspraak-ontbreekt",
    )
    silent = Facts(rules(), person(yes()), log_writable=False)
    yield refused("7 the log cannot be written", ask(), silent, "logboek", code=None, reason="log")
    person_checks = frozenset({"betrokkenheid", "categorieen"})
    yield Case("empty means no", ask(), Facts(rules(), nobody), STOPPED, Code.GEEN_GRONDSLAG, person_checks)
