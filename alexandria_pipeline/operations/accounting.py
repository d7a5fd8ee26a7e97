"""What was asked of the services today: where each quota stands, and our count of calls held against the service's own.

Counting is `storage`'s, limits are `domain`'s. Nothing here makes a call of its own but the question for a service's counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alexandria_pipeline.domain.quota import drift_percent
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.base import CallCounter
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.storage import breaker, figures
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.figures import CallsToday
from alexandria_pipeline.storage.quota import QuotaManager

RECONCILE = "reconcile"
"""The operation of calls that ask for a counter; `storage.figures` knows them by it, since services do not charge for them."""


@dataclass(frozen=True, slots=True)
class CallComparison:
    """Our count of today's calls beside the service's. `drift` in percent of theirs, above 0 when they count more.

    `told` and `drift` are None where there was nothing to compare with, and `note` says why.
    """

    service: str
    counted: int
    told: int | None = None
    drift: float | None = None
    note: str = ""


def compare(database: Database, quota: QuotaManager, counter: CallCounter) -> CallComparison:
    """Asks the service for its count, if it was asked anything since it last told. Raises StorageError."""
    name = counter.info.name
    before = _today(database, name)
    if before.last_asked is None:
        return CallComparison(name, before.attempts, note=f"{name} was not asked anything today")
    told = before.told
    if told is None or before.told_at is None or before.told_at < before.last_asked:
        answer = _spent(counter)
        if isinstance(answer, str):
            return CallComparison(name, before.attempts, note=f"not compared: {answer}")
        quota.reconcile(name, told := answer)
    after = _today(database, name)
    # A call that was never answered may not have arrived, and asking for the counter may count: both are right.
    counted = min(max(told, before.certain), after.attempts)
    return CallComparison(name, counted, told, drift_percent(counted, told))


def standings(database: Database, quota: QuotaManager, paces: Mapping[str, float]) -> list[dict[str, Any]]:
    """Today of every service in `paces` (requests per second): quota, breaker and pace, ready for JSON. Raises StorageError."""
    states = breaker.states(database, list(paces))
    rows = []
    for name, pace in paces.items():
        status, state = quota.status(name), states.get(name)
        rows.append({
            **asdict(status), "reset_at": status.reset_at.isoformat(), "requests_per_second": pace,
            "breaker": state.breaker if state else "closed", "failures": state.failures if state else 0,
            "retry_at": state.retry_at.isoformat() if state and state.retry_at else None,
            "last_error": state.last_error if state else None,
        })  # fmt: skip
    return rows


def _spent(counter: CallCounter) -> int | str:
    """The service's own count, or why there is none."""
    if (closed := counter.unavailable()) is not None:
        return closed.reason
    with call_context(stage="call_accounting", operation=RECONCILE):
        answer = asyncio.run(counter.spent())
    if isinstance(answer, NotFound):
        return f"{counter.info.name} has no counter"
    return answer.reason if isinstance(answer, Unavailable | Failed) else answer


def _today(database: Database, service: str) -> CallsToday:
    with database.transaction() as tx:
        return figures.calls_today(tx, service)
