"""What arrived in a race, at the webhook and in the mailbox, and how long this machine may hold up what arrives."""

import json
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final

from tests.acceptance.race_verdict import Arrival
from tests.unit.delivery.world import Answer, Call
from tests.webhook import Webhook

KIND: Final = "nl.doorstroomhub.voortgang.gemeld.v1"
_PROBE: Final = "/proef"
_INTERVAL: Final = 0.1  # seconds between two probes
_NEAR: Final = 1.0  # probes within so many seconds of an arrival tell how it may have fared
#: More is never allowed for: a machine that stands still for longer makes a run red, not lenient.
MOST_DELAY: Final = 1.0


@dataclass(slots=True)
class Pace:
    """How long something takes on this machine, these days. Seconds."""

    seconds: float

    def learn(self, seconds: float) -> None:
        self.seconds += (seconds - self.seconds) / 4


class Heard:
    """Notes each arrival of a report. ``pushed``: the organisation behind the webhook."""

    def __init__(self, webhook: Webhook, pushed: str) -> None:
        self.arrivals: list[Arrival] = []
        self._pushed = pushed
        self._news = threading.Condition()
        self._ids: set[str] = set()
        self._pushes: Counter[str] = Counter()
        self._failing: dict[str, int] = {}
        webhook.script = self._push

    def fail(self, event_id: str, times: int) -> None:
        """Answer 500 to the first so many attempts for this event."""
        self._failing[event_id] = times

    def wait_for(self, ids: Collection[str], seconds: float = 1.0) -> None:
        """Until one of these arrived somewhere, at most so long."""
        with self._news:
            self._news.wait_for(lambda: not self._ids.isdisjoint(ids), seconds)

    def wait_for_push(self, event_id: str, times: int, seconds: float) -> bool:
        """Until this event was pushed so many times, at most so long; whether it was."""
        with self._news:
            return self._news.wait_for(lambda: self._pushes[event_id] >= times, seconds)

    def fetched(self, page: Iterable[dict[str, Any]], who: str, asked: float) -> None:
        """A page of a mailbox came in; the fetch began at ``asked``."""
        now = time.monotonic()
        with self._news:
            for event in page:
                if event["type"] == KIND:
                    self._note(Arrival(event["id"], who, now, asked))
            self._news.notify_all()

    def _push(self, call: Call) -> Answer:
        if call.path == _PROBE:
            return Answer(200)
        with suppress(json.JSONDecodeError), self._news:  # a hub that is stopped may break off in the middle
            event = json.loads(call.body)
            if event["type"] == KIND:
                event_id = event["id"]
                self._note(Arrival(event_id, self._pushed, call.at))
                self._pushes[event_id] += 1
                self._news.notify_all()
                return Answer(500 if self._pushes[event_id] <= self._failing.get(event_id, 0) else 200)
        return Answer(200)

    def _note(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        self._ids.add(arrival.event_id)


class Delays:
    """Calls the webhook itself, ten times a second, and notes how late each call was noted there or came back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._seen: list[tuple[float, float]] = []  # (when it was back, how late), in order
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def __enter__(self) -> "Delays":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _probe(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._done.is_set():
            due = time.monotonic() + _INTERVAL
            self._done.wait(_INTERVAL)
            connection.request("POST", _PROBE, b"{}")
            connection.getresponse().read()
            now = time.monotonic()
            self._seen.append((now, now - due))
        connection.close()

    def around(self, at: float) -> float:
        """The longest delay near this second, also of the first probe behind it; at most ``MOST_DELAY``."""
        first = bisect_left(self._seen, (at - _NEAR, 0.0))
        behind = bisect_left(self._seen, (at, 0.0)) + 1
        last = max(behind, bisect_left(self._seen, (at + _NEAR, 0.0)))
        return min(MOST_DELAY, max((late for _, late in self._seen[first:last]), default=0.0))

    @property
    def longest(self) -> float:
        """The longest of all, seconds."""
        return max((late for _, late in self._seen), default=0.0)
