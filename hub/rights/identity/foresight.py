"""What a join or split would change for an organisation's own flows: a yes or no each, and nothing of other flows.

An own flow is one in which the organisation sends, or in which it was sent something about this person. That something
of it would stop is told; never by what, nor by whom it was recorded.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.decision import decide
from consent.facts import Facts, PersonFacts, Request, RuleFacts
from contracts import catalogue
from contracts.agreement import Agreement
from contracts.identity import Category, KandidaatRef, Oin, Purpose
from contracts.kinds.base import Kind
from hub.store.region.access import Asker
from hub.store.region.rules import RulePair, agreement_partners, read_rules

#: Of a BSN nothing is said here: whether it may go depends on the role alone, and is left out where it may not.
_ASKED: Final = frozenset(Category) - {Category.BSN}


@dataclass(frozen=True, slots=True)
class Turn:
    """The facts that count for what goes under an own ref: those of now, and those of afterwards."""

    ref: KandidaatRef
    now: PersonFacts
    then: PersonFacts


@dataclass(frozen=True, slots=True)
class OwnFlow:
    """A flow that is open now. ``stops``: something that may go now would not any more."""

    ref: KandidaatRef
    sender: Oin
    receiver: Oin
    purpose: Purpose
    stops: bool


def own_flows(
    connection: Connection, asker: Asker, turns: Iterable[Turn], released: Collection[Row[Any]], at: datetime
) -> list[OwnFlow]:
    """The asker's own flows about a person. ``released``: what went about that person, to anybody."""
    own = asker.organisation
    agreements = [a for a in agreement_partners(connection, [own])[own] if a.in_force(at)]
    partners = {p for a in agreements for p in a.parties} - {own}
    pairs = {RulePair(own, asker.system, partner) for partner in partners}
    pairs |= {RulePair(Oin(r.organisation), r.system, own) for r in released if r.recipient == own}
    rules = read_rules(connection, pairs, at)
    return [flow for turn in turns for flow in foreseen(turn, rules, agreements, at)]


def foreseen(
    turn: Turn, rules: Mapping[RulePair, RuleFacts], agreements: Iterable[Agreement], at: datetime
) -> list[OwnFlow]:
    """Every flow that is open now, in a fixed order, with what becomes of it. Pure."""
    found: dict[tuple[Oin, Oin, Purpose], bool] = {}
    for pair, facts in rules.items():
        between = [a for a in agreements if a.parties == {pair.sender, pair.receiver}]
        for purpose in {p for a in between for p in a.purposes}:
            kinds = [k for a in between if purpose in a.purposes for k in _kinds(a)]
            now = _reach(pair, purpose, kinds, Facts(facts, turn.now), at)
            then = _reach(pair, purpose, kinds, Facts(facts, turn.then), at)
            flow = (pair.sender, pair.receiver, purpose)
            if now:  # a sender may have more systems than one
                found[flow] = found.get(flow, False) or not now <= then
    return [OwnFlow(turn.ref, *flow, stops) for flow, stops in sorted(found.items())]


def _kinds(agreement: Agreement) -> list[Kind]:
    kinds = (catalogue.by_name(name) for name in sorted(agreement.kinds))
    return [kind for kind in kinds if kind is not None and kind.about_person and not kind.by_hub]


def _reach(
    pair: RulePair, purpose: Purpose, kinds: Iterable[Kind], facts: Facts, at: datetime
) -> frozenset[tuple[str, Category]]:
    """What may go in this flow: (kind, category)."""
    reached: set[tuple[str, Category]] = set()
    for kind in kinds:
        request = Request(
            sender=pair.sender,
            receiver=pair.receiver,
            kind=kind.name,
            flows=kind.flows,
            purpose=purpose,
            required=frozenset(),
            optional=_ASKED,
        )
        reached |= {(kind.name, category) for category in decide(request, facts, at).allowed}
    return frozenset(reached)
