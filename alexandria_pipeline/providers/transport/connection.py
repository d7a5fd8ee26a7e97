"""One HTTP request and what comes back: the only place where an HTTP client is built.

Here: connections, time-outs, body limit, and the names of network trouble. Not here: whether to ask, to ask again, or
what an answer means (`http.py`). Nothing that is said here repeats an address or a header, so no key can be in it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

import anyio.lowlevel
import httpx

from alexandria_pipeline.providers.transport.body import ENCODINGS, Body, retry_after

MAX_CONNECTIONS = 200
CONNECT_SECONDS = 5.0

# They write addresses with their keys (httpx, INFO) and headers (hpack, DEBUG) into the log.
VERBOSE_LOGGERS = ("httpx", "hpack.hpack", "hpack.table", "httpcore.http2", "httpcore.http11")

_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection within the time-out"),
    (httpx.ConnectError, "no connection"),
    (httpx.RemoteProtocolError, "the connection broke off, or did not speak HTTP"),
    (httpx.NetworkError, "the connection broke off"),
    (httpx.UnsupportedProtocol, "the address has an unknown scheme"),
    (httpx.InvalidURL, "the address cannot be read"),
)


@dataclass(frozen=True, slots=True)
class RawResponse:
    """What came back. `problem`: no usable body, and why. `cut`: not all of it came; `broken`: because the network failed."""

    status: int | None
    latency: float
    body: bytes = b""
    problem: str | None = None
    cut: bool = False
    broken: bool = False
    location: str | None = None
    retry_after: float | None = None


@dataclass(slots=True)
class LoopState:
    """What belongs to one event loop: its connections, the questions on their way, and each service's queues."""

    http: httpx.AsyncClient
    flights: dict[str, _Flight] = field(default_factory=dict)
    queues: dict[str, tuple[asyncio.Semaphore, asyncio.Semaphore]] = field(default_factory=dict)
    errands: set[asyncio.Task[None]] = field(default_factory=set)

    def queue(self, service: str, parallel: int, ahead: int) -> tuple[asyncio.Semaphore, asyncio.Semaphore]:
        """Who may be on the way to the service, and who may hold a slot of its pace; first come, first served."""
        if service not in self.queues:
            self.queues[service] = (asyncio.Semaphore(parallel), asyncio.Semaphore(ahead))
        return self.queues[service]

    def aside(self, errand: Coroutine[Any, Any, None]) -> None:
        """Something that nobody waits for."""
        task = asyncio.create_task(errand)
        self.errands.add(task)
        task.add_done_callback(self.errands.discard)

    async def once(self, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `ask`, shared by all who ask for the same key at the same time."""
        flight = self.flights.get(key)
        if flight is None:
            flight = self.flights[key] = _Flight(asyncio.ensure_future(ask()))
            flight.task.add_done_callback(lambda _: self.flights.pop(key, None))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self.flights.pop(key, None)
                flight.task.cancel()
                await asyncio.wait([flight.task])  # it has a call to give back


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

    async def here(self) -> LoopState:
        """The connections of the running loop; they are closed when the loop ends.

        Each stage runs a loop of its own, and a connection belongs to one loop. `asyncio.run` closes the generators that
        its loop has begun, so the clients need nobody who remembers to close them.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            # httpx loads the backend of anyio with the first request, which takes tens of milliseconds: not after a slot has come.
            await anyio.lowlevel.checkpoint()
        if loop not in self._loops:  # still; from here on nothing waits, so that there is one
            lifetime = self._lifetime()
            self._loops[loop] = (await anext(lifetime), lifetime)
        return self._loops[loop][0]

    async def _lifetime(self) -> AsyncGenerator[LoopState, None]:
        _keep_quiet()
        async with httpx.AsyncClient(
            http2=True,
            headers={"User-Agent": self.user_agent, "Accept": "application/json", "Accept-Encoding": ENCODINGS},
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=50, keepalive_expiry=30),
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        ) as http:
            yield LoopState(http)


async def exchange(
    http: httpx.AsyncClient,
    request: httpx.Request,
    timeout: float,  # noqa: ASYNC109 - a limit of the whole
    sent: Callable[[], None],
) -> RawResponse:
    """Sends a request and reads its answer, both within `timeout` seconds. Never raises for what the network does.

    `sent` is called when the request has left: later than it was given, if a connection had to be made first.
    """

    async def trace(event: str, _: object) -> None:
        if event.endswith("send_request_headers.complete"):
            sent()

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
            status, time.monotonic() - started, problem=f"no complete answer within {timeout:g} s", cut=True
        )
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        broken = isinstance(error, httpx.TransportError | OSError) and not isinstance(error, httpx.UnsupportedProtocol)
        return RawResponse(status, time.monotonic() - started, problem=_name(error), cut=True, broken=broken)
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
        async for chunk in response.aiter_raw():
            if not body.add(chunk):
                break
    body.end()
    return body


def _name(error: Exception) -> str:
    """What went wrong, without the library's words: they may repeat the address."""
    return next(
        (words for kind, words in _TROUBLE if isinstance(error, kind)), f"network trouble ({type(error).__name__})"
    )


def _keep_quiet() -> None:
    for name in VERBOSE_LOGGERS:
        logger = logging.getLogger(name)
        if _only_warnings not in logger.filters:
            logger.addFilter(_only_warnings)


def _only_warnings(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
