"""The key figures of the pipeline, counted from the books and works themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """What a month's books have come to, now. `synthetic` of `works` have no ISBN; `lost` books have no work."""

    month: Month
    generated: int = 0
    resolved: int = 0
    works: int = 0
    synthetic: int = 0
    lost: int = 0

    @property
    def resolution_rate(self) -> float | None:
        """Percent of the generated books, None when there are none."""
        return 100 * self.resolved / self.generated if self.generated else None

    @property
    def synthetic_share(self) -> float | None:
        """Percent of the month's works, None when there are none."""
        return 100 * self.synthetic / self.works if self.works else None


@dataclass(frozen=True, slots=True)
class CallsToday:
    """A service's attempts since 00:00 UTC: all that we made, and those of them that it has surely counted.

    `reported`: its own count at `reported_at`. `last_called`: the last other call. None: not today.
    """

    attempts: int
    certain: int
    last_called: datetime | None
    reported: int | None
    reported_at: datetime | None


def of_months(tx: Connection, months: Sequence[Month]) -> dict[Month, MonthFigures]:
    """The figures of each of these months, zero where nothing was generated."""
    keys = {"years": [m.year for m in months], "months": [m.month for m in months]}
    figures = {month: MonthFigures(month) for month in months}
    return figures | {f.month: f for f in map(_figures, tx.execute(_SQL["of_months"], keys))}


def of_all_months(tx: Connection) -> list[MonthFigures]:
    """The figures of every month that has books, in time."""
    return [_figures(row) for row in tx.execute(_SQL["of_all_months"])]


def synthetic_overall(tx: Connection) -> tuple[int, int]:
    """Synthetic works, and works, of the whole table."""
    row = tx.execute(_SQL["synthetic_overall"]).fetchone() or {"synthetic": 0, "works": 0}
    return row["synthetic"], row["works"]


def backfill_rows(tx: Connection) -> list[dict[str, Any]]:
    """`backfill_log`, month by month, as a table for people."""
    return tx.execute(_SQL["backfill_rows"]).fetchall()


def books_of(tx: Connection, month: Month) -> list[dict[str, Any]]:
    """The generated books of a month, each with its sources and where it stands."""
    return tx.execute(_SQL["books_of"], {"year": month.year, "month": month.month}).fetchall()


def calls_today(tx: Connection, service: str) -> CallsToday:
    """What the ledger holds of today, beside the service's own figure."""
    row = tx.execute(_SQL["calls_today"], {"service": service}).fetchone()
    return CallsToday(**row) if row else CallsToday(0, 0, None, None, None)


def _figures(row: Mapping[str, Any]) -> MonthFigures:
    return MonthFigures(
        Month(row["year"], row["month"]), row["generated"], row["resolved"], row["works"], row["synthetic"], row["lost"]
    )
