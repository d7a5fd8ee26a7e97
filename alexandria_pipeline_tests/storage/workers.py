"""Processes that make calls: `python -m alexandria_pipeline_tests.storage.workers TASK …`. A line on standard input starts the task."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

from alexandria_pipeline.domain.calls import Allowance, CallAttempt, CallContext, Slot
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.types import JsonResponse, ServiceConfig, ServiceSpec
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.threads import Threads

SPEC = ServiceSpec("svc", lambda _status, _body: None, cache_days=1, negative_cache_days=1)


def reserve(url: str, rounds: str, limit: str, _: str) -> list[int]:
    """How many calls of each round's quota this process can reserve."""
    with Database(url) as database, contextlib.closing(Threads()) as threads:
        ledger, allowance = Ledger(database, threads), Allowance(1000, int(limit), 10)
        names = [f"round-{number}" for number in range(int(rounds))]
        _wait_for_start()
        granted = []
        for name in names:
            count = 0
            attempt = CallAttempt(name, "GET", "", 1, CallContext())
            while isinstance(ledger.reserve_now(attempt, allowance), Slot):
                count += 1
            granted.append(count)
        return granted


def _accept(response: JsonResponse) -> JsonResponse:
    return response


def call(url: str, base: str, rate: str, count: str, name: str) -> list[int]:
    """How many of `count` requests to a service were answered."""

    async def send() -> int:
        responses = await asyncio.gather(*(service.get(f"/{name}/{number}", _accept) for number in range(int(count))))
        return sum(isinstance(response, JsonResponse) for response in responses)

    threads = Threads()
    with Database(url) as database, contextlib.closing(threads):
        shared = (Ledger(database, threads), HttpCache(database, threads))
        service = ServiceTransport(SPEC, ServiceConfig(base, float(rate)), HttpClient(), *shared)
        _wait_for_start()
        return [asyncio.run(send())]


def together(processes: int, task: str, *arguments: object) -> Iterator[list[int]]:
    """The results of several processes that start at the same moment. The last argument of each is its number."""
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_launched(task, *arguments, number)) for number in range(processes)]
        for worker in workers:
            _ready(worker)
        for worker in workers:
            _go(worker)
        for worker in workers:
            assert worker.stdout is not None
            yield [int(word) for word in worker.stdout.readline().split()]


def started(task: str, *arguments: object) -> subprocess.Popen[str]:
    """One process that has started its task."""
    worker = _launched(task, *arguments)
    _ready(worker)
    _go(worker)
    return worker


def _launched(task: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", __name__, task, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _ready(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"


def _go(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def _wait_for_start() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    result = reserve(*sys.argv[2:]) if sys.argv[1] == "reserve" else call(*sys.argv[2:])
    sys.stdout.write(" ".join(map(str, result)) + "\n")
