"""What the log says of a BSN is salted, and the salt goes with its row. Null: of before; the log says nothing of it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("person_bsn", sa.Column("salt", sa.LargeBinary(), nullable=True))
