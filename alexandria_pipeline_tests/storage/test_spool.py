"""Responses that were paid for survive a database that is away, a process that dies, and a statement that fails."""

from __future__ import annotations

import asyncio
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.providers.common.ai_replies import paid_reply
from alexandria_pipeline.providers.gemini.client import SPEC as GEMINI
from alexandria_pipeline.providers.isbndb.client import SPEC as ISBNDB
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.types import JsonResponse, ServiceConfig, ServiceSpec, call_context
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.spool import Spool
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.providers.transport.bad_server import BadServer, as_json, serving
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from pathlib import Path

    from alexandria_pipeline.storage.embedded.server import EmbeddedServer

pytestmark = pytest.mark.slow("stops a database server of its own")

REPLY = {"candidates": [{"content": {"parts": [{"text": "[]"}]}}]}


async def _post(spec: ServiceSpec, database: Database, home: Path, server: BadServer) -> Any:
    """The answer to one request of a new process."""
    with closing(Threads()) as threads:
        ledger = Ledger(database, threads, Spool(home))
        await asyncio.to_thread(ledger.store_spooled)
        bare = ServiceSpec(spec.name, lambda *_: None, spec.cache_days)
        shared = (HttpClient(), ledger, HttpCache(database, threads))
        transport = ServiceTransport(bare, ServiceConfig(server.url, 100), *shared)
        with call_context(run_id="run-1", month=Month(2020, 6)):
            return await transport.post("/list", {"month": "2020-06"}, paid_reply)


@pytest.mark.parametrize("spec", [GEMINI, ISBNDB], ids=["gemini", "isbndb"])
def test_a_response_that_arrives_while_the_database_is_away_is_not_requested_again(
    fragile: EmbeddedServer, tmp_path: Path, spec: ServiceSpec
) -> None:
    async def respond_without_database(writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(fragile.stop)
        writer.write(as_json(REPLY))
        await writer.drain()

    async def scenario() -> None:
        async with serving(respond_without_database) as server:
            with Database(fragile.ensure()) as database:
                migrate(database)
                assert (await _post(spec, database, tmp_path, server)).data == REPLY
            (file,) = (tmp_path / "spool").iterdir()
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
            with Database(fragile.ensure()) as database:
                assert (await _post(spec, database, tmp_path, server)).data == REPLY
                (call,) = rows(database, "select outcome, status from api_call")
                assert (call["outcome"], call["status"]) == ("answered", 200)
            assert len(server.asked) == 1

    asyncio.run(scenario())
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_reply_is_stored_by_the_statement_that_finishes_its_call(database: Database, tmp_path: Path) -> None:
    async def scenario() -> JsonResponse:
        async with serving(as_json(REPLY)) as server:
            answer = await _post(GEMINI, database, tmp_path, server)
            assert isinstance(answer, JsonResponse)
            return answer

    answer = asyncio.run(scenario())
    (row,) = rows(database, "select cache_key, service, expires_at - stored_at as life from http_cache")
    assert (row["cache_key"], row["service"]) == (answer.receipt, "gemini")
    assert row["life"].days >= 364


def test_a_spooled_file_that_cannot_be_read_stays_for_a_person(database: Database, tmp_path: Path) -> None:
    path = Spool(tmp_path).add({"call_id": 1})
    broken = Spool(tmp_path).add({"call_id": 2})
    broken.write_text("{", encoding="utf-8")
    with closing(Threads()) as threads:
        assert Ledger(database, threads, Spool(tmp_path)).store_spooled() == 0
    assert sorted(each.name for each in path.parent.iterdir()) == sorted(
        [path.with_suffix(".unreadable").name, broken.with_suffix(".unreadable").name]
    )
