"""By which BSN and which own number an organisation knows a person: a row too many joins two strangers.

The log holds digests that only the row itself explains (its salt, its seal), so they go with what was erased.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from hub.ledger.evidence import bsn_mark, number_mark
from hub.ledger.replay.against.rows import Wrong, stream
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.shelf import Shelf
from hub.store.tables import local_number, person_bsn

_UNTOLD = "het logboek weet hier niet van"
_OTHER = "de tabel is anders dan het logboek zegt"
_GONE = "het logboek kent dit, de tabel niet"


def _lists() -> Shelf[list[str]]:
    return Shelf(list, list)


def _texts() -> Shelf[str]:
    return Shelf(str, str)


@dataclass(slots=True)
class Numbers:
    """What the log tells of both, on disk."""

    bsns: Shelf[list[str]] = field(default_factory=_lists)  # digest → [person, organisation]
    own: Shelf[str] = field(default_factory=_texts)  # organisation/person → digest of the number that it has last

    def hear(self, person: str, said: Mapping[str, Any]) -> None:
        """Take in one entry; only a registration, or what was added to one, tells of this."""
        if "bsnSha256" in said:
            self.bsns[said["bsnSha256"]] = [person, said["organisatie"]]
        if "nummerSha256" in said:
            self.own[f"{said['organisatie']}/{person}"] = said["nummerSha256"]


def compare_numbers(connection: Connection, told: Numbers, persons: Persons, wrong: Wrong) -> None:
    """Row by row. Of whom or what was erased none may be left."""
    for row in stream(connection, select(person_bsn)):
        mark = bsn_mark(row.organisation, row.bsn_index, row.salt)
        found = told.bsns.see([mark]).get(mark)
        if found != [row.person_id, row.organisation]:
            wrong(f"person_bsn {row.organisation} van persoon {row.person_id}", _UNTOLD if found is None else _OTHER)
    for _, (person, organisation) in told.bsns.unseen():
        if not persons.gone(person, organisation):
            wrong(f"person_bsn {organisation} van persoon {person}", _GONE)
    for row in stream(connection, select(local_number)):
        key = f"{row.organisation}/{row.person_id}"
        found_mark = told.own.see([key]).get(key)
        if found_mark != number_mark(row.number_index, row.sealed):
            wrong(f"local_number {key}", _UNTOLD if found_mark is None else _OTHER)
    for key, _ in told.own.unseen():
        organisation, _, person = key.partition("/")
        if not persons.gone(person, organisation):
            wrong(f"local_number {key}", _GONE)
