"""Zaken, as the log tells them: all who are asked have one, and none was answered, or closed, but as the log says.

Some close by themselves: what only tells, and what an erasure leaves nobody to answer (``hub.rights.erasure.whole``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from contracts import instants
from hub.ledger.replay.against.tables import Wrong, pages
from hub.store.persons.cases import NOTICES
from hub.store.persons.erasure_requests import ASKED, AT_POINT
from hub.store.tables import case as case_file

STOP: Final = "stopverzoek"
OBJECTION: Final = "bezwaar"
_WITH_A_TERM: Final = (OBJECTION, AT_POINT, ASKED)

#: What asks somebody: kind of zaak, its cause, and who is asked; of a stop also the receiver and doel of its flow.
_Asked = tuple[str, str, str, str | None, str | None]


@dataclass(slots=True)
class Cases:
    """Who was asked what, and what was answered."""

    notices: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # zaak → as `_notice` tells of its row
    answered: dict[str, tuple[str, str]] = field(default_factory=dict)  # zaak → (answer, when)
    asked: set[_Asked] = field(default_factory=set)
    due: dict[str, str] = field(default_factory=dict)  # cause → by when it must be answered

    def notify(self, said: Mapping[str, Any]) -> None:
        """A notice was made."""
        named = said["afzender"], said["ontvanger"]
        self.notices[said["zaakId"]] = (said["bericht"], *named, said["op"], said["berichten"])

    def answer(self, said: Mapping[str, Any]) -> None:
        """A zaak was answered."""
        self.answered[said["zaakId"]] = said["antwoord"], said["op"]

    def ask(self, said: Mapping[str, Any]) -> None:
        """Something was recorded that somebody has to answer."""
        match said["soort"]:
            case "stopverzoek":
                self.asked |= {(STOP, said["stopId"], *_flow(flow)) for flow in said["gevraagd"]}
            case "bezwaar":
                self.asked |= {(OBJECTION, said["bezwaarId"], who, None, None) for who in said["verstrekkers"]}
                self.due[said["bezwaarId"]] = said["uiterlijkOp"]
            case "wissing-verzoek":
                self.due[said["wissingId"]] = said["uiterlijkOp"]
            case "wissing-gevraagd":
                self.asked |= {(ASKED, said["wissingId"], who, None, None) for who in said["gevraagd"]}


def compare_cases(connection: Connection, told: Cases, erased: set[str], wrong: Wrong) -> None:
    """Of those whose evidence is gone (``erased``: handles) the log tells nothing."""
    seen: set[str] = set()
    asked: set[_Asked] = set()
    for rows in pages(connection, case_file, case_file.c.case_id):
        seen |= {row.case_id for row in rows}
        asked |= {_asked(row) for row in rows}
        for row in (row for row in rows if row.person_id not in erased):
            said = told.answered.get(row.case_id)
            if not (_by_itself(row) if said is None else said == (row.answer, _written(row.closed_at))):
                wrong(f"case {row.case_id}", "het antwoord is anders dan het logboek zegt")
            if row.kind in NOTICES and told.notices.get(row.case_id) != _notice(row):
                wrong(f"case {row.case_id}", "het logboek kent deze zaak anders")
            if _written(row.due_at) != (told.due.get(row.cause) if row.kind in _WITH_A_TERM else None):
                wrong(f"case {row.case_id}", "de termijn is anders dan het logboek zegt")
    for case_id in sorted((told.notices.keys() | told.answered.keys()) - seen):
        wrong(f"case {case_id}", "het logboek kent deze zaak, de tabel niet")
    for kind, cause, *_ in sorted(told.asked - asked, key=str):
        wrong(f"case {kind} {cause}", "het logboek kent deze zaak, de tabel niet")


def _flow(told: str | Mapping[str, str]) -> tuple[str, str | None, str | None]:
    """Of before flows were named, a verstrekker alone."""
    return (told, None, None) if isinstance(told, str) else (told["verstrekker"], told["ontvanger"], told["doel"])


def _asked(row: Row[Any]) -> _Asked:
    return row.kind, row.cause, row.organisation, row.receiver, None if row.receiver is None else row.purposes[0]


def _notice(row: Row[Any]) -> tuple[Any, ...]:
    given = [one["berichtId"] for one in row.messages]
    return row.kind, row.verstrekker, row.organisation, _written(row.opened_at), given


def _written(at: datetime | None) -> str | None:
    return None if at is None else instants.write(at)


def _by_itself(row: Row[Any]) -> bool:
    """Whether a zaak may stand so though nobody answered it."""
    if row.closed_at is None:
        return row.answer is None
    if row.answer is None:
        return row.kind not in (*NOTICES, ASKED) or row.closed_at == row.opened_at
    return row.kind in (ASKED, AT_POINT) and row.answer == "gewist"
