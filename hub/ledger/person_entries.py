"""The entries of the log about one person, opened with that person's own keys, in the order in which they were made."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from consent.log.entry import EntryUnreadable, Sealed, unseal
from consent.log.tables import ledger_entry, ledger_payload, ledger_pending
from contracts.errors import LogUnavailable

BROKEN: Final = "Het logboek is hier niet heel: een beheerder moet ernaar kijken."
_PAGE: Final = 500  # entries read at a time
_ENTRIES: Final = (
    select(ledger_payload, ledger_entry.c.idx)
    .add_columns(func.coalesce(ledger_entry.c.commitment, ledger_pending.c.commitment).label("commitment"))
    .outerjoin(ledger_entry, ledger_entry.c.entry_id == ledger_payload.c.entry_id)
    .outerjoin(ledger_pending, ledger_pending.c.entry_id == ledger_payload.c.entry_id)
)


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """One entry. ``index``: its place in the tree, ``None`` while it waits for one."""

    id: str
    index: int | None
    raw: bytes
    payload: Mapping[str, Any]


def entries_of(connection: Connection, keys: Mapping[str, bytes], after: str = "") -> Iterator[PersonEntry]:
    """Every entry under these evidence keys (by key id), in the order of their ids, from the one behind ``after``.

    All of them must be opened to find some: nothing outside the sealed payloads says what one is about. Raises
    ``LogUnavailable`` for an entry that is not what was logged: it may be the very one that matters.
    """
    query = _ENTRIES.where(ledger_payload.c.key_id.in_(list(keys))).order_by(ledger_payload.c.entry_id).limit(_PAGE)
    while rows := connection.execute(query.where(ledger_payload.c.entry_id > after)).all():
        for row in rows:
            try:
                sealed = Sealed(row.commitment or b"", row.nonce, row.ciphertext)
                raw = unseal(keys[row.key_id], row.entry_id, sealed)
            except EntryUnreadable as error:
                raise LogUnavailable(BROKEN) from error
            yield PersonEntry(row.entry_id, row.idx, raw, json.loads(raw))
        after = rows[-1].entry_id
