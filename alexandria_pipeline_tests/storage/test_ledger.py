"""The ledger of calls: one row per attempt, reserved before the call and completed after it, even if the process dies."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.calls import Allowance, CallAttempt, CallContext, CallOutcome, CallResult, Slot
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.storage.ledger import MAX_REASON_LENGTH, MAX_URL_LENGTH, Ledger
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.providers.transport.bad_server import BadServer, serving, silence
from alexandria_pipeline_tests.storage.workers import call, started
from alexandria_pipeline_tests.waiting import PATIENCE
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Database

ATTEMPT = CallAttempt(
    "svc", "GET", "https://example.org/x?q=1", 1, CallContext("run-1", Month(2020, 6), "resolved_isbns", "manual")
)
FREE = Allowance(1000, None, 10)


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    threads = Threads()
    yield Ledger(database, threads)
    threads.close()


def reserve(ledger: Ledger, allowance: Allowance = FREE) -> Slot:
    slot = ledger.reserve_now(ATTEMPT, allowance)
    assert isinstance(slot, Slot)
    return slot


def used(database: Database) -> int:
    return sum(row["used"] for row in rows(database, "select used from quota_usage"))


def test_a_row_exists_before_the_call_and_is_complete_after_it(ledger: Ledger, database: Database) -> None:
    slot = reserve(ledger)
    (row,) = rows(database, "select * from api_call")
    assert (row["outcome"], row["run_id"], row["year"], row["month"], row["stage"]) == (
        "sent",
        "run-1",
        2020,
        6,
        "resolved_isbns",
    )
    assert row["called_at"] == slot.at
    result = CallResult(
        CallOutcome.ANSWERED,
        200,
        latency_seconds=0.25,
        size=123,
        input_tokens=7,
        output_tokens=9,
        cost_usd=Decimal("0.5"),
    )
    ledger.record_now(slot, result)
    (row,) = rows(database, "select * from api_call")
    assert (row["outcome"], row["status"], row["latency_ms"], row["bytes"]) == ("answered", 200, 250, 123)
    assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (7, 9, Decimal("0.500000"))


def test_a_refused_reservation_changes_nothing(ledger: Ledger, database: Database) -> None:
    reserve(ledger, replace(FREE, safe_limit=1))
    before = rows(database, "select * from provider_health")
    refusal = ledger.reserve_now(ATTEMPT, replace(FREE, safe_limit=1))
    assert isinstance(refusal, Unavailable)
    assert "quota" in refusal.reason
    assert rows(database, "select * from provider_health") == before
    assert (used(database), len(rows(database, "select from api_call"))) == (1, 1)
    assert isinstance(ledger.reserve_now(replace(ATTEMPT, service="other"), replace(FREE, safe_limit=0)), Unavailable)


def test_a_released_reservation_is_removed(ledger: Ledger, database: Database) -> None:
    reserve(ledger)
    asyncio.run(ledger.release(reserve(ledger)))
    assert (used(database), len(rows(database, "select from api_call"))) == (1, 1)


def test_a_call_with_a_result_cannot_be_released(ledger: Ledger, database: Database) -> None:
    slot = reserve(ledger)
    ledger.record_now(slot, CallResult(CallOutcome.ANSWERED, 200))
    asyncio.run(ledger.release(slot))
    assert (used(database), len(rows(database, "select from api_call"))) == (1, 1)


def test_many_reservations_at_once_use_the_whole_quota_and_get_a_slot_each(ledger: Ledger, database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        slots = list(pool.map(lambda _: ledger.reserve_now(ATTEMPT, replace(FREE, safe_limit=50)), range(80)))
    given = sorted((slot for slot in slots if isinstance(slot, Slot)), key=lambda slot: slot.at)
    assert len(given) == len({slot.call_id for slot in given}) == 50 == used(database)
    gaps = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(given)]
    assert min(gaps) >= FREE.spacing - 1e-5


def test_slots_move_with_the_latest_of_the_late_requests(ledger: Ledger) -> None:
    slow = Allowance(0.01, None, 10)  # the slots are minutes ahead, however slow the test is
    first, second, third = (reserve(ledger, slow) for _ in range(3))

    async def late() -> None:
        for slot, seconds in ((first, 0.3), (second, 0.4), (first, 0.1)):
            await ledger.postpone_later(slot, seconds)

    asyncio.run(late())
    status = asyncio.run(ledger.check(third))
    assert not status.cancelled
    assert status.at - third.at == pytest.approx(timedelta(seconds=0.4), abs=timedelta(milliseconds=1))
    assert reserve(ledger, slow).at - third.at == pytest.approx(
        timedelta(seconds=slow.spacing + 0.4), abs=timedelta(milliseconds=1)
    )
    moved = replace(third, at=status.at, delayed=status.delayed)  # sent late, too, after it was moved
    asyncio.run(ledger.postpone_later(moved, 0.2))
    again = asyncio.run(ledger.check(third))
    assert again.at - third.at == pytest.approx(timedelta(seconds=0.6), abs=timedelta(milliseconds=1))


def test_long_texts_are_cut(ledger: Ledger, database: Database) -> None:
    slot = ledger.reserve_now(replace(ATTEMPT, url="u" * 9999), FREE)
    assert isinstance(slot, Slot)
    ledger.record_now(slot, CallResult(CallOutcome.FAILED, reason="r" * 9999, healthy=False))
    (row,) = rows(database, "select length(url) as url, length(error) as error from api_call")
    assert row == {"url": MAX_URL_LENGTH, "error": MAX_REASON_LENGTH}


def test_the_call_of_a_killed_process_stays_counted(database: Database, database_url: str) -> None:
    async def scenario() -> BadServer:
        async with serving(silence) as server:
            worker = started(call, database_url, server.url, 100, 1, "a")
            await asyncio.wait_for(server.arrived.wait(), PATIENCE)
            worker.kill()
            return server

    server = asyncio.run(scenario())
    assert len(server.asked) == 1 == used(database)
    assert [row["outcome"] for row in rows(database, "select outcome from api_call")] == ["sent"]
