"""How a statement stands now, for all who tell of it: its own status, and whether another word keeps it shut.

Its row alone does not say: a later `nee`, the withdrawal of another statement and a stopverzoek close a `ja` that
itself goes on as `gegeven`. All of it as far as whoever looks may see.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import product
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from consent.facts import ALWAYS, ConsentFlow, PersonFacts, Statement, StatementStatus, Stop
from consent.gate.person import stop_pending, stop_refuses
from consent.gate.weighing import denies
from consent.store import records
from consent.store.closures import Closure, Said, later_words
from consent.store.reading import read_persons, to_statement
from contracts.identity import Category

#: How a stopverzoek closes.
STOPPED: Final = "stopverzoek"
#: Without another word these would open something, now or once they are confirmed.
_OPEN: Final = frozenset({StatementStatus.GIVEN, StatementStatus.TO_CONFIRM})


class Standing(NamedTuple):
    """``closed``: the first word that closes it, if any does; ``whole``: with all such words nothing of it is open."""

    status: StatementStatus
    closed: Closure | None = None
    whole: bool = False


def standings(
    connection: Connection, seer: records.Seer | records.Overseer, rows: Sequence[Row[Any]]
) -> dict[str, Standing]:
    """By id, how these statements stand at the instant of whoever looks."""
    roots = {row.root for row in rows}
    parts = records.parts_of(connection, [row.statement_id for row in rows])
    grown = records.grown_at(connection, seer, roots)
    later = later_words(connection, seer, rows)
    persons = read_persons(connection, roots)
    found: dict[str, Standing] = {}
    for row in rows:
        key = row.statement_id
        status = records.status(row, parts[key], seer.now, grown.get(row.root, ALWAYS))
        found[key] = Standing(status)
        if status in _OPEN:
            said = to_statement(row, parts[key])
            found[key] = _closed(status, said, later.get(key, []), _stops(persons[row.root].facts.stops, said, seer))
    return found


Stopped = tuple[Closure, frozenset[ConsentFlow]]


def _stops(stops: Iterable[Stop], said: Statement, seer: records.Seer | records.Overseer) -> list[Stopped]:
    """What a stopverzoek closes of it. How a verstrekker answered is its own: of other flows an organisation is told
    nothing, whoever recorded the stop."""
    flows = [
        flow
        for flow in _flows(said)
        if isinstance(seer, records.Overseer) or flow.sender == seer.organisation
    ]
    found = []
    for stop in stops:
        shut = frozenset(flow for flow in flows if _shuts(stop, flow, said.spoken_at, seer.now))
        if shut:
            found.append((Closure(stop.id, STOPPED, stop.at), shut))
    return found


def _shuts(stop: Stop, flow: ConsentFlow, said_at: datetime, at: datetime) -> bool:
    """While it waits for an answer, whatever was said after it; else as a general `nee`, what was said before it."""
    waits = stop_pending(flow, PersonFacts(stops=(stop,)), at)
    return waits or (said_at <= stop.at and stop_refuses(stop, flow, at))


def _closed(status: StatementStatus, said: Statement, later: list[Said], stops: list[Stopped]) -> Standing:
    words = [closure for closure, _ in later] + [closure for closure, _ in stops]
    if not words:
        return Standing(status)
    stopped = frozenset[ConsentFlow]().union(*(shut for _, shut in stops))
    whole = all(
        flow in stopped or any(denies(other, flow) and _names(other, category) for _, other in later)
        for flow, category in product(_flows(said), said.categories or ())
    )
    return Standing(status, min(words, key=_when), whole)


def _when(closure: Closure) -> tuple[datetime, str]:
    return closure.at, closure.statement


def _names(said: Statement, category: Category) -> bool:
    """A scope that is left out means all."""
    return said.categories is None or category in said.categories


def _flows(said: Statement) -> list[ConsentFlow]:
    """Every flow that a `ja` names."""
    return list(map(ConsentFlow._make, product(said.senders or (), said.receivers or (), said.purposes or ())))
