"""Which releases crossed from one person to another while the two were held for one (AVG art. 5(1)(d), 33).

Either the receiver was given it under its ref of the other person, or it rested on what stood of the other person: on a
statement of theirs, or on anything without which its own person's facts did not cover it when it went.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.decision import Outcome, decide
from consent.endings import before
from consent.facts import Facts, Party, PersonFacts, Request, RuleFacts, of_kind
from contracts import catalogue
from contracts.identity import Category, Oin, Purpose
from hub.store.persons import closings, identity
from hub.store.region.rules import RulePair, read_rules
from hub.store.writer import Transaction

#: Why a release crossed.
UNDER_REF: Final = "onder-kenmerk-van-een-ander"
ON_FACTS: Final = "op-gegevens-van-een-ander"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two after a split: its root, its persons, and the facts that are its own."""

    root: str
    persons: frozenset[str]
    facts: PersonFacts


@dataclass(frozen=True, slots=True)
class Crossed:
    """A release that crossed (a row of ``deliveries.released_about``). ``side``: that of its own person."""

    row: Row[Any]
    why: str
    side: Side
    other: Side

    @property
    def shown_as(self) -> Side:
        """The person under whose ref the receiver has it."""
        return self.other if self.why == UNDER_REF else self.side


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else a release must be held against. ``leaders``: who may end the traject that it names; ``used``: those of
    the two sides whose statements it used; ``known``: those for whom its receiver has a ref (nobody: it went under that
    of one who was split off earlier); ``joined``: the facts of all, as the gate saw them; ``invalidated``: since when
    statements among these count as invalid."""

    rules: RuleFacts
    leaders: frozenset[Oin]
    used: frozenset[str]
    known: frozenset[str]
    joined: PersonFacts
    invalidated: Mapping[str, datetime]


def why_crossed(row: Row[Any], side: Side, then: Circumstances) -> str | None:
    """Why a release crossed; ``None`` for one that its own person's facts and ref account for. Pure."""
    if then.known and then.known.isdisjoint(side.persons):
        return UNDER_REF
    if not then.used <= side.persons:
        return ON_FACTS
    needed_more = _covers(row, then, then.joined) and not _covers(row, then, side.facts)
    return ON_FACTS if needed_more else None


def _covers(row: Row[Any], then: Circumstances, facts: PersonFacts) -> bool:
    """Whether these facts allowed, when it went, all that was given."""
    kind = catalogue.by_name(row.kind)
    if kind is None:
        return True
    given = frozenset(map(Category, row.revealed or ()))
    request = Request(
        sender=Oin(row.organisation),
        receiver=Oin(row.recipient),
        purpose=Purpose(row.purpose),
        required=given,
        trajectory=row.trajectory_id,
        accepted_at=row.accepted_at,
        **of_kind(kind),
    )
    # A death had not been reported when it went, or it had not gone: of the dead nothing goes but that it is over.
    stood = replace(before(_valid(facts, then, row.released_at), row.released_at), deceased=False)
    decision = decide(request, Facts(then.rules, stood, leaders=then.leaders), row.released_at)
    return decision.outcome is Outcome.ALLOWED and decision.allowed == given


def _valid(facts: PersonFacts, then: Circumstances, at: datetime) -> PersonFacts:
    """What was found invalid only later counted still."""
    late = {statement for statement, since in then.invalidated.items() if since > at}
    said = tuple(replace(one, invalid=one.invalid and one.id not in late) for one in facts.statements)
    return replace(facts, statements=said)


def find(tx: Transaction, rows: Iterable[Row[Any]], joined: PersonFacts, sides: tuple[Side, Side]) -> list[Crossed]:
    """Those of what went about all of them that crossed, but for what an earlier split told already."""
    connection, one = tx.connection, sides[0]
    everybody = sides[0].persons | sides[1].persons
    told = identity.crossed_before(connection, everybody)
    rows = [row for row in rows if row.delivery_id not in told]
    rules = _as_then(connection, rows, tx)
    led = closings.led(connection, {row.trajectory_id for row in rows if row.trajectory_id is not None})
    used = identity.of_whom(connection, [row.delivery_id for row in rows])
    knows = identity.who_knows(connection, everybody)
    invalidated = identity.invalidated(connection, everybody)
    found: list[Crossed] = []
    for row in rows:
        side, other = sides if row.person_id in one.persons else sides[::-1]
        then = Circumstances(
            rules[_pair(row)],
            led[row.trajectory_id].leaders if row.trajectory_id in led else frozenset(),
            used.get(row.delivery_id, frozenset()) & everybody,
            knows.get(row.recipient, frozenset()),
            joined,
            invalidated,
        )
        why = why_crossed(row, side, then)
        if why is not None:
            found.append(Crossed(row, why, side, other))
    return found


def _pair(row: Row[Any]) -> RulePair:
    return RulePair(Oin(row.organisation), row.system, Oin(row.recipient))


def _as_then(connection: Connection, rows: Iterable[Row[Any]], tx: Transaction) -> Mapping[RulePair, RuleFacts]:
    """The rules of each pair. Both ends and the machtiging held when it went, or it had not gone."""
    found = read_rules(connection, {_pair(row) for row in rows}, tx.now)
    return {pair: _open(facts) for pair, facts in found.items()}


def _open(facts: RuleFacts) -> RuleFacts:
    return replace(
        facts,
        sender=_active(facts.sender),
        receiver=_active(facts.receiver),
        mandate_active=True,
        mandate_kinds=None,
        push_active=True,
        push_kinds=None,
    )


def _active(party: Party | None) -> Party | None:
    return None if party is None else replace(party, active=True)
