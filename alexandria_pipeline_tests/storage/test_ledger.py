"""Leave for calls and their endings: one row per attempt, all or nothing, whoever dies in between."""

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
from alexandria_pipeline_tests.storage.workers import started
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


def begin(ledger: Ledger, allowance: Allowance = FREE) -> Slot:
    slot = ledger.reserve_now(ATTEMPT, allowance)
    assert isinstance(slot, Slot)
    return slot


def used(database: Database) -> int:
    return sum(row["used"] for row in rows(database, "select used from quota_usage"))


def test_a_row_is_there_before_the_call_and_complete_after_it(ledger: Ledger, database: Database) -> None:
    slot = begin(ledger)
    (row,) = rows(database, "select * from api_call")
    assert (row["outcome"], row["run_id"], row["year"], row["month"], row["stage"]) == (
        "sent",
        "run-1",
        2020,
        6,
        "resolved_isbns",
    )
    assert row["called_at"] == slot.at
    ending = CallResult(
        CallOutcome.ANSWERED,
        200,
        latency_seconds=0.25,
        size=123,
        input_tokens=7,
        output_tokens=9,
        cost_usd=Decimal("0.5"),
    )
    ledger.record_now(slot, ending)
    (row,) = rows(database, "select * from api_call")
    assert (row["outcome"], row["status"], row["latency_ms"], row["bytes"]) == ("answered", 200, 250, 123)
    assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (7, 9, Decimal("0.500000"))


def test_who_is_refused_leaves_no_trace(ledger: Ledger, database: Database) -> None:
    begin(ledger, replace(FREE, safe_limit=1))
    before = rows(database, "select * from provider_health")
    refusal = ledger.reserve_now(ATTEMPT, replace(FREE, safe_limit=1))
    assert isinstance(refusal, Unavailable)
    assert "quota" in refusal.reason
    assert rows(database, "select * from provider_health") == before
    assert (used(database), len(rows(database, "select from api_call"))) == (1, 1)
    assert isinstance(ledger.reserve_now(replace(ATTEMPT, service="other"), replace(FREE, safe_limit=0)), Unavailable)


def test_what_is_given_back_was_never_there(ledger: Ledger, database: Database) -> None:
    begin(ledger)
    asyncio.run(ledger.release(begin(ledger)))
    assert (used(database), len(rows(database, "select from api_call"))) == (1, 1)


def test_what_was_answered_cannot_be_given_back(ledger: Ledger, database: Database) -> None:
    slot = begin(ledger)
    ledger.record_now(slot, CallResult(CallOutcome.ANSWERED, 200))
    asyncio.run(ledger.release(slot))
    assert (used(database), len(rows(database, "select from api_call"))) == (1, 1)


def test_many_at_once_get_every_call_of_the_quota_and_a_slot_each(ledger: Ledger, database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        slots = list(pool.map(lambda _: ledger.reserve_now(ATTEMPT, replace(FREE, safe_limit=50)), range(80)))
    given = sorted((slot for slot in slots if isinstance(slot, Slot)), key=lambda slot: slot.at)
    assert len(given) == len({slot.call_id for slot in given}) == 50 == used(database)
    gaps = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(given)]
    assert min(gaps) >= FREE.spacing - 1e-5


def test_slots_move_with_the_latest_of_those_who_left_late(ledger: Ledger) -> None:
    slow = Allowance(2, None, 10)
    first, second, third = (begin(ledger, slow) for _ in range(3))

    async def late() -> None:
        for slot, seconds in ((first, 0.3), (second, 0.4), (first, 0.1)):
            await ledger.postpone_later(slot, seconds)

    asyncio.run(late())
    outlook = asyncio.run(ledger.check(third))
    assert not outlook.cancelled
    assert outlook.at - third.at == pytest.approx(timedelta(seconds=0.4), abs=timedelta(milliseconds=1))
    assert begin(ledger, slow).at - third.at == pytest.approx(
        timedelta(seconds=slow.spacing + 0.4), abs=timedelta(milliseconds=1)
    )
    moved = replace(third, at=outlook.at, delayed=outlook.delayed)  # and it left late as well, after it had been moved
    asyncio.run(ledger.postpone_later(moved, 0.2))
    again = asyncio.run(ledger.check(third))
    assert again.at - third.at == pytest.approx(timedelta(seconds=0.6), abs=timedelta(milliseconds=1))


def test_long_words_are_cut(ledger: Ledger, database: Database) -> None:
    slot = ledger.reserve_now(replace(ATTEMPT, url="u" * 9999), FREE)
    assert isinstance(slot, Slot)
    ledger.record_now(slot, CallResult(CallOutcome.FAILED, reason="r" * 9999, healthy=False))
    (row,) = rows(database, "select length(url) as url, length(error) as error from api_call")
    assert row == {"url": MAX_URL_LENGTH, "error": MAX_REASON_LENGTH}


def test_a_process_that_is_killed_has_called(database: Database, database_url: str) -> None:
    async def scenario() -> BadServer:
        async with serving(silence) as server:
            worker = started("call", database_url, server.url, 100, 1, "a")
            await asyncio.wait_for(server.arrived.wait(), 30)
            worker.kill()
            worker.communicate()
            return server

    server = asyncio.run(scenario())
    assert len(server.asked) == 1 == used(database)
    assert [row["outcome"] for row in rows(database, "select outcome from api_call")] == ["sent"]
