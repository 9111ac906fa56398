"""A closing message that is recalled never ended anything, for those for whom it is recalled.

Each gets its involvement back as it was planned before. Once the message is recalled for all its receivers the traject
goes on for everybody, its sender and those who were not told included, and a report of death in it is taken back.
What was stopped meanwhile stays stopped: its sender sends it anew.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from contracts.identity import Oin
from hub.store.persons import closings
from hub.store.traffic import deliveries, recalls


def undo_closing(connection: Connection, message_id: str, at: datetime) -> dict[str, Any]:
    """Undo what a message ended, as far as it is recalled by now; what the log says of it. Most ended nothing."""
    closed = closings.closed_by(connection, message_id)
    recalled = {Oin(one) for row in recalls.of_message(connection, message_id) for one in row.receivers}
    whole = recalled >= {Oin(row.recipient) for row in deliveries.of_message(connection, message_id)}
    again = [row for row in closed if whole or row.organisation in recalled]
    closings.reopen(connection, again)
    told: dict[str, Any] = {}
    if again:
        told["betrokkenheidHervat"] = [
            {"organisatie": row.organisation, "trajectId": row.trajectory_id} for row in again
        ]
    if whole and closings.recall_death(connection, message_id, at):
        told["overlijdenHerroepen"] = True
    return told
