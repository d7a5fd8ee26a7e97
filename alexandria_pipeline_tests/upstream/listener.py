"""A small HTTP/1.1 server over asyncio that can also send faulty responses: closed early, truncated, or very slowly.

Ordinary servers cannot do this. The handler decides on the content of a response.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

MAX_HEAD_BYTES: Final = 64 * 1024
_SLOW_BYTES: Final = 2


class Delivery(StrEnum):
    """How a response is sent."""

    PLAIN = "plain"
    DROP_BEFORE = "drop-before"
    DROP_WITHIN = "drop-within"
    SLOW = "slow-2bytes"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is decoded, `raw_path` is as sent, and header names are in lower case."""

    method: str
    raw_path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    path: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", unquote(self.raw_path))

    def value(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def number(self, name: str, default: int) -> int:
        value = self.value(name)
        return int(value) if value.isdigit() else default

    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class Response:
    """One response. The content length is added when it is sent."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.PLAIN


def json_response(data: object, status: int = 200, **headers: str) -> Response:
    """A JSON response. "_" in the name of a header becomes "-"."""
    body = json.dumps(data, ensure_ascii=False).encode()
    return Response(status, body, headers={name.replace("_", "-"): value for name, value in headers.items()})


Handler = Callable[[Request], Awaitable[Response]]


class Listener:
    """Accepts connections until it is closed, and handles the requests of each connection in turn."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Starts listening and returns the port."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=MAX_HEAD_BYTES, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Closes all connections at once."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        # A client may disconnect at any time, and closing cancels the task. Both are normal.
        try:
            with suppress(
                ConnectionError,
                TimeoutError,
                asyncio.IncompleteReadError,
                asyncio.LimitOverrunError,
                asyncio.CancelledError,
            ):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()
            if task is not None:
                self._tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Handles one request. Returns whether the connection stays open."""
        request = await _read(reader)
        try:
            response = await self._handler(request)
        except Exception as error:  # noqa: BLE001 - a fault of the stand-in must be seen by its user, not end the server
            response = json_response({"stand-in": repr(error)}, 599)
        if response.delivery is not Delivery.PLAIN:
            await _misbehave(response, writer)
            return False
        writer.write(_head(response) + response.body)
        await writer.drain()
        return request.headers.get("connection", "").lower() != "close"


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    if "chunked" in headers.get("transfer-encoding", ""):
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0") or 0))
    path, _, query = target.partition("?")
    return Request(method, path, tuple(parse_qsl(query, keep_blank_values=True)), headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def _head(response: Response) -> bytes:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}", f"content-length: {len(response.body)}"]
    if response.content_type:
        lines.append(f"content-type: {response.content_type}")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _misbehave(response: Response, writer: asyncio.StreamWriter) -> None:
    if response.delivery is Delivery.DROP_BEFORE:
        writer.transport.abort()
        return
    writer.write(_head(response))
    if response.delivery is Delivery.DROP_WITHIN:
        writer.write(response.body[: len(response.body) // 2])
        await writer.drain()
        return
    for place in range(0, len(response.body), _SLOW_BYTES):
        writer.write(response.body[place : place + _SLOW_BYTES])
        await writer.drain()
        await asyncio.sleep(1)
