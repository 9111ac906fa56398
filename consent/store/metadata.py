"""The one MetaData that every table of this project's database hangs on, and the two column types they share."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

from contracts.canonical import canonical

#: Every constraint bears a name, so that a migration can speak of it in both databases.
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as whole microseconds since 1970 in UTC, in both databases the same.

    An integer compares, sorts and survives a dump without any notion of a session's time zone. Reading gives an aware
    UTC datetime. Raises ``ValueError`` for a naive datetime: nobody could say which instant it is.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """The stored number of microseconds."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must bear a time zone")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The aware UTC datetime, to the microsecond."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Json(TypeDecorator[Any]):
    """A JSON value, stored as its canonical text (RFC 8785): equal values are equal bytes. ``None`` is NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The canonical text."""
        return None if value is None else canonical(value).decode("utf-8")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value; objects are ``dict``, arrays are ``list``."""
        return None if value is None else json.loads(value)
