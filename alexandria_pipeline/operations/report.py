"""The report: books, calls, tokens, cost and time by month, phase, service and model, with a cost projection.

The tables are data frames, rendered as Markdown, HTML (with one chart) or CSV. Costs are in US dollars, times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from alexandria_pipeline.domain.costs import project_cost, seconds_covered
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.providers import local_catalog
from alexandria_pipeline.providers.base import ProviderKind
from alexandria_pipeline.providers.registry import DECLARATIONS
from alexandria_pipeline.storage import reports

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline.storage.reports import RawFigures

Tables: TypeAlias = dict[str, pd.DataFrame]

OUTSIDE = "outside the rollout"
DONE = ("completed", "failed")

TITLES: Mapping[str, str] = {
    "phases": "Phases",
    "months": "Months",
    "services": "Services",
    "saved": "Paid calls that the local catalogue has saved (estimate)",
    "generators": "Generators: books that a catalogue has, and that another generator named, too",
    "models": "Models and prompts: books that no catalogue has (possibly invented)",
    "projection": "The rest of the rollout",
}
_LIST_DIGEST = r"^sha256:.*"  # each month of a list has its own digest; all are one source
_SPENT = ["calls", "input_tokens", "output_tokens", "unpriced", "cost_usd"]
_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "div{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #8885;white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}"
    ".found{fill:#1f6feb}.rest{fill:#9db2cf}@media(prefers-color-scheme:dark){.found{fill:#79b0ff}.rest{fill:#46566d}}"
)


_BAR, _CHART_HEIGHT = 8, 120


class Format(StrEnum):
    """The output format of a report."""

    MD = "md"
    HTML = "html"
    CSV = "csv"


def build(database: Database, rules: Rules, now: datetime | None = None) -> Tables:
    """Builds all tables, by name, in the order of `TITLES`."""
    with database.transaction() as tx:
        raw = reports.read(tx)
    newest = Month.of((now or datetime.now(UTC)).astimezone(UTC).date()) - 1
    phase_of = {month: phase.name for phase in rules.phases for month in phase.months_until(newest, whole=True)}
    months = _months(raw, phase_of)
    planned = {month for phase in rules.phases if not phase.endless for month in phase.months_until(newest, whole=True)}
    services = _services(raw)
    return {
        "phases": _phases(months, raw, phase_of),
        "months": months,
        "services": services,
        "saved": _saved(services),
        "generators": _generators(raw),
        "models": _models(raw),
        "projection": _projection(months, raw, planned),
    }


def render(tables: Tables, form: Format) -> str:
    """Renders the report as text. CSV of several tables has them one below the other; its first column names the table."""
    if form is Format.CSV and len(tables) == 1:
        return next(iter(tables.values())).to_csv(index=False)
    if form is Format.CSV:
        named = [table.assign(table=name) for name, table in tables.items() if len(table)]
        whole = pd.concat(named).convert_dtypes() if named else pd.DataFrame(columns=["table"])
        return whole[["table", *(column for column in whole if column != "table")]].to_csv(index=False)
    if form is Format.HTML:
        parts = [
            f"<h2>{escape(TITLES[name])}</h2>{_chart(table) if name == 'months' else ''}<div>{_html(table)}</div>"
            for name, table in tables.items()
        ]
        head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Backfill report</title><style>{_STYLE}</style>'
        body = "\n".join(["<h1>Backfill report</h1>", *parts])
        return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'
    return (
        "# Backfill report\n\n"
        + "\n\n".join(f"## {TITLES[name]}\n\n{markdown(t)}" for name, t in tables.items())
        + "\n"
    )


def markdown(table: pd.DataFrame) -> str:
    """Renders one table. A pipe in a cell is escaped."""
    if table.empty:
        return "Nothing yet."
    shown = _formatted(table).map(lambda cell: cell.replace("|", "\\|"))
    lines = [list(shown.columns), [_alignment(table[column]) for column in shown], *shown.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns the rows as plain values; an unknown value is an empty text."""
    rows = table.astype(object).where(table.notna(), "").to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _chart(months: pd.DataFrame) -> str:
    """Draws the books of each month: resolved below in a strong colour, the others above in a faint one."""
    shown = months[months["books"] > 0].sort_values("month")
    if not len(shown):
        return ""
    most = int(shown["books"].max())
    width = len(shown) * _BAR
    parts = []
    for at, (month, books, resolved) in enumerate(zip(shown["month"], shown["books"], shown["resolved"], strict=True)):
        found, rest = (round(_CHART_HEIGHT * count / most, 1) for count in (resolved, books - resolved))
        left, top = at * _BAR, _CHART_HEIGHT - found
        parts.append(
            f'<g><title>{month}: {resolved} of {books} books resolved</title><rect class="found" x="{left}" y="{top:g}"'
            f' width="{_BAR - 1}" height="{found:g}"/><rect class="rest" x="{left}" y="{top - rest:g}" width="{_BAR - 1}" height="{rest:g}"/></g>'
        )
    words = f"Books of {shown['month'].iloc[0]} to {shown['month'].iloc[-1]}: resolved (strong) and not resolved (faint), at most {most} per month"
    return (
        f'<div><svg width="{width}" height="{_CHART_HEIGHT}" viewBox="0 0 {width} {_CHART_HEIGHT}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg></div><p>{words}</p>"
    )


def _html(table: pd.DataFrame) -> str:
    return _formatted(table).to_html(index=False, border=0) if len(table) else "<p>Nothing yet.</p>"


def _formatted(table: pd.DataFrame) -> pd.DataFrame:
    """Formats cells: whole numbers without decimals, costs with four decimals, unknown values empty."""
    return pd.DataFrame(
        {column: [_formatted_cell(cell, str(column)) for cell in table[column]] for column in table.columns}
    )


def _formatted_cell(cell: Any, column: str) -> str:
    if cell is None or cell != cell:  # NaN is the one value unlike itself
        return ""
    if isinstance(cell, float):
        return f"{cell:,.4f}" if "usd" in column else f"{cell:,.2f}".removesuffix(".00")
    return str(cell)


def _alignment(column: pd.Series[Any]) -> str:
    return "---:" if pd.api.types.is_numeric_dtype(column) else "---"


def _months(raw: RawFigures, phase_of: Mapping[Month, str]) -> pd.DataFrame:
    books = {figure.month: figure for figure in raw.books}
    rows = []
    for row in raw.months:
        month = Month(row["year"], row["month"])
        figure = books.get(month)
        rows.append(
            {
                "month": str(month),
                "phase": phase_of.get(month, OUTSIDE),
                "status": row["status"],
                "books": figure.generated if figure else 0,
                "resolved": figure.resolved if figure else 0,
                "works": figure.works if figure else 0,
                "synthetic": figure.synthetic if figure else 0,
            }
        )
    table = pd.DataFrame(rows, columns=["month", "phase", "status", "books", "resolved", "works", "synthetic"])
    table = table.merge(_spent_by_month(raw), on="month", how="left")
    table[_SPENT] = table[_SPENT].fillna(0)
    table[_SPENT[:-1]] = table[_SPENT[:-1]].astype("int64")
    spans = _spans(raw)
    table["seconds"] = [round(seconds_covered(spans.get(month, [])), 2) for month in table["month"]]
    table.insert(5, "rate", _percent(table["resolved"], table["books"]))
    return table


def _spent_by_month(raw: RawFigures) -> pd.DataFrame:
    spent = pd.DataFrame(raw.spent, columns=["year", "month", "service", "failed", "seconds", *_SPENT])
    spent = spent[spent["year"].notna() & spent["month"].notna()]
    keys = [f"{int(y):04d}-{int(m):02d}" for y, m in zip(spent["year"], spent["month"], strict=True)]
    spent = spent.assign(month=pd.Series(keys, index=spent.index, dtype="object"))
    spent[_SPENT] = spent[_SPENT].astype("float64")
    return spent.groupby("month", as_index=False)[_SPENT].sum()


def _spans(raw: RawFigures) -> dict[str, list[tuple[datetime, datetime]]]:
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in raw.worked:
        spans.setdefault(str(Month(row["year"], row["month"])), []).append((row["started_at"], row["ended_at"]))
    return spans


def _phases(months: pd.DataFrame, raw: RawFigures, phase_of: Mapping[Month, str]) -> pd.DataFrame:
    """One row per phase in the order of the rollout, and a row of totals."""
    spans = _spans(raw)
    order = [*dict.fromkeys(phase_of.values()), OUTSIDE]
    lines = [_sum(name, months[months["phase"] == name], spans) for name in order if (months["phase"] == name).any()]
    table = pd.DataFrame([*lines, _sum("all", months, spans)])
    table.insert(5, "rate", _percent(table["resolved"], table["books"]))
    return table


def _sum(name: str, months: pd.DataFrame, spans: Mapping[str, Sequence[tuple[datetime, datetime]]]) -> dict[str, Any]:
    sums = {column: months[column].sum() for column in ("books", "resolved", "works", "synthetic", *_SPENT)}
    covered = seconds_covered(span for month in months["month"] for span in spans.get(month, []))
    done = int(months["status"].isin(DONE).sum())
    return {"phase": name, "months": len(months), "done": done, **sums, "seconds": round(covered, 2)}


def _services(raw: RawFigures) -> pd.DataFrame:
    """Requests, results and cost of each service, including sources without calls (lists, the local catalogue)."""
    spent = pd.DataFrame(raw.spent, columns=["year", "month", "service", "failed", "seconds", *_SPENT])
    figures = ["calls", "failed", "input_tokens", "output_tokens", "cost_usd", "unpriced", "seconds"]
    spent[figures] = spent[figures].astype("float64")
    spent["service"] = list(spent["service"])
    yields = pd.DataFrame(raw.yields, columns=["provider", "listed", "asked", "resolved"])
    yields["service"] = list(yields["provider"])
    table = yields.drop(columns="provider").merge(
        spent.groupby("service", as_index=False)[figures].sum(), on="service", how="outer"
    )
    table = table[["service", "listed", "asked", "resolved", *figures]]
    table[["listed", "asked", "resolved", *figures]] = (
        table[["listed", "asked", "resolved", *figures]].astype("float64").fillna(0)
    )
    whole = ["listed", "asked", "resolved", "calls", "failed", "input_tokens", "output_tokens", "unpriced"]
    table[whole] = table[whole].astype("int64")
    table["seconds"] = table["seconds"].round(2)
    table["usd_per_resolved"] = (table["cost_usd"] / table["resolved"].where(table["resolved"] > 0)).round(6)
    return table.sort_values("service", ignore_index=True)


def _saved(services: pd.DataFrame) -> pd.DataFrame:
    """For each paid service that was asked, the calls and the price that the books of the local catalogue would have cost.

    An estimate: the service's calls per book asked and price per call, times the books that the local catalogue resolved.
    """
    columns = ["service", "books", "calls_per_book", "calls_saved", "usd_saved"]
    books = int(services.loc[services["service"] == local_catalog.DECLARATION.name, "resolved"].sum())
    paid = [each.name for each in DECLARATIONS if each.kind is ProviderKind.PAID]
    asked = services[services["service"].isin(paid) & (services["asked"] > 0) & (services["calls"] > 0)]
    rows = []
    for row in asked.to_dict("records") if books else []:
        per_book, usd = row["calls"] / row["asked"], row["cost_usd"] / row["calls"]
        rows.append(
            [row["service"], books, round(per_book, 3), round(per_book * books), round(per_book * books * usd, 4)]
        )
    return pd.DataFrame(rows, columns=columns)


def _generators(raw: RawFigures) -> pd.DataFrame:
    """By generator: its books, how many are resolved or named by another generator, and the cost of a resolved one."""
    columns = ["provider", "books", "resolved", "named_by_others", "unpriced", "cost_usd"]
    table = pd.DataFrame(raw.generators, columns=columns)
    table[columns[1:]] = table[columns[1:]].astype("float64")
    table[columns[1:-1]] = table[columns[1:-1]].astype("int64")
    table.insert(3, "resolved_share", _percent(table["resolved"], table["books"]))
    table["usd_per_resolved"] = (table["cost_usd"] / table["resolved"].where(table["resolved"] > 0)).round(6)
    return table


def _models(raw: RawFigures) -> pd.DataFrame:
    """Per model and prompt: how many of its decided books no catalogue has."""
    columns = [
        "provider",
        "model",
        "prompt_variant",
        "replies",
        "refused",
        "months",
        "books",
        "decided",
        "unknown",
        "input_tokens",
        "output_tokens",
        "unpriced",
        "cost_usd",
    ]
    table = pd.DataFrame(raw.models, columns=columns)
    table["model"] = table["model"].str.replace(_LIST_DIGEST, "a list", regex=True)
    sums = columns[3:]
    table[sums] = table[sums].astype("float64")
    table = table.groupby(columns[:3], as_index=False)[sums].sum()
    table[sums[:-1]] = table[sums[:-1]].astype("int64")
    table.insert(9, "unknown_share", _percent(table["unknown"], table["decided"]))
    return table


def _projection(months: pd.DataFrame, raw: RawFigures, planned: set[Month]) -> pd.DataFrame:
    """The cost of the remaining months at the average of the finished ones: a row per service and a row of totals."""
    done = {Month.parse(key) for key in months.loc[months["status"].isin(DONE), "month"]}
    remaining = len(planned - done)
    spent: dict[str, list[float]] = {}
    for row in raw.spent:
        of_done = row["year"] is not None and row["month"] is not None and Month(row["year"], row["month"]) in done
        sums = spent.setdefault(row["service"], [0.0, 0.0])
        if of_done:
            sums[0] += row["cost_usd"]
            sums[1] += int(row["calls"])
    sums = [sum(each[0] for each in spent.values()), sum(each[1] for each in spent.values())]
    return pd.DataFrame(
        [_projected(name, each, len(done), remaining) for name, each in [*sorted(spent.items()), ("all", sums)]]
    )


def _projected(service: str, sums: Sequence[float], done: int, left: int) -> dict[str, Any]:
    money, calls = project_cost(sums[0], done, left), project_cost(sums[1], done, left)
    return {
        "service": service,
        "months_done": done,
        "months_left": left,
        "cost_usd": round(sums[0], 6),
        "usd_per_month": money.per_month,
        "rest_usd": money.rest,
        "calls": int(sums[1]),
        "calls_per_month": calls.per_month,
        "rest_calls": calls.rest,
    }


def _percent(part: pd.Series[Any], whole: pd.Series[Any]) -> pd.Series[Any]:
    part, whole = part.astype("float64"), whole.astype("float64")
    return (100 * part / whole.where(whole > 0)).round(2)
