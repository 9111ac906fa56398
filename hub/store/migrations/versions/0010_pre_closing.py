"""A traject ends, and so may a life: closing messages and reports of death."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _death() -> None:
    op.create_table(
        "death",
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recalled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_death_person_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_death")),
    )
    op.create_index(op.f("ix_death_person_id"), "death", ["person_id"], unique=False)


def _involvement() -> None:
    op.add_column("involvement", sa.Column("closed_by", sa.String(length=32), nullable=True))
    op.add_column("involvement", sa.Column("closed_at", sa.BigInteger(), nullable=True))
    op.add_column("involvement", sa.Column("planned_until", sa.BigInteger(), nullable=True))
    op.add_column("involvement", sa.Column("told_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_involvement_closed_by"), "involvement", ["closed_by"], unique=False)


def upgrade() -> None:
    _death()
    _involvement()
