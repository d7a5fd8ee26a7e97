"""Today's calls: the quota of each service, and our count compared with the service's own.

Storage counts calls and the domain has the limits. The only call made here requests a service's counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alexandria_pipeline.domain.quota import drift_percent
from alexandria_pipeline.domain.service_answers import Answer, NotFound
from alexandria_pipeline.providers.base import CallCounter
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.storage import breaker, figures
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.figures import CallsToday
from alexandria_pipeline.storage.quota import QuotaManager

RECONCILE_PURPOSE = "reconcile"
"""The purpose of calls that request a counter. `storage.figures` excludes them: services do not charge for them."""


@dataclass(frozen=True, slots=True)
class CallComparison:
    """Our count of today's calls and the service's. `drift` in percent, above 0 if the service counts more.

    `reported` and `drift` are None when there is nothing to compare with; `note` gives the reason.
    """

    service: str
    counted: int
    reported: int | None = None
    drift: float | None = None
    note: str = ""


def compare_counts(database: Database, quota: QuotaManager, counter: CallCounter) -> CallComparison:
    """Requests the service's count, if there were calls since the last time. Raises StorageError."""
    name = counter.declaration.name
    before = _today(database, name)
    if before.last_called is None:
        return CallComparison(name, before.attempts, note=f"no {name} calls today")
    reported = before.reported
    if reported is None or before.reported_at is None or before.reported_at < before.last_called:
        answer = service_count(counter)
        if not isinstance(answer, int):
            reason = f"{name} has no counter" if isinstance(answer, NotFound) else answer.reason
            return CallComparison(name, before.attempts, note=f"not compared: {reason}")
        quota.reconcile(name, reported := answer)
    after = _today(database, name)
    # Both counts can be right: a call without a response may not have arrived, and requesting the counter may count.
    counted = min(max(reported, before.certain), after.attempts)
    return CallComparison(name, counted, reported, drift_percent(counted, reported))


def service_standings(database: Database, quota: QuotaManager, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """One row per service in `rates` (requests per second): quota, breaker and rate, ready for JSON. Raises StorageError."""
    states = breaker.states(database, list(rates))
    rows = []
    for name, rate in rates.items():
        status, state = quota.status(name), states.get(name)
        rows.append(
            {
                **asdict(status),
                "reset_at": status.reset_at.isoformat(),
                "requests_per_second": rate,
                "breaker": state.breaker if state else "closed",
                "failures": state.failures if state else 0,
                "retry_at": state.retry_at.isoformat() if state and state.retry_at else None,
                "last_error": state.last_error if state else None,
            }
        )
    return rows


def service_count(counter: CallCounter) -> Answer[int]:
    """Requests the service's own count of today's calls, which no service charges for."""
    if (unavailable := counter.unavailable()) is not None:
        return unavailable
    with call_context(stage="call_accounting", purpose=RECONCILE_PURPOSE):
        return asyncio.run(counter.spent())


def _today(database: Database, service: str) -> CallsToday:
    with database.transaction() as tx:
        return figures.calls_today(tx, service)
