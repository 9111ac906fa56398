"""All that the log binds by a digest, heard and compared in one go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from consent.keys import KeyStore
from hub.ledger.replay.against.bound.messages import Bodies, compare_bodies
from hub.ledger.replay.against.bound.numbers import Numbers, compare_numbers
from hub.ledger.replay.against.bound.placements import Placements, compare_placements
from hub.ledger.replay.against.rows import Wrong
from hub.ledger.replay.traffic import Traffic


@dataclass(slots=True)
class Marks:
    """What the log tells of them."""

    numbers: Numbers = field(default_factory=Numbers)
    placements: Placements = field(default_factory=Placements)
    bodies: Bodies = field(default_factory=Bodies)

    def hear(self, person: str | None, entry_id: str, said: Mapping[str, Any]) -> None:
        """Take in one entry. What binds nothing is passed over."""
        self.bodies.hear(person, entry_id, said)
        if person is not None:
            self.numbers.hear(person, said)
            self.placements.hear(person, said)


def compare_marks(connection: Connection, keys: KeyStore, told: Marks, traffic: Traffic, wrong: Wrong) -> None:
    """Each in turn."""
    persons, roles = traffic.persons, traffic.region.roles
    compare_numbers(connection, told.numbers, persons, wrong)
    compare_placements(connection, told.placements, roles, (persons, traffic.erased), wrong)
    compare_bodies(connection, keys, told.bodies, wrong)
