"""Requests for consent, and the texts of notices."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _notice_text() -> None:
    op.create_table(
        "notice_text",
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("notice_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("invalid_at", sa.BigInteger(), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("organisation", "notice_id", "version", "language", name=op.f("pk_notice_text")),
    )


def _statement() -> None:
    # SQLite cannot loosen a column in place: there the batch makes the table anew, with all that was in it.
    with op.batch_alter_table("statement") as batch:
        batch.add_column(sa.Column("asked_at", sa.BigInteger(), nullable=True))
        batch.alter_column("manner", existing_type=sa.String(length=16), nullable=True)
        batch.alter_column("given_by", existing_type=sa.String(length=32), nullable=True)


def upgrade() -> None:
    _notice_text()
    _statement()
