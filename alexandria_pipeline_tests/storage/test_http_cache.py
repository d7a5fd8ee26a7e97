"""Answers that are still good: kept with the ending of a call, found by key, pruned."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.calls import Allowance, Attempt, CallContext, CallOutcome, Ending, Kept, Slot
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Database


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


def keep(ledger: Ledger, key: str, body: bytes = b"packed", days: float = 1.0, service: str = "svc") -> None:
    slot = ledger.begin_now(
        Attempt(service, "GET", "https://example.org/", 1, CallContext()), Allowance(1000, None, 10)
    )
    assert isinstance(slot, Slot)
    ledger.finish_now(
        slot, Ending(CallOutcome.ANSWERED, 200, kept=Kept(key, 200, negative=False, body=body, days=days))
    )


def find(cache: HttpCache, key: str) -> tuple[int, bytes] | None:
    return asyncio.run(cache.find(key))


def test_an_answer_is_found_by_its_key(cache: HttpCache, ledger: Ledger) -> None:
    keep(ledger, "a", bytes(range(256)))
    assert find(cache, "a") == (200, bytes(range(256)))
    assert find(cache, "b") is None


def test_a_newer_answer_takes_the_place_of_an_older(cache: HttpCache, ledger: Ledger) -> None:
    keep(ledger, "a", b"old")
    keep(ledger, "a", b"new")
    assert find(cache, "a") == (200, b"new")


def test_answers_past_their_time_are_not_found_and_pruned(cache: HttpCache, ledger: Ledger, database: Database) -> None:
    keep(ledger, "old", days=0.0)
    keep(ledger, "good")
    assert find(cache, "old") is None
    assert cache.prune() == 1
    assert cache.prune() == 0
    assert [row["cache_key"] for row in rows(database, "select cache_key from http_cache")] == ["good"]


def test_a_service_can_be_forgotten(cache: HttpCache, ledger: Ledger) -> None:
    keep(ledger, "a")
    keep(ledger, "b", service="other")
    assert cache.forget("svc") == 1
    assert find(cache, "a") is None
    assert find(cache, "b") is not None
