"""A server that answers byte by byte as a test wants it, and remembers what it was asked: every misbehaviour is a few bytes."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass(slots=True)
class BadServer:
    """Answers in the order of `answers`; the last one is repeated."""

    answers: Sequence[Answer]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, target, _ = first.split(" ")
            answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(Asked(method, target, headers, body, time.monotonic()))
            self.arrived.set()
            if not isinstance(answer, bytes):
                await answer(writer)
                return
            writer.write(answer)
            await writer.drain()


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[BadServer]:
    """A server on a free port of this machine."""
    bad = BadServer(answers)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(bad.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    bad.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield bad
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports say goodbye in the next round of the loop


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A complete answer with these headers (`content_type=` is Content-Type)."""
    given = {"content-type": "application/json", "content-length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body


def as_json(value: object, status: int = 200, **headers: str) -> bytes:
    return answer(status, json.dumps(value).encode(), **headers)


def zipped(body: bytes, *, cut: int = 0) -> bytes:
    """A gzip answer, without its last `cut` bytes."""
    packed = gzip.compress(body)
    return answer(200, packed[: len(packed) - cut], content_encoding="gzip")


async def drop(writer: asyncio.StreamWriter) -> None:
    """The connection breaks off before the answer."""
    writer.transport.abort()


async def drop_within(writer: asyncio.StreamWriter) -> None:
    """The connection breaks off within the body."""
    writer.write(answer(200, b'{"books": [', content_length="1000"))
    await writer.drain()


async def trickle(writer: asyncio.StreamWriter) -> None:
    """Two bytes a second, for ever."""
    writer.write(answer(200, content_length="100000"))
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.5)


async def silence(writer: asyncio.StreamWriter) -> None:
    """Never a byte."""
    await asyncio.sleep(3600)
