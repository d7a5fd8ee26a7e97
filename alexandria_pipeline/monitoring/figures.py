"""Rows of `storage` as the answers of `wire`: what is summed, in which order, and what a person may see of an error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaStatus
from alexandria_pipeline.monitoring.models import Activity, BackfillStats, ByStatus, Progress, QuotaAnswer
from alexandria_pipeline.storage.monitoring import MonthProgress

FIRST_MONTH = Month(2000, 1)  # docs/behaviour.md, "Purpose"
MOST_ACTIVITIES = 20
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

# Our own errors hold no password; what a service or a driver said might.
_PASSWORD = re.compile(r"(\w+://[^\s/:@]*:)[^\s@]+@")


def quota_answer(status: QuotaStatus) -> QuotaAnswer:
    """The figures of today that the endpoint has."""
    return QuotaAnswer(**{name: getattr(status, name) for name in QuotaAnswer.model_fields})


def backfill_stats(states: Sequence[MonthProgress]) -> BackfillStats:
    """Sums over all months, and the last of them that something happened to."""
    books, resolved = sum(s.books for s in states), sum(s.resolved for s in states)
    return BackfillStats(
        total_months=len(states),
        by_status=ByStatus(**by_status(states)),
        progress=Progress(
            total_books_generated=books,
            total_isbns_resolved=resolved,
            overall_resolution_rate=percent(resolved, books),
            total_isbns_queued=sum(s.queued for s in states),
        ),
        recent_activity=[_activity(s) for s in recent(states)[:MOST_ACTIVITIES]],
    )


def by_status(states: Iterable[MonthProgress]) -> dict[str, int]:
    """How many months stand where; every status is there."""
    counted = Counter(s.status for s in states)
    return {status: counted[status] for status in ByStatus.model_fields}


def recent(states: Iterable[MonthProgress]) -> list[MonthProgress]:
    """Months that anybody ever began, the latest change first."""
    begun = [s for s in states if s.status != "pending" or s.started_at is not None]
    return sorted(
        begun, key=lambda s: (s.updated_at, s.completed_at or s.started_at or _LONG_AGO, s.month), reverse=True
    )


def percent(part: int, whole: int) -> float:
    """Two decimals; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def presentable(error: str | None, most: int = 2000) -> str | None:
    """An error as it may be shown: passwords of addresses taken out, and cut."""
    if error is None:
        return None
    said = _PASSWORD.sub(r"\1***@", error).strip()
    return said if len(said) <= most else said[: most - 1] + "…"


def months_of_years(one: int, other: int, now: datetime) -> list[Month]:
    """Every month from the earlier of the years to the later, both included, of those that the pipeline knows and that have ended."""
    start, end = sorted((one, other))
    return [month for month in _months(now) if start <= month.year <= end]


def all_months(now: datetime) -> list[Month]:
    """2000-01 to the last month that has ended."""
    return list(_months(now))


def _months(now: datetime) -> Iterator[Month]:
    month, current = FIRST_MONTH, Month.of(now.date())
    while month < current:
        yield month
        month += 1


def _activity(state: MonthProgress) -> Activity:
    return Activity(
        year=state.month.year, month=state.month.month, status=state.status,
        books_generated=state.books, isbns_resolved=state.resolved, resolution_rate=percent(state.resolved, state.books),
        retry_count=state.retry_count, error_message=presentable(state.error), started_at=state.started_at,
        completed_at=state.completed_at, updated_at=state.updated_at,
    )  # fmt: skip
