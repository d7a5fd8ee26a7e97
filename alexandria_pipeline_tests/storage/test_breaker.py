"""Circuit breakers: opened by failures in a row, one probe for all processes, closed by a response."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from alexandria_pipeline.domain.calls import (
    Allowance,
    CallAttempt,
    CallContext,
    CallOutcome,
    CallResult,
    ProbeInProgress,
    Slot,
)
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.storage import breaker
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Database

ATTEMPT = CallAttempt("svc", "GET", "https://example.org/x", 1, CallContext())
ALLOWANCE = Allowance(1000, None, 3600)  # a probe may take an hour, so that none ends during a test
FAILED = CallResult(CallOutcome.FAILED, 500, "HTTP 500", healthy=False)
ANSWERED = CallResult(CallOutcome.ANSWERED, 200)
REFUSED = CallResult(CallOutcome.REFUSED, 400, "a bad request", healthy=True)
CANCELLED = CallResult(CallOutcome.CANCELLED, healthy=None)


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    threads = Threads()
    yield Ledger(database, threads)
    threads.close()


def record(ledger: Ledger, *results: CallResult) -> None:
    for result in results:
        slot = ledger.reserve_now(ATTEMPT, ALLOWANCE)
        assert isinstance(slot, Slot)
        ledger.record_now(slot, result)


def health(database: Database) -> dict[str, Any]:
    (row,) = rows(database, "select *, retry_at - opened_at as cooldown from provider_health")
    return row


def end_waits(database: Database) -> None:
    rows(
        database,
        "update provider_health set retry_at = now(), probe_until = now() where breaker <> 'closed' returning service",
    )


def test_five_failures_in_a_row_open_the_breaker(ledger: Ledger, database: Database) -> None:
    record(ledger, *[FAILED] * 4)
    assert health(database)["breaker"] == "closed"
    record(ledger, ANSWERED, *[FAILED] * 4, REFUSED, *[FAILED] * 5)
    assert health(database)["breaker"] == "open"
    refusal = ledger.reserve_now(ATTEMPT, ALLOWANCE)
    assert isinstance(refusal, Unavailable)
    assert refusal.temporary
    assert "HTTP 500" in refusal.reason


def test_one_of_many_requests_is_the_probe(ledger: Ledger, database: Database) -> None:
    record(ledger, *[FAILED] * 5)
    end_waits(database)
    with ThreadPoolExecutor(16) as pool:
        slots = [
            slot
            for slot in pool.map(lambda _: ledger.reserve_now(ATTEMPT, ALLOWANCE), range(64))
            if isinstance(slot, Slot)
        ]
    assert [slot.probe for slot in slots] == [True]
    ledger.record_now(slots[0], ANSWERED)
    assert health(database)["breaker"] == "closed"
    record(ledger, ANSWERED)


def test_each_failed_probe_doubles_the_pause(ledger: Ledger, database: Database) -> None:
    record(ledger, *[FAILED] * 5)
    cooldowns = [health(database)["cooldown"].total_seconds()]
    for _ in range(5):
        end_waits(database)
        record(ledger, FAILED)
        cooldowns.append(health(database)["cooldown"].total_seconds())
    assert [round(each) for each in cooldowns] == [60, 120, 240, 480, 900, 900]
    end_waits(database)
    record(ledger, ANSWERED, *[FAILED] * 5)
    assert round(health(database)["cooldown"].total_seconds()) == 60


@pytest.mark.parametrize("end", ["process died", "cancelled"])
def test_a_probe_without_a_result_is_replaced_by_another(ledger: Ledger, database: Database, end: str) -> None:
    record(ledger, *[FAILED] * 5)
    end_waits(database)
    probe = ledger.reserve_now(ATTEMPT, ALLOWANCE)
    assert isinstance(probe, Slot)
    other = ledger.reserve_now(ATTEMPT, ALLOWANCE)
    assert isinstance(other, ProbeInProgress)
    assert other.refusal.temporary
    state = breaker.states(database)["svc"]
    assert (state.breaker, state.unavailable_reason) == ("half_open", None), (
        "a caller waits for the result of the probe"
    )
    if end == "process died":
        end_waits(database)
    else:
        ledger.record_now(probe, CANCELLED)
    another = ledger.reserve_now(ATTEMPT, ALLOWANCE)
    assert isinstance(another, Slot)
    assert another.probe


def test_results_of_calls_from_before_the_opening_change_nothing(ledger: Ledger, database: Database) -> None:
    early = [ledger.reserve_now(ATTEMPT, ALLOWANCE) for _ in range(3)]
    record(ledger, *[FAILED] * 5)
    before = health(database)
    for slot, result in zip(early, (ANSWERED, FAILED, CANCELLED), strict=True):
        assert isinstance(slot, Slot)
        ledger.record_now(slot, result)
    after = health(database)
    assert {key: before[key] for key in ("breaker", "retry_at", "openings")} == {
        key: after[key] for key in ("breaker", "retry_at", "openings")
    }


def test_a_result_can_open_the_breaker_at_once_for_a_time(ledger: Ledger, database: Database) -> None:
    record(ledger, CallResult(CallOutcome.FAILED, 503, "HTTP 503", healthy=False, open_breaker_seconds=3600))
    assert round(health(database)["cooldown"].total_seconds()) == 3600


def test_the_state_of_a_service_can_be_read(ledger: Ledger, database: Database) -> None:
    assert ledger.state("svc") is None
    record(ledger, *[FAILED] * 5)
    state = breaker.states(database)["svc"]
    assert (state.breaker, state.failures, state.last_error, state.used) == ("open", 5, "HTTP 500", 5)
    assert "paused until" in (state.unavailable_reason or "")
    end_waits(database)
    assert breaker.states(database, ["svc"])["svc"].unavailable_reason is None


def test_a_reopened_service_is_called_again_at_once(ledger: Ledger, database: Database) -> None:
    record(ledger, *[FAILED] * 5)
    assert isinstance(ledger.reserve_now(ATTEMPT, ALLOWANCE), Unavailable)
    (ended,) = breaker.reopen(database, "svc", "a person")
    assert "svc is paused" in ended
    assert "HTTP 500" in ended
    assert isinstance(ledger.reserve_now(ATTEMPT, ALLOWANCE), Slot)
    assert (health(database)["breaker"], health(database)["failures"], health(database)["openings"]) == ("closed", 0, 0)


def test_reopening_ends_a_used_up_quota_and_a_pause_and_keeps_the_count(
    ledger: Ledger, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    spent = CallResult(
        CallOutcome.REFUSED, 429, "the credits are used up", healthy=None, pause_seconds=60, exhausted=True
    )
    record(ledger, spent)
    assert isinstance(ledger.reserve_now(ATTEMPT, ALLOWANCE), Unavailable)
    state = breaker.states(database)["svc"]
    assert "alexandria services reopen svc" in (state.unavailable_reason or "")
    assert breaker.reopen(database, "svc", "tester") == [
        "svc had requested a pause", "svc had reported: the credits are used up",
    ]  # fmt: skip
    assert isinstance(ledger.reserve_now(ATTEMPT, ALLOWANCE), Slot)
    assert rows(database, "select used, exhausted from quota_usage") == [{"used": 2, "exhausted": None}]
    assert (
        "svc was reopened by tester (svc had requested a pause; svc had reported: the credits are used up)"
        in caplog.text
    )


def test_reopening_what_is_open_or_unknown_changes_nothing(ledger: Ledger, database: Database) -> None:
    record(ledger, ANSWERED)
    assert breaker.reopen(database, "svc", "a person") == breaker.reopen(database, "nobody", "a person") == []
