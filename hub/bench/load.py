"""The load generator, a process of its own: a plan (JSON) on its input, what it saw (JSON) on its output.

One thread, plain sockets, one request under way per connection. Closed loop, or with ``rate`` an open one, in which a
request counts from the moment at which it was due. It costs about 20 µs of CPU a request, and says how much it took.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

_LENGTH: Final = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)
_PATIENCE: Final = 30.0  # seconds for an answer
#: Digits of the number that makes a message new.
DIGITS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send. Each request is a list of texts; between two of them comes a fresh message id.

    ``rate``: requests a second, or ``None`` for as many as are answered. ``keep``: tell when each id was sent.
    """

    port: int
    connections: int
    seconds: float
    requests: list[list[str]]
    prefix: str
    rate: float | None = None
    keep: bool = False


@dataclass(slots=True)
class Seen:
    """What came of it."""

    statuses: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Line:
    socket: socket.socket
    began: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def done(self) -> bool:
        """True when the whole answer is there."""
        head = self.answer.find(b"\r\n\r\n")
        if head < 0:
            return False
        length = _LENGTH.search(self.answer, 0, head + 2)
        return len(self.answer) >= head + 4 + (int(length.group(1)) if length else 0)


def http(port: int, target: str, token: str, media: str, body: list[str]) -> list[str]:
    """One POST as texts between which ids come; ``body`` likewise."""
    length = len("".join(body).encode()) + (len(body) - 1) * DIGITS
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {media}\r\nContent-Length: {length}\r\n\r\n"
    )
    return [head + body[0], *body[1:]]


class _Generator:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = [[text.encode() for text in texts] for texts in plan.requests]
        self._numbers = count()
        self._turn = count()
        self.seen = Seen()

    def run(self) -> float:
        """Send until the time is over, then wait for what is under way; the seconds that it took."""
        selector = selectors.DefaultSelector()
        free: deque[_Line] = deque()
        for _ in range(self._plan.connections):
            line = _Line(socket.create_connection(("127.0.0.1", self._plan.port), timeout=_PATIENCE))
            line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(line.socket, selectors.EVENT_READ, line)
            free.append(line)
        began = time.monotonic()
        end = began + self._plan.seconds
        dues = self._dues(began)
        due = next(dues)
        while (now := time.monotonic()) < end or len(free) < self._plan.connections:
            while free and due <= now < end:
                self._send(free.popleft(), due if self._plan.rate else now)
                due = next(dues)
            if now > end + _PATIENCE:
                break
            pause = min(due, end) - now if free and now < end else _PATIENCE
            for key, _ in selector.select(max(pause, 0.0)):
                if self._receive(key.data):
                    free.append(key.data)
        took = time.monotonic() - began
        for key in list(selector.get_map().values()):
            key.data.socket.close()
        return took

    def _dues(self, began: float) -> Iterator[float]:
        rate = self._plan.rate
        for number in count():
            yield began + number / rate if rate else 0.0

    def _send(self, line: _Line, began: float) -> None:
        texts = self._requests[next(self._turn) % len(self._requests)]
        request = bytearray(texts[0])
        for text in texts[1:]:
            number = f"{next(self._numbers):0{DIGITS}d}"
            request += number.encode() + text
            if self._plan.keep:
                self.seen.sent[self._plan.prefix + number] = began
        line.began = began
        line.answer.clear()
        line.socket.sendall(request)

    def _receive(self, line: _Line) -> bool:
        piece = line.socket.recv(262_144)
        if not piece:
            raise ConnectionError("the server closed a connection")
        line.answer += piece
        if not line.done():
            return False
        self.seen.waits.append(time.monotonic() - line.began)
        self.seen.statuses[line.answer[9:12].decode()] += 1
        return True


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of ``values`` lies; 0 without values."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def main() -> None:
    """Read a plan, carry it out, write what was seen."""
    plan = Plan(**json.load(sys.stdin))
    generator = _Generator(plan)
    cost = time.process_time()
    took = generator.run()
    seen = generator.seen
    answer: dict[str, Any] = {
        "requests": len(seen.waits),
        "seconds": took,
        "statuses": dict(seen.statuses),
        "p50": percentile(seen.waits, 0.50),
        "p99": percentile(seen.waits, 0.99),
        "cpu": time.process_time() - cost,
        "sent": seen.sent,
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
