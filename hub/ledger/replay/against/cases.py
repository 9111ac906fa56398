"""Zaken, as the log tells them: each notice has its own, and none was answered, or closed, but as the log says.

Some close by themselves: what only tells, and what an erasure leaves nobody to answer (``hub.rights.erasure.whole``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from contracts import instants
from hub.ledger.replay.against.tables import Wrong, pages
from hub.store.persons.cases import NOTICES
from hub.store.persons.erasure_requests import ASKED, AT_POINT
from hub.store.tables import case as case_file


@dataclass(slots=True)
class Cases:
    """What was asked by notices, and what was answered; by the id of the zaak."""

    asked: dict[str, tuple[str, str]] = field(default_factory=dict)  # (kind, who is asked)
    answered: dict[str, tuple[str, str]] = field(default_factory=dict)  # (answer, when)

    def notify(self, said: Mapping[str, Any]) -> None:
        """A notice was made."""
        self.asked[said["zaakId"]] = said["bericht"], said["ontvanger"]

    def answer(self, said: Mapping[str, Any]) -> None:
        """A zaak was answered."""
        self.answered[said["zaakId"]] = said["antwoord"], said["op"]


def compare_cases(connection: Connection, told: Cases, erased: set[str], wrong: Wrong) -> None:
    """Of those whose evidence is gone (``erased``: handles) the log tells nothing."""
    seen = set()
    for rows in pages(connection, case_file, case_file.c.case_id):
        seen |= {row.case_id for row in rows}
        for row in (row for row in rows if row.person_id not in erased):
            closed = None if row.closed_at is None else instants.write(row.closed_at)
            said = told.answered.get(row.case_id)
            if not (_by_itself(row) if said is None else said == (row.answer, closed)):
                wrong(f"case {row.case_id}", "het antwoord is anders dan het logboek zegt")
            if row.kind in NOTICES and told.asked.get(row.case_id) != (row.kind, row.organisation):
                wrong(f"case {row.case_id}", "het logboek kent deze zaak anders")
    for case_id in sorted((told.asked.keys() | told.answered.keys()) - seen):
        wrong(f"case {case_id}", "het logboek kent deze zaak, de tabel niet")


def _by_itself(row: Row[Any]) -> bool:
    """Whether a zaak may stand so though nobody answered it."""
    if row.closed_at is None:
        return row.answer is None
    if row.answer is None:
        return row.kind not in (*NOTICES, ASKED) or row.closed_at == row.opened_at
    return row.kind in (ASKED, AT_POINT) and row.answer == "gewist"
