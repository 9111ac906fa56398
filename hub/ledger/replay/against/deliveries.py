"""Deliveries: what left, on what it rested, and whom it is for, as the log tells it."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, select

from consent.store.any_of import any_of
from consent.store.tables import release_basis
from hub.ledger.replay.against.tables import Wrong, ms, pages
from hub.ledger.replay.traffic import Traffic, release_of
from hub.store import tables as hub

_DELIVERIES: Final = (
    select(
        *(hub.delivery.c[name] for name in ("delivery_id", "message_id", "recipient", "released_at", "revealed")),
        hub.message.c.person_id,
    )
    .join(hub.message, hub.message.c.message_id == hub.delivery.c.message_id)
    .where(hub.delivery.c.released_at.is_not(None))
)
_RESTED_ON: Final = select(release_basis).where(any_of(release_basis.c.delivery_id, "ids"))


def compare_deliveries(connection: Connection, traffic: Traffic, wrong: Wrong) -> None:
    """Nothing left that the log does not tell of, and nothing is told to have left that did not.

    By what a release rested on its receiver is found when that is withdrawn. Later attempts may rest on more.
    """
    for rows in pages(connection, _DELIVERIES, hub.delivery.c.delivery_id):
        released = traffic.released.see([release_of(row.message_id, row.recipient) for row in rows])
        rested_on = _rested_on(connection, [row.delivery_id for row in rows])
        for row in rows:
            if row.person_id in traffic.erased:
                continue
            told, place = released.get(release_of(row.message_id, row.recipient)), f"delivery {row.delivery_id}"
            if told is None:
                wrong(place, "het logboek bevat geen vrijgave van deze levering")
            elif (ms(told.at), told.given) != (ms(row.released_at), tuple(row.revealed)):
                wrong(place, f"de levering is anders dan {told.place} zegt")
            elif not told.rested_on <= rested_on[row.delivery_id]:
                wrong(place, f"waar de levering op berust, is anders dan {told.place} zegt")
    for _, release in traffic.released.unseen():
        wrong(release.place, "een vrijgave waarvan de tabel geen vrijgegeven levering heeft")


def _rested_on(connection: Connection, ids: Collection[str]) -> dict[str, set[str]]:
    """The statements and ontheffingen of all attempts, by delivery."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(_RESTED_ON, {"ids": list(ids)}):
        found[row.delivery_id].add(row.statement_id)
    return found
