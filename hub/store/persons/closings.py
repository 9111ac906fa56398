"""Closing messages in SQL: who leads a traject, whose involvement a message ends, and reports of death."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from consent.endings import Ended, earlier
from consent.store.any_of import any_of
from consent.store.tables import death, involvement, person
from contracts.identity import Oin
from hub.store.tables import trajectory


@dataclass(frozen=True, slots=True)
class Led:
    """Whose a traject is: its opdrachtgever, and who opened it."""

    client: Oin
    opener: Oin

    @property
    def leaders(self) -> frozenset[Oin]:
        """Those who may end it."""
        return frozenset({self.client, self.opener})


_LED: Final = select(trajectory.c.trajectory_id, trajectory.c.client, trajectory.c.opened_by).where(
    any_of(trajectory.c.trajectory_id, "ids")
)


def led(connection: Connection, trajectories: Collection[str]) -> dict[str, Led]:
    """Whose these trajecten are; one that does not exist is absent. Of none nothing is asked."""
    if not trajectories:
        return {}
    rows = connection.execute(_LED, {"ids": list(trajectories)})
    return {row.trajectory_id: Led(Oin(row.client), Oin(row.opened_by)) for row in rows}


def close(connection: Connection, root: str, ended: Ended) -> None:
    """Note what a closing message ends (``consent.endings.close``)."""
    mine = _of(root) & (involvement.c.trajectory_id == ended.trajectory) & involvement.c.closed_by.is_(None)
    if ended.receiver is not None:
        mine &= involvement.c.organisation == ended.receiver
    for row in connection.execute(select(involvement).where(mine)).all():
        values = {"closed_by": ended.message, "closed_at": ended.at, "planned_until": row.valid_until}
        _set(connection, row, values | {"valid_until": earlier(row.valid_until, ended.until)})


def tell(connection: Connection, told: Collection[tuple[str, str | None, Oin]], at: datetime) -> None:
    """Involvements that are over: each is the (root, traject, organisation) to which a closing message was released."""
    for root, trajectory_id, organisation in told:
        mine = _of(root) & (involvement.c.trajectory_id == trajectory_id) & (involvement.c.organisation == organisation)
        mine &= involvement.c.closed_by.is_not(None) & involvement.c.told_at.is_(None)
        for row in connection.execute(select(involvement).where(mine)).all():
            _set(connection, row, {"valid_until": earlier(row.valid_until, at), "told_at": at})


def closed_by(connection: Connection, message_id: str) -> list[Row[Any]]:
    """The involvements that this message ends or ended."""
    query = select(involvement).where(involvement.c.closed_by == message_id)
    return list(connection.execute(query.order_by(involvement.c.organisation)))


def reopen(connection: Connection, rows: Collection[Row[Any]]) -> None:
    """Give these involvements back (``consent.endings.reopen``)."""
    for row in rows:
        values = {"closed_by": None, "closed_at": None, "planned_until": None, "told_at": None}
        _set(connection, row, values | {"valid_until": row.planned_until})


def report_death(connection: Connection, values: dict[str, Any]) -> None:
    """A report of death (values of ``death``)."""
    connection.execute(insert(death).values(values))
    _settle(connection, values["person_id"])


def recall_death(connection: Connection, message_id: str, at: datetime) -> bool:
    """Take a report of death back; False when this message made none. The person lives where no other stands."""
    row = connection.execute(select(death).where(death.c.message_id == message_id)).one_or_none()
    if row is None or row.recalled_at is not None:
        return False
    connection.execute(update(death).where(death.c.message_id == message_id).values(recalled_at=at))
    _settle(connection, row.person_id)
    return True


def _settle(connection: Connection, person_id: str) -> None:
    standing = select(func.min(death.c.at)).where(death.c.person_id == person_id, death.c.recalled_at.is_(None))
    connection.execute(
        update(person).where(person.c.person_id == person_id).values(deceased_at=standing.scalar_subquery())
    )


def _of(root: str) -> Any:
    return involvement.c.person_id.in_(select(person.c.person_id).where(person.c.root == root))


def _set(connection: Connection, row: Row[Any], values: dict[str, Any]) -> None:
    mine = involvement.c.involvement_id == row.involvement_id
    connection.execute(update(involvement).where(mine).values(values))
