"""The outbound half of a hub on a real database, with real HTTP receivers on loopback. Only time can be moved.

Messages are the hub's own ``bericht.ingetrokken``: about nobody, so that each release is real without a region around.
"""

import os
import ssl
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from consent.keys import SYSTEM_KEY, KeyStore, open_key_engine
from consent.log.tables import ledger_pending
from contracts.canonical import canonical
from contracts.envelope import TYPE_PREFIX
from contracts.identity import Oin
from hub.delivery.doorbell import Doorbell, open_doorbell
from hub.delivery.prepare import Preparer
from hub.delivery.push import Parts, Push
from hub.delivery.relay import Relay
from hub.delivery.release import Releaser
from hub.delivery.states import State
from hub.delivery.webhook.address_guard import AddressGuard, Resolver, resolve
from hub.delivery.webhook.outcomes import Recorder
from hub.delivery.webhook.send import Sender
from hub.intake.accept import body_aad
from hub.keys.sealing import seal
from hub.ledger.evidence import Evidence
from hub.machine.clock_guard import ClockGuard
from hub.machine.ids import Ids
from hub.store.database import open_engine, reading
from hub.store.locks import Locks
from hub.store.migrations.schema import target
from hub.store.region import subscriptions
from hub.store.region.subscriptions import Subscription
from hub.store.tables import attempt, delivery, mandate, message, organisation, system
from hub.store.writer import Transaction, Transactions, Writer, single
from hub.telemetry import build_metrics

SENDER = Oin("00000099000000001000")
RECEIVER = Oin("00000099000000003000")
OTHER = Oin("00000099000000004000")
KIND = "bericht.ingetrokken"
SECRET = b"geheim-van-dertig-bytes-of-meer!"
SECRET_KEY = b"w" * 32


class Shifted:
    """The machine's clock, set ahead on demand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@dataclass(frozen=True)
class Call:
    """One request that a receiver got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Answer:
    """How a receiver answers: a status, headers, a body, after so many seconds."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: float = 0.0


class Receiver:
    """A partner's webhook: a real HTTP server on loopback that notes what it got. ``script`` decides each answer."""

    def __init__(
        self, script: Callable[[Call], Answer] = lambda call: Answer(), tls: ssl.SSLContext | None = None
    ) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        self.script = script
        self._tls = tls
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen; a second start uses the same port."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                receiver.connections += 1
                super().setup()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, self.path, headers, body, time.monotonic())
                receiver.calls.append(call)
                answer = receiver.script(call)
                time.sleep(answer.after)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_POST = do_OPTIONS = do_GET = _answer

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: Any) -> None:
                """A client that hangs up is part of some tests."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhook"

    def ids(self) -> list[str]:
        """The webhook-ids in the order in which they came."""
        return [call.id for call in list(self.calls)]


class Noticing:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.burials: list[str] = []
        self.troubles: list[tuple[str, str]] = []

    def sent(self, outcome: str, seconds: float) -> None:
        self.outcomes.append(outcome)

    def buried(self, reason: str) -> None:
        self.burials.append(reason)

    def trouble(self, part: str, error: str) -> None:
        self.troubles.append((part, error))


def wait_until(ready: Callable[[], bool], seconds: float = 8.0) -> None:
    """Returns when ``ready`` says so; fails after ``seconds``."""
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


class World:
    """The parts of one process that carry messages out. ``start`` gives it its threads."""

    def __init__(self, folder: Path, url: str | None = None, broker: str = "memory://") -> None:
        self.clock = Shifted()
        self.engine: Engine = open_engine(url or f"sqlite:///{folder}/hub.db")
        target().create_all(self.engine)
        self.keys = KeyStore(open_key_engine(f"sqlite:///{folder}/keys.db"), b"m" * 32, os.urandom)
        self.keys.create_tables()
        self.new_id = Ids(self.clock, os.urandom)
        self.transactions = Transactions(self.engine, self.clock)
        self.writer = Writer(self.transactions)
        self.evidence = Evidence(self.keys, self.new_id)
        metrics = build_metrics([KIND])
        releaser = Releaser(
            self.keys, self.evidence, self.new_id, os.urandom, ClockGuard(self.clock, self.look), metrics
        )
        self.preparer: Any = Preparer(releaser, self.writer, self.look, self.clock, SECRET_KEY)
        self.recorder = Recorder(self.evidence, os.urandom)
        self.doorbell: Doorbell = open_doorbell(broker)
        self.observer = Noticing()
        self.allowed: set[tuple[str, int]] = set()
        self.resolver: Resolver = resolve
        self.relay = Relay(self.engine, self.writer, self.doorbell, self.clock, self.observer)
        self.push: Push | None = None
        self.writer.start()

    def look(self) -> AbstractContextManager[Connection]:
        """A read-only connection."""
        return reading(self.engine)

    def sender(self) -> Sender:
        """A sender as each worker gets one."""
        guard = AddressGuard(frozenset(self.allowed), demo=True, resolver=self.resolver)
        return Sender(guard, self.clock, ssl.create_default_context())

    def start(self, workers: int = 4) -> None:
        """Carry messages out until ``stop``."""
        parts = Parts(
            self.engine,
            self.writer,
            self.preparer,
            self.recorder,
            self.doorbell,
            self.sender,
            self.clock,
            self.new_id,
            self.observer,
        )
        self.push = Push(parts, workers)
        self.push.start()
        self.relay.start()

    def stop(self) -> None:
        """End every thread and connection."""
        if self.push is not None:
            self.relay.stop()
            self.push.stop()
        self.doorbell.close()
        self.writer.stop()
        self.engine.dispose()

    def write(self, work: Callable[[Transaction], Any]) -> Any:
        """One transaction of the test's own."""
        return single(self.transactions, work)

    def organisations(self, *oins: Oin) -> None:
        """Active organisations, and the system that acts for all of them."""
        now = self.clock.now()

        def work(tx: Transaction) -> None:
            tx.connection.execute(insert(system).values(name="platform", jwks={"keys": []}, added_at=now))
            rows = [{"oin": oin, "name": "naam", "role": "gemeente", "added_at": now} for oin in oins]
            tx.connection.execute(insert(organisation), rows)
            may = {"system": "platform", "scopes": ["berichten:ontvangen"], "added_at": now}
            tx.connection.execute(
                insert(mandate), [may | {"mandate_id": self.new_id(), "organisation": o} for o in oins]
            )

        self.write(work)

    def subscribe(self, who: Oin, url: str, kinds: Collection[str] | None = None) -> None:
        """A subscription as PUT makes one, without the handshake."""
        sealed = seal(SECRET_KEY, SECRET, subscriptions.aad(who, url), os.urandom)
        chosen = None if kinds is None else frozenset(kinds)
        new = Subscription(who, "platform", url, chosen, sealed, self.clock.now())
        single(self.transactions, lambda tx: subscriptions.put(tx.connection, new), Locks(rules_exclusive=True))

    def allow(self, receiver: Receiver) -> Receiver:
        """Let webhooks go to this receiver on loopback."""
        self.allowed.add(("127.0.0.1", receiver.port))
        return receiver

    def accept(self, who: Oin, lines: Sequence[str], kind: str = KIND) -> list[str]:
        """One waiting delivery per line, in this order; their ids."""
        key = self.keys.ensure([SYSTEM_KEY])[SYSTEM_KEY]
        now = self.clock.now()
        messages: list[dict[str, Any]] = []
        deliveries: list[dict[str, Any]] = []
        for line in lines:
            message_id = self.new_id()
            messages.append(_message(message_id, kind, now, key))
            deliveries.append(_delivery(self.new_id(), message_id, who, line, kind) | {"next_at": now})

        def work(tx: Transaction) -> None:
            tx.connection.execute(insert(message), messages)
            tx.connection.execute(insert(delivery), deliveries)

        self.write(work)
        self.relay.nudge([who])
        return [row["delivery_id"] for row in deliveries]

    def row(self, delivery_id: str) -> Row[Any]:
        """A delivery as it stands."""
        with reading(self.engine) as connection:
            return connection.execute(select(delivery).where(delivery.c.delivery_id == delivery_id)).one()

    def state(self, delivery_id: str) -> State:
        """Its state."""
        return State(self.row(delivery_id).state)

    def states(self, ids: Collection[str]) -> set[State]:
        """The states of these deliveries."""
        with reading(self.engine) as connection:
            found = connection.scalars(select(delivery.c.state).where(delivery.c.delivery_id.in_(list(ids))))
            return {State(state) for state in found}

    def attempts(self, delivery_id: str) -> list[tuple[int, str | None]]:
        """Number and outcome of its attempts."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(attempt.c.number, attempt.c.outcome)
                .where(attempt.c.delivery_id == delivery_id)
                .order_by(attempt.c.number)
            )
            return [(row.number, row.outcome) for row in rows]

    def leaves(self) -> int:
        """Entries that wait for the evidence log."""
        with reading(self.engine) as connection:
            return connection.execute(select(func.count()).select_from(ledger_pending)).scalar_one()

    def advance(self, seconds: float) -> None:
        """Time passes, and the relay looks again."""
        self.clock.ahead += seconds
        self.relay.nudge([RECEIVER, OTHER])

    def set(self, delivery_id: str, **values: Any) -> None:
        """Put a delivery in a situation that a crash would leave."""
        self.write(
            lambda tx: tx.connection.execute(
                update(delivery).where(delivery.c.delivery_id == delivery_id).values(**values)
            )
        )


def _message(message_id: str, kind: str, now: datetime, key: bytes) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": f"m-{message_id}",
        "source": f"urn:nld:oin:{SENDER}:systeem:hub",
        "type": f"{TYPE_PREFIX}{kind}.v1",
        "datacontenttype": "application/json",
        "data": {},
    }
    return {
        "message_id": message_id,
        "person_id": None,
        "organisation": SENDER,
        "system": "hub",
        "event_id": event["id"],
        "kind": kind,
        "purpose": "rechten",
        "accepted_at": now,
        "body": seal(key, canonical(event), body_aad(message_id), os.urandom),
        "receipt": b"",
        "entry_id": message_id,
    }


def _delivery(delivery_id: str, message_id: str, who: Oin, line: str, kind: str) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "message_id": message_id,
        "organisation": SENDER,
        "recipient": who,
        "line": line,
        "kind": kind,
        "opens": False,
        "notice": True,
        "overtakes": False,
        "state": State.WAITING.value,
        "attempts": 0,
    }
