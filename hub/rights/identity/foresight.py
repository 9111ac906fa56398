"""What a join or split would change for an organisation's own flows: a yes or no each, and nothing of other flows.

An own flow is one in which the organisation sends, or in which it was sent something about this person. That something
of it would stop is told; never by what, nor by whom it was recorded.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.decision import decide
from consent.facts import Facts, PersonFacts, Request, RuleFacts, of_kind
from contracts import catalogue
from contracts.agreement import Agreement
from contracts.identity import Category, KandidaatRef, Oin, Purpose
from contracts.kinds.base import Kind
from hub.store.persons.closings import led
from hub.store.region.access import Asker
from hub.store.region.rules import RulePair, agreement_partners, read_rules

#: Of a BSN nothing is said here: whether it may go depends on the role alone, and is left out where it may not.
_ASKED: Final = frozenset(Category) - {Category.BSN}
#: Traject → who may end it.
Leaders = Mapping[str, frozenset[Oin]]


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
    connection: Connection, asker: Asker, turns: Collection[Turn], released: Collection[Row[Any]], at: datetime
) -> list[OwnFlow]:
    """The asker's own flows about a person. ``released``: what went about that person, to anybody."""
    own = asker.organisation
    agreements = [a for a in agreement_partners(connection, [own])[own] if a.in_force(at)]
    partners = {p for a in agreements for p in a.parties} - {own}
    pairs = {RulePair(own, asker.system, partner) for partner in partners}
    pairs |= {RulePair(Oin(r.organisation), r.system, own) for r in released if r.recipient == own}
    rules = read_rules(connection, pairs, at)
    named = {one.trajectory for turn in turns for facts in (turn.now, turn.then) for one in facts.involvements}
    leaders = {trajectory: found.leaders for trajectory, found in led(connection, named).items()}
    return [flow for turn in turns for flow in foreseen(turn, rules, agreements, leaders, at)]


def foreseen(
    turn: Turn, rules: Mapping[RulePair, RuleFacts], agreements: Iterable[Agreement], leaders: Leaders, at: datetime
) -> list[OwnFlow]:
    """Every flow that is open now, in a fixed order, with what becomes of it. Pure."""

    def reach(requests: Iterable[Request], region: RuleFacts, person: PersonFacts) -> frozenset[tuple[str, Category]]:
        """What of it may go: (kind, category)."""
        reached: set[tuple[str, Category]] = set()
        for one in requests:
            facts = Facts(region, person, leaders=leaders.get(one.trajectory or "", frozenset()))
            reached |= {(one.kind, category) for category in decide(one, facts, at).allowed}
        return frozenset(reached)

    found: dict[tuple[Oin, Oin, Purpose], bool] = {}
    for pair, facts in rules.items():
        between = [a for a in agreements if a.parties == {pair.sender, pair.receiver}]
        for purpose in {p for a in between for p in a.purposes}:
            kinds = [k for a in between if purpose in a.purposes for k in _kinds(a)]
            now, then = (
                reach(_requests(pair, purpose, kinds, person), facts, person) for person in (turn.now, turn.then)
            )
            flow = (pair.sender, pair.receiver, purpose)
            if now:  # a sender may have more systems than one
                found[flow] = found.get(flow, False) or not now <= then
    return [OwnFlow(turn.ref, *flow, stops) for flow, stops in sorted(found.items())]


def _kinds(agreement: Agreement) -> list[Kind]:
    kinds = (catalogue.by_name(name) for name in sorted(agreement.kinds))
    return [kind for kind in kinds if kind is not None and kind.about_person and not kind.by_hub]


def _requests(pair: RulePair, purpose: Purpose, kinds: Iterable[Kind], person: PersonFacts) -> Iterator[Request]:
    """All that could be sent: what opens or ends a traject, in each traject in which the sender takes part."""
    own = sorted({one.trajectory for one in person.involvements if one.organisation == pair.sender})
    for kind in kinds:
        for trajectory in own if kind.opens or kind.closes else (None,):
            yield Request(
                sender=pair.sender,
                receiver=pair.receiver,
                purpose=purpose,
                required=frozenset(),
                optional=_ASKED,
                trajectory=trajectory,
                **of_kind(kind),
            )
