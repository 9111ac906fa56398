"""Drafts the next step: ``python -m hub.store.migrations.draft NNNN 'what it does' [TABLE…]`` writes it to the output.

Compares the tables of the code with an empty database to which all steps were applied. Read what it writes, format it
and save it as ``versions/NNNN_pre_….py``. Moving data, and dropping what the previous release still reads, is written
by hand.
"""

import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.autogenerate import api, produce_migrations, render
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import Connection

from consent.store.metadata import Instant, Json
from hub.store.database import open_engine
from hub.store.migrations.schema import migrate, newest, target

_HEAD = '''"""{title}"""

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = {before}
'''


def _type(kind: str, value: Any, _context: object) -> str | bool:
    """A step says what lies in the database, and does not change when a type of the code does."""
    if kind == "type" and isinstance(value, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(value, Json):
        return "sa.Text()"
    return False


def _groups(found: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """The operations by table, a table before its indexes."""
    groups: dict[str, list[Any]] = {}
    for one in found:
        parts = one.ops if isinstance(one, ops.ModifyTableOps) else [one]
        groups.setdefault(one.table_name, []).extend(parts)
    yield from groups.items()


@dataclass(frozen=True, slots=True)
class Step:
    """The step to draft: its number, the one before it (``None``: it is the first), and what it does, in a sentence."""

    number: str
    before: str | None
    title: str


def draft(connection: Connection, step: Step, only: Collection[str] = ()) -> str:
    """The text of a step that makes the difference good; with ``only`` just for those tables."""
    options: dict[str, Any] = {
        "render_item": _type,
        "sqlalchemy_module_prefix": "sa.",
        "alembic_module_prefix": "op.",
        "user_module_prefix": None,
        "target_metadata": target(),
        "render_as_batch": True,
    }
    context = MigrationContext.configure(connection, opts=options)
    script = produce_migrations(context, target())
    if script.upgrade_ops is None:
        raise ValueError("there is nothing to compare with")
    rendering = api.AutogenContext(context, metadata=target(), opts=options)
    bodies: dict[str, list[str]] = {}
    for table, group in _groups(script.upgrade_ops.ops):
        if not only or table in only:
            bodies[table] = [line for one in group for line in render.render_op(rendering, one)]
    before = f'"{step.before}"' if step.before is not None else "None"
    parts = [_HEAD.format(title=step.title, number=step.number, before=before)]
    for table, lines in bodies.items():
        indented = [f"    {line}" for text in lines for line in text.splitlines()]
        parts.append("\n".join([f"def _{table}() -> None:", *indented, ""]))
    parts.append("\n".join(["def upgrade() -> None:", *(f"    _{table}()" for table in bodies), ""]))
    return "\n\n".join(parts)


def main(arguments: Sequence[str]) -> None:
    """Write the draft to the standard output."""
    number, title, *only = arguments
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'empty.db'}")
        migrate(engine)
        with engine.connect() as connection:
            sys.stdout.write(draft(connection, Step(number, newest(), title), only))
        engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1:])
