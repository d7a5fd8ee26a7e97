"""Connections: sends one HTTP request and reads its response. The only module that builds an HTTP client.

Time-outs, the limit on bodies and the names of network errors belong here; retries and the meaning of responses do not
(`client.py`, `response_policy.py`). No message of this module quotes a URL or a header, so none can contain a key.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import itertools
import logging
import ssl
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

import anyio.lowlevel
import httpcore
import httpx

from alexandria_pipeline.providers.transport.body import ENCODINGS, Body, retry_after

# httpcore imports it for each lock that it makes. Where it is not installed, the folders of modules were searched each time: 84 µs.
# None ends the search (https://docs.python.org/3/reference/import.html#the-module-cache). As a dependency it would be one more
# package in the image for this import alone: anyio needs it no longer.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# httpcore takes all that one read returns apart in one turn of the event loop: 2,600 informational responses in its 64 kB.
BYTES_PER_READ = 8192
for _connection in (httpcore.AsyncHTTP11Connection, httpcore.AsyncHTTP2Connection):
    _connection.READ_NUM_BYTES = BYTES_PER_READ

MAX_CONNECTIONS = 200
CONNECT_SECONDS = 5.0
PARTS_PER_TURN = 100  # parts of a body that are read in one turn of the event loop

# These loggers write URLs with keys (httpx, INFO) and headers (hpack, DEBUG).
VERBOSE_LOGGERS = ("httpx", "hpack.hpack", "hpack.table", "httpcore.http2", "httpcore.http11")

_NETWORK_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection within the time-out"),
    (httpx.ConnectError, "no connection"),
    (httpx.RemoteProtocolError, "the connection broke, or the server does not speak HTTP"),
    (httpx.NetworkError, "the connection broke"),
    (httpx.UnsupportedProtocol, "the URL has an unknown scheme"),
    (httpx.InvalidURL, "the URL cannot be read"),
)


@dataclass(frozen=True, slots=True)
class RawResponse:
    """What was received. `problem`: why there is no usable body. `incomplete`: a part is missing; `network_failed`: and
    the network is the cause. `latency` in seconds.
    """

    status: int | None
    latency: float
    body: bytes = b""
    problem: str | None = None
    incomplete: bool = False
    network_failed: bool = False
    location: str | None = None
    retry_after: float | None = None


@dataclass(slots=True)
class LoopState:
    """The state of one event loop: connections, requests in flight, and the queues of each service."""

    http: httpx.AsyncClient
    in_flight: dict[str, _Flight] = field(default_factory=dict)
    queues: dict[str, tuple[asyncio.Semaphore, asyncio.Semaphore]] = field(default_factory=dict)
    background: set[asyncio.Task[None]] = field(default_factory=set)

    def queues_of(self, service: str, parallel: int, ahead: int) -> tuple[asyncio.Semaphore, asyncio.Semaphore]:
        """Two queues of a service, first come, first served: requests in flight, and requests that hold a send slot."""
        if service not in self.queues:
            self.queues[service] = (asyncio.Semaphore(parallel), asyncio.Semaphore(ahead))
        return self.queues[service]

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs work whose result no caller waits for."""
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def once(self, key: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `work`, shared by all callers with the same key at the same time."""
        flight = self.in_flight.get(key)
        if flight is None:
            flight = self.in_flight[key] = _Flight(asyncio.ensure_future(work()))
            flight.task.add_done_callback(lambda _: self.in_flight.pop(key, None))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self.in_flight.pop(key, None)
                flight.task.cancel()
                await asyncio.wait([flight.task])  # it releases its slot


@dataclass(slots=True)
class _Flight:
    task: asyncio.Future[Any]
    waiting: int = 0


class HttpClient:
    """The connections of one process, for all services. Opens nothing before the first use."""

    def __init__(self, contact: str | None = None) -> None:
        self.user_agent = f"alexandria-pipeline/{version('alexandria-pipeline')}" + (
            f" (+{contact})" if contact else ""
        )
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[LoopState, AsyncGenerator[LoopState, None]]] = (
            WeakKeyDictionary()
        )

    async def loop_state(self) -> LoopState:
        """The state of the running event loop; its connections are closed when the loop ends.

        Each stage runs its own loop, and a connection belongs to one loop. `asyncio.run` closes the asynchronous
        generators of its loop, which closes the connections.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            # httpx loads the backend of anyio with the first request. That takes tens of milliseconds, too long after a slot.
            await anyio.lowlevel.checkpoint()
        if loop not in self._loops:  # checked again: another task may have run during the checkpoint
            lifetime = self._lifetime()
            self._loops[loop] = (await anext(lifetime), lifetime)
        return self._loops[loop][0]

    async def _lifetime(self) -> AsyncGenerator[LoopState, None]:
        _silence_loggers()
        async with httpx.AsyncClient(
            verify=_tls(),
            http2=True,
            headers={"User-Agent": self.user_agent, "Accept": "application/json", "Accept-Encoding": ENCODINGS},
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=50, keepalive_expiry=30),
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        ) as http:
            yield LoopState(http)


@functools.cache
def _tls() -> ssl.SSLContext:
    """The certificates that are trusted. Reading them takes 20 ms, so a process reads them once for the clients of all loops."""
    return httpx.create_ssl_context()


async def send(
    http: httpx.AsyncClient,
    request: httpx.Request,
    timeout: float,  # noqa: ASYNC109 - a limit of the whole
    on_sent: Callable[[], None],
) -> RawResponse:
    """Sends a request and reads its response, both within `timeout` seconds. Does not raise for network errors.

    `on_sent` is called when the request has been sent, which is later if a connection had to be opened first.
    """

    async def trace(event: str, _: object) -> None:
        if event.endswith("send_request_headers.complete"):
            on_sent()

    request.extensions["trace"] = trace
    started, status = time.monotonic(), None
    try:
        async with asyncio.timeout(timeout):
            response = await http.send(request, stream=True)
            status = response.status_code
            try:
                body = await _read(response)
            finally:
                await response.aclose()
    except TimeoutError:
        return RawResponse(
            status, time.monotonic() - started, problem=f"no complete response within {timeout:g} s", incomplete=True
        )
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        network_failed = isinstance(error, httpx.TransportError | OSError) and not isinstance(
            error, httpx.UnsupportedProtocol
        )
        return RawResponse(
            status, time.monotonic() - started, problem=_name(error), incomplete=True, network_failed=network_failed
        )
    return RawResponse(
        status,
        time.monotonic() - started,
        body.end(),
        body.problem,
        location=response.headers.get("location"),
        retry_after=retry_after(response.headers.get("retry-after"), datetime.now(UTC)),
    )


async def _read(response: httpx.Response) -> Body:
    body = Body(response.headers.get("content-encoding", "").strip().lower())
    if body.problem is None:
        turn = itertools.count(1)
        async for chunk in response.aiter_raw():
            if not body.add(chunk):
                break
            if next(turn) % PARTS_PER_TURN == 0:  # parts that have arrived are read without a wait
                await asyncio.sleep(0)
    body.end()
    return body


def _name(error: Exception) -> str:
    """The network error in our own words: the library's message may quote the URL."""
    return next(
        (words for kind, words in _NETWORK_ERRORS if isinstance(error, kind)), f"network error ({type(error).__name__})"
    )


def _silence_loggers() -> None:
    for name in VERBOSE_LOGGERS:
        logger = logging.getLogger(name)
        if _only_warnings not in logger.filters:
            logger.addFilter(_only_warnings)


def _only_warnings(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
