"""Which other word closes a ``ja`` that stands: a ``nee``, or the withdrawal of another statement (the gate's check 5).

As far as whoever looks may see the two: what closes it may be a statement that another organisation keeps to itself,
and then nothing shows.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from consent.facts import Choice, Statement
from consent.store import records
from consent.store.reading import to_statement


class Closure(NamedTuple):
    """The statement that closes, wholly or in part; how (``nee``, or how it ended), and since when."""

    statement: str
    how: str
    at: datetime


Said = tuple[Closure, Statement]


def closures(
    connection: Connection, seer: records.Seer | records.Overseer, rows: Sequence[Row[Any]]
) -> dict[str, list[Closure]]:
    """Per ``ja`` of these rows that did not end itself, what closes it; absent: nothing that may be seen."""
    found = later_words(connection, seer, rows)
    return {statement: [closure for closure, _ in later] for statement, later in found.items()}


def later_words(
    connection: Connection, seer: records.Seer | records.Overseer, rows: Sequence[Row[Any]]
) -> dict[str, list[Said]]:
    """The same, each with the statement that closes."""
    standing = [row for row in rows if row.choice == Choice.YES and not row.requested and row.ended_at is None]
    if not standing:
        return {}
    closing: dict[str, list[Said]] = defaultdict(list)
    for row in records.statements_about(connection, seer, {row.root for row in standing}):
        said = to_statement(row, {})
        if said.ended_at is not None:  # as the gate reads it: of a request that was recorded wrongly nobody was asked
            closing[row.root].append((Closure(row.statement_id, row.ended_as, said.ended_at), said))
        elif _refuses(row, seer.now):
            closing[row.root].append((Closure(row.statement_id, Choice.NO.value, row.given_at), said))
    found: dict[str, list[Said]] = {}
    for row in standing:
        mine = to_statement(row, {})
        later = [each for each in closing[row.root] if _closes(*each, mine)]
        if later:
            found[row.statement_id] = sorted(later, key=lambda each: (each[0].at, each[0].statement))
    return found


def _closes(closure: Closure, other: Statement, mine: Statement) -> bool:
    """What is later closes; of two parents who disagree the ``ja`` is none, whoever spoke last."""
    disagree = closure.how == Choice.NO and other.parental and mine.parental
    return (disagree or closure.at >= mine.spoken_at) and overlap(other, mine)


def overlap(one: Statement, other: Statement) -> bool:
    """True when in each of the four scopes the two share something; a scope that is left out means all."""
    scopes: tuple[tuple[frozenset[Any] | None, frozenset[Any] | None], ...] = (
        (one.purposes, other.purposes),
        (one.categories, other.categories),
        (one.senders, other.senders),
        (one.receivers, other.receivers),
    )
    return all(mine is None or theirs is None or mine & theirs for mine, theirs in scopes)


def _refuses(row: Row[Any], now: datetime) -> bool:
    """A ``nee`` that is in force."""
    runs = row.valid_from <= now and (row.valid_until is None or now < row.valid_until)
    return row.choice == Choice.NO and not row.requested and row.invalid_at is None and bool(runs)
