"""A receiver of alerts: a local HTTP server that keeps what apprise's json:// posts to it, and fails when a test asks for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """`messages` in the order in which they came; `up` False answers 503 to everything."""

    port: int = 0
    up: bool = True
    asked: int = 0
    messages: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """With a token in it, which must not show anywhere."""
        return f"json://127.0.0.1:{self.port}/s3cr3t-token"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.asked += 1
            if receiver.up:
                receiver.messages.append(json.loads(body))
            self.send_response(200 if receiver.up else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Writes no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
