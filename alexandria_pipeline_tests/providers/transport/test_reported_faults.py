"""What the decision about the HTTP client promises: the parts of httpx with reported faults are not used."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import alexandria_pipeline
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import BYTES_PER_READ, HttpClient
from alexandria_pipeline.providers.transport.types import ServiceConfig, ServiceSpec
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.providers.transport.bad_server import as_json, serving

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

EXPANDING = {"aiter_bytes", "aiter_text", "aiter_lines", "iter_bytes", "iter_text", "iter_lines", "aread"}


def test_no_part_of_httpx_with_a_reported_fault_is_used() -> None:
    for path in Path(alexandria_pipeline.__file__).parent.rglob("*.py"):
        text = path.read_text("utf-8")
        if "httpx" in text:
            tree = ast.walk(ast.parse(text))
            names = {
                node.attr if isinstance(node, ast.Attribute) else node.arg
                for node in tree
                if isinstance(node, ast.Attribute | ast.keyword)
            }
            assert not names & {*EXPANDING, "files"}, path
    assert importlib.util.find_spec("socksio") is None


def test_a_request_states_its_length_in_one_way(database: Database) -> None:
    threads = Threads()

    async def scenario() -> None:
        async with serving(as_json({})) as server:
            spec, config = ServiceSpec("svc", lambda *_: None), ServiceConfig(server.url, 100)
            transport = ServiceTransport(
                spec, config, HttpClient(), Ledger(database, threads), HttpCache(database, threads)
            )
            body = {"a": "x" * BYTES_PER_READ, "headers": {"Transfer-Encoding": "chunked"}}
            assert not isinstance(await transport.post("/books", body, lambda response: response), Exception)
            (asked,) = server.asked
            assert (asked.headers["content-length"], "transfer-encoding" in asked.headers) == (
                str(len(json.dumps(body))),
                False,
            )

    asyncio.run(scenario())
    threads.close()
