"""A stopverzoek is answered per flow; what was asked of a verstrekker as a whole stays so, and stays stopped."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def _stop_flow() -> None:
    op.create_table(
        "stop_flow",
        sa.Column("stop_id", sa.String(length=32), nullable=False),
        sa.Column("sender", sa.String(length=20), nullable=False),
        sa.Column("receiver", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["stop_id"], ["stop.stop_id"], name=op.f("fk_stop_flow_stop_id")),
        sa.PrimaryKeyConstraint("stop_id", "sender", "receiver", "purpose", name=op.f("pk_stop_flow")),
    )


def _case_file() -> None:
    op.add_column("case_file", sa.Column("receiver", sa.String(length=20), nullable=True))


def _convert() -> None:
    """A stop that names no flows stopped all of each verstrekker's, also those that nobody had said yes to yet.

    To name its flows now would open the others: so it keeps them all, as one, with the one answer that was given.
    """
    connection = op.get_bind()
    stop = sa.table("stop", sa.column("stop_id"), sa.column("asked"))
    answer = sa.table("stop_answer", *map(sa.column, ("stop_id", "sender", "answer", "at")))
    columns = ("stop_id", "sender", "receiver", "purpose", "answer", "at")
    given = {(a.stop_id, a.sender): (a.answer, a.at) for a in connection.execute(sa.select(answer))}
    rows = [
        (row.stop_id, sender, "", "", *given.get((row.stop_id, sender), (None, None)))
        for row in connection.execute(sa.select(stop))
        for sender in json.loads(row.asked)
    ]
    if rows:
        op.bulk_insert(
            sa.table("stop_flow", *map(sa.column, columns)), [dict(zip(columns, r, strict=True)) for r in rows]
        )


def upgrade() -> None:
    _stop_flow()
    _case_file()
    _convert()
