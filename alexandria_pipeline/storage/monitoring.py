"""Queries of the monitoring app, and the statements that make months due."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.rollout.planner import MAX_BACKOFF
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from alexandria_pipeline.storage.database import Connection, Database

_SQL = Queries("monitoring")

STATUSES = ("pending", "processing", "completed", "retry", "failed")


@dataclass(frozen=True, slots=True)
class MonthProgress:
    """One row of `backfill_log`, its books counted now. `owner_run` and `owner` are set while a run owns it."""

    month: Month
    status: str
    books: int
    resolved: int
    deferred: int
    queued: int
    retry_count: int
    error: str | None
    started_at: datetime | None
    completed_at: datetime | None
    next_attempt_at: datetime | None
    owner_run: str | None
    owner: str | None
    updated_at: datetime

    @property
    def resolution_rate(self) -> float | None:
        """Percent of its books that are resolved; None without books."""
        return 100 * self.resolved / self.books if self.books else None


@dataclass(slots=True)
class ServiceCosts:
    """Calls, tokens and cost of one service since the first call; `calls` by outcome."""

    service: str
    calls: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    """Calls whose cost is unknown, because no price is known for the model; `cost_usd` does not include them."""


def month_states(tx: Connection) -> list[MonthProgress]:
    """Returns every month that has a row, oldest first."""
    return [MonthProgress(Month(row.pop("year"), row.pop("month")), **row) for row in tx.execute(_SQL["months"])]


def service_costs(tx: Connection) -> list[ServiceCosts]:
    """Returns every service that was ever called, by name.

    The ledger and a kept answer record the same tokens and money: the greater counts, never the sum. The ledger also has
    paid attempts that gave no answer; an answer may be there without its line in the ledger.
    """
    found: dict[str, ServiceCosts] = {}
    for row in tx.execute(_SQL["calls"]):
        spent = found.setdefault(row["service"], ServiceCosts(row["service"]))
        spent.calls[row["outcome"]] += row["calls"]
        spent.input_tokens += row["input_tokens"]
        spent.output_tokens += row["output_tokens"]
        spent.cost_usd += row["cost_usd"]
        spent.unpriced += row["unpriced"]
    for row in tx.execute(_SQL["replies"]):
        spent = found.setdefault(row["service"], ServiceCosts(row["service"]))
        spent.input_tokens = max(spent.input_tokens, row["input_tokens"])
        spent.output_tokens = max(spent.output_tokens, row["output_tokens"])
        spent.cost_usd = max(spent.cost_usd, row["cost_usd"])
        spent.unpriced = max(spent.unpriced, row["unpriced"])
    return [found[name] for name in sorted(found)]


def used_today(tx: Connection) -> dict[str, int]:
    """Returns the calls of today (UTC) by service."""
    return {row["service"]: row["used"] for row in tx.execute(_SQL["used_today"])}


def due_months(tx: Connection, among: Sequence[Month], limit: int, *, force: bool) -> list[Month]:
    """Returns the months that `schedule_months` would select now; writes nothing."""
    return _months(
        tx.execute(_SQL["due"], {**_keys(among), "limit": limit, "force": force, "max_backoff": MAX_BACKOFF})
    )


def schedule_months(tx: Connection, among: Sequence[Month], limit: int, *, force: bool) -> list[Month]:
    """Makes up to `most` of the months due now, the most recent first, and returns them.

    Pending months and retries whose time has come; with `force` also retries that still wait, and failed months, which
    get all their attempts again. A month in processing or completed is left as it is.
    """
    return _months(
        tx.execute(_SQL["schedule"], {**_keys(among), "limit": limit, "force": force, "max_backoff": MAX_BACKOFF})
    )


def seed_months(tx: Connection, months: Sequence[Month]) -> list[Month]:
    """Adds a pending row for each month without a row, and returns these months."""
    return sorted(_months(tx.execute(_SQL["seed"], _keys(months))))


def check_database(database: Database) -> None:
    """Returns if the database answers. Raises StorageError otherwise."""
    database.fetch_one(_SQL["answers"])


def _keys(months: Iterable[Month]) -> dict[str, list[int]]:
    chosen = list(months)
    return {"years": [m.year for m in chosen], "months": [m.month for m in chosen]}


def _months(rows: Iterable[Mapping[str, Any]]) -> list[Month]:
    return [Month(row["year"], row["month"]) for row in rows]
