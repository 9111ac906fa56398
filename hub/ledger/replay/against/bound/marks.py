"""All that the log binds by a digest, heard and compared in one go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from hub.ledger.replay.against.bound.numbers import Numbers, compare_numbers
from hub.ledger.replay.against.rows import Wrong
from hub.ledger.replay.persons import Persons


@dataclass(slots=True)
class Marks:
    """What the log tells of them."""

    numbers: Numbers = field(default_factory=Numbers)

    def hear(self, person: str | None, entry_id: str, said: Mapping[str, Any]) -> None:
        """Take in one entry. What binds nothing is passed over."""
        if person is not None:
            self.numbers.hear(person, said)

    def close(self) -> None:
        """Let go of what lies on disk."""
        self.numbers.close()


def compare_marks(connection: Connection, told: Marks, persons: Persons, wrong: Wrong) -> None:
    """Each in turn."""
    compare_numbers(connection, told.numbers, persons, wrong)
