"""What was past its term when a backup was put back, emptied before the hub serves: none of it comes back.

Keys that were destroyed since stand on the erasure list. A clock that is wrong here costs nothing for good: the backup
is still there.
"""

from functools import partial
from typing import Final

from sqlalchemy import Engine

from contracts.retention.terms import Terms
from hub.ledger.evidence import Evidence
from hub.rights.retention.lapse import Line, lapse, lines
from hub.store.database import reading, wipe
from hub.store.locks import Locks
from hub.store.tables import delivery, message, message_key
from hub.store.traffic import lapses
from hub.store.writer import Transaction, Transactions, single

_PAGE: Final = 200  # messages looked at together


def lapse_all(engine: Engine, transactions: Transactions, evidence: Evidence, terms: Terms) -> int:
    """Empty every message past its term; how many. May be cut off, and done again."""
    emptied, after = 0, 0
    now = single(transactions, lambda tx: tx.now)
    while True:
        with reading(engine) as connection:
            page = lapses.page(connection, now - terms.shortest, after, _PAGE)
        if not page:
            break
        after = page[-1].seq
        for line in lines(terms, page, now):
            work = partial(_lapse, evidence, terms, line)
            emptied += single(transactions, work, Locks(exclusive=frozenset({line.lock})))
    if emptied:
        wipe(engine, (message, message_key, delivery))
    return emptied


def _lapse(evidence: Evidence, terms: Terms, line: Line, tx: Transaction) -> int:
    return lapse(evidence, terms, tx, line)
