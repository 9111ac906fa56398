"""A fresh history for each crash point: what a verb of the crash tests begins with, does, and must leave behind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from hub.store.database import reading
from hub.store.tables import delivery, message
from tests.partners import Answer, Person
from tests.region import Region
from tests.webhook import Webhook


@dataclass
class Life:
    """A fresh history: two parties of its own, a person, and what the verb needs of them."""

    region: Region
    webhook: Webhook
    guide: str = ""
    at: str = ""
    person: Person = field(default_factory=lambda: Person({}, ""))
    statement: str = ""
    event: dict[str, Any] = field(default_factory=dict)
    bsn: str = ""
    message_id: str = ""
    case_id: str = ""
    told: list[Any] = field(default_factory=list)  # what each answered call said
    tries: int = 0

    def rows(self) -> list[Any]:
        """The deliveries of the report."""
        with reading(self.region.core.engine) as connection:
            query = select(delivery).join(message, message.c.message_id == delivery.c.message_id)
            return list(connection.execute(query.where(message.c.event_id == self.event["id"])))

    def state(self) -> str:
        (row,) = self.rows()
        return str(row.state)


@dataclass(frozen=True)
class Verb:
    """One call of a message's life. ``act`` may be repeated; ``holds`` says what must be so in the end."""

    begin: Callable[[Life], None]
    act: Callable[[Life], Answer]
    holds: Callable[[Life], None]
    pushes: bool = False
    ports: frozenset[str] | None = None  # those that are failed; ``None``: every port that it is seen to use
    again: tuple[int, ...] = ()  # what it may answer when it was done already; else a repeat succeeds


def placed(life: Life) -> None:
    life.guide, life.at = life.region.pair()
    life.person, life.statement = life.region.reporting(life.guide, life.at)
    life.event = life.region.report(life.person, life.at)


def sent(life: Life) -> None:
    placed(life)
    life.message_id = life.region.send(life.at, life.event).expect(202)["ontvangstbewijs"]["berichtId"]


def handed_out(life: Life) -> None:
    sent(life)
    assert [one["sequence"] for one in life.region.fetch(life.guide)] == ["1"]
