"""Converts rows of `storage` to the models of `models`: sums, order, and errors without secrets."""

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

# Our errors hold no password; a message of a service or driver might.
_PASSWORD = re.compile(r"(?<!\w)(\w++://[^\s/:@]*+:)[^\s@]{1,256}@")


def quota_answer(status: QuotaStatus) -> QuotaAnswer:
    """Returns the quota of today as the endpoint shows it."""
    return QuotaAnswer(**{name: getattr(status, name) for name in QuotaAnswer.model_fields})


def backfill_stats(states: Sequence[MonthProgress]) -> BackfillStats:
    """Returns the sums over all months and the months that changed last."""
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
    """Counts the months by status; every status is present."""
    counted = Counter(s.status for s in states)
    return {status: counted[status] for status in ByStatus.model_fields}


def recent(states: Iterable[MonthProgress]) -> list[MonthProgress]:
    """Returns the months that were ever started, the latest change first."""
    begun = [s for s in states if s.status != "pending" or s.started_at is not None]
    return sorted(
        begun, key=lambda s: (s.updated_at, s.completed_at or s.started_at or _LONG_AGO, s.month), reverse=True
    )


def percent(part: int, whole: int) -> float:
    """Returns a percentage with two decimals; 0 when the whole is 0."""
    return round(100 * part / whole, 2) if whole else 0.0


def presentable(error: str | None, most: int = 2000) -> str | None:
    """Returns an error for display: shortened, with the passwords of addresses removed."""
    if error is None:
        return None
    shown = _PASSWORD.sub(r"\1***@", error).strip()
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def months_of_years(one: int, other: int, now: datetime) -> list[Month]:
    """Returns the finished months from the earlier year to the later, both included."""
    start, end = sorted((one, other))
    return [month for month in _months(now) if start <= month.year <= end]


def all_months(now: datetime) -> list[Month]:
    """Returns 2000-01 to the last finished month."""
    return list(_months(now))


def _months(now: datetime) -> Iterator[Month]:
    month, current = FIRST_MONTH, Month.of(now.date())
    while month < current:
        yield month
        month += 1


def _activity(state: MonthProgress) -> Activity:
    return Activity(
        year=state.month.year,
        month=state.month.month,
        status=state.status,
        books_generated=state.books,
        isbns_resolved=state.resolved,
        resolution_rate=percent(state.resolved, state.books),
        retry_count=state.retry_count,
        error_message=presentable(state.error),
        started_at=state.started_at,
        completed_at=state.completed_at,
        updated_at=state.updated_at,
    )
