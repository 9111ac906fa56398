"""The evidence log: queue, leaves, sealed payloads, tree and checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoint")),
    )


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_entry_entry_id")),
    )


def _ledger_node() -> None:
    op.create_table(
        "ledger_node",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name=op.f("pk_ledger_node")),
        sqlite_with_rowid=False,
    )


def _ledger_payload() -> None:
    op.create_table(
        "ledger_payload",
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.String(length=80), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_payload")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_payload_key_id", "ledger_payload", ["key_id"], unique=False)


def _ledger_pending() -> None:
    op.create_table(
        "ledger_pending",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_pending")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_pending_entry_id")),
    )


def upgrade() -> None:
    _checkpoint()
    _ledger_entry()
    _ledger_node()
    _ledger_payload()
    _ledger_pending()
