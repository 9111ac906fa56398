"""Looks behind the tree, with the keys of the hub: does every payload still open, and is it what its leaf committed to.

The public verifier (``consent.audit``) sees commitments only. What cannot be opened must be of a key that was
destroyed; anything else was changed or lost.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, literal, select

from consent.keys import KeyStore
from consent.log.entry import EntryUnreadable, Sealed, unseal
from consent.log.tables import ledger_entry, ledger_payload, ledger_pending
from consent.verify.verifier import Report

_PAGE: Final = 1_000  # entries in one statement


def check_payloads(
    connection: Connection, keys: KeyStore, progress: Callable[[int], None] | None = None
) -> tuple[Report, int]:
    """The findings on all payloads, also of entries that still wait, and how many are erased with their key.

    ``progress`` is told how many entries were looked at.
    """
    report, erased, seen = Report(["inhoud"]), 0, 0
    for rows in _pages(connection):
        ids = {row.key_id for row in rows if row.key_id is not None}
        found, destroyed = keys.find(ids), keys.destroyed(ids)
        for row in rows:
            if row.key_id is not None and row.key_id not in found and row.key_id in destroyed:
                erased += 1
            elif (reason := _fault(row, found)) is not None:
                report.wrong(f"wachtende vermelding {row.number}" if row.waits else f"vermelding {row.number}", reason)
        seen += len(rows)
        if progress is not None:
            progress(seen)
    return report, erased


def _pages(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    for table, number in ((ledger_entry, ledger_entry.c.idx), (ledger_pending, ledger_pending.c.id)):
        last = None
        query = (
            select(number.label("number"), table.c.entry_id, table.c.commitment)
            .add_columns(literal(table is ledger_pending).label("waits"))
            .add_columns(ledger_payload.c.key_id, ledger_payload.c.nonce, ledger_payload.c.ciphertext)
            .outerjoin(ledger_payload, ledger_payload.c.entry_id == table.c.entry_id)
            .order_by(number)
            .limit(_PAGE)
        )
        while rows := connection.execute(query if last is None else query.where(number > last)).all():
            yield rows
            last = rows[-1].number


def _fault(row: Row[Any], keys: dict[str, bytes]) -> str | None:
    if row.key_id is None:
        return "de inhoud ontbreekt"
    if row.key_id not in keys:
        return "de sleutel ontbreekt, en is niet vernietigd"
    try:
        unseal(keys[row.key_id], row.entry_id, Sealed(row.commitment, row.nonce, row.ciphertext))
    except EntryUnreadable:
        return "de inhoud hoort niet bij het blad"
    return None
