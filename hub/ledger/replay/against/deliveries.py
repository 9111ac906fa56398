"""Deliveries: what left, on what it rested, and what became of it, as the log tells it.

The log tells of releases, acknowledgements and stops. It does not tell that one was buried, waits again (after a try
that failed, or a replay of what was buried), or was stopped because the stored message does not open: such states are
believed where the log says nothing else.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from consent.store.any_of import any_of
from consent.store.tables import release_basis
from hub.delivery.release import UNREADABLE
from hub.delivery.states import State
from hub.ledger.replay.against.rows import Wrong, pages
from hub.ledger.replay.against.tables import ms
from hub.ledger.replay.traffic import Release, Traffic, release_of
from hub.store import tables as hub

_DELIVERIES: Final = select(
    *(hub.delivery.c[name] for name in ("delivery_id", "message_id", "recipient", "released_at", "revealed")),
    *(hub.delivery.c.state, hub.delivery.c.reason, hub.delivery.c.sequence, hub.message.c.person_id),
).join(hub.message, hub.message.c.message_id == hub.delivery.c.message_id)
_RESTED_ON: Final = select(release_basis).where(any_of(release_basis.c.delivery_id, "ids"))


def compare_deliveries(connection: Connection, traffic: Traffic, wrong: Wrong) -> None:
    """Nothing left that the log does not tell of, and nothing is told to have left that did not.

    By what a release rested on its receiver is found when that is withdrawn. Later attempts may rest on more.
    """
    for rows in pages(connection, _DELIVERIES, hub.delivery.c.delivery_id):
        keys = [release_of(row.message_id, row.recipient) for row in rows]
        released, ended = traffic.released.see(keys), traffic.ended.see(keys)
        rested_on = _rested_on(connection, [row.delivery_id for row in rows])
        for key, row in zip(keys, rows, strict=True):
            if row.person_id in traffic.erased:
                continue
            why = _left_otherwise(row, released.get(key), rested_on[row.delivery_id])
            why = _ended_otherwise(row, ended.get(key)) if why is None else why
            if why is not None:
                wrong(f"delivery {row.delivery_id}", why)
    for _, release in traffic.released.unseen():
        wrong(release.place, "een vrijgave waarvan de tabel geen vrijgegeven levering heeft")


def _left_otherwise(row: Row[Any], told: Release | None, rested_on: set[str]) -> str | None:
    """What is wrong with how it left, if anything."""
    if told is None:
        return None if row.released_at is None else "het logboek bevat geen vrijgave van deze levering"
    if row.released_at is None or (ms(told.at), list(told.given)) != (ms(row.released_at), row.revealed):
        return f"de levering is anders dan {told.place} zegt"
    if not told.rested_on <= rested_on:
        return f"waar de levering op berust, is anders dan {told.place} zegt"
    return None


def _ended_otherwise(row: Row[Any], told: str | None) -> str | None:
    """What is wrong with how it ended, if anything. What was erased is looked at with its message."""
    if (row.state == State.DELIVERED and row.sequence is None) or (
        row.sequence is not None and row.state in (State.WAITING, State.RELEASED, State.BURIED)
    ):
        return "wat het postvak uitgaf, is daar niet meer: het zou opnieuw gaan"
    if row.state in (told, State.ERASED):
        return None
    if told is not None:
        return f"het logboek zegt dat deze levering is {told}"
    if row.state in (State.CONFIRMED, State.UNPROCESSABLE):
        return "het logboek bevat geen bevestiging van deze levering"
    if row.state == State.STOPPED and row.reason != UNREADABLE:
        return "het logboek weet niet waardoor deze levering is gestopt"
    if row.state in (State.RELEASED, State.DELIVERED) and row.released_at is None:
        return "deze levering is nooit vrijgegeven"
    return None


def _rested_on(connection: Connection, ids: Collection[str]) -> dict[str, set[str]]:
    """The statements and ontheffingen of all attempts, by delivery."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(_RESTED_ON, {"ids": list(ids)}):
        found[row.delivery_id].add(row.statement_id)
    return found
