"""The tables of the evidence log. Every column is covered by a hash or by an authentication tag.

``ledger_pending`` is a queue: business transactions insert, the sequencer takes. The rest only grows, but for
``ledger_payload``, which may be deleted without touching a proof.
"""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, SmallInteger, String, Table, Text

from consent.store.metadata import metadata

_BIG = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY is SQLite's own row number

#: Entries that are committed but have no place in the tree yet. Ids commit out of order: never read by ``id > last``.
ledger_pending = Table(
    "ledger_pending",
    metadata,
    Column("id", _BIG, Identity(), primary_key=True),
    Column("entry_id", String(36), nullable=False, unique=True),
    Column("commitment", LargeBinary(32), nullable=False),
)

#: The leaves. ``commitment`` is the leaf's data; it also binds ``entry_id``, from which its opening is derived.
ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("idx", _BIG, primary_key=True, autoincrement=False),
    Column("entry_id", String(36), nullable=False, unique=True),
    Column("commitment", LargeBinary(32), nullable=False),
)

#: What an entry says, sealed under a key derived from ``key_id``'s key. A wrong key id, nonce or byte does not open.
ledger_payload = Table(
    "ledger_payload",
    metadata,
    Column("entry_id", String(36), primary_key=True),
    Column("key_id", String(80), nullable=False),
    Column("nonce", LargeBinary(12), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_ledger_payload_key_id", ledger_payload.c.key_id)  # which entries an erased key leaves unreadable

#: Hashes of full tiles: row ``(level, n)`` is the root of tile ``n`` of ``level - 1``, one row for 256 children.
ledger_node = Table(
    "ledger_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)

#: Signed notes, one per size that was ever signed.
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
