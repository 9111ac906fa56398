"""What the database refuses: a key that was just taken, which may be tried again, or a write that cannot be logged."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from contracts.errors import LogUnavailable

_SQLITE: Final = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_POSTGRESQL: Final = "23505"  # unique_violation


def is_taken(error: SQLAlchemyError) -> bool:
    """True when the row is there already: another process wrote it a moment ago. Any other refusal is no race."""
    if not isinstance(error, IntegrityError):
        return False
    cause = error.orig
    return getattr(cause, "sqlite_errorcode", None) in _SQLITE or getattr(cause, "sqlstate", None) == _POSTGRESQL


@contextmanager
def logged() -> Iterator[None]:
    """Around work that writes in the log. Raises ``LogUnavailable`` when the database takes nothing of it."""
    try:
        yield
    except SQLAlchemyError as error:
        raise not_logged(error) from error


def not_logged(error: SQLAlchemyError) -> LogUnavailable:
    """What the caller is told: what cannot be logged is not done (promise 10), all of it was rolled back."""
    structlog.get_logger().error("database refused", exc_info=error)
    return LogUnavailable(headers={"Retry-After": "5"})
