"""How a statement stands now, for all who tell of it: its own status, and whether another word keeps it shut.

Its row alone does not say: a later `nee`, the withdrawal of another statement and a stopverzoek close a `ja` that
itself goes on as `gegeven`. All of it as far as whoever looks may see.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import product
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from consent.facts import ALWAYS, Choice, ConsentFlow, PersonFacts, Statement, StatementStatus, Stop
from consent.gate.person import stop_pending, stop_refuses
from consent.gate.weighing import denies
from consent.store import records
from consent.store.closures import Closure, Said, later_words
from consent.store.reading import read_persons, to_statement
from contracts.identity import Category, Oin

#: How a stopverzoek closes.
STOPPED: Final = "stopverzoek"
#: Without another word these would open something, now or once they are confirmed.
_OPEN: Final = frozenset({StatementStatus.GIVEN, StatementStatus.TO_CONFIRM})
#: What a statement opens, in its smallest parts.
Opened = tuple[ConsentFlow, Category]
#: A word, and what it closes of a statement.
Shutting = tuple[Closure, frozenset[Opened]]
Closing = dict[str, list[Closure]]


class Asked(NamedTuple):
    """That whoever looks wrote down itself that all must stop (``at``: the last time), and of which verstrekkers it may
    not know how they answered."""

    at: datetime
    senders: tuple[Oin, ...]


class Standing(NamedTuple):
    """``closed``: the word that closes it, if any does: the one by which nothing of it is open any more (``whole``),
    else the first. ``asked``: of what nothing else closes, that a stop of one's own may."""

    status: StatementStatus
    closed: Closure | None = None
    whole: bool = False
    asked: Asked | None = None


def standings(
    connection: Connection, seer: records.Seer | records.Overseer, rows: Sequence[Row[Any]]
) -> dict[str, Standing]:
    """By id, how these statements stand at the instant of whoever looks."""
    roots = {row.root for row in rows}
    parts = records.parts_of(connection, [row.statement_id for row in rows])
    grown = records.grown_at(connection, seer, roots)
    later = later_words(connection, seer, rows)
    persons = read_persons(connection, roots)
    own = records.own_stops(connection, seer, roots)
    found: dict[str, Standing] = {}
    for row in rows:
        key = row.statement_id
        status = records.status(row, parts[key], seer.now, grown.get(row.root, ALWAYS))
        found[key] = Standing(status)
        if status in _OPEN:
            said = to_statement(row, parts[key])
            stops = persons[row.root].facts.stops
            words = [*_said(later.get(key, []), said), *_stopped(stops, said, seer)]
            found[key] = _closed(status, said, words, own.get(row.root))
    return found


def closing(connection: Connection, seer: records.Seer | records.Overseer, rows: Sequence[Row[Any]]) -> Closing:
    """By id, what closes a `ja` of these that did not end itself, wholly or in part, oldest first; absent: nothing that
    may be seen."""
    standing = [row for row in rows if row.choice == Choice.YES and not row.requested and row.ended_at is None]
    later = later_words(connection, seer, standing)
    persons = read_persons(connection, {row.root for row in standing})
    found: Closing = {}
    for row in standing:
        stopped = _stopped(persons[row.root].facts.stops, to_statement(row, {}), seer)
        words = [closure for closure, _ in (*later.get(row.statement_id, ()), *stopped)]
        if words:
            found[row.statement_id] = sorted(words, key=lambda closure: (closure.at, closure.statement))
    return found


def _said(later: Iterable[Said], said: Statement) -> list[Shutting]:
    """What other statements close of it."""
    return [
        (closure, frozenset(one for one in _opened(said) if denies(other, one[0]) and _names(other, one[1])))
        for closure, other in later
    ]


def _stopped(stops: Iterable[Stop], said: Statement, seer: records.Seer | records.Overseer) -> list[Shutting]:
    """What a stopverzoek closes of it. How a verstrekker answered is its own: of other flows an organisation is told
    nothing, whoever recorded the stop."""
    known = [one for one in _opened(said) if isinstance(seer, records.Overseer) or one[0].sender == seer.organisation]
    flows = {flow for flow, _ in known}
    found = []
    for stop in stops:
        shut = {flow for flow in flows if _shuts(stop, flow, said.spoken_at, seer.now)}
        if shut:
            closes = frozenset(one for one in known if one[0] in shut)
            found.append((Closure(stop.id, STOPPED, stop.at), closes))
    return found


def _shuts(stop: Stop, flow: ConsentFlow, said_at: datetime, at: datetime) -> bool:
    """While it waits for an answer, whatever was said after it; else as a general `nee`, what was said before it."""
    waits = stop_pending(flow, PersonFacts(stops=(stop,)), at)
    return waits or (said_at <= stop.at and stop_refuses(stop, flow, at))


def _closed(status: StatementStatus, said: Statement, words: list[Shutting], own: records.OwnStop | None) -> Standing:
    left, ordered = _in_force(said), sorted(words, key=_when)
    for closure, shut in ordered:
        left -= shut
        if not left:
            return Standing(status, closure, whole=True)
    others = [] if own is None else sorted({flow.sender for flow, _ in left} - {own.recorder})
    asked = Asked(own.at, tuple(others)) if own is not None and others else None
    return Standing(status, ordered[0][0] if ordered else None, asked=asked)


def _when(word: Shutting) -> tuple[datetime, str]:
    return word[0].at, word[0].statement


def _names(said: Statement, category: Category) -> bool:
    """A scope that is left out means all."""
    return said.categories is None or category in said.categories


def _opened(said: Statement) -> list[Opened]:
    """All that a `ja` names."""
    flows = map(ConsentFlow._make, product(said.senders or (), said.receivers or (), said.purposes or ()))
    return list(product(flows, said.categories or ()))


def _in_force(said: Statement) -> set[Opened]:
    """What of it has effect: a part that its verstrekker never confirmed opens nothing. Of what nobody confirmed yet:
    all that it would open."""
    named = _opened(said)
    return {one for one in named if one[0].sender in said.confirmed} or set(named)
