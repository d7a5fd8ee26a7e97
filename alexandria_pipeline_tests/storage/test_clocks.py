"""The clock of the database is set back by 30 days: the times in its tables lie ahead, and nothing may wait for them.

A test moves the rows ahead instead of the clock, which is the same for every statement.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.calls import Allowance, CallAttempt, CallContext, CallOutcome, CallResult, Slot
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.domain.rollout.planner import MAX_BACKOFF
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.operations.recover import recover
from alexandria_pipeline.providers.transport.rate_limiter import RateLimiter
from alexandria_pipeline.storage.breaker import MAX_COOLDOWN_SECONDS, states
from alexandria_pipeline.storage.generation import mark_read, store_reply
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.monitoring import due_months
from alexandria_pipeline.storage.months import FIRST_BACKOFF_SECONDS, MAX_RETRIES, overlapping_claims
from alexandria_pipeline.storage.recovery import orphans
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.world import AUGUST, JULY, JUNE, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline_tests.storage.conftest import Holder

ATTEMPT = CallAttempt("svc", "GET", "https://example.org", 1, CallContext())
FREE = Allowance(1000, None, 10)
LIMITED = Allowance(1000, 10, 10)


def set_clock_back(database: Database) -> None:
    """Every time in the tables of months and calls is 30 days ahead afterwards."""
    with database.transaction() as tx:
        tx.execute(
            "update month_claim set released_at = released_at + interval '30 days' where released_at is not null"
        )
        tx.execute("update month_claim set claimed_at = claimed_at + interval '30 days'")
        tx.execute(
            "update backfill_log set started_at = started_at + interval '30 days',"
            " completed_at = completed_at + interval '30 days', next_attempt_at = next_attempt_at + interval '30 days'"
        )
        tx.execute(
            "update provider_health set next_slot_at = next_slot_at + interval '30 days', hold_until = hold_until +"
            " interval '30 days', retry_at = retry_at + interval '30 days', probe_until = probe_until + interval '30 days',"
            " updated_at = updated_at + interval '30 days'"
        )
        tx.execute("update quota_usage set day = day + 30")


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with closing(Threads()) as threads:
        yield Ledger(database, threads)


def _status(database: Database) -> list[str]:
    return [row["status"] for row in rows(database, "select status from backfill_log order by year, month")]


def _slot(ledger: Ledger, allowance: Allowance = FREE) -> Slot:
    slot = ledger.reserve_now(ATTEMPT, allowance)
    assert isinstance(slot, Slot)
    return slot


# Months.


def test_a_month_is_released_and_claimed_again(database: Database, holder: Holder) -> None:
    first = holder("run-1")
    first.claim([JUNE])
    set_clock_back(database)
    first.release(JUNE, "the run ended", failed=False)
    assert _status(database) == ["retry"]
    assert holder("run-2").claim([JUNE]) == {}
    with database.transaction() as tx:
        assert overlapping_claims(tx) == ([], 1)


def test_a_month_is_completed_and_claimed_again(database: Database, holder: Holder) -> None:
    first = holder("run-1")
    first.claim([JUNE])
    with database.transaction() as tx:
        request = GenerationRequest(JUNE, 20, "baseline")
        mark_read(tx, store_reply(tx, request, RawReply("curated-list", "m", "[]"), "run-1").reply_id)
    set_clock_back(database)
    assert first.complete(JUNE)
    second = holder("run-2")
    assert second.claim([JUNE]) == {}
    with database.transaction() as tx:
        second.fence(tx, [JUNE])
    with database.transaction() as tx:
        assert overlapping_claims(tx) == ([], 1)


def _abandon(database: Database, holder: Holder) -> None:
    """June to August belong to a run that is dead."""
    dead = holder("run-1")
    dead.claim([JUNE, JULY, AUGUST])
    assert dead._session is not None
    rows(database, "select pg_terminate_backend(%s, 5000)", dead._session.info.backend_pid)
    dead._held.clear()


def test_the_months_of_a_dead_run_are_taken_back(database: Database, holder: Holder) -> None:
    _abandon(database, holder)
    set_clock_back(database)
    recover(database, recover(database, []).suspects)
    assert _status(database) == ["retry"] * 3


def test_a_month_that_cannot_be_taken_back_does_not_block_the_others(database: Database, holder: Holder) -> None:
    _abandon(database, holder)
    _break_july(database)
    taken = recover(database, recover(database, []).suspects).months
    assert [each.month for each in taken] == [JUNE, AUGUST]
    with database.transaction() as tx:
        assert [orphan.month for orphan in orphans(tx)] == [JULY]


def test_closing_releases_every_month_though_one_fails(database: Database, holder: Holder) -> None:
    run = holder("run-1")
    run.claim([JUNE, JULY, AUGUST])
    _break_july(database)
    run.close("the run ended", failed=False)
    assert _status(database) == ["retry", "processing", "retry"]


def _break_july(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute("alter table month_claim add check (month <> 7 or released_at is null) not valid")


def test_a_retry_is_due_though_its_time_is_weeks_ahead(database: Database, holder: Holder) -> None:
    run = holder("run-1")
    run.claim([JUNE])
    run.release(JUNE, "failed", failed=True)
    with database.transaction() as tx:
        assert due_months(tx, [JUNE], 5, force=False) == []
    set_clock_back(database)
    with database.transaction() as tx:
        assert due_months(tx, [JUNE], 5, force=False) == [JUNE]


def test_no_back_off_is_longer_than_the_longest() -> None:
    assert timedelta(seconds=FIRST_BACKOFF_SECONDS * 2 ** (MAX_RETRIES - 1) * 1.25) <= MAX_BACKOFF


# Calls.


def test_slots_and_pauses_do_not_lie_weeks_ahead(database: Database, ledger: Ledger) -> None:
    slot = _slot(ledger)
    ledger.record_now(slot, CallResult(CallOutcome.FAILED, status=429, healthy=None, pause_seconds=30))
    set_clock_back(database)
    assert _slot(ledger).wait < 61
    assert _slot(ledger).wait < 61


def test_an_open_breaker_closes_in_its_usual_time(database: Database, ledger: Ledger) -> None:
    failure = CallResult(CallOutcome.FAILED, healthy=False, open_breaker_seconds=60)
    ledger.record_now(_slot(ledger), failure)
    assert isinstance(ledger.reserve_now(ATTEMPT, FREE), Unavailable)
    set_clock_back(database)
    assert states(database)["svc"].unavailable_reason is None
    ledger.reserve_now(ATTEMPT, FREE)
    (row,) = rows(
        database, "select extract(epoch from retry_at - clock_timestamp())::float8 as left from provider_health"
    )
    assert row["left"] <= MAX_COOLDOWN_SECONDS


def test_calls_counted_for_a_future_day_count_for_today(database: Database, ledger: Ledger) -> None:
    for _ in range(8):
        _slot(ledger, LIMITED)
    set_clock_back(database)
    assert [isinstance(ledger.reserve_now(ATTEMPT, LIMITED), Slot) for _ in range(4)] == [True, True, False, False]
    assert [row["used"] for row in rows(database, "select used from quota_usage")] == [10]


def test_a_request_does_not_sleep_for_weeks(ledger: Ledger) -> None:
    """The clock is set back between the reservation of a slot and its time."""
    slot = _slot(ledger)
    reserved = replace(slot, at=slot.at + timedelta(days=30), day=slot.day + timedelta(days=30), wait=0.3)
    asyncio.run(asyncio.wait_for(RateLimiter("svc", ledger, FREE, 5)._wait(reserved), 60))


# The day of a call.


def test_the_quota_is_used_up_on_the_day_of_the_call(database: Database, ledger: Ledger) -> None:
    slot = _slot(ledger)
    with database.transaction() as tx:
        tx.execute("update quota_usage set day = day - 1")
        tx.execute("update api_call set called_at = called_at - interval '1 day'")
    yesterday = slot.day - timedelta(days=1)
    before_midnight = Slot(slot.call_id, "svc", slot.at - timedelta(days=1), 0, yesterday, 0, probe=False)
    ledger.record_now(before_midnight, CallResult(CallOutcome.REFUSED, reason="used up", healthy=None, exhausted=True))
    assert [(row["day"], row["exhausted"]) for row in rows(database, "select * from quota_usage")] == [
        (yesterday, "used up")
    ]
    assert isinstance(ledger.reserve_now(ATTEMPT, LIMITED), Slot)


def test_a_slot_that_moves_over_midnight_moves_its_day(database: Database, ledger: Ledger) -> None:
    slot = _slot(ledger, LIMITED)
    with database.transaction() as tx:
        tx.execute("update provider_health set next_slot_at = date_trunc('day', now()) + interval '1 day 1 hour'")
    moved = asyncio.run(ledger.renew(slot, LIMITED, 0))
    assert isinstance(moved, Slot)
    assert moved.day == slot.day + timedelta(days=1)
    assert [(row["day"], row["used"]) for row in rows(database, "select day, used from quota_usage order by day")] == [
        (slot.day, 0), (moved.day, 1),
    ]  # fmt: skip
    assert asyncio.run(ledger.check(slot)).cancelled is False


def test_a_slot_beyond_midnight_counts_for_its_own_day(database: Database, ledger: Ledger) -> None:
    today = _slot(ledger, LIMITED).day
    with database.transaction() as tx:
        tx.execute("update provider_health set next_slot_at = date_trunc('day', now()) + interval '1 day 1 hour'")
        tx.execute("update quota_usage set used = 10")
    assert _slot(ledger, LIMITED).day == today + timedelta(days=1)


def test_a_slot_is_not_moved_to_a_day_without_quota(database: Database, ledger: Ledger) -> None:
    slot = _slot(ledger, LIMITED)
    with database.transaction() as tx:
        tx.execute("update provider_health set next_slot_at = date_trunc('day', now()) + interval '1 day 1 hour'")
        tx.execute(
            "insert into quota_usage (service, day, used) values ('svc', %s, 10)", [slot.day + timedelta(days=1)]
        )
    assert isinstance(asyncio.run(ledger.renew(slot, LIMITED, 0)), Unavailable)
    asyncio.run(ledger.release(slot))
    assert [row["used"] for row in rows(database, "select used from quota_usage order by day")] == [0, 10]
