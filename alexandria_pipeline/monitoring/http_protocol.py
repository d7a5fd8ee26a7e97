"""The HTTP protocol of the server, with limits for requests that do not end.

uvicorn limits neither the time in which a request must arrive nor the length of its header: a client that sends half a request
keeps its connection for ever, and enough of them use up all connections or the memory.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

REQUEST_SECONDS = 10.0  # from the start of a request to its last byte
MAX_HEADER_BYTES = 16_384
MAX_PIPELINED = 2  # requests of a connection that wait for the response to the one before; browsers send none
MAX_BODY_PARTS = 1_000  # chunks of a body; each is added to those before, so many small ones stop all other requests


class LimitedProtocol(HttpToolsProtocol):
    """Closes a connection whose request does not arrive in time, and refuses long headers and many requests at once.

    The time begins with the connection or with the first byte after a response.
    """

    _timer: asyncio.TimerHandle | None = None
    _header_bytes = 0  # of the address and the complete fields of the request that arrives
    _other_bytes = 0  # that arrived of the request and are not of its body
    _body_parts = 0
    _read = 0  # bytes of this read, if they all belong to one request

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if cycle is None or cycle.response_complete:
            self._start_timer()
        self._read = len(data)
        self._other_bytes += len(data)
        super().data_received(data)
        if self._timer is not None and self._other_bytes > MAX_HEADER_BYTES:
            self.send_400_response("the header is too long")

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._start_timer()
        self._header_bytes, self._other_bytes, self._body_parts = 0, self._read, 0
        if len(self.pipeline) >= MAX_PIPELINED:
            raise httptools.HttpParserError
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count_header(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._other_bytes -= len(body)
        self._body_parts += 1
        if self._body_parts > MAX_BODY_PARTS:
            raise httptools.HttpParserError
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_timer()
        self._read = 0
        super().on_message_complete()

    def _count_header(self, size: int) -> None:
        """Raises HttpParserError, which uvicorn answers with 400, when the header is too long."""
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise httptools.HttpParserError

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()
