"""A partner's webhook, a process of its own: agrees to the handshake, answers 200, notes when each event came.

It writes its port, listens until its input ends, then writes ``{event id: monotonic seconds}``.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Webhook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    arrived: dict[str, float]

    def do_OPTIONS(self) -> None:
        """The handshake of CloudEvents WebHook §4."""
        self.send_response(200)
        self.send_header("WebHook-Allowed-Origin", self.headers.get("WebHook-Request-Origin", "*"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """One event; it counts from its last byte."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        came = time.monotonic()
        self.arrived.setdefault(json.loads(body)["id"], came)
        self.send_response_only(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the line would cost more than the answer."""


def main() -> None:
    """Serve on a free port of loopback until the input ends."""
    _Webhook.arrived = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Webhook)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    json.dump(_Webhook.arrived, sys.stdout)


if __name__ == "__main__":
    main()
