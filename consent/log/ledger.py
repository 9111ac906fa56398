"""Append to the evidence log, inside the caller's transaction: what is decided and what is logged commit together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from consent.log.entry import Sealed, seal, unseal
from consent.log.merkle import leaf_hash
from consent.log.tables import ledger_entry, ledger_payload, ledger_pending
from contracts.canonical import canonical


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One entry to append: its payload, and the 32-byte key (with its id in the key store) under which it is sealed."""

    key_id: str
    key: bytes
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Appended:
    """What was appended: its id, and the leaf hash that a receipt names (`bladHash`), known before it has an index."""

    entry_id: str
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry as it lies in the tables, sequenced or still waiting."""

    entry_id: str
    key_id: str
    sealed: Sealed

    def open(self, key: bytes) -> bytes:
        """The canonical JSON bytes that were appended. Raises ``EntryUnreadable``."""
        return unseal(key, self.entry_id, self.sealed)


def append(connection: Connection, entries: Sequence[NewEntry], new_id: Callable[[], str]) -> list[Appended]:
    """Queue entries for the tree, in this order. Never commits.

    The rows stand or fall with the caller's transaction: a crash before its commit leaves no trace, a crash after it
    loses nothing, because the sequencer takes whatever is committed. ``new_id`` gives ids that never repeat (UUIDv7).
    """
    if not entries:
        return []
    ids = [new_id() for _ in entries]
    sealed = [seal(e.key, id_, canonical(e.payload)) for e, id_ in zip(entries, ids, strict=True)]
    connection.execute(
        insert(ledger_payload),
        [
            {"entry_id": id_, "key_id": e.key_id, "nonce": s.nonce, "ciphertext": s.ciphertext}
            for e, id_, s in zip(entries, ids, sealed, strict=True)
        ],
    )
    connection.execute(
        insert(ledger_pending),
        [{"entry_id": id_, "commitment": s.commitment} for id_, s in zip(ids, sealed, strict=True)],
    )
    return [Appended(id_, leaf_hash(s.commitment)) for id_, s in zip(ids, sealed, strict=True)]


def find(connection: Connection, entry_id: str) -> Stored | None:
    """One entry by its id, whether it has its place in the tree already or still waits; ``None`` if it is not there."""
    payload = connection.execute(select(ledger_payload).where(ledger_payload.c.entry_id == entry_id)).one_or_none()
    if payload is None:
        return None
    for table in (ledger_pending, ledger_entry):  # in this order: an entry that moves meanwhile is met in the second
        commitment = connection.scalar(select(table.c.commitment).where(table.c.entry_id == entry_id))
        if commitment is not None:
            return Stored(entry_id, payload.key_id, Sealed(commitment, payload.nonce, payload.ciphertext))
    return None
