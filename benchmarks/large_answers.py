"""One answer of 8 MiB of each service: how long it takes in all, and the longest time for which it keeps the event loop waiting.

    python benchmarks/large_answers.py --services open_library gemini

A stand-in in a process of its own answers every request with the same body: recorded payloads with every text filled with bad
characters, payloads with lists of many entries, and bodies that are bad for any reader. The way is the real one, with ledger and
cache: the answer is asked for twice, once sent and once cached. Times are processor time of this process, so that other programs
do not change them. Prints one line of JSON for each answer outside the limits and a summary; fails if one takes more than 2 s or
keeps the loop waiting for more than 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import gzip
import json
import multiprocessing
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from alexandria_pipeline.composition import exempt_loaded_code
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookQuery, GenerationRequest
from alexandria_pipeline.domain.service_answers import Answer
from alexandria_pipeline.providers.transport.body import MAX_BODY_BYTES, MAX_VALUES
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.types import Params, Parse, ServiceConfig, ServiceHttp, ServiceSpec
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline.storage.threads import Threads

T = TypeVar("T")
MAX_SECONDS: Final = 2.0
MAX_BLOCKED: Final = 0.05
CLEAR: Final = Query("clear", "closes all circuit breakers", "delete from provider_health")
KEY: Final = "sk-benchmark/0123456789"
PAYLOADS: Final = Path(__file__).parents[1] / "alexandria_pipeline_tests" / "payloads"
SERVICES: Final = (
    "gemini", "google_books", "internet_archive", "isbndb", "nyt", "open_library", "wikidata", "wikipedia", "xai",
)  # fmt: skip
UNITS: Final = (
    " ",
    "a",
    "a, ",
    "<",
    "&amp;",
    "\u0301",
    "\U0001f4d6",
    "\\u0041",
    "\\ud800",
    "\\u0000",
    "A. ",
    "- ",
    "(",
)
ISBN: Final = Isbn13("9780316556347")
QUERY: Final = BookQuery("Circe", "Madeline Miller", 2020, "en", (ISBN,))
REQUEST: Final = GenerationRequest(Month(2020, 1), 20, "baseline")


class Kit:
    """What the clients are built from."""

    today = date(2026, 1, 1)
    curated_list = catalog = None

    def __init__(self, service: Callable[[ServiceSpec], ServiceHttp]) -> None:
        self.service = service

    def country(self, _name: str) -> None:
        return None

    def model(self, _name: str) -> str:
        return "gemini-2.5-flash"

    def effort(self, _name: str) -> None:
        return None

    def provider(self, name: str) -> Any:
        return import_module(f"alexandria_pipeline.providers.{name}.client").build(self)


def questions(client: Any) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What is asked of a client."""

    async def generate() -> Any:
        with suppress(SourceError):
            reply = await client.generate(REQUEST)
            await asyncio.to_thread(client.parse, reply, REQUEST)

    asked = {
        "generate": generate,
        "resolve": lambda: client.resolve(QUERY),
        "metadata": lambda: client.metadata(ISBN),
        "subjects": lambda: client.subjects(ISBN),
        "variants": lambda: client.variants(ISBN),
        "external_ids": lambda: client.external_ids(ISBN),
        "biography": lambda: client.biography("Madeline Miller"),
    }
    return {name: ask for name, ask in asked.items() if hasattr(client, name)}


def bodies_of(service: str, *, largest: int) -> Iterator[tuple[str, bytes]]:
    """The largest payloads of a service, with long texts, or with long lists."""
    files = sorted((PAYLOADS / service).glob("*.json"), key=lambda file: -file.stat().st_size)[:largest]
    for file in files:
        payload = json.loads(file.read_text("utf-8"))
        texts = max(1, len(json.dumps(payload).split('"')) // 4)
        for unit in UNITS:
            filler = unit * (MAX_BODY_BYTES // texts // 3 // len(unit.encode()))
            body = json.dumps(_with_texts(payload, "@@"), ensure_ascii=False).replace("@@", filler)
            yield f"{file.stem} with {unit!r}", body.encode()[: MAX_BODY_BYTES - 1]
        yield f"{file.stem} with long lists", _with_long_lists(payload)


def _with_texts(value: Any, filler: str, name: str = "") -> Any:
    if isinstance(value, str):
        return value if "isbn" in name.lower() or name in ("key", "type") else f"Circe {filler}"
    if isinstance(value, list):
        return [_with_texts(each, filler, name) for each in value]
    return {key: _with_texts(each, filler, key) for key, each in value.items()} if isinstance(value, dict) else value


def _with_long_lists(payload: Any) -> bytes:
    times = 2
    body = json.dumps(payload).encode()
    while True:
        longer = json.dumps(_repeated(payload, times)).encode()
        if len(longer) > MAX_BODY_BYTES or longer.count(b",") > MAX_VALUES:
            return body
        body, times = longer, times * 2


def _repeated(value: Any, times: int, depth: int = 0) -> Any:
    if isinstance(value, list):
        inner = [_repeated(each, times, depth + 1) for each in value]
        return inner * times if depth < 4 and inner and isinstance(inner[0], dict) else inner
    return {key: _repeated(each, times, depth) for key, each in value.items()} if isinstance(value, dict) else value


def bad_bodies() -> Iterator[tuple[str, bytes]]:
    """Bodies that are bad for any reader."""
    members = MAX_VALUES - 1
    yield "one object", json.dumps({f"k{number}": "x" * 20 for number in range(members)}).encode()
    yield "empty objects", b'{"a":[' + b"{}," * members + b"{}]}"
    yield "objects of one member", b'{"a":[' + b'{"a":"xxxxxxxxxxxxxxxxxxxx"},' * members + b"{}]}"
    yield "lists in lists", b'{"a":[' + b"[[[[1]]]]," * members + b"1]}"
    yield "members without commas", b'{"a":' * 1_600_000
    yield "nested lists", b"[" * (MAX_BODY_BYTES - 1)
    yield "numbers", b"[" + b"1.5e-7," * members + b"1]"
    yield "one number", b"[" + b"1" * (MAX_BODY_BYTES - 3) + b"]"
    yield "one string", b'["' + b"x" * (MAX_BODY_BYTES - 10) + b'"]'
    yield "one key", b'{"' + b"x" * (MAX_BODY_BYTES - 10) + b'":1}'
    yield "escapes", b'["' + b"\\u0041" * (MAX_BODY_BYTES // 6 - 10) + b'"]'
    yield "surrogates", b'["' + b"\\ud7ff\\ud800" * (MAX_BODY_BYTES // 12 - 10) + b'"]'
    yield "nearly surrogates", b'["' + b"\\ud7ff" * (MAX_BODY_BYTES // 6 - 10) + b'"]'
    yield "backslashes", b'["' + b"\\\\" * (MAX_BODY_BYTES // 2 - 10) + b'"]'
    yield "four bytes", b'["' + "\U0001f4d6".encode() * (MAX_BODY_BYTES // 4 - 10) + b'"]'
    yield "white space", b" " * (MAX_BODY_BYTES - 1)
    yield "white space within", b"[" + b" " * (MAX_BODY_BYTES - 10) + b"1]"
    yield "cut off", b'["' + b"x" * (MAX_BODY_BYTES - 10)
    yield "quotation marks", b'["' + b'","' * (MAX_VALUES - 2) + b'"]'
    yield "random", b'["' + os.urandom(MAX_BODY_BYTES // 2 - 10).hex().encode() + b'"]'
    yield "HTML", b"<html>" + b"<p " * (MAX_BODY_BYTES // 3 - 10)
    yield "bans", b'["' + b"banned until 2020-01-01 " * (MAX_BODY_BYTES // 25 - 10) + b'"]'
    yield "the key", b'["' + KEY.encode() * (MAX_BODY_BYTES // len(KEY) - 10) + b'"]'
    yield "the key once", b'["' + b"sk-" * (MAX_BODY_BYTES // 3 - 20) + KEY.encode() + b'"]'
    yield "half of the key", b'["' + b"0123456789" * (MAX_BODY_BYTES // 10 - 10) + b'"]'
    yield "beginnings of the key", b'["' + b"sk%252525" * (MAX_BODY_BYTES // 9 - 20) + KEY.encode() + b'"]'


def messages(name: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    """A body as HTTP."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    yield name, head + b"content-length: %d\r\n\r\n" % len(body) + body
    if name == "one string":
        packed = gzip.compress(body)
        yield "gzip", head + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
        longer = packed + b"\0" * MAX_BODY_BYTES * 4
        yield "gzip and more", head + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(longer) + longer
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body[:-2][:500_000] + b'"]')
        yield "chunks of one byte", head + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        yield "100 Continue", b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000 + head + b"content-length: 2\r\n\r\n[]"
        lines = b"".join(b"x-%d: a\r\n" % number for number in range(9_000))
        yield "headers", head + lines + b"content-length: 2\r\n\r\n[]"


def serve(listener: socket.socket, file: str) -> None:
    """Answers every request with the content of the file."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                writer.write(await asyncio.to_thread(Path(file).read_bytes))
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(talk, sock=listener)
        await server.serve_forever()

    asyncio.run(run())


async def measure(ask: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """The seconds of each answer, and the longest time between two turns of the event loop meanwhile, in processor time."""
    longest, ended, asked = 0.0, False, Counted.asked

    async def watch() -> None:
        nonlocal longest
        before = time.process_time()
        while not ended:
            await asyncio.sleep(0.001)
            now = time.process_time()
            longest, before = max(longest, now - before), now

    gc.collect()
    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.005)
    started = time.process_time()
    await ask()
    taken = (time.process_time() - started) / max(1, Counted.asked - asked)
    await asyncio.sleep(0.002)
    ended = True
    await watching
    return taken, longest


class Counted(ServiceTransport):
    """A transport that counts the answers it is asked for, by all."""

    asked = 0

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        Counted.asked += 1
        return await super().get(path, parse, params)


def _transport(url: str, http: HttpClient, ledger: Ledger, cache: HttpCache, spec: ServiceSpec) -> ServiceTransport:
    config = ServiceConfig(url, 10_000, key=SecretStr(KEY), timeout_seconds=30, backoff_seconds=0.001)
    return Counted(spec, config, http, ledger, cache)


def answers(
    options: argparse.Namespace, service: Callable[[ServiceSpec], ServiceTransport]
) -> Iterator[tuple[str, str, bytes, Callable[[], Awaitable[Any]]]]:
    """Service, name of the answer, answer, and how it is asked for."""

    async def plain(path: str) -> None:
        transport = service(ServiceSpec("any", lambda *_: None, cache_days=1, max_attempts=1))
        await transport.get(path, lambda response: response)

    yield "any", "first use", next(messages("", b"{}"))[1], partial(plain, "/")
    if "any" in options.services:
        for name, body in bad_bodies():
            for title, message in messages(name, body):
                yield "any", title, message, partial(plain, f"/{title}".replace(" ", "-"))
    for name in (each for each in options.services if each != "any"):
        client = import_module(f"alexandria_pipeline.providers.{name}.client").build(Kit(service))
        for title, body in bodies_of(name, largest=options.payloads):
            message = next(messages("", body))[1]
            for question, ask in questions(client).items():
                yield name, f"{question}: {title}", message, ask


async def run(options: argparse.Namespace, url: str, file: Path, database: Database, threads: Threads) -> bool:
    """Measures every answer; whether all are within the limits."""
    shared = Ledger(database, threads), HttpCache(database, threads)
    kept = True
    worst: dict[str, tuple[float, float]] = {}
    for name, title, message, ask in answers(options, partial(_transport, url, HttpClient(), *shared)):
        if options.only not in title:
            continue
        await asyncio.to_thread(file.write_bytes, message)
        for way in ("sent", "cached"):
            taken, longest = await measure(ask)
            ok = taken <= MAX_SECONDS and longest <= MAX_BLOCKED
            kept = kept and ok
            before = worst.get(name, (0.0, 0.0))
            worst[name] = (max(before[0], taken), max(before[1], longest))
            if not ok or options.all:
                figures = {"seconds": round(taken, 3), "blocked_ms": round(longest * 1000, 1)}
                print(json.dumps({"service": name, "answer": title, "way": way, **figures}), flush=True)
        shared[1].forget(name)
        await asyncio.to_thread(database.execute, CLEAR)
    for name, (taken, longest) in worst.items():
        print(json.dumps({"worst of": name, "seconds": round(taken, 3), "blocked_ms": round(longest * 1000, 1)}))
    return kept


@contextmanager
def _server(file: Path) -> Iterator[str]:
    """The stand-in; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(listener, str(file)), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.terminate()
        process.join()


def main() -> None:
    exempt_loaded_code()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", nargs="+", default=("any", *SERVICES))
    parser.add_argument("--payloads", type=int, default=2, help="how many recorded payloads of a service")
    parser.add_argument("--only", default="", help="a part of the names of the answers to measure")
    parser.add_argument("--all", action="store_true", help="print every answer, not only those outside the limits")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="alexandria-large-"))
    home.chmod(0o755)
    file = home / "answer"
    file.write_bytes(next(messages("", b"{}"))[1])
    server, threads = EmbeddedServer(home), Threads()
    try:
        with _server(file) as url, Database(server.ensure()) as database:
            migrate(database)
            kept = asyncio.run(run(options, url, file, database, threads))
            threads.close()
    finally:
        server.stop()
        for folder in (home, server.home):
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
