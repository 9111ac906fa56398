"""The checks of the gate, one function each; every one says whether it passed, its outward code, and why exactly."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from consent.facts import Facts, Involvement, Party, Request, RuleFacts
from consent.gate.coverage import Coverage
from contracts.errors import RefusalCode
from contracts.identity import Category, LegalFramework, Role

PARTIES: Final = "organisaties"
CATALOGUE: Final = "soort"
AGREEMENT: Final = "afspraak"
INVOLVEMENT: Final = "betrokkenheid"
CATEGORIES: Final = "categorieen"
BSN: Final = "bsn"
LOG: Final = "logboek"

#: Under which laws a role may hold a BSN in this exchange: Wabb art. 10 and 12; P-wet art. 7(4) and 68(2).
_BSN_LAWS: Final[Mapping[Role | None, frozenset[LegalFramework]]] = {
    Role.GEMEENTE: frozenset(LegalFramework),
    Role.ONTWIKKELBEDRIJF: frozenset({LegalFramework.PWET, LegalFramework.WSW}),
}
_NO_LAW: Final[frozenset[LegalFramework]] = frozenset()
_NO_AGREEMENT: Final[frozenset[str]] = frozenset()
_STEP_OF: Final = {category: f"categorie:{category}" for category in Category}


class Step(NamedTuple):
    """One check, or (``categorie:<code>``) one category. ``reason`` is internal: ids and fixed words only.

    ``code`` is what may be told outward; ``None`` where the step passed, and for the log, which is the hub's own fault.
    A tuple, for it is made a dozen times in every decision and a frozen dataclass takes three times as long.
    """

    name: str
    passed: bool
    code: RefusalCode | None
    reason: str


# what passes says the same each time
_PARTIES_OK: Final = Step(PARTIES, True, None, "actief")
_CATALOGUE_OK: Final = Step(CATALOGUE, True, None, "in-catalogus")
_INVOLVED: Final = Step(INVOLVEMENT, True, None, "betrokken")
NO_PERSON: Final = Step(INVOLVEMENT, True, None, "geen-persoon")
_COVERED: Final = Step(CATEGORIES, True, None, "gedekt")
_PARTLY_COVERED: Final = Step(CATEGORIES, True, None, "gedeeltelijk-gedekt")
_NO_BSN: Final = Step(BSN, True, None, "geen-bsn")
_BSN_COVERED: Final = Step(BSN, True, None, "bsn-gedekt")
_BSN_LEFT_OUT: Final = Step(BSN, True, None, "bsn-weggelaten")
_LOG_OK: Final = Step(LOG, True, None, "schrijfbaar")
_LOG_FAILED: Final = Step(LOG, False, None, "log")


def parties(request: Request, rules: RuleFacts) -> Step:
    """Check 1: both active, the sender's machtiging, and for a push that of the subscription's systeem."""
    sender, receiver = rules.sender, rules.receiver
    if sender is None or not sender.active or sender.organisation != request.sender:
        return Step(PARTIES, False, RefusalCode.HANDELING_NIET_TOEGESTAAN, "afzender-niet-actief")
    if not rules.mandate_active:
        return Step(PARTIES, False, RefusalCode.HANDELING_NIET_TOEGESTAAN, "machtiging-niet-actief")
    if rules.mandate_kinds is not None and request.kind not in rules.mandate_kinds:
        return Step(PARTIES, False, RefusalCode.SOORT_NIET_TOEGESTAAN, "machtiging-zonder-soort")
    if receiver is None or not receiver.active or receiver.organisation != request.receiver:
        return Step(PARTIES, False, RefusalCode.ONTVANGER_NIET_BEVOEGD, "ontvanger-niet-actief")
    if not rules.push_active:
        return Step(PARTIES, False, RefusalCode.ONTVANGER_NIET_BEVOEGD, "abonnement-niet-actief")
    if rules.push_kinds is not None and request.kind not in rules.push_kinds:
        return Step(PARTIES, False, RefusalCode.ONTVANGER_NIET_BEVOEGD, "abonnement-zonder-soort")
    return _PARTIES_OK


def catalogue(request: Request, rules: RuleFacts) -> Step:
    """Check 2: kind, roles and doel stand together in one flow of the catalogue."""
    sender = rules.sender.role if rules.sender else None
    receiver = rules.receiver.role if rules.receiver else None
    sent = received = False
    for flow in request.flows:
        if sender in flow.senders:
            sent = True
            if receiver in flow.receivers:
                received = True
                if request.purpose in flow.purposes:
                    return _CATALOGUE_OK
    if not sent:
        return Step(CATALOGUE, False, RefusalCode.SOORT_NIET_TOEGESTAAN, "soort-niet-voor-afzender")
    if not received:
        return Step(CATALOGUE, False, RefusalCode.ONTVANGER_NIET_BEVOEGD, "soort-niet-voor-ontvanger")
    return Step(CATALOGUE, False, RefusalCode.DOEL_NIET_TOEGESTAAN, "doel-niet-in-soort")


def agreement(request: Request, rules: RuleFacts, at: datetime) -> tuple[Step, frozenset[str]]:
    """Check 3: an agreement in force, accepted by both, for this kind and doel. No acceptance, no exchange."""
    pair = {request.sender, request.receiver}
    known = [agreement for agreement in rules.agreements if agreement.parties == pair]
    live = [agreement for agreement in known if agreement.in_force(at)]
    covering = [agreement.id for agreement in live if agreement.covers(request.kind, request.purpose)]
    if covering:
        return Step(AGREEMENT, True, None, f"afspraak:{min(covering)}"), frozenset(covering)
    if not live:
        reason = f"niet-van-kracht:afspraak:{min(a.id for a in known)}" if known else "geen-afspraak"
        return Step(AGREEMENT, False, RefusalCode.AFSPRAAK_ONTBREEKT, reason), _NO_AGREEMENT
    if any(request.kind in agreement.kinds for agreement in live):
        return Step(AGREEMENT, False, RefusalCode.DOEL_NIET_TOEGESTAAN, "doel-niet-in-afspraak"), _NO_AGREEMENT
    return Step(AGREEMENT, False, RefusalCode.SOORT_NIET_TOEGESTAAN, "soort-niet-in-afspraak"), _NO_AGREEMENT


def involvement(request: Request, facts: Facts, at: datetime) -> tuple[Step, frozenset[LegalFramework]]:
    """Check 4: both involved; and the laws of the trajects in which both take part.

    The recipient of an opening message becomes involved in the traject that it names, in which the sender must be. An
    opening message that still waits counts for its recipient as receiver, never for sending. A closing message goes
    only within the traject that it ends, and only by its opdrachtgever or by who opened it.
    """
    person = facts.person
    live = [i for i in person.involvements if i.valid_from <= at and _lasts(i, request, at)]
    if request.closes:
        live = [i for i in live if i.trajectory == request.trajectory and request.sender in facts.leaders]
    sending = [i for i in live if i.organisation == request.sender and not i.awaited]
    if request.opens:
        sending = [i for i in sending if i.trajectory == request.trajectory]
        common = frozenset(i.framework for i in sending)
        received = True
    else:
        receiving = {i.trajectory for i in live if i.organisation == request.receiver}
        common = frozenset(i.framework for i in sending if i.trajectory in receiving)
        received = bool(receiving)
    if not sending:
        reason = f"afzender-{_missing(request, request.sender, person.involvements)}"
        return Step(INVOLVEMENT, False, RefusalCode.GEEN_GRONDSLAG, reason), common
    if not received:
        reason = f"ontvanger-{_missing(request, request.receiver, person.involvements)}"
        return Step(INVOLVEMENT, False, RefusalCode.GEEN_GRONDSLAG, reason), common
    return _INVOLVED, common


def _lasts(one: Involvement, request: Request, at: datetime) -> bool:
    """True while an involvement that has begun counts for this message.

    Once a closing message was accepted it opens nothing more and is not closed again; what had been accepted by then
    goes on to where it was going, whenever that is.
    """
    if one.closing is not None:
        if request.opens:
            return False
        if request.accepted_at is not None and request.accepted_at <= one.closing.at:
            return True
        if request.closes:
            return False
    return one.valid_until is None or at < one.valid_until


def _missing(request: Request, organisation: str, involvements: tuple[Involvement, ...]) -> str:
    """How an organisation that is not involved came nearest to it."""
    own = [i for i in involvements if i.organisation == organisation]
    if (request.opens or request.closes) and own:
        return "niet-in-dit-traject"
    if any(i.awaited for i in own):
        return "nog-niet-betrokken"
    return "niet-meer-betrokken" if own else "niet-betrokken"


def entitled_laws(role: Role | None) -> frozenset[LegalFramework]:
    """The laws under which a role may hold a BSN; for most roles none."""
    return _BSN_LAWS.get(role, _NO_LAW)


def categories(required: frozenset[Category], wanted: frozenset[Category], coverage: Coverage) -> Step:
    """Check 5: all that is required is covered, and at least one fact lets this flow speak of this person."""
    if not coverage.speaks:
        return Step(CATEGORIES, False, RefusalCode.GEEN_GRONDSLAG, "niets-gedekt")
    if not required <= coverage.basis.keys():
        return Step(CATEGORIES, False, RefusalCode.GEEN_GRONDSLAG, "niet-gedekt")
    return _COVERED if len(coverage.basis) == len(wanted) else _PARTLY_COVERED


def bsn(sender: Party | None, wanted: frozenset[Category], coverage: Coverage) -> Step:
    """Check 6: a sender whose role may never send a BSN is refused; in every other case an uncovered one is left out.

    Only the refusal is told outward, and it rests on the sender's role and the payload alone, never on the person.
    """
    if Category.BSN not in wanted:
        return _NO_BSN
    if sender is None or not entitled_laws(sender.role):
        return Step(BSN, False, RefusalCode.BSN_NIET_TOEGESTAAN, "bsn-niet-voor-afzender")
    return _BSN_COVERED if Category.BSN in coverage.basis else _BSN_LEFT_OUT


def log(writable: bool) -> Step:
    """Check 7: what cannot be logged is not released. No outward code: the hub's own fault."""
    return _LOG_OK if writable else _LOG_FAILED


def category_step(category: Category, coverage: Coverage) -> Step:
    found = coverage.basis.get(category)
    if found is not None:
        return Step(_STEP_OF[category], True, None, found)
    return Step(_STEP_OF[category], False, RefusalCode.GEEN_GRONDSLAG, coverage.reasons[category])
