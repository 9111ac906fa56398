"""Limits and recalls; notices stay visible to their verstrekker."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _recall() -> None:
    op.create_table(
        "recall",
        sa.Column("recall_id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("receivers", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=False),
        sa.Column("meant_for", sa.String(length=26), nullable=True),
        sa.Column("discovered_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_recall")),
    )
    op.create_index(op.f("ix_recall_message_id"), "recall", ["message_id"], unique=False)


def _case_file() -> None:
    op.add_column("case_file", sa.Column("sender_id", sa.String(length=32), nullable=True))
    # `rectificatie.kennisgeving` has 25 letters.
    with op.batch_alter_table("case_file") as batch:
        batch.alter_column("kind", existing_type=sa.String(length=24), type_=sa.String(length=32))
    op.create_index(op.f("ix_case_file_verstrekker"), "case_file", ["verstrekker"], unique=False)


def _objection() -> None:
    op.add_column("objection", sa.Column("reason_sealed", sa.LargeBinary(), nullable=True))


def _shield() -> None:
    op.add_column("shield", sa.Column("lift_for", sa.Text(), nullable=True))


def upgrade() -> None:
    _recall()
    _case_file()
    _objection()
    _shield()
