"""What came in, by mailbox or by webhook: one JSON file per message, in the order of arrival, each once."""

import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

Event = Mapping[str, Any]
_UNSAFE: Final = re.compile(r"[^a-z0-9.-]")


class Inbox:
    """The received messages of a partner; those of an earlier run of the same partner are there too."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._changed = threading.Condition()
        found = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
        self._events: list[Event] = [each["bericht"] for each in found]
        self._known: set[str] = {each["bezorging"] for each in found}

    def add(self, delivery: str, event: Event) -> bool:
        """Keep a message; false when this delivery (webhook-id, or sequence) was there already."""
        with self._changed:
            if delivery in self._known:
                return False
            kind = _UNSAFE.sub("", str(event.get("type", "")).removeprefix("nl.doorstroomhub."))
            place = self._folder / f"{len(self._events) + 1:04d}-{kind}.json"
            part = place.with_suffix(".part")
            part.write_text(json.dumps({"bezorging": delivery, "bericht": event}, ensure_ascii=False), "utf-8")
            part.replace(place)
            self._known.add(delivery)
            self._events.append(event)
            self._changed.notify_all()
            return True

    def wait_for(self, count: int, seconds: float) -> None:
        """Until there are so many messages in all, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) >= count, timeout=seconds)

    def since(self, count: int) -> list[Event]:
        """The messages after the first ``count``."""
        with self._changed:
            return self._events[count:]
