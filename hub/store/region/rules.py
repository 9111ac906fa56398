"""What the region agreed, read inside the deciding transaction: four statements, however many pairs are asked.

The caller holds the lock ``regels`` shared, so that nothing read here can change before its commit. Nothing is kept
between transactions.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from consent.facts import Party, RuleFacts
from consent.store.any_of import any_of
from contracts.agreement import Agreement, Ground
from contracts.identity import Oin, Role
from hub.store.region.agreements import agreements_between, agreements_of, grounds_of
from hub.store.tables import mandate, organisation, system

#: A machtiging counts for sending, and for push, only with the scope that the act asks for.
SENDING: Final = "berichten:versturen"
RECEIVING: Final = "berichten:ontvangen"

_PARTIES: Final = select(organisation.c.oin, organisation.c.role, organisation.c.suspended_at).where(
    any_of(organisation.c.oin, "oins")
)
_MANDATES: Final = (
    select(
        mandate.c.organisation,
        mandate.c.system,
        mandate.c.scopes,
        mandate.c.kinds,
        mandate.c.valid_until,
        mandate.c.ended_at,
        system.c.suspended_at,
    )
    .join(system, system.c.name == mandate.c.system)
    .where(
        any_of(mandate.c.organisation, "oins"),
        any_of(mandate.c.system, "systems"),
    )
)


@dataclass(frozen=True, slots=True)
class RulePair:
    """One flow's ends: who sends through which systeem, who receives, and through which systeem a push would go."""

    sender: Oin
    system: str
    receiver: Oin
    push_system: str | None = None


#: The machtigingen in force at one instant, by (organisation, system, scope): the kinds each opens; ``None`` is all.
_Mandates = dict[tuple[str, str, str], frozenset[str] | None]


def _before(instant: datetime | None, at: datetime) -> bool:
    """True when something that ends at ``instant`` has ended at ``at`` (half-open)."""
    return instant is not None and instant <= at


def _parties(rows: Iterable[Row[Any]], at: datetime) -> dict[str, Party]:
    return {r.oin: Party(Oin(r.oin), Role(r.role), active=not _before(r.suspended_at, at)) for r in rows}


def _mandates(rows: Iterable[Row[Any]], at: datetime) -> _Mandates:
    """Several machtigingen of one pair add up; one without kinds opens every kind."""
    kinds: _Mandates = {}
    for row in rows:
        if _before(row.suspended_at, at) or _before(row.ended_at, at) or _before(row.valid_until, at):
            continue
        for scope in row.scopes:
            key = (row.organisation, row.system, scope)
            known = kinds.get(key, frozenset())
            kinds[key] = None if known is None or row.kinds is None else known | frozenset(row.kinds)
    return kinds


def _by_pair(agreements: Iterable[Agreement]) -> dict[frozenset[Oin], tuple[Agreement, ...]]:
    found: defaultdict[frozenset[Oin], list[Agreement]] = defaultdict(list)
    for one in agreements:
        found[one.parties].append(one)
    return {parties: tuple(sorted(ones, key=lambda a: a.id)) for parties, ones in found.items()}


def _by_agreement(grounds: Iterable[Ground]) -> dict[str, list[Ground]]:
    found: defaultdict[str, list[Ground]] = defaultdict(list)
    for one in sorted(grounds, key=lambda g: g.id):
        found[one.agreement_id].append(one)
    return found


def read_rules(connection: Connection, pairs: Collection[RulePair], at: datetime) -> dict[RulePair, RuleFacts]:
    """The facts of every pair at ``at`` (aware, UTC), for ``decide``. An unknown organisation is ``None``: no.

    ``mandate_kinds`` unites the kinds of the sender's machtigingen in force that bear ``berichten:versturen``; a push
    systeem needs those with ``berichten:ontvangen``, whose kinds are ``push_kinds``. Agreements and grounds come
    whole, also those not in force.
    """
    if not pairs:
        return {}
    oins = {p.sender for p in pairs} | {p.receiver for p in pairs}
    systems = {p.system for p in pairs} | {p.push_system for p in pairs if p.push_system is not None}
    parties = _parties(connection.execute(_PARTIES, {"oins": list(oins)}), at)
    mandates = _mandates(connection.execute(_MANDATES, {"oins": list(oins), "systems": list(systems)}), at)
    agreements = _by_pair(agreements_between(connection, oins))
    grounds = _by_agreement(grounds_of(connection, [a.id for ones in agreements.values() for a in ones]))

    def facts(pair: RulePair) -> RuleFacts:
        shared = agreements.get(frozenset((pair.sender, pair.receiver)), ())
        return RuleFacts(
            sender=parties.get(pair.sender),
            receiver=parties.get(pair.receiver),
            mandate_active=(pair.sender, pair.system, SENDING) in mandates,
            mandate_kinds=mandates.get((pair.sender, pair.system, SENDING), frozenset()),
            push_active=pair.push_system is None or (pair.receiver, pair.push_system, RECEIVING) in mandates,
            push_kinds=mandates.get((pair.receiver, pair.push_system, RECEIVING)) if pair.push_system else None,
            agreements=shared,
            grounds=tuple(g for a in shared for g in grounds.get(a.id, ())),
        )

    return {pair: facts(pair) for pair in pairs}


def agreement_partners(connection: Connection, senders: Collection[Oin]) -> dict[Oin, tuple[Agreement, ...]]:
    """Per sender every agreement, in force or not, to which it is a party: where entitled recipients are looked for.

    One statement. A sender without any agreement stands there with an empty tuple.
    """
    if not senders:
        return {}
    found = sorted(agreements_of(connection, senders), key=lambda a: a.id)
    return {sender: tuple(a for a in found if sender in a.parties) for sender in senders}
