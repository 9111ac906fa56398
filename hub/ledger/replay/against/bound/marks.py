"""All that the log binds by a digest, heard and compared in one go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from consent.keys import KeyStore
from hub.ledger.replay.against.bound.deliveries import Acknowledged, compare_beside
from hub.ledger.replay.against.bound.messages import Bodies, compare_bodies
from hub.ledger.replay.against.bound.numbers import Numbers, compare_numbers
from hub.ledger.replay.against.bound.placements import Placements, compare_placements
from hub.ledger.replay.against.cells import Careful
from hub.ledger.replay.traffic import Traffic


@dataclass(slots=True)
class Marks:
    """What the log tells of them."""

    numbers: Numbers = field(default_factory=Numbers)
    placements: Placements = field(default_factory=Placements)
    bodies: Bodies = field(default_factory=Bodies)
    acknowledged: Acknowledged = field(default_factory=Acknowledged)

    def hear(self, person: str | None, entry_id: str, said: Mapping[str, Any]) -> None:
        """Take in one entry. What binds nothing is passed over."""
        self.bodies.hear(person, entry_id, said)
        self.acknowledged.hear(said)
        if person is not None:
            self.numbers.hear(person, said)
            self.placements.hear(person, said)


def compare_marks(connection: Connection, keys: KeyStore, told: Marks, traffic: Traffic, careful: Careful) -> None:
    """Each in turn."""
    persons, roles, erased = traffic.persons, traffic.region.roles, traffic.erased
    for name, step in (
        ("kenmerken van personen", lambda: compare_numbers(connection, told.numbers, persons, careful)),
        ("plaatsingen", lambda: compare_placements(connection, told.placements, roles, (persons, erased), careful)),
        ("inhoud van berichten", lambda: compare_bodies(connection, keys, told.bodies, careful)),
        ("pogingen en postvakken", lambda: compare_beside(connection, told.acknowledged, erased, careful)),
    ):
        careful.attempt(name, step)
