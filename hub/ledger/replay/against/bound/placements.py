"""Which placement is where: whoever changes a row has the name of a workplace of care told, or a result kept back.

The log binds the placements that an opening message speaks of; where each is follows from whom that was let to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from consent.decision import Outcome
from contracts.identity import Role
from contracts.kinds.base import WORKPLACES
from hub.ledger.evidence import place_mark
from hub.ledger.replay.against.rows import Wrong, stream
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.shelf import Shelf
from hub.store.tables import placement


def _lists() -> Shelf[list[str]]:
    return Shelf(list, list)


@dataclass(slots=True)
class Placements:
    """What the log tells of them, on disk: person/digest/workplace → the same apart."""

    told: Shelf[list[str]] = field(default_factory=_lists)

    def hear(self, person: str, said: Mapping[str, Any]) -> None:
        """Take in one decision. Of a receiver that is no workplace nothing stands in the table."""
        for mark in said.get("plaatsingen", ()):
            for one in said["besluiten"]:
                if one["uitkomst"] != Outcome.STOPPED:
                    self.told["/".join((person, mark, one["ontvanger"]))] = [person, one["ontvanger"]]


def compare_placements(
    connection: Connection, told: Placements, roles: Mapping[str, Role], known: tuple[Persons, set[str]], wrong: Wrong
) -> None:
    """Row by row. ``known``: the persons, and handles of those of whom nothing can be read any more."""
    persons, unread = known
    for row in stream(connection, select(placement)):
        place = f"placement {row.placement_id} van persoon {row.person_id} bij {row.workplace}"
        mark = "/".join((row.person_id, place_mark(row.placement_id), row.workplace))
        role = roles.get(row.workplace)
        if mark not in told.told.see([mark]) or role not in WORKPLACES:
            if row.person_id not in unread:
                wrong(place, "het logboek weet hier niet van")
        elif row.workplace_role != role:
            wrong(place, "de tabel is anders dan het logboek zegt: workplace_role")
    for _, (person, workplace) in told.told.unseen():
        if roles.get(workplace) in WORKPLACES and persons.whole.get(person) is None:
            wrong(f"placement van persoon {person} bij {workplace}", "het logboek kent dit, de tabel niet")
