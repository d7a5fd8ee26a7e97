"""Processes that make calls. Each is ready when it sends a message, starts when it gets one, and sends its counts at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from alexandria_pipeline.domain.calls import Allowance, CallAttempt, CallContext, Slot
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.types import JsonResponse, ServiceConfig, ServiceSpec
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.processes import Worker

SPEC = ServiceSpec("svc", lambda _status, _body: None, cache_days=1, negative_cache_days=1)


def reserve(connection: Connection, url: str, rounds: int, limit: int, _: int) -> None:
    """How many calls of each round's quota this process can reserve."""
    with Database(url) as database, contextlib.closing(Threads()) as threads:
        ledger, allowance = Ledger(database, threads), Allowance(1000, limit, 10)
        names = [f"round-{number}" for number in range(rounds)]
        _wait_for_start(connection)
        granted = []
        for name in names:
            count = 0
            attempt = CallAttempt(name, "GET", "", 1, CallContext())
            while isinstance(ledger.reserve_now(attempt, allowance), Slot):
                count += 1
            granted.append(count)
        connection.send(granted)


def _accept(response: JsonResponse) -> JsonResponse:
    return response


def call(connection: Connection, url: str, base: str, rate: float, count: int, name: object) -> None:
    """How many of `count` requests to a service were answered."""

    async def send() -> int:
        responses = await asyncio.gather(*(service.get(f"/{name}/{number}", _accept) for number in range(count)))
        return sum(isinstance(response, JsonResponse) for response in responses)

    threads = Threads()
    with Database(url) as database, contextlib.closing(threads):
        shared = (Ledger(database, threads), HttpCache(database, threads))
        service = ServiceTransport(SPEC, ServiceConfig(base, rate), HttpClient(), *shared)
        _wait_for_start(connection)
        connection.send(asyncio.run(send()))


def migrate_and_send(connection: Connection, url: str, folder: Path) -> None:
    """Applies the migrations of a folder and sends the names of those that it applied itself."""
    with Database(url) as database:
        connection.send(migrate(database, folder))


def together(processes: int, task: Callable[..., None], *arguments: object) -> list[Any]:
    """The results of several processes that start at the same moment. The last argument of each is its number."""
    workers = [Worker(task, *arguments, number) for number in range(processes)]
    for worker in workers:
        worker.receive()
    for worker in workers:
        worker.go()
    return [worker.receive() for worker in workers]


def started(task: Callable[..., None], *arguments: object) -> Worker:
    """One process that has started its task."""
    worker = Worker(task, *arguments)
    worker.receive()
    worker.go()
    return worker


def _wait_for_start(connection: Connection) -> None:
    connection.send("ready")
    connection.recv()
