"""What Alembic runs: the steps, inside the one transaction that ``schema.migrate`` has opened."""

from alembic import context
from sqlalchemy import Connection, text

from hub.store.migrations.schema import target

#: A step that must wait longer than this for a busy table gives up, rather than let the whole hub queue behind it. One
#: that has long work of its own to do sets another ``statement_timeout`` itself.
_TIMEOUTS = {"lock_timeout": "4s", "statement_timeout": "5s"}


def _run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for name, limit in _TIMEOUTS.items():
            connection.execute(text(f"SET LOCAL {name} = '{limit}'"))
    context.configure(connection=connection, target_metadata=target(), render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
