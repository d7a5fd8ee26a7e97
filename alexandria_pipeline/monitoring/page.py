"""The status page, rendered from figures of one transaction. Its script renews it; it loads no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from alexandria_pipeline.domain.quota import QuotaStatus
from alexandria_pipeline.domain.rollout.records import Plan
from alexandria_pipeline.domain.text.display import for_page
from alexandria_pipeline.monitoring import grid
from alexandria_pipeline.monitoring.figures import by_status, percent, presentable, recent
from alexandria_pipeline.monitoring.responses import policy_for
from alexandria_pipeline.storage.monitoring import MonthProgress, ServiceCosts

MAX_FAILURES = 10
MAX_ERROR_LENGTH = 300
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Overview:
    """The content of the page. `begun`: a month was requested or started, or an operator has made a decision."""

    now: datetime
    months: Sequence[MonthProgress]
    plan: Plan
    begun: bool
    quota: QuotaStatus
    spendings: Sequence[ServiceCosts]
    works: int
    synthetic: int


def render(overview: Overview, dagster_url: str | None = None) -> str:
    """Renders the page as HTML; every value is escaped. `dagster_url`: of the Dagster UI, which the page links to."""
    states = grid.by_month(overview.months)
    return (
        _environment()
        .get_template("page.html")
        .render(
            overview=overview,
            names=MONTH_NAMES,
            years=grid.historical(states),
            other_years=grid.others(states),
            legend=grid.legend(),
            statuses=by_status(overview.months),
            totals=_totals(overview),
            running=[s for s in overview.months if s.status == "processing"],
            failures=[s for s in recent(overview.months) if s.status in ("failed", "retry") and s.error][:MAX_FAILURES],
            dagster_url=dagster_url,
            style=style(),
            script=_file("renew.js"),
        )
    )


def policy() -> str:
    """Returns the content security policy that allows only the style sheet and the script of the page."""
    return policy_for(style(), _file("renew.js"))


def style() -> str:
    """Returns the style sheet, which is part of the page."""
    return _file("page.css")


@cache
def _file(name: str) -> str:
    return (resources.files("alexandria_pipeline.monitoring") / "templates" / name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("alexandria_pipeline.monitoring"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: for_page(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "usd": _usd, "time": _time, "error": _error, "percent": _percent}
    return environment


def _totals(overview: Overview) -> dict[str, Any]:
    books, resolved = sum(s.books for s in overview.months), sum(s.resolved for s in overview.months)
    return {
        "books": books,
        "resolved": resolved,
        "deferred": sum(s.deferred for s in overview.months),
        "rate": percent(resolved, books) if books else None,
        "synthetic_share": percent(overview.synthetic, overview.works) if overview.works else None,
        "cost": sum((spent.cost_usd for spent in overview.spendings), Decimal(0)),
        "calls": sum(spent.calls.total() for spent in overview.spendings),
    }


def _count(number: int | None) -> str:
    return "no limit" if number is None else f"{number:,}"


def _usd(amount: Decimal) -> str:
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:,.4f}"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "–"


def _error(text: str | None) -> str:
    return presentable(text, MAX_ERROR_LENGTH) or ""


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1f} %"
