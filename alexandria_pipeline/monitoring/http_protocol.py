"""The HTTP protocol of the server, with a time limit for requests that do not end.

uvicorn has no limit for the time in which a request must arrive: a client that sends half a request keeps its connection for
ever, and enough of them use up all connections.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 10.0  # from the start of a request to its last byte
MAX_HEADER_BYTES = 16_384


class TimedProtocol(H11Protocol):
    """Closes a connection whose request has not arrived in time. The time begins with the connection or the first byte."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        if self._timer is None and self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._start_timer()
        # h11 limits only headers that arrive in several parts.
        if (
            self.conn.their_state is h11.IDLE
            and len(data) > MAX_HEADER_BYTES
            and b"\r\n\r\n" not in data[:MAX_HEADER_BYTES]
        ):
            self.send_400_response("the header is too long")
            return
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()
