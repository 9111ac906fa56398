"""The entries of the log in their order, opened: those of the tree, then those that still wait for their place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from consent.keys import KeyStore
from consent.log.entry import EntryUnreadable, Sealed, unseal
from consent.log.tables import ledger_entry, ledger_payload, ledger_pending
from contracts.strict_json import loads

_PAGE: Final = 1_000  # entries in one statement


@dataclass(frozen=True, slots=True)
class Opened:
    """One entry. ``index``: its place in the tree, ``None`` while it waits for one.

    ``payload`` is what it says; ``None`` when its key was destroyed (``erased``) or for the ``fault`` that it has.
    """

    index: int | None
    entry_id: str
    key_id: str | None
    payload: dict[str, Any] | None = None
    erased: bool = False
    fault: str | None = None

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return "een vermelding die nog wacht" if self.index is None else f"vermelding {self.index}"


def entries(connection: Connection, keys: KeyStore, progress: Callable[[int], None] | None = None) -> Iterator[Opened]:
    """Every entry, in order. ``progress`` is told how many were looked at."""
    seen = 0
    for rows in _pages(connection):
        ids = {row["key_id"] for row in rows if row["key_id"] is not None}
        found, destroyed = keys.find(ids), keys.destroyed(ids)
        for row in rows:
            yield _opened(row, found, destroyed)
        seen += len(rows)
        if progress is not None:
            progress(seen)


def _pages(connection: Connection) -> Iterator[list[dict[str, Any]]]:
    for table, order in ((ledger_entry, ledger_entry.c.idx), (ledger_pending, ledger_pending.c.id)):
        waiting = table is ledger_pending
        query = (
            select(order.label("place"), table.c.entry_id, table.c.commitment)
            .add_columns(ledger_payload.c.key_id, ledger_payload.c.nonce, ledger_payload.c.ciphertext)
            .outerjoin(ledger_payload, ledger_payload.c.entry_id == table.c.entry_id)
            .order_by(order)
            .limit(_PAGE)
        )
        last = -1
        while rows := connection.execute(query.where(order > last)).all():
            last = rows[-1].place
            yield [dict(row._mapping) | {"idx": None if waiting else row.place} for row in rows]


def _opened(row: dict[str, Any], keys: dict[str, bytes], destroyed: set[str]) -> Opened:
    head = row["idx"], row["entry_id"], row["key_id"]
    key_id = row["key_id"]
    if key_id is None:
        return Opened(*head, fault="de inhoud ontbreekt")
    if key_id not in keys:
        if key_id in destroyed:
            return Opened(*head, erased=True)
        return Opened(*head, fault="de sleutel ontbreekt, en is niet vernietigd")
    try:
        raw = unseal(keys[key_id], row["entry_id"], Sealed(row["commitment"], row["nonce"], row["ciphertext"]))
    except EntryUnreadable:
        return Opened(*head, fault="de inhoud hoort niet bij het blad")
    return Opened(*head, payload=loads(raw))
