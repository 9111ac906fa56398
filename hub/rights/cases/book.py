"""Opens zaken, and closes those that close by themselves, each with its entry in the log: none can vanish unseen.

Under the evidence key of the zaak's own person. Once that key is gone nothing is noted of it, here as anywhere.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from contracts.identity import PersonId
from hub.ledger.evidence import Evidence, Fact, case_closed, case_opened
from hub.store.persons import cases
from hub.store.writer import Transaction


def open_cases(evidence: Evidence, tx: Transaction, rows: Iterable[Mapping[str, Any]]) -> None:
    """New zaken (values of ``hub.store.tables.case``); one with ``closed_at`` only tells."""
    new = list(rows)
    cases.open_cases(tx.connection, new)
    evidence.append_what_may(tx.connection, [Fact(PersonId(one["person_id"]), case_opened(one)) for one in new])


def close_cases(
    evidence: Evidence, tx: Transaction, rows: Iterable[Row[Any]], answer: str | None, at: datetime
) -> None:
    """Close these without an answer to them: what happened answers them (``answer``), or nobody can any more."""
    facts: list[Fact] = []
    for row in rows:
        cases.close(tx.connection, row.case_id, answer, None, at)
        facts.append(Fact(PersonId(row.person_id), case_closed(row.case_id, answer, at)))
    evidence.append_what_may(tx.connection, facts)
