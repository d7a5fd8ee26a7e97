"""Daily quotas: never one call too many, in any number of processes; and the figures of a day."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.calls import Allowance, CallAttempt, CallContext, Slot
from alexandria_pipeline.domain.quota import (
    CallPurpose,
    Permission,
    QuotaLimits,
    drift_percent,
    end_of_day,
    next_reset,
    permission,
    project_usage,
    quota_status,
)
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.providers.registry import SERVICES
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.storage.workers import reserve, together
from alexandria_pipeline_tests.world import exhaust, rows, use_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow("sixteen processes share a quota")

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ISBNDB = QuotaLimits(15_000, 2_000)


@pytest.fixture
def quotas(database: Database) -> QuotaManager:
    return QuotaManager(database, {"isbndb": QuotaLimits(100, 20)})


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with closing(Threads()) as threads:
        yield Ledger(database, threads)


def take(ledger: Ledger) -> object:
    """One reservation of ISBNdb, with a safe limit of 80 calls."""
    return ledger.reserve_now(CallAttempt("isbndb", "GET", "", 1, CallContext()), Allowance(1000, 80, 10))


def test_the_zones_of_the_services_are_the_same_in_sql_and_in_the_declarations(database: Database) -> None:
    for name, defaults in SERVICES.items():
        assert rows(database, f"select quota_zone('{name}') as zone") == [{"zone": defaults.quota_zone}]


@pytest.mark.parametrize(
    ("service", "at", "day"),
    [
        ("google-books", "2026-11-26 07:59:59+00", "2026-11-25"), ("google-books", "2026-11-26 08:00:00+00", "2026-11-26"),
        ("gemini", "2026-07-01 06:59:59+00", "2026-06-30"), ("gemini", "2026-07-01 07:00:00+00", "2026-07-01"),
        ("isbndb", "2026-11-26 00:00:00+00", "2026-11-26"), ("isbndb", "2026-11-25 23:59:59+00", "2026-11-25"),
    ],
)  # fmt: skip
def test_a_quota_day_ends_in_the_zone_of_the_service(database: Database, service: str, at: str, day: str) -> None:
    assert rows(database, f"select quota_day('{service}', '{at}')::text as day") == [{"day": day}]
    assert next_reset(datetime(2026, 11, 26, 9, tzinfo=UTC), "America/Los_Angeles") == datetime(
        2026, 11, 27, 8, tzinfo=UTC
    )


def test_a_call_counts_for_the_day_of_its_service(database: Database, ledger: Ledger) -> None:
    slot = ledger.reserve_now(CallAttempt("google-books", "GET", "", 1, CallContext()), Allowance(1000, 80, 10))
    assert isinstance(slot, Slot)
    assert slot.day == slot.at.astimezone(ZoneInfo("America/Los_Angeles")).date()
    assert QuotaManager(database, {}).status("google-books").used == 1


def test_a_used_up_quota_names_the_end_of_the_day(ledger: Ledger) -> None:
    allowance = Allowance(1000, 0, 10, end_of_day("America/Los_Angeles"))
    refused = ledger.reserve_now(CallAttempt("google-books", "GET", "", 1, CallContext()), allowance)
    assert isinstance(refused, Unavailable)
    assert refused.reason.endswith("is used up until midnight in Los Angeles")


def test_sixteen_processes_get_exactly_the_last_fifty(database: Database, database_url: str) -> None:
    rounds, limit = 10, 13_000
    with database.transaction() as tx:
        tx.execute(
            "insert into quota_usage (service, day, used)"
            " select 'round-' || n, (now() at time zone 'UTC')::date, %s from generate_series(0, %s) n", [limit - 50, rounds]
        )  # fmt: skip
    granted = together(16, reserve, database_url, rounds, limit)
    assert [sum(each) for each in zip(*granted, strict=True)] == [50] * rounds
    assert {row["used"] for row in rows(database, "select used from quota_usage where used > %s", limit - 50)} == {
        limit
    }


def test_the_safe_limit_is_never_exceeded(ledger: Ledger, quotas: QuotaManager, database: Database) -> None:
    use_calls(database, "isbndb", 79)
    assert isinstance(take(ledger), Slot)
    refusal = take(ledger)
    assert isinstance(refusal, Unavailable)
    assert refusal.reason == "the daily quota of isbndb (safe limit: 80 calls) is used up until 00:00 UTC"
    status = quotas.status("isbndb")
    assert (status.used, status.remaining, status.safety_remaining, status.can_make_calls) == (80, 20, 0, False)
    assert status.reset_at == next_reset(datetime.now(UTC))


def test_a_service_without_a_limit_is_counted(quotas: QuotaManager, database: Database) -> None:
    use_calls(database, "open-library", 100_000)
    status = quotas.status("open-library")
    assert (status.used, status.daily_limit, status.can_make_calls, status.percentage_used) == (100_000, None, True, 0)


def test_calls_of_yesterday_do_not_count(ledger: Ledger, database: Database) -> None:
    use_calls(database, "isbndb", 80)
    assert isinstance(take(ledger), Unavailable)
    rows(database, "update quota_usage set day = day - 1 returning day")
    assert isinstance(take(ledger), Slot)


def test_no_call_is_permitted_after_the_service_reports_that_the_quota_is_used_up(
    ledger: Ledger, quotas: QuotaManager, database: Database
) -> None:
    exhaust(database, "isbndb", "Daily quota exceeded")
    assert isinstance(take(ledger), Unavailable)
    assert not quotas.status("isbndb").can_make_calls
    assert "reports that its quota is used up" in quotas.allows("isbndb", CallPurpose.MANUAL, 1).reason


@pytest.mark.parametrize(("spent", "used", "drift"), [(10, 10, 0.0), (16, 16, 37.5), (9, 10, -10.0), (0, 10, -100.0)])
def test_the_counter_of_the_service_raises_ours_and_never_lowers_it(
    quotas: QuotaManager, database: Database, spent: int, used: int, drift: float
) -> None:
    use_calls(database, "isbndb", 10)
    assert quotas.reconcile("isbndb", spent) == drift
    assert quotas.reconcile("isbndb", spent) == drift  # against what was counted, not against the correction
    assert quotas.status("isbndb").used == used


def test_a_projection_uses_the_calls_of_the_last_hour(quotas: QuotaManager, database: Database) -> None:
    rows(
        database,
        "insert into api_call (service, method, url) select 'isbndb', 'GET', '' from generate_series(1, 10) returning call_id",
    )
    assert quotas.projection("isbndb").calls_per_hour == 10


def test_a_purpose_needs_a_share_of_the_quota_to_be_permitted() -> None:
    status = quota_status("isbndb", ISBNDB, 12_900, NOON)
    assert permission(status, CallPurpose.CRON, 50)
    assert permission(status, CallPurpose.CRON, 51) == Permission(
        False, "cron needs 102 calls of isbndb; 100 are left until 00:00 UTC"
    )
    assert permission(status, CallPurpose.BULK, 100)
    assert not permission(status, CallPurpose.BULK, 101)
    for operation in (CallPurpose.BACKFILL, CallPurpose.NEW_RELEASES, CallPurpose.MANUAL):
        assert permission(status, operation, 100)
        assert not permission(status, operation, 101)


def test_the_usage_at_the_end_of_the_day_is_projected() -> None:
    status = quota_status("isbndb", ISBNDB, 7_000, NOON)
    assert (status.percentage_used, status.remaining, status.safety_remaining) == (46.67, 8_000, 6_000)
    quiet, busy = project_usage(status, NOON, 100, planned=300), project_usage(status, NOON, 1_000)
    assert (quiet.expected_by_reset, quiet.exhausted_at, quiet.spare) == (8_500, None, 4_500)
    assert (busy.expected_by_reset, busy.exhausted_at, busy.spare) == (19_000, NOON + timedelta(hours=6), 0)
    assert project_usage(quota_status("wikidata", QuotaLimits(None), 5, NOON), NOON, 10).spare is None
    assert next_reset(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


counts = st.integers(0, 10**6)


@given(counts, counts, counts)
def test_the_figures_of_a_quota_are_consistent(limit: int, buffer: int, used: int) -> None:
    status = quota_status("svc", QuotaLimits(limit, buffer), used, NOON)
    assert status.remaining is not None
    assert status.safety_remaining is not None
    assert 0 <= status.safety_remaining <= status.remaining <= limit
    assert status.can_make_calls == (used < limit - buffer)
    assert bool(permission(status, CallPurpose.MANUAL, 1)) == status.can_make_calls
    assert -100 <= drift_percent(limit, used) <= 100
