"""Retention: which messages were emptied because their term was over, and the entries that say so."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("message", sa.Column("lapsed_at", sa.BigInteger(), nullable=True))
    op.add_column("message", sa.Column("lapse_entry", sa.String(length=32), nullable=True))
    kept = sa.text("lapsed_at IS NULL")
    op.create_index("ix_message_kept", "message", ["seq"], unique=False, sqlite_where=kept, postgresql_where=kept)
    op.create_index("ix_message_lapsed", "message", ["organisation", "lapsed_at"], unique=False)
