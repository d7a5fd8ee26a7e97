"""The status of the backfill: months, totals and key figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from alexandria_pipeline.domain import key_figures
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage import figures, generation
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.figures import MonthFigures

STATUSES = ("pending", "processing", "completed", "retry", "failed")


def status(database: Database, months: Sequence[Month] = ()) -> dict[str, Any]:
    """Returns `months` (a row each), `by_status`, `totals` and `set_aside` (skipped rows); only the named months, if any."""
    with database.transaction() as tx:
        counted = {str(f.month): f for f in figures.of_all_months(tx)}
        log = figures.backfill_rows(tx)
        synthetic, works = figures.synthetic_overall(tx)
        skipped = len(generation.skipped_rows(tx))
    rows = [_row(row, counted) for row in log]
    wanted = [row for row in rows if not months or row["month"] in {str(month) for month in months}]
    generated, resolved = sum(row["books"] for row in wanted), sum(row["resolved"] for row in wanted)
    return {
        "months": wanted,
        "by_status": {name: sum(row["status"] == name for row in wanted) for name in STATUSES},
        "totals": {
            "books": generated, "resolved": resolved, "resolution_rate": _share(resolved, generated),
            "works": works, "synthetic": synthetic, "synthetic_share": _share(synthetic, works),
        },
        "set_aside": skipped,
    }  # fmt: skip


def by_year(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns a row per year: months, completed months, books, resolved, synthetic, and the resolution rate in percent."""
    table = pd.DataFrame(rows, columns=["month", "status", "books", "resolved", "synthetic"])
    table["year"] = table["month"].str.slice(0, 4)
    table["completed"] = table["status"].eq("completed")
    years = table.groupby("year").agg(
        months=("month", "count"), completed=("completed", "sum"), books=("books", "sum"), resolved=("resolved", "sum"),
        synthetic=("synthetic", "sum"),
    )  # fmt: skip
    years["rate"] = (100 * years["resolved"] / years["books"].where(years["books"] > 0)).round(2)
    return [{str(name): value for name, value in row.items()} for row in years.reset_index().to_dict("records")]


def _row(log: dict[str, Any], counted: dict[str, MonthFigures]) -> dict[str, Any]:
    month = Month(log["year"], log["month"])
    f = counted.get(str(month), MonthFigures(month))
    return {
        "month": str(month), "status": log["status"], "books": f.generated, "resolved": f.resolved,
        "resolution_rate": _rounded(f.resolution_rate), "works": f.works, "synthetic": f.synthetic,
        "synthetic_share": _rounded(f.synthetic_share), "checks": checks(f), "retry_count": log["retry_count"],
        "error": log["error_message"], "owner": log["owner"], "owner_run": log["owner_run"],
        "started_at": _time(log["started_at"]), "completed_at": _time(log["completed_at"]),
    }  # fmt: skip


def checks(f: MonthFigures) -> dict[str, bool]:
    """Returns for each key figure of a month whether it holds."""
    return {
        "resolution_rate": key_figures.resolution_rate_holds(f.resolution_rate),
        "synthetic_share": key_figures.synthetic_share_holds(f.synthetic_share),
        "nothing_lost": f.lost == 0,
    }


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)


def _time(moment: Any) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
