"""The cache of responses: stored with the result of a call, found by key, pruned."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.calls import (
    Allowance,
    CacheEntry,
    CallAttempt,
    CallContext,
    CallOutcome,
    CallResult,
    Slot,
)
from alexandria_pipeline.domain.errors import DatabaseUnavailable
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.http_cache import MAX_KEYS, HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.retention import prune
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alexandria_pipeline.storage.database import Row
    from alexandria_pipeline.storage.queries import Query


class Counted(Database):
    """A database that counts its queries."""

    statements = 0

    def fetch_all(self, query: Query, parameters: Mapping[str, object] | None = None) -> list[Row]:
        self.statements += 1
        return super().fetch_all(query, parameters)


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads()
    yield threads
    threads.close()


@pytest.fixture
def cache(database: Database, threads: Threads) -> HttpCache:
    return HttpCache(database, threads)


@pytest.fixture
def ledger(database: Database, threads: Threads) -> Ledger:
    return Ledger(database, threads)


def store(ledger: Ledger, key: str, body: bytes = b"compressed", days: float = 1.0, service: str = "svc") -> None:
    slot = ledger.reserve_now(
        CallAttempt(service, "GET", "https://example.org/", 1, CallContext()), Allowance(1000, None, 10)
    )
    assert isinstance(slot, Slot)
    ledger.record_now(
        slot,
        CallResult(CallOutcome.ANSWERED, 200, cache_entry=CacheEntry(key, 200, negative=False, body=body, days=days)),
    )


def find(cache: HttpCache, key: str) -> tuple[int, bytes] | None:
    return asyncio.run(cache.find(key))


def test_a_response_is_found_by_its_key(cache: HttpCache, ledger: Ledger) -> None:
    store(ledger, "a", bytes(range(256)))
    assert find(cache, "a") == (200, bytes(range(256)))
    assert find(cache, "b") is None


def test_many_keys_are_found_with_few_queries(ledger: Ledger, database_url: str, threads: Threads) -> None:
    keys = [f"key-{number}" for number in range(3 * MAX_KEYS)]
    for key in keys[::7]:
        store(ledger, key, key.encode())

    async def all_of_them(cache: HttpCache) -> list[tuple[int, bytes] | None]:
        return await asyncio.gather(*(cache.find(key) for key in [*keys, *keys]))

    expected = [(200, key.encode()) if place % 7 == 0 else None for place, key in enumerate(keys)]
    with Counted(database_url) as counted:
        assert asyncio.run(all_of_them(HttpCache(counted, threads))) == expected * 2
        assert counted.statements == 6


def test_a_cancelled_search_does_not_cancel_another_of_the_same_key(cache: HttpCache, ledger: Ledger) -> None:
    store(ledger, "a")

    async def scenario() -> tuple[int, bytes] | None:
        cancelled, other = asyncio.create_task(cache.find("a")), asyncio.create_task(cache.find("a"))
        await asyncio.sleep(0)
        cancelled.cancel()
        return await other

    assert asyncio.run(scenario()) == (200, b"compressed")


def test_every_caller_gets_the_error_of_the_database(threads: Threads) -> None:
    async def scenario(cache: HttpCache) -> list[object]:
        return await asyncio.gather(*(cache.find(key) for key in "abc"), return_exceptions=True)

    with Database("postgresql://nobody@127.0.0.1:1/nowhere") as nowhere:
        cache = HttpCache(nowhere, threads)
        for _ in range(2):
            assert [type(each) for each in asyncio.run(scenario(cache))] == [DatabaseUnavailable] * 3


def test_a_newer_response_replaces_the_older_one(cache: HttpCache, ledger: Ledger) -> None:
    store(ledger, "a", b"old")
    store(ledger, "a", b"new")
    assert find(cache, "a") == (200, b"new")


def test_expired_responses_are_not_found_and_are_pruned(cache: HttpCache, ledger: Ledger, database: Database) -> None:
    store(ledger, "old", days=0.0)
    store(ledger, "valid")
    assert find(cache, "old") is None
    assert prune(database, 90, 400)["http_cache"] == 1
    assert prune(database, 90, 400)["http_cache"] == 0
    assert [row["cache_key"] for row in rows(database, "select cache_key from http_cache")] == ["valid"]


def test_the_responses_of_a_service_can_be_deleted(cache: HttpCache, ledger: Ledger) -> None:
    store(ledger, "a")
    store(ledger, "b", service="other")
    assert cache.forget("svc") == 1
    assert find(cache, "a") is None
    assert find(cache, "b") is not None
