"""Reads the register out of what was agreed: of one organisation, or of the hub for all."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from contracts.identity import Oin
from contracts.retention.terms import Terms
from hub.reference.processing.activities import activities
from hub.reference.processing.rows import row
from hub.reference.processing.schemas import Verwerkingsactiviteit
from hub.store.region.agreements import all_agreements, all_grounds
from hub.store.region.parties import all_organisations


def of_organisation(connection: Connection, own: Oin, terms: Terms, at: datetime) -> list[dict[str, Any]]:
    """Its own register as controller (AVG art. 30(1)), as it goes over the wire, in order of id."""
    return _rows(connection, own, own, terms, at)


def of_hub(
    connection: Connection, party: Oin | None, now: tuple[Terms, datetime], address: str
) -> list[dict[str, Any]]:
    """The hub's register as processor (AVG art. 30(2)); with ``party`` only what it does for that controller.

    ``now``: the terms that hold, and the instant; ``address``: where the processor can be reached.
    """
    return [{"verwerker": address} | row for row in _rows(connection, party, None, *now)]


def _rows(
    connection: Connection, party: Oin | None, own: Oin | None, terms: Terms, at: datetime
) -> list[dict[str, Any]]:
    parties = {one.oin: one for one in all_organisations(connection)}
    found = activities(all_agreements(connection, party), all_grounds(connection, party), parties, at)
    dumped: list[dict[str, Any]] = Verwerkingsactiviteit(many=True).dump([row(one, terms, own) for one in found])
    return dumped
