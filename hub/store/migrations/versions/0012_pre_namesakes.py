"""Another handle of a person, for an organisation that erased its content and knows the person anew."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("person", sa.Column("same_as", sa.String(length=32), nullable=True))
