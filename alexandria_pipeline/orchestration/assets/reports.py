"""The daily report of the backfill, in Dagster's metadata."""

from typing import TYPE_CHECKING

import dagster as dg

from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
from alexandria_pipeline.orchestration.assets.synthetic import enhanced_synthetic_works
from alexandria_pipeline.orchestration.charts import bar_chart
from alexandria_pipeline.orchestration.partitions import daily, one_run
from alexandria_pipeline.orchestration.reporting import columns, table
from alexandria_pipeline.orchestration.resources import Operations

if TYPE_CHECKING:
    import pandas as pd

# Dagster stores the metadata again with every materialization, and the schema of a table takes 200 bytes for each column: few rows, and
# Markdown for all but two tables keep them under 20 kB.
MAX_ROWS = 10
TABLES = ("months", "phases")


@dg.asset(
    group_name="reports",
    kinds={"python", "postgres", "pandas"},
    owners=["team:alexandria"],
    # Unpartitioned, but part of what `--select '*' --partition-range` selects: that wants this policy of every asset.
    backfill_policy=one_run,
    deps=[resolved_isbns, enhanced_synthetic_works],
    freshness_policy=daily,
    metadata=columns(
        month="text: YYYY-MM",
        phase="text: phase of the rollout",
        books="bigint: books listed, without duplicates",
        resolved="bigint: those with an ISBN",
        synthetic="bigint: works without one",
        calls="bigint: attempts at all services",
        cost_usd="double: what they cost",
        seconds="double: time in which a run owned the month",
    ),
)
def backfill_report(operations: dg.ResourceParam[Operations]) -> dg.MaterializeResult[None]:
    """What months, phases, services and models have yielded and cost, and what the rest of the rollout will cost.

    From the tables as they are. The metadata have the last 10 rows of each table; `alexandria report` writes all of
    them. Table `api_call` has every single call.
    """
    from alexandria_pipeline.operations import report as figures_report  # noqa: PLC0415 - pandas takes a second to load

    tables = figures_report.build(operations.database, operations.rollout.rules)
    shown: dict[str, dg.RawMetadataValue] = {
        name: _shown(name, each.tail(MAX_ROWS)) for name, each in tables.items() if len(each)
    }
    charts = {"books_by_year": _books(tables["months"]), "cost_by_service": _costs(tables["services"])}
    pictures = {name: dg.MetadataValue.md(chart) for name, chart in charts.items()}
    return dg.MaterializeResult(metadata={"dagster/row_count": len(tables["months"]), **pictures, **shown})


def _shown(name: str, rows: "pd.DataFrame") -> dg.TableMetadataValue | dg.MarkdownMetadataValue:
    from alexandria_pipeline.operations import report as figures_report  # noqa: PLC0415 - pandas takes a second to load

    if name in TABLES:
        return table(figures_report.records(rows))
    return dg.MetadataValue.md(figures_report.markdown(rows))


def _books(months: "pd.DataFrame") -> str:
    years = months.assign(year=months["month"].str.slice(0, 4)).groupby("year")["resolved"].sum()
    return bar_chart("Books with an ISBN, by year", [(str(year), int(count)) for year, count in years.items()])


def _costs(services: "pd.DataFrame") -> str:
    paid = services[services["cost_usd"] > 0]
    cents = [(str(name), round(100 * cost)) for name, cost in zip(paid["service"], paid["cost_usd"], strict=True)]
    return bar_chart("Cost by service, in US cents", cents)
