"""Zaken, as the log tells them: each row is as it was opened, and none was answered, or closed, but as the log says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row

from contracts import instants
from hub.ledger.evidence import case_opened
from hub.ledger.replay.against.rows import Wrong, pages
from hub.ledger.replay.shelf import Shelf
from hub.store.tables import case as case_file

_PAGE: Final = 100  # rows read at a time: each names all messages that it is about


def _shelf() -> Shelf[Any]:
    return Shelf(tuple, tuple)


@dataclass(slots=True)
class Cases:
    """Who was asked what, and how it ended."""

    opened: Shelf[tuple[str | None, dict[str, Any]]] = field(default_factory=_shelf)  # zaak → (person, its entry)
    closed: Shelf[tuple[str | None, str]] = field(default_factory=_shelf)  # zaak → (answer, when)

    def open(self, person: str | None, said: Mapping[str, Any]) -> None:
        """A zaak was opened; one that only tells is closed with it."""
        case_id = said["zaakId"]
        self.opened[case_id] = person, {name: value for name, value in said.items() if name not in ("v", "gesloten")}
        if said.get("gesloten") is True:
            self.closed[case_id] = None, said["op"]

    def close(self, said: Mapping[str, Any]) -> None:
        """A zaak was answered, or closed by itself."""
        self.closed[said["zaakId"]] = said.get("antwoord"), said["op"]


def compare_cases(connection: Connection, told: Cases, erased: set[str], wrong: Wrong) -> None:
    """Of those whose evidence is gone (``erased``: handles) the log tells nothing."""
    for rows in pages(connection, case_file, case_file.c.case_id, _PAGE):
        ids = [row.case_id for row in rows]
        opened, closed = told.opened.see(ids), told.closed.see(ids)
        for row in rows:
            place, said = f"case {row.case_id}", opened.get(row.case_id)
            if said is None:
                if row.person_id not in erased:
                    wrong(place, "het logboek kent deze zaak niet")
            elif said != (row.person_id, case_opened(dict(row._mapping) | {"closed_at": None})):
                wrong(place, "het logboek kent deze zaak anders")
            elif closed.get(row.case_id) != _closed(row):
                wrong(place, "het antwoord is anders dan het logboek zegt")
    for case_id in sorted({case_id for shelf in (told.opened, told.closed) for case_id, _ in shelf.unseen()}):
        wrong(f"case {case_id}", "het logboek kent deze zaak, de tabel niet")


def _closed(row: Row[Any]) -> tuple[str | None, str] | None:
    """How it ended; ``None`` while it is open, and nobody answered."""
    if row.closed_at is None and row.answer is None:
        return None
    return row.answer, "" if row.closed_at is None else instants.write(row.closed_at)
