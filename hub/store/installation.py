"""SQL of the installation's own facts: names and values that are set once, at ``hub init``, and read at every start."""

from sqlalchemy import Connection, delete, insert, select

from hub.store.tables import installation


def read(connection: Connection, name: str) -> str | None:
    """One value, or ``None`` when it was never set."""
    return connection.scalar(select(installation.c.value).where(installation.c.name == name))


def read_all(connection: Connection) -> dict[str, str]:
    """Every name with its value."""
    return {row.name: row.value for row in connection.execute(select(installation))}


def write(connection: Connection, name: str, value: str) -> None:
    """Set a value, whether or not it was set before. Values are at most 400 characters."""
    connection.execute(delete(installation).where(installation.c.name == name))
    connection.execute(insert(installation).values(name=name, value=value))
