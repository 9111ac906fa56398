"""The part of the table that is about check 5: what blocks, what the law covers, what the person said."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from consent.facts import ConsentFlow, Facts, ObjectionOutcome, PersonFacts, Request, Shield, Speaker, Statement
from contracts.identity import Category as C
from contracts.identity import LegalBasis, LegalFramework, Purpose, Role
from contracts.identity import SecrecySubject as Onderwerp
from tests.unit.consent.decision_cases import (
    DAY,
    DOEL,
    IDENTITY_ONLY,
    NOW,
    ORDINARY,
    OTHER,
    PARTIAL,
    RECEIVER,
    SENDER,
    THIS,
    Case,
    ago,
    ask,
    enrolment,
    explicit,
    facts,
    flow,
    ground,
    no,
    objection,
    part,
    refused,
    release,
    restriction,
    rules,
    shield,
    stop,
    uncovered,
    yes,
)

SPECIAL_ASK = ask({C.GEZONDHEID})


def about_blocks() -> Iterator[Case]:
    lawful = rules(grounds=(ground(),))

    def blocked(says: str, reason: str, **changes: Any) -> Iterator[Case]:
        yield uncovered(f"5a {says}, on consent", facts(yes(), **changes), reason)
        yield uncovered(f"5a {says}, on a grondslag", facts(rules_=lawful, **changes), reason)

    def open_(says: str, **changes: Any) -> Iterator[Case]:
        yield Case(f"5a {says}, on consent", ask(), facts(yes(), **changes))
        yield Case(f"5a {says}, on a grondslag", ask(), facts(rules_=lawful, **changes))

    yield from blocked("unknown", "kandidaat-onbekend", known=False)
    yield from blocked("erased", "kandidaat-gewist", erased=True)
    yield from blocked("deceased", "kandidaat-overleden", deceased=True)
    other, certify = frozenset({OTHER}), Purpose.CERTIFICEREN
    begins = {"restrictions": {"valid_from": NOW, "valid_until": NOW + DAY}, "objections": {"at": NOW}}
    for make, name in ((restriction, "beperking:b1"), (objection, "bezwaar:o1")):
        field = {restriction: "restrictions", objection: "objections"}[make]
        mine = {"receivers": frozenset({RECEIVER}), "purpose": DOEL}
        yield from blocked(f"{field} of all flows", name, **{field: (make(),)})
        yield from blocked(f"{field} of this flow", name, **{field: (make(**mine),)})
        yield from blocked(f"{field} from this instant", name, **{field: (make(**begins[field]),)})
        yield from open_(f"{field} of another sender", **{field: (make(senders=other),)})
        yield from open_(f"{field} of another receiver", **{field: (make(receivers=other),)})
        yield from open_(f"{field} of another doel", **{field: (make(purpose=certify),)})
    yield from open_("restriction ended", restrictions=(restriction(valid_until=NOW),))
    yield from open_("restriction not begun", restrictions=(restriction(valid_from=NOW + DAY),))
    yield from open_("objection later", objections=(objection(at=NOW + DAY),))
    yield from open_("objection rejected", objections=(objection(outcome=ObjectionOutcome.REJECTED),))
    staff = ask({C.MEDEWERKER})
    yield uncovered("5a staff too", facts(yes(), erased=True), "kandidaat-gewist", staff, C.MEDEWERKER)


def about_grounds() -> Iterator[Case]:
    def on(*grounds: Any, **changes: Any) -> Facts:
        return facts(rules_=rules(grounds=grounds), **changes)

    def near(says: str, differs: str, **changes: Any) -> Case:
        return uncovered(f"5b {says}", on(ground(**changes)), f"bijna:grondslag:g1:{differs}")

    yield Case("5b a grondslag in force", ask(), on(ground()))
    yield Case("5b a legal obligation too", ask(), on(ground(basis=LegalBasis.LEGAL_OBLIGATION)))
    two = on(ground("g2"), ground("g1"), ground("g3"))
    yield Case("5b of several always the same", ask(), two, step="categorie:identiteit", reason="grondslag:g1")
    yield near("one operator", "geldigheid", confirmed_by=None)
    yield near("twice the same operator", "geldigheid", confirmed_by="operator-1")
    yield near("ended", "geldigheid", ended_at=NOW)
    yield near("lapsed", "geldigheid", valid_until=NOW)
    yield near("not yet", "geldigheid", valid_from=NOW + DAY)
    yield Case("5b from this instant", ask(), on(ground(valid_from=NOW)))
    yield Case("5b without an end", ask(), on(ground(valid_until=None)))
    yield Case("5b until it ends", ask(), on(ground(ended_at=NOW + DAY)))
    yield near("of another agreement", "afspraak", agreement_id="a9")
    yield near("another kind", "soort", kinds=frozenset({"doorstroom.gemeld"}))
    yield near("another doel", "doel", purpose=Purpose.CERTIFICEREN)
    yield near("another sender role", "verstrekker", sender_role=Role.GEMEENTE)
    yield near("another receiver role", "ontvanger", receiver_role=Role.GEMEENTE)
    yield near("another category", "categorie", categories=IDENTITY_ONLY)
    yield near("consent is never configured", "basis", basis=LegalBasis.CONSENT)
    yield near("another law", "kader", frameworks=frozenset({LegalFramework.WMO}))
    apart = (part(), part(RECEIVER, "t2"))
    yield uncovered("5b no common traject", on(ground(), involvements=apart), "bijna:grondslag:g1:kader")
    other_law = (part(framework=LegalFramework.WMO), part(RECEIVER, framework=LegalFramework.WMO))
    yield uncovered("5b traject of another law", on(ground(), involvements=other_law), "bijna:grondslag:g1:kader")
    opening = ask(opens=True, trajectory="t1")
    yield Case("5b the law of the traject that opens", opening, on(ground(), involvements=(part(),)))
    two = (part(framework=LegalFramework.WMO), part(trajectory="t2"))
    given = on(ground(), involvements=two)
    yield uncovered(
        "5b of no other traject", given, "bijna:grondslag:g1:kader", ask({C.LEERVOORTGANG}, opens=True, trajectory="t1")
    )
    pok = ground(basis=LegalBasis.CONTRACT, frameworks=frozenset())
    yield Case("5b the POK between the parties that it names", ask(), on(pok, enrolments=(enrolment(),)))
    for says, *poks in (
        ("no POK",),
        ("a POK without the receiver", enrolment(SENDER, OTHER)),
        ("a POK without the sender", enrolment(RECEIVER, OTHER)),
        ("a POK that ended", enrolment(valid_until=NOW)),
        ("a POK to come", enrolment(valid_from=NOW + DAY)),
    ):
        yield uncovered(f"5b {says}", on(pok, enrolments=tuple(poks)), "bijna:grondslag:g1:pok")
    upheld = {"outcome": ObjectionOutcome.UPHELD}
    given = on(ground(), objections=(objection(**upheld),))
    yield uncovered("5b never reopens after an upheld objection", given, "bijna:grondslag:g1:bezwaar")
    later = on(ground(valid_from=ago(1)), objections=(objection(**upheld),))
    yield uncovered("5b nor a newer one", later, "bijna:grondslag:g1:bezwaar")
    now = on(ground(), objections=(objection(at=NOW, **upheld),))
    yield uncovered("5b upheld this instant", now, "bijna:grondslag:g1:bezwaar")
    elsewhere = objection(receivers=frozenset({OTHER}), **upheld)
    yield Case("5b an upheld objection to another flow", ask(), on(ground(), objections=(elsewhere,)))
    to_come = objection(at=NOW + DAY, **upheld)
    yield Case("5b an objection upheld later", ask(), on(ground(), objections=(to_come,)))
    yield Case("5b consent stays open", ask(), facts(yes(), objections=(objection(**upheld),)))
    yield Case("5b a refusal never ends a grondslag", ask(), facts(no(), rules_=rules(grounds=(ground(),))))
    ended = yes(ended_at=ago(1))
    yield Case("5b nor a withdrawal", ask(), facts(ended, rules_=rules(grounds=(ground(),))))
    yield Case("5b nor a stopverzoek", ask(), facts(rules_=rules(grounds=(ground(),)), stops=(stop(),)))
    mixed = facts(
        yes(categories=frozenset({C.LEERVOORTGANG})), rules_=rules(grounds=(ground(categories=IDENTITY_ONLY),))
    )
    yield Case("5 different facts for different categories", ask(), mixed)


def about_consent() -> Iterator[Case]:
    def near(says: str, differs: str, **changes: Any) -> Case:
        return uncovered(f"5c {says}", facts(yes(**changes)), f"bijna:toestemming:s1:{differs}")

    yield uncovered("5d never asked", facts(), "geen-feit")
    yield near("requested", "status", requested=True)
    yield near("invalid", "status", invalid=True)
    yield near("given later", "gegeven-op", given_at=NOW + DAY)
    yield near("not yet valid", "geldigheid", valid_from=NOW + DAY)
    yield near("lapsed this instant", "geldigheid", valid_until=NOW)
    yield near("without an end", "geldigheid", valid_until=None)
    yield near("unconfirmed", "bevestiging", confirmed={})
    yield near("confirmed by another", "bevestiging", confirmed={RECEIVER: ago(9)})
    yield near("confirmed later", "bevestiging", confirmed={SENDER: NOW + DAY})
    yield near("other doel", "doel", purposes=frozenset({Purpose.CERTIFICEREN}))
    yield near("other verstrekker", "verstrekker", senders=frozenset({OTHER}))
    yield near("other ontvanger", "ontvanger", receivers=frozenset({OTHER}))
    yield near("other category", "categorie", categories=IDENTITY_ONLY)
    for scope, differs in (("purposes", "doel"), ("senders", "verstrekker"), ("receivers", "ontvanger")):
        yield near(f"a ja without {scope} names nobody", differs, **{scope: None})
    yield near("a ja without categories", "categorie", categories=None)
    yield near("on a basis that is no consent", "basis", basis=LegalBasis.PUBLIC_TASK)
    yield Case("5c confirmed this instant", ask(), facts(yes(confirmed={SENDER: NOW})))
    yield Case("5c given and valid from this instant", ask(), facts(yes(given_at=NOW, valid_from=NOW)))
    wide = yes(senders=frozenset({SENDER, OTHER}), confirmed={SENDER: ago(1)})
    yield Case("5c another's part unconfirmed", ask(), facts(wide))
    far = yes("s0", 50, purposes=frozenset({Purpose.CERTIFICEREN}), receivers=frozenset({OTHER}))
    near_one = yes("s9", 60, receivers=frozenset({OTHER}))
    certify = {"purposes": frozenset({Purpose.CERTIFICEREN})}
    yield near("two differences", "doel+categorie", categories=IDENTITY_ONLY, **certify)
    tie = facts(yes("s9", categories=IDENTITY_ONLY, **certify), yes("s1", receivers=frozenset({OTHER}), **certify))
    yield uncovered("5c of two as near always the same", tie, "bijna:toestemming:s1:doel+ontvanger")
    wrong_basis = explicit("s1", categories=ORDINARY, **certify)
    yield uncovered("5c the basis counts", facts(wrong_basis, yes("s2", **certify)), "bijna:toestemming:s2:doel")
    yield uncovered("5c names the nearest", facts(far, near_one), "bijna:toestemming:s9:ontvanger")


def about_latest() -> Iterator[Case]:
    closed = "nee:toestemming:n1"
    yield uncovered("5c the latest decides: nee", facts(yes(days=30), no(days=10)), closed)
    yield Case("5c the latest decides: ja", ask(), facts(no(days=30), yes(days=10)))
    yield uncovered("5c at the same instant nee wins", facts(yes(days=10), no(days=10)), closed)
    scope = {
        "purposes": frozenset({DOEL}),
        "categories": ORDINARY,
        "senders": frozenset({SENDER}),
        "receivers": frozenset({RECEIVER}),
    }
    yield uncovered("5c a nee for this flow", facts(yes(), no(**scope)), closed)
    certify, other = frozenset({Purpose.CERTIFICEREN}), frozenset({OTHER})
    for name, elsewhere in (("purposes", certify), ("senders", other), ("receivers", other)):
        yield Case(f"5c a nee for other {name}", ask(), facts(yes(), no(**scope | {name: elsewhere})))
    yield Case("5c a nee for another category", ask(), facts(yes(), no(categories=frozenset({C.CONTACT}))))
    yield uncovered("5c a nee of this instant", facts(yes(), no(days=0)), closed)
    yield uncovered("5c a nee within its validity", facts(yes(), no(valid_until=NOW + DAY)), closed)
    yield uncovered("5d a nee for another category is not the reason", facts(no(categories=IDENTITY_ONLY)), "geen-feit")
    twice = (yes("s3", 20), yes("s2", 10), yes("s1", 30))
    step = "categorie:leervoortgang"
    yield Case("5c the latest of three is the basis", ask(), facts(*twice), step=step, reason="toestemming:s2")
    at_once = facts(yes("s1"), yes("s3"), yes("s2"))
    yield Case("5c of one instant always the same", ask(), at_once, step=step, reason="toestemming:s3")
    yield Case("5c a nee yet to come", ask(), facts(yes(), no(given_at=NOW + DAY)))
    yield Case("5c a nee merely asked", ask(), facts(yes(), no(requested=True)))
    yield Case("5c a nee that is invalid", ask(), facts(yes(), no(invalid=True)))
    yield Case("5c a nee outside its validity", ask(), facts(yes(), no(valid_until=NOW)))
    yield Case("5c a nee before its validity", ask(), facts(yes(), no(valid_from=NOW + DAY)))
    yield uncovered("5c a nee of any basis", facts(yes(), no(basis=LegalBasis.EXPLICIT_CONSENT)), closed)
    gone = "ingetrokken:toestemming:s1"
    yield uncovered("5c withdrawn this instant", facts(yes(ended_at=NOW)), gone)
    yield Case("5c withdrawn later", ask(), facts(yes(ended_at=NOW + DAY)))
    yield uncovered("5c no older ja revives", facts(yes(days=30, ended_at=ago(5)), yes("s0", 60)), gone)
    lapsed = yes(days=30, ended_at=ago(5), valid_until=ago(2))
    yield uncovered("5c not when it would have lapsed either", facts(lapsed, yes("s0", 60)), gone)
    yield Case("5c a later ja after withdrawal", ask(), facts(yes(ended_at=ago(5)), yes("s2", 4)))
    yield uncovered("5c ja given before the withdrawal", facts(yes(ended_at=ago(5)), yes("s2", 6)), gone)
    elsewhere_gone = yes("s0", 20, receivers=other, ended_at=ago(1))
    yield Case("5c withdrawal for another receiver", ask(), facts(yes(), elsewhere_gone))
    general, only = no(days=20), yes(days=10, categories=IDENTITY_ONLY)
    yield Case("5c a later ja reopens", ask({C.IDENTITEIT}), facts(yes("s0", 30), general, only))
    yield uncovered("5c only what it names", facts(yes("s0", 30), general, only), closed)
    newest = facts(yes("s1", 30), no("n1", 20), no("n2", 25))
    yield uncovered("5c the latest nee is named", newest, closed)
    invalid = facts(yes("s1", 30), yes("s2", 10, invalid=True))
    yield Case("5c an invalid one is passed over", ask(), invalid)


def about_stops() -> Iterator[Case]:
    mine, certify = frozenset({THIS}), Purpose.CERTIFICEREN
    others = [THIS._replace(sender=OTHER), THIS._replace(receiver=OTHER), THIS._replace(purpose=certify)]
    waiting, closed = "bijna:toestemming:s1:stopverzoek", "stopverzoek:p1"
    yield uncovered("stop: at once", facts(yes(), stops=(stop(),)), waiting)
    yield uncovered("stop: also a later ja while it waits", facts(yes(days=1), stops=(stop(days=5),)), waiting)
    yield uncovered("stop: confirmed is a general nee", facts(yes(), stops=(stop(confirmed=mine),)), closed)
    yield Case("stop: confirmed, a later ja reopens", ask(), facts(yes(days=1), stops=(stop(confirmed=mine),)))
    yield uncovered("stop: of this instant", facts(yes(), stops=(stop(days=0),)), waiting)
    yield uncovered("stop: confirmed this instant", facts(yes(), stops=(stop(days=0, confirmed=mine),)), closed)
    yield Case("stop: lifted", ask(), facts(yes(), stops=(stop(lifted=mine),)))
    yield uncovered("stop: both is confirmed", facts(yes(), stops=(stop(lifted=mine, confirmed=mine),)), closed)
    yield Case("stop: of later", ask(), facts(yes(), stops=(stop(days=-1), stop("p2", -1, confirmed=mine))))
    for flow_, says in zip(others, ("verstrekker", "ontvanger", "doel"), strict=True):
        other = frozenset({flow_})
        both = other | mine
        for answer in ("confirmed", "lifted"):
            given = facts(yes(), stops=(stop(asked=both, **{answer: other}),))
            yield uncovered(f"stop: {answer} for another {says}", given, waiting)
        given = facts(yes(), stops=(stop(asked=both, lifted=mine),))
        yield Case(f"stop: lifted for this flow, not for another {says}", ask(), given)
        asked_other = stop(asked=other)
        yield uncovered(f"stop: of another {says}, a general nee", facts(yes(), stops=(asked_other,)), closed)
        yield Case(f"stop: of another {says}, a later ja reopens", ask(), facts(yes(days=1), stops=(asked_other,)))
        lifted_other = stop(asked=other, lifted=other)
        yield uncovered(f"stop: lifted for another {says} alone", facts(yes(), stops=(lifted_other,)), closed)
    nobody = stop(asked=frozenset())
    yield uncovered("stop: of no flow, a general nee", facts(yes(), stops=(nobody,)), closed)
    whole = frozenset({ConsentFlow(SENDER)})
    yield uncovered("stop: of all flows", facts(yes(days=1), stops=(stop(asked=whole),)), waiting)
    yield Case("stop: lifted for all flows", ask(), facts(yes(), stops=(stop(asked=whole, lifted=whole),)))
    given = facts(yes(), stops=(stop(asked=whole, confirmed=whole),))
    yield uncovered("stop: confirmed for all flows", given, closed)
    twice = (stop("p1"), stop("p2", 4, lifted=mine))
    yield uncovered("stop: each of two is answered", facts(yes(), stops=twice), waiting)


def about_special() -> Iterator[Case]:
    health = {"category": C.GEZONDHEID, "request": SPECIAL_ASK}
    basis = "bijna:toestemming:s1:basis"
    yield Case("special: an own explicit statement", SPECIAL_ASK, facts(explicit()))
    ordinary = yes(categories=frozenset({C.GEZONDHEID}))
    yield uncovered("special: never on ordinary consent", facts(ordinary), basis, **health)
    for category in (C.JUSTITIE, C.OVERIG_BIJZONDER):
        given = facts(yes(categories=frozenset({category})))
        yield uncovered(f"special: {category} neither", given, basis, ask({category}), category)
    named = explicit(categories=frozenset({C.JUSTITIE}))
    yield uncovered("special: naming that category", facts(named), "bijna:toestemming:x1:categorie", **health)
    elsewhere = explicit(receivers=frozenset({OTHER}))
    yield uncovered("special: naming that organisation", facts(elsewhere), "bijna:toestemming:x1:ontvanger", **health)
    wide = explicit(categories=ORDINARY | {C.GEZONDHEID})
    yield uncovered("special: explicit carries nothing else", facts(wide), "bijna:toestemming:x1:basis")
    closed = "nee:toestemming:n1"
    yield uncovered("special: a general nee closes it", facts(explicit(), no()), closed, **health)
    with_health = ground(categories=frozenset({C.GEZONDHEID}))
    given = facts(rules_=rules(grounds=(with_health,)))
    yield uncovered("special: no grondslag without its article", given, "bijna:grondslag:g1:basis", **health)
    article = ground(categories=frozenset({C.GEZONDHEID}), uavg_article="UAVG 30 lid 1")
    yield Case("special: a grondslag that names it", SPECIAL_ASK, facts(rules_=rules(grounds=(article,))))


def about_woonzorg() -> Iterator[Case]:
    wz, sob = Role.WOONZORG, Role.ONTWIKKELBEDRIJF
    from_wz, to_wz = rules(wz, sob), rules(sob, wz)
    outward, inward = ask(flows=(flow(wz, sob),)), ask(flows=(flow(sob, wz),))
    twofold = (yes(), explicit())
    health = "categorie:gezondheid"
    lacks = "bijna:toestemming:s1:ontheffing"

    def stopped(says: str, step: str, reason: str, request: Request, given: Facts) -> Case:
        return refused(f"woonzorg: {says}", request, given, "categorieen", step=step, reason=reason)

    yield Case("woonzorg: twofold", outward, facts(*twofold, rules_=from_wz, secrecy_releases=(release(),)))
    now = release(at=NOW, ended_at=NOW + DAY)
    yield Case("woonzorg: ontheffing this instant", outward, facts(*twofold, rules_=from_wz, secrecy_releases=(now,)))
    near_health = "bijna:toestemming:s1:categorie+basis"
    given = facts(yes(), rules_=from_wz, secrecy_releases=(release(),))
    yield stopped("from it is also health", health, near_health, outward, given)
    yield stopped("to it is also health", health, near_health, inward, facts(yes(), rules_=to_wz))
    yield Case("woonzorg: to it no ontheffing", inward, facts(*twofold, rules_=to_wz))
    step = "categorie:leervoortgang"
    yield stopped("explicit consent is not enough", step, lacks, outward, facts(*twofold, rules_=from_wz))
    for says, changes in (
        ("ontheffing of another holder", {"holder": OTHER}),
        ("ontheffing for another receiver", {"receiver": OTHER}),
        ("ontheffing withdrawn on its own", {"ended_at": NOW}),
        ("ontheffing of later", {"at": NOW + DAY}),
        ("ontheffing of other subjects", {"subjects": frozenset({Onderwerp.GEZONDHEID, Onderwerp.DEELNAME})}),
        ("ontheffing of nothing", {"subjects": frozenset()}),
    ):
        given = facts(*twofold, rules_=from_wz, secrecy_releases=(release(**changes),))
        yield stopped(says, step, lacks, outward, given)
    one = release(subjects=frozenset({Onderwerp.DAGBESTEDING}))
    yield Case("woonzorg: one subject of several", outward, facts(*twofold, rules_=from_wz, secrecy_releases=(one,)))
    silent = replace(outward, subjects=frozenset())
    given = facts(*twofold, rules_=from_wz, secrecy_releases=(release(subjects=frozenset(Onderwerp)),))
    yield stopped("a message that touches no subject", step, lacks, silent, given)
    given = facts(explicit(), rules_=from_wz, secrecy_releases=(release(),))
    yield stopped(
        "the ontheffing is not instead of consent", step, "bijna:toestemming:x1:categorie+basis", outward, given
    )
    lawful = ground(sender_role=wz, receiver_role=sob, uavg_article="x", categories=ORDINARY | {C.GEZONDHEID})
    given = facts(rules_=rules(wz, sob, grounds=(lawful,)))
    yield stopped("a grondslag does not lift secrecy", step, "bijna:grondslag:g1:ontheffing", outward, given)
    both = facts(rules_=rules(wz, sob, grounds=(lawful,)), secrecy_releases=(release(),))
    yield Case("woonzorg: a grondslag with its article and the ontheffing", outward, both)
    table_talk = ask({C.MEDEWERKER}, about_person=False, flows=(flow(wz, sob),))
    yield Case("woonzorg: about no person", table_talk, Facts(from_wz, PersonFacts()))


def about_minors() -> Iterator[Case]:
    parent, parent_no = yes(by=Speaker.PARENT), no(by=Speaker.PARENT)

    def stopped(says: str, reason: str, *statements: Statement) -> Case:
        return uncovered(f"minor: {says}", facts(*statements), reason)

    sixteen = {"by": Speaker.PARENT, "sixteen_at": NOW}
    closed, unconfirmed = "nee:toestemming:n1", "bijna:toestemming:s1:bevestiging"
    yield Case("minor: a parent's ja", ask(), facts(parent))
    yield Case("minor: until this instant", ask(), facts(yes(by=Speaker.PARENT, sixteen_at=NOW + DAY)))
    yield stopped("from 16 it waits for the person", unconfirmed, yes(**sixteen))
    yield stopped("confirmed later than now", unconfirmed, yes(**sixteen, own_at=NOW + DAY))
    yield Case("minor: confirmed this instant", ask(), facts(yes(**sixteen, own_at=NOW)))
    yield stopped("the other parent's nee is older", closed, no(days=40, by=Speaker.PARENT), parent)
    yield stopped("the other parent's nee is later", closed, parent_no, parent)
    other = frozenset({C.CONTACT})
    yield Case(
        "minor: a nee of another category", ask(), facts(parent, no(days=40, by=Speaker.PARENT, categories=other))
    )
    yield Case("minor: a nee of one who is no parent is older", ask(), facts(parent, no(days=40)))
    yield Case("minor: the person's own ja is later", ask(), facts(yes(days=5), parent_no))
    grown = {"by": Speaker.PARENT, "sixteen_at": ago(25)}
    own = yes(**grown, own_at=ago(5))
    yield Case("minor: confirmed after the other parent's nee", ask(), facts(own, parent_no))
    yield stopped("confirmed before the other parent's nee", closed, replace(own, own_at=ago(20)), parent_no)
    yield Case(
        "minor: an older ja of the person stands", ask(), facts(yes("s2", 35), parent, no(days=40, by=Speaker.PARENT))
    )
    early = yes(days=3, **grown, own_at=ago(20))
    yield Case("minor: a confirmation is not before its ja", ask(), facts(early, no(days=10)))
    yield Case(
        "minor: a nee that was withdrawn is of its end",
        ask(),
        facts(parent, no(days=60, by=Speaker.PARENT, ended_at=ago(50))),
    )


def about_children() -> Iterator[Case]:
    """What somebody under 16 said itself: that it is so is known by what a parent or guardian said."""

    def child(until: Any, speaker: Speaker = Speaker.PARENT, **changes: Any) -> Statement:
        """Of somebody who turns 16 then; of another flow, so that nothing else comes of it."""
        return yes("z1", 40, by=speaker, sixteen_at=until, receivers=frozenset({OTHER}), **changes)

    def stopped(says: str, *statements: Statement) -> Case:
        return uncovered(f"child: {says}", facts(*statements), "bijna:toestemming:s1:leeftijd")

    for speaker in (Speaker.PARENT, Speaker.GUARDIAN):
        yield stopped(f"its own ja, by {speaker}", yes(), child(NOW + DAY, speaker))
    yield stopped("also once it is 16", yes(days=10), child(ago(9)))
    yield stopped("who speaks for it otherwise", yes(by=Speaker.PROXY), child(NOW + DAY))
    yield Case("child: of that very instant", ask(), facts(yes(days=10), child(ago(10))))
    yield Case("child: said again at 16", ask(), facts(yes("s0", 30), yes(days=5), child(ago(9))))
    yield Case("child: confirmed at 16", ask(), facts(yes(own_at=ago(9)), child(ago(9))))
    yield Case("child: confirmed this instant", ask(), facts(yes(own_at=NOW), child(ago(9))))
    yield stopped("confirmed too young", yes(own_at=ago(10)), child(ago(9)))
    yield stopped("confirmed later than now", yes(own_at=NOW + DAY), child(ago(9)))
    two = (child(ago(9)), replace(child(ago(4)), id="z2"))
    yield stopped("of two instants the latest", yes(days=8), *two)
    yield Case("child: after the latest", ask(), facts(yes(days=3), *two))
    yield stopped("also of what was withdrawn", yes(), child(NOW + DAY, ended_at=ago(1)))
    yield stopped("also of what is invalid", yes(), child(NOW + DAY, invalid=True))
    refusal = no("z1", 40, by=Speaker.PARENT, sixteen_at=NOW + DAY, receivers=frozenset({OTHER}))
    yield stopped("also of a nee", yes(), refusal)
    older = yes("s0", 35, by=Speaker.GUARDIAN, sixteen_at=NOW + DAY)
    step = "categorie:leervoortgang"
    yield Case("child: what a guardian said stands", ask(), facts(yes(), older), step=step, reason="toestemming:s0")
    closed = "nee:toestemming:n1"
    yield uncovered("child: its own nee always counts", facts(older, no(), child(NOW + DAY)), closed)
    gone = facts(older, yes(ended_at=ago(2)), child(NOW + DAY))
    yield uncovered("child: its own withdrawal too", gone, "ingetrokken:toestemming:s1")
    after = facts(yes(own_at=ago(5)), child(ago(9)), no(days=7))
    yield Case("child: confirmed after a nee", ask(), after)
    both = yes(by=Speaker.PARENT, sixteen_at=ago(9), own_at=ago(8))
    reason = "bijna:toestemming:s1:bevestiging"
    yield uncovered("child: what a parent said, confirmed too young", facts(both, child(ago(4))), reason)
    yield Case("child: what a parent said, confirmed at 16", ask(), facts(both, child(ago(8))))


def about_shields() -> Iterator[Case]:
    whereabouts = {C.CONTACT, C.MEDEWERKER}
    given = yes(categories=ORDINARY | {C.CONTACT})

    def hidden(says: str, *shields: Shield, category: str = "contact") -> Case:
        step, reason = f"categorie:{category}", "afscherming:h1"
        return Case(
            f"shield: {says}",
            ask(ORDINARY, whereabouts),
            facts(given, shields=shields),
            PARTIAL,
            step=step,
            reason=reason,
        )

    yield Case("shield: without one", ask(ORDINARY, whereabouts), facts(given))
    yield hidden("hides how to reach somebody", shield())
    yield hidden("hides who works with somebody", shield(), category="medewerker")
    yield hidden("from all but who is named", shield("h1", OTHER))
    yield hidden("from this instant", shield(at=NOW))
    yield hidden("until this instant", shield(lifted_at=NOW + DAY))
    yield hidden("one of two is enough", shield("h2", RECEIVER), shield("h1"))
    yield hidden("of two the first is told", shield("h2"), shield("h1"))
    yield Case(
        "shield: not from who is named", ask(ORDINARY, whereabouts), facts(given, shields=(shield("h1", RECEIVER),))
    )
    yield Case("shield: not before it began", ask(ORDINARY, whereabouts), facts(given, shields=(shield(at=NOW + DAY),)))
    yield Case(
        "shield: not once it is lifted", ask(ORDINARY, whereabouts), facts(given, shields=(shield(lifted_at=NOW),))
    )
    yield uncovered(
        "shield: what is needed stops all",
        facts(given, shields=(shield(),)),
        "afscherming:h1",
        ask(ORDINARY | {C.CONTACT}),
        category=C.CONTACT,
    )
    elsewhere, nearest = facts(given, shields=(shield(),)), "bijna:toestemming:s1:categorie"
    asked = ask(ORDINARY, {C.OPLEIDING})
    yield Case("shield: of nothing else", asked, elsewhere, PARTIAL, step="categorie:opleiding", reason=nearest)
    only = facts(yes(categories=frozenset({C.CONTACT})), shields=(shield(),))
    silent, told = ask((), ORDINARY), "niets-gedekt"
    yield refused("shield: what it hides speaks of nobody", silent, only, "categorieen", reason=told)
    yield Case(
        "shield: without it the same speaks", silent, Facts(only.rules, replace(only.person, shields=())), PARTIAL
    )
    both = facts(yes(categories=frozenset({C.CONTACT, C.OPLEIDING})), shields=(shield(),))
    yield Case("shield: what it does not hide speaks", silent, both, PARTIAL)
