"""The broker as a doorbell: it carries delivery ids and nothing else, and everything it loses comes back by itself.

Truth, order and burial are in SQL, under leases. A ring only says: there is something for this recipient. The embedded
default is kombu's ``memory://`` transport, which polls; here its listener sleeps on a condition instead, so that it
is quick and costs nothing while idle. In production each recipient has one durable quorum queue in RabbitMQ.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import kombu.connection
import kombu.entity
import kombu.messaging

from contracts.identity import Oin

#: kombu is not annotated.
_Connection: Final[Any] = kombu.connection.Connection
_Queue: Final[Any] = kombu.entity.Queue
_Consumer: Final[Any] = kombu.messaging.Consumer
_Producer: Final[Any] = kombu.messaging.Producer

PREFIX: Final = "doorstroomhub.push."
DEAD: Final = "doorstroomhub.dood"
#: Seconds to wait for the broker's confirmation of one ring, and for a connection.
CONFIRM_TIMEOUT: Final = 5.0
CONNECT_TIMEOUT: Final = 5.0
#: Seconds to wait for any other answer of the broker.
ANSWER_TIMEOUT: Final = 5.0
_TICK: Final = 0.05  # seconds between two looks at what must be acknowledged to RabbitMQ
_HEARTBEAT: Final = 20  # seconds; without it a listener would not notice a network that went away
_PREFETCH: Final = 4  # rings of one recipient that a process holds unacknowledged
_IN_MEMORY: Final = "memory"
#: A ring is only a hint: old ones are dropped, and a queue that nobody empties stays small.
_ARGUMENTS: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": 5,
    "x-max-length": 1_000,
    "x-message-ttl": 300_000,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
}
_DEAD_ARGUMENTS: Final[dict[str, Any]] = {"x-queue-type": "quorum", "x-max-length": 10_000}


class DoorbellBroken(Exception):
    """The broker did not take a ring, or cannot be reached. Nothing is lost: the leases run out and the relay rings
    again."""


@dataclass(frozen=True, slots=True)
class Ring:
    """There is something for ``recipient``. ``done`` tells the broker that it was dealt with (late acknowledgement)."""

    recipient: Oin
    delivery_ids: tuple[str, ...]
    done: Callable[[], None]


@dataclass(frozen=True, slots=True)
class DeadRing:
    """A ring that nobody answered in time: to be counted and dropped. ``done`` as in ``Ring``."""

    done: Callable[[], None]


class Doorbell(Protocol):
    """Rings across threads or processes. ``ring`` raises only ``DoorbellBroken``; so does a listener."""

    def ring(self, recipient: Oin, delivery_ids: Collection[str]) -> None:
        """Tell whoever listens that these deliveries are due; returns when the broker has it."""

    def listen(self, recipients: Collection[Oin], timeout: float) -> Ring | DeadRing | None:
        """The next ring for one of these recipients; None after ``timeout`` seconds. For one listening thread."""

    def close(self) -> None:
        """Let go of the broker, and wake whoever listens."""


def open_doorbell(url: str) -> "Doorbell":
    """The doorbell at ``HUB_BROKER_URL``: ``memory://`` for one process, ``amqp://…`` for RabbitMQ."""
    return MemoryDoorbell(url) if url.startswith(_IN_MEMORY) else RabbitDoorbell(url)


def _ids(raw: Any) -> tuple[str, ...]:
    """The delivery ids of a ring; what is no list of texts counts as an empty ring, which is harmless."""
    try:
        found = json.loads(raw)
    except (ValueError, TypeError):
        return ()
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


@dataclass(slots=True)
class _Rung:
    """Which recipients rang in this process, in order."""

    waiting: deque[Oin] = field(default_factory=deque)
    wake: threading.Condition = field(default_factory=threading.Condition)
    closed: bool = False


class MemoryDoorbell:
    """kombu's ``memory://``, with a condition beside it that wakes the listener within the same process."""

    def __init__(self, url: str = "memory://") -> None:
        self._lock = threading.Lock()  # kombu's channels are not for two threads at once
        self._connection = _Connection(url)
        self._channel = self._connection.channel()
        self._queues: set[Oin] = set()
        self._rung = _Rung()

    def ring(self, recipient: Oin, delivery_ids: Collection[str]) -> None:
        """See ``Doorbell.ring``."""
        with self._lock:
            if recipient not in self._queues:
                _Queue(PREFIX + recipient, durable=False, channel=self._channel).declare()
                self._queues.add(recipient)
            _Producer(self._channel).publish(
                json.dumps(list(delivery_ids)),
                routing_key=PREFIX + recipient,
                content_type="application/json",
                content_encoding="utf-8",
            )
        with self._rung.wake:
            self._rung.waiting.append(recipient)
            self._rung.wake.notify()

    def listen(self, recipients: Collection[Oin], timeout: float) -> Ring | DeadRing | None:
        """See ``Doorbell.listen``. In one process every recipient that rings is heard."""
        with self._rung.wake:
            self._rung.wake.wait_for(lambda: self._rung.waiting or self._rung.closed, timeout)
            if self._rung.closed or not self._rung.waiting:
                return None
            recipient = self._rung.waiting.popleft()
        with self._lock:
            message = self._channel.basic_get(PREFIX + recipient, no_ack=False)
        if message is None:
            return None
        return Ring(recipient, _ids(message.body), lambda: self._acknowledge(message.delivery_tag))

    def _acknowledge(self, tag: Any) -> None:
        with self._lock:
            self._channel.basic_ack(tag)

    def close(self) -> None:
        """See ``Doorbell.close``."""
        with self._rung.wake:
            self._rung.closed = True
            self._rung.wake.notify_all()
        with self._lock:
            for recipient in self._queues:
                self._channel.queue_delete(PREFIX + recipient)
            self._connection.release()


class RabbitDoorbell:
    """RabbitMQ: quorum queues, confirms with a timeout, ``mandatory``, late acknowledgement.

    One connection rings, under a lock; another listens, in its one thread. py-amqp connections are not shared by
    threads, so acknowledgements are handed to the listening thread.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._ringing: Any = None
        self._producer: Any = None
        self._declared: set[Oin] = set()
        self._listening: Any = None
        self._consumers: dict[str, Any] = {}
        self._heard: deque[Ring | DeadRing] = deque()
        self._to_acknowledge: deque[tuple[Any, Any]] = deque()
        self._closed = threading.Event()

    def ring(self, recipient: Oin, delivery_ids: Collection[str]) -> None:
        """See ``Doorbell.ring``."""
        with self._lock:
            try:
                self._publish(recipient, json.dumps(list(delivery_ids)))
            except Exception as error:
                self._drop_ringing()
                raise DoorbellBroken("the broker did not take a ring") from error

    def _publish(self, recipient: Oin, body: str) -> None:
        if self._ringing is None:
            self._ringing = self._connect()
            self._producer = _Producer(self._ringing.channel())
            self._declared.clear()
            _declare(self._producer.channel, DEAD, _DEAD_ARGUMENTS)
        if recipient not in self._declared:
            _declare(self._producer.channel, PREFIX + recipient, _ARGUMENTS)
            self._declared.add(recipient)
        self._producer.publish(
            body,
            routing_key=PREFIX + recipient,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            mandatory=True,
            confirm_timeout=CONFIRM_TIMEOUT,
        )

    def _connect(self, heartbeat: int = 0) -> Any:
        options = {"confirm_publish": True, "write_timeout": CONNECT_TIMEOUT}
        connection = _Connection(
            self._url, connect_timeout=CONNECT_TIMEOUT, heartbeat=heartbeat, transport_options=options
        )
        connection.connect()
        # A queue whose node lost it in a crash answers nothing, not even a declaration; py-amqp would wait for ever.
        connection.connection.transport.sock.settimeout(ANSWER_TIMEOUT)
        return connection

    def _drop_ringing(self) -> None:
        broken, self._ringing, self._producer = self._ringing, None, None
        if broken is not None:
            _abandon(broken)

    def listen(self, recipients: Collection[Oin], timeout: float) -> Ring | DeadRing | None:
        """See ``Doorbell.listen``. After ``DoorbellBroken`` the next call connects anew."""
        until = time.monotonic() + timeout
        try:
            self._consume(recipients)
            while not self._heard and not self._closed.is_set():
                self._acknowledge()
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._drain(min(left, _TICK))
            self._acknowledge()
        except Exception as error:
            self._drop_listening()
            raise DoorbellBroken("the broker went away") from error
        return self._heard.popleft() if self._heard else None

    def _consume(self, recipients: Collection[Oin]) -> None:
        if self._listening is None:
            self._listening = self._connect(_HEARTBEAT)
            self._hear(DEAD, _DEAD_ARGUMENTS, self._on_dead)
        for recipient in recipients:
            if PREFIX + recipient not in self._consumers:
                self._hear(PREFIX + recipient, _ARGUMENTS, self._on_ring(recipient))

    def _hear(self, name: str, arguments: dict[str, Any], on_message: Callable[[Any], None]) -> None:
        assert self._listening is not None
        channel = self._listening.channel()
        _declare(channel, name, arguments)
        queue = _Queue(name, durable=True, queue_arguments=arguments, no_declare=True)
        consumer = _Consumer(channel, [queue], on_message=on_message, auto_declare=False, prefetch_count=_PREFETCH)
        consumer.consume()
        self._consumers[name] = consumer

    def _on_ring(self, recipient: Oin) -> Callable[[Any], None]:
        def heard(message: Any) -> None:
            self._heard.append(Ring(recipient, _ids(message.body), self._later(message)))

        return heard

    def _on_dead(self, message: Any) -> None:
        self._heard.append(DeadRing(self._later(message)))

    def _later(self, message: Any) -> Callable[[], None]:
        connection = self._listening
        assert connection is not None
        return lambda: self._to_acknowledge.append((connection, message))

    def _acknowledge(self) -> None:
        while self._to_acknowledge:
            connection, message = self._to_acknowledge.popleft()
            if connection is self._listening:  # of an earlier connection the broker has given it out again
                message.ack()

    def _drain(self, seconds: float) -> None:
        assert self._listening is not None
        self._listening.heartbeat_check()
        try:
            self._listening.drain_events(timeout=seconds)
        except TimeoutError:
            return

    def _drop_listening(self) -> None:
        broken, self._listening = self._listening, None
        self._consumers.clear()
        self._heard.clear()  # unacknowledged, so the broker gives them again
        if broken is not None:
            _abandon(broken)

    def close(self) -> None:
        """See ``Doorbell.close``. Call it after the listening thread has ended."""
        self._closed.set()
        self._drop_listening()
        with self._lock:
            self._drop_ringing()


def _declare(channel: Any, name: str, arguments: dict[str, Any]) -> None:
    _Queue(name, durable=True, queue_arguments=arguments, channel=channel).declare()


def _abandon(connection: Any) -> None:
    """Close a connection that may be broken: at most a second for the broker, then the socket goes."""
    connection.collect(socket_timeout=1)
