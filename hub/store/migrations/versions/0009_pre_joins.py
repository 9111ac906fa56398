"""Persons that two officers join or split."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def _identity_request() -> None:
    op.create_table(
        "identity_request",
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("other_id", sa.String(length=32), nullable=True),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("employee", sa.String(length=64), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_by", sa.String(length=20), nullable=True),
        sa.Column("confirming_employee", sa.String(length=64), nullable=True),
        sa.Column("confirmed_person", sa.String(length=32), nullable=True),
        sa.Column("crossed", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_identity_request_person_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_identity_request")),
        sa.UniqueConstraint("code_index", name=op.f("uq_identity_request_code_index")),
    )
    op.create_index(
        op.f("ix_identity_request_confirmed_person"), "identity_request", ["confirmed_person"], unique=False
    )
    op.create_index(op.f("ix_identity_request_person_id"), "identity_request", ["person_id"], unique=False)


def _held_apart() -> None:
    op.create_table(
        "held_apart",
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("person_a", sa.String(length=32), nullable=False),
        sa.Column("person_b", sa.String(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_a"], ["person.person_id"], name=op.f("fk_held_apart_person_a")),
        sa.ForeignKeyConstraint(["person_b"], ["person.person_id"], name=op.f("fk_held_apart_person_b")),
        sa.ForeignKeyConstraint(["request_id"], ["identity_request.request_id"], name=op.f("fk_held_apart_request_id")),
        sa.PrimaryKeyConstraint("request_id", "person_a", "person_b", name=op.f("pk_held_apart")),
    )
    op.create_index(op.f("ix_held_apart_person_a"), "held_apart", ["person_a"], unique=False)
    op.create_index(op.f("ix_held_apart_person_b"), "held_apart", ["person_b"], unique=False)


def upgrade() -> None:
    _identity_request()
    _held_apart()
