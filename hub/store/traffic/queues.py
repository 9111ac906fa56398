"""How much is on its way, and since when: read at each look at the metrics, whichever process is asked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from hub.delivery.states import State
from hub.ports import Clock
from hub.store.database import reading
from hub.store.tables import delivery, message

#: Of which states; what ended is in none.
STATES: Final = (State.WAITING, State.RELEASED, State.DELIVERED)
# Word for word the condition of the partial indexes, without parameters: SQLite uses them for nothing less.
_UNFINISHED = text("delivery.state IN ('wachtend', 'vrijgegeven', 'afgeleverd')")


@dataclass(frozen=True, slots=True)
class Queues:
    """A collector of Prometheus: two gauges by state. While the database does not answer they are absent."""

    engine: Engine
    clock: Clock

    def describe(self) -> Iterable[Metric]:
        """Their names."""
        return gauges()

    def collect(self) -> Iterator[Metric]:
        """As it is now."""
        count, age = gauges()
        try:
            with reading(self.engine) as connection:
                found = _read(connection)
        except SQLAlchemyError as error:
            structlog.get_logger().warning("queues not read", exc_info=error)
            return
        now = self.clock.now()
        for state in STATES:
            many, oldest = found.get(state.value, (0, now))
            count.add_metric([state.value], many)
            age.add_metric([state.value], max(0.0, (now - oldest).total_seconds()))
        yield from (count, age)


def gauges() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    """The two, empty."""
    return (
        GaugeMetricFamily("hub_queue_deliveries", "Deliveries on their way", labels=["state"]),
        GaugeMetricFamily("hub_queue_age_seconds", "Since the oldest of them was accepted", labels=["state"]),
    )


def _read(connection: Connection) -> dict[str, tuple[int, datetime]]:
    query = (
        select(delivery.c.state, func.count(), func.min(message.c.accepted_at))
        .join(message, message.c.message_id == delivery.c.message_id)
        .where(_UNFINISHED)
        .group_by(delivery.c.state)
    )
    return {state: (many, oldest) for state, many, oldest in connection.execute(query)}
