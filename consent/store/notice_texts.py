"""The published texts of notices (`verklaring`): written once, never changed. Never commits.

The caller that writes holds the lock ``regels`` exclusively: statements are recorded under its shared side.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from consent.store.tables import notice_text
from contracts.identity import Oin

#: What a list shows: everything but the text itself.
_HEADS = [c for c in notice_text.c if c.name != "text"]


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A text (values of ``notice_text``)."""
    connection.execute(insert(notice_text).values(values))


def of_version(connection: Connection, organisation: Oin, notice_id: str, version: str) -> dict[str, Row[Any]]:
    """The texts of one version of a notice, by language; none, if the organisation never published it."""
    query = select(notice_text).where(
        notice_text.c.organisation == organisation,
        notice_text.c.notice_id == notice_id,
        notice_text.c.version == version,
    )
    return {row.language: row for row in connection.execute(query)}


def of_organisation(connection: Connection, organisation: Oin, after: tuple[str, ...], limit: int) -> list[Row[Any]]:
    """What an organisation published, by id, version and language, after a cursor; without the texts."""
    place = (notice_text.c.notice_id, notice_text.c.version, notice_text.c.language)
    query = select(*_HEADS).where(notice_text.c.organisation == organisation).order_by(*place).limit(limit)
    if len(after) == len(place):
        query = query.where(tuple_(*place) > after)
    return list(connection.execute(query))


def invalidate(
    connection: Connection, organisation: Oin, version: tuple[str, str], at: datetime, reason: bytes
) -> bool:
    """A version (id, version) proved wrong, in every language; False when it was before, or was never published."""
    changed = connection.execute(
        update(notice_text)
        .where(
            notice_text.c.organisation == organisation,
            notice_text.c.notice_id == version[0],
            notice_text.c.version == version[1],
            notice_text.c.invalid_at.is_(None),
        )
        .values(invalid_at=at, reason_sealed=reason)
    )
    return changed.rowcount > 0
