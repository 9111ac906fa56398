"""Facts that limit sharing: beperking, bezwaar, afscherming; statements for minors; terms of zaken."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _objection() -> None:
    op.create_table(
        "objection",
        sa.Column("objection_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("recorder", sa.String(length=20), nullable=False),
        sa.Column("senders", sa.Text(), nullable=False),
        sa.Column("receivers", sa.Text(), nullable=True),
        sa.Column("purpose", sa.String(length=20), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_objection_person_id")),
        sa.PrimaryKeyConstraint("objection_id", name=op.f("pk_objection")),
    )
    op.create_index(op.f("ix_objection_person_id"), "objection", ["person_id"], unique=False)


def _restriction() -> None:
    op.create_table(
        "restriction",
        sa.Column("restriction_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("recorder", sa.String(length=20), nullable=False),
        sa.Column("senders", sa.Text(), nullable=False),
        sa.Column("receivers", sa.Text(), nullable=True),
        sa.Column("purpose", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_restriction_person_id")),
        sa.PrimaryKeyConstraint("restriction_id", name=op.f("pk_restriction")),
    )
    op.create_index(op.f("ix_restriction_person_id"), "restriction", ["person_id"], unique=False)


def _shield() -> None:
    op.create_table(
        "shield",
        sa.Column("shield_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("recorder", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("receivers", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("lift_asked_by", sa.String(length=64), nullable=True),
        sa.Column("lift_asked_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", sa.String(length=64), nullable=True),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_shield_person_id")),
        sa.PrimaryKeyConstraint("shield_id", name=op.f("pk_shield")),
    )
    op.create_index(op.f("ix_shield_person_id"), "shield", ["person_id"], unique=False)


def _case_file() -> None:
    op.add_column("case_file", sa.Column("due_at", sa.BigInteger(), nullable=True))


def _statement() -> None:
    op.add_column("statement", sa.Column("sixteen_at", sa.BigInteger(), nullable=True))
    op.add_column("statement", sa.Column("own_at", sa.BigInteger(), nullable=True))
    op.add_column("statement", sa.Column("renews", sa.String(length=32), nullable=True))


def upgrade() -> None:
    _objection()
    _restriction()
    _shield()
    _case_file()
    _statement()
