"""Facts about persons: who, involvements, statements, stops, releases."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("root", sa.String(length=32), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.Column("deceased_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["root"], ["person.person_id"], name=op.f("fk_person_root")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_root"), "person", ["root"], unique=False)


def _release_basis() -> None:
    op.create_table(
        "release_basis",
        sa.Column("delivery_id", sa.String(length=32), nullable=False),
        sa.Column("statement_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "statement_id", name=op.f("pk_release_basis")),
    )
    op.create_index(op.f("ix_release_basis_statement_id"), "release_basis", ["statement_id"], unique=False)


def _involvement() -> None:
    op.create_table(
        "involvement",
        sa.Column("involvement_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("trajectory_id", sa.String(length=32), nullable=False),
        sa.Column("framework", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("opened_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_involvement_person_id")),
        sa.PrimaryKeyConstraint("involvement_id", name=op.f("pk_involvement")),
    )
    op.create_index("ix_involvement_organisation", "involvement", ["organisation", "person_id"], unique=False)
    op.create_index(op.f("ix_involvement_person_id"), "involvement", ["person_id"], unique=False)


def _secrecy_release() -> None:
    op.create_table(
        "secrecy_release",
        sa.Column("release_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=20), nullable=False),
        sa.Column("receiver", sa.String(length=20), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("manner", sa.String(length=16), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_secrecy_release_person_id")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_secrecy_release")),
    )
    op.create_index(op.f("ix_secrecy_release_person_id"), "secrecy_release", ["person_id"], unique=False)


def _statement() -> None:
    op.create_table(
        "statement",
        sa.Column("statement_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("recorder", sa.String(length=20), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("choice", sa.String(length=8), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=True),
        sa.Column("categories", sa.Text(), nullable=True),
        sa.Column("senders", sa.Text(), nullable=True),
        sa.Column("receivers", sa.Text(), nullable=True),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("requested", sa.Boolean(), nullable=False),
        sa.Column("invalid_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_as", sa.String(length=16), nullable=True),
        sa.Column("ended_by", sa.String(length=20), nullable=True),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("manner", sa.String(length=16), nullable=False),
        sa.Column("given_by", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sa.String(length=20), nullable=True),
        sa.Column("authority_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("entry_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_statement_person_id")),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_statement")),
    )
    op.create_index(op.f("ix_statement_person_id"), "statement", ["person_id"], unique=False)


def _stop() -> None:
    op.create_table(
        "stop",
        sa.Column("stop_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("recorder", sa.String(length=20), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_stop_person_id")),
        sa.PrimaryKeyConstraint("stop_id", name=op.f("pk_stop")),
    )
    op.create_index(op.f("ix_stop_person_id"), "stop", ["person_id"], unique=False)


def _statement_part() -> None:
    op.create_table(
        "statement_part",
        sa.Column("statement_id", sa.String(length=32), nullable=False),
        sa.Column("sender", sa.String(length=20), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statement.statement_id"], name=op.f("fk_statement_part_statement_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", "sender", name=op.f("pk_statement_part")),
    )


def _stop_answer() -> None:
    op.create_table(
        "stop_answer",
        sa.Column("stop_id", sa.String(length=32), nullable=False),
        sa.Column("sender", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["stop_id"], ["stop.stop_id"], name=op.f("fk_stop_answer_stop_id")),
        sa.PrimaryKeyConstraint("stop_id", "sender", name=op.f("pk_stop_answer")),
    )


def upgrade() -> None:
    _person()
    _release_basis()
    _involvement()
    _secrecy_release()
    _statement()
    _stop()
    _statement_part()
    _stop_answer()
