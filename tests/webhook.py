"""A partner's webhook for acceptance tests: a real HTTP server that answers the handshake and notes every delivery."""

import json
from collections.abc import Callable
from typing import Any

from tests.unit.delivery.world import Answer, Call, Receiver


class Webhook:
    """Listens on loopback. ``status`` is what it answers to a delivery; ``down`` and ``up`` close and open its port."""

    def __init__(self, status: int = 200, script: Callable[[Call], Answer] | None = None) -> None:
        self.status = status
        self.script = script
        self._receiver = Receiver(self._answer)
        self.port, self.url = self._receiver.port, self._receiver.url

    def _answer(self, call: Call) -> Answer:
        if call.method == "OPTIONS":
            return Answer(200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "*"})
        return self.script(call) if self.script is not None else Answer(self.status)

    def calls(self) -> list[Call]:
        """Every delivery that came in as a whole, however it was answered; a killed hub may break off in the middle."""
        return [call for call in list(self._receiver.calls) if call.method == "POST" and _whole(call)]

    def events(self) -> list[dict[str, Any]]:
        """The messages of those deliveries, in the order in which they came."""
        return [json.loads(call.body) for call in self.calls()]

    def down(self) -> None:
        """Refuse connections."""
        self._receiver.stop()

    def up(self) -> None:
        """Listen again, on the same port."""
        self._receiver.start()

    def close(self) -> None:
        self._receiver.stop()


def _whole(call: Call) -> bool:
    return len(call.body) == int(call.headers.get("content-length", -1))
