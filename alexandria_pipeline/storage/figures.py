"""Figures: what the books and works of months have come to, counted from the rows themselves.

The SQL function `month_figures` computes them; nothing else does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("figures")


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """The current figures of a month. `synthetic` of `works` have no ISBN; `lost` books have no work."""

    month: Month
    generated: int = 0
    resolved: int = 0
    works: int = 0
    synthetic: int = 0
    lost: int = 0

    @property
    def resolution_rate(self) -> float | None:
        """Percent of the generated books that have an ISBN; None without books."""
        return 100 * self.resolved / self.generated if self.generated else None

    @property
    def synthetic_share(self) -> float | None:
        """Percent of the month's works without an ISBN; None without works."""
        return 100 * self.synthetic / self.works if self.works else None


@dataclass(frozen=True, slots=True)
class CallsToday:
    """The attempts of a service of its quota day. `certain`: those that the service has certainly counted.

    `reported`: its own count at `reported_at`. `last_called`: the last other call. None: not today.
    """

    attempts: int
    certain: int
    last_called: datetime | None
    reported: int | None
    reported_at: datetime | None


def of_months(tx: Connection, months: Sequence[Month]) -> dict[Month, MonthFigures]:
    """The figures of each of these months; zeros where nothing was generated."""
    keys = {"years": [m.year for m in months], "months": [m.month for m in months]}
    figures = {month: MonthFigures(month) for month in months}
    return figures | {f.month: f for f in map(_figures, tx.execute(_SQL["of_months"], keys))}


def of_all_months(tx: Connection) -> list[MonthFigures]:
    """The figures of every month that has books, in order."""
    return [_figures(row) for row in tx.execute(_SQL["of_all_months"])]


def unfinished(tx: Connection) -> dict[Month, tuple[int, int]]:
    """The number of deferred books and of skipped rows of every month that has listed books or skipped rows."""
    return {Month(r["year"], r["month"]): (r["deferred"], r["skipped"]) for r in tx.execute(_SQL["deferred"])}


def recount(tx: Connection, months: Collection[Month]) -> None:
    """Stores the current figures of these months in `backfill_log`."""
    wanted = sorted(months)
    tx.execute(_SQL["recount"], {"years": [m.year for m in wanted], "months": [m.month for m in wanted]})


def synthetic_overall(tx: Connection) -> tuple[int, int]:
    """The number of synthetic works and of all works."""
    row = tx.execute(_SQL["synthetic_overall"]).fetchone() or {"synthetic": 0, "works": 0}
    return row["synthetic"], row["works"]


def backfill_rows(tx: Connection) -> list[dict[str, Any]]:
    """All rows of `backfill_log`, in order."""
    return tx.execute(_SQL["backfill_rows"]).fetchall()


def books_of(tx: Connection, month: Month) -> list[dict[str, Any]]:
    """The generated books of a month, each with its sources and outcome; `work` has what the library serves of its work."""
    return tx.execute(_SQL["books_of"], {"year": month.year, "month": month.month}).fetchall()


def calls_today(tx: Connection, service: str) -> CallsToday:
    """The calls of today in the ledger, and the service's own count."""
    row = tx.execute(_SQL["calls_today"], {"service": service}).fetchone()
    return CallsToday(**row) if row else CallsToday(0, 0, None, None, None)


def _figures(row: Mapping[str, Any]) -> MonthFigures:
    return MonthFigures(
        Month(row["year"], row["month"]), row["generated"], row["resolved"], row["works"], row["synthetic"], row["lost"]
    )


def calls_of_run(tx: Connection, run_id: str, stage: str, services: Sequence[str]) -> int:
    """How many calls of these services a run has made in a stage."""
    row = tx.execute(_SQL["calls_of_run"], {"run_id": run_id, "stage": stage, "services": list(services)}).fetchone()
    return int(row["calls"]) if row else 0
