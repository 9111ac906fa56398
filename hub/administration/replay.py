"""Replaying what was buried: in small transactions, so that a long list keeps nobody waiting."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from contracts.identity import Oin
from hub.delivery.states import State
from hub.store.locks import MAX_WEIGHT
from hub.store.tables import delivery
from hub.store.traffic import outbox
from hub.store.writer import Transactions, single


def buried_ids(connection: Connection, receiver: Oin | None) -> list[str]:
    """The deliveries that were given up, oldest first; with ``receiver`` only those to that organisation."""
    query = select(delivery.c.delivery_id).where(delivery.c.state == State.BURIED.value).order_by(delivery.c.seq)
    if receiver is not None:
        query = query.where(delivery.c.recipient == receiver)
    return list(connection.scalars(query))


def replay_some(transactions: Transactions, wanted: Sequence[str]) -> list[str]:
    """Let these wait again, ahead of their line; the ids that do. Others were not buried or unprocessable.

    A crash in between leaves the rest buried; a repeat takes them up. The gate decides at their release.
    """
    done: list[str] = []
    for start in range(0, len(wanted), MAX_WEIGHT):
        part = wanted[start : start + MAX_WEIGHT]
        done += single(transactions, lambda tx, ids=part: outbox.replay(tx.connection, ids, tx.now))  # type: ignore[misc]
    return done
