"""The status of the backfill: months, totals and key figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from alexandria_pipeline.domain import key_figures
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage import figures, skipped_rows
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.figures import MonthFigures

STATUSES = ("pending", "processing", "completed", "retry", "failed")


def status(database: Database, months: Sequence[Month] = ()) -> dict[str, Any]:
    """Returns `months` (a row each), `by_status`, `totals` and `set_aside` (skipped rows), and `unused_isbns`.

    Only the named months, if any.
    """
    with database.transaction() as tx:
        counted = {str(f.month): f for f in figures.of_all_months(tx)}
        log = figures.backfill_rows(tx)
        synthetic, works = figures.synthetic_overall(tx)
        unfinished = figures.unfinished(tx)
        skipped = Counter(row["part"] for row in skipped_rows.all_rows(tx))
    rows = [_row(row, counted, unfinished) for row in log]
    wanted = [row for row in rows if not months or row["month"] in {str(month) for month in months}]
    generated, resolved = sum(row["books"] for row in wanted), sum(row["resolved"] for row in wanted)
    return {
        "months": wanted,
        "by_status": {name: sum(row["status"] == name for row in wanted) for name in STATUSES},
        "totals": {
            "books": generated,
            "resolved": resolved,
            "deferred": sum(row["deferred"] for row in wanted),
            "resolution_rate": _share(resolved, generated),
            "works": works,
            "synthetic": synthetic,
            "synthetic_share": _share(synthetic, works),
        },
        "set_aside": skipped["row"],
        "unused_isbns": skipped["isbn"],
    }


def by_year(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns a row per year: months, completed months, books, resolved, deferred, synthetic, and the resolution rate in percent."""
    years: dict[str, dict[str, Any]] = {}
    for row in rows:
        year = years.setdefault(
            row["month"][:4],
            {
                "year": row["month"][:4],
                "months": 0,
                "completed": 0,
                "books": 0,
                "resolved": 0,
                "deferred": 0,
                "synthetic": 0,
            },
        )
        year["months"] += 1
        year["completed"] += row["status"] == "completed"
        for name in ("books", "resolved", "deferred", "synthetic"):
            year[name] += row[name]
    return [{**year, "rate": _share(year["resolved"], year["books"])} for _, year in sorted(years.items())]


def _row(
    log: dict[str, Any], counted: dict[str, MonthFigures], unfinished: Mapping[Month, tuple[int, int]]
) -> dict[str, Any]:
    month = Month(log["year"], log["month"])
    deferred, skipped = unfinished.get(month, (0, 0))
    f = counted.get(str(month), MonthFigures(month))
    return {
        "month": str(month),
        "status": log["status"],
        "books": f.generated,
        "resolved": f.resolved,
        "deferred": deferred,
        "skipped_rows": skipped,
        "resolution_rate": _rounded(f.resolution_rate),
        "works": f.works,
        "synthetic": f.synthetic,
        "synthetic_share": _rounded(f.synthetic_share),
        "checks": checks(f),
        "retry_count": log["retry_count"],
        "error": log["error_message"],
        "owner": log["owner"],
        "owner_run": log["owner_run"],
        "started_at": _time(log["started_at"]),
        "completed_at": _time(log["completed_at"]),
    }


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
