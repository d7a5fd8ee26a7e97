"""From what a stage reports to what Dagster shows of it, month by month."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.stages.runner import StageReport

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def show(
    context: dg.AssetExecutionContext,
    result: StageReport,
    rows: str,
    details: Callable[[Month], Tables] | None = None,
) -> None:
    """Puts each month's counts into the metadata of its partition; `rows` names the count that is the row count.

    `details` gives the tables of a month that are shown with them, by name.

    The step fails when none of its months could be done. Otherwise the good months go on to the next assets, and the
    asset's check `no_month_failed` fails the run at its end, naming the bad ones.
    """
    if result.failed and not result.done:
        raise dg.Failure(description="\n".join(result.failed.values()), allow_retries=False)
    for month, counts in result.done.items():
        tables = {name: table(lines) for name, lines in (details(month) if details else {}).items()}
        metadata = {"dagster/row_count": int(counts.get(rows, 0)), **counts, **tables}
        context.add_asset_metadata(metadata, partition_key=str(month))
    for month, reason in result.failed.items():
        context.add_asset_metadata({"failed": dg.MetadataValue.text(reason)}, partition_key=str(month))


def table(lines: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """A table of these rows; what is no number is shown as text."""
    shown = [
        {name: value if isinstance(value, int | float) else str(value) for name, value in line.items()}
        for line in lines
    ]
    return dg.MetadataValue.table([dg.TableRecord(line) for line in shown])


def columns(**described: str) -> dict[str, dg.TableSchema]:
    """The column schema of a table, from `name="type: description"`."""
    parts = {name: text.split(": ", 1) for name, text in described.items()}
    schema = [dg.TableColumn(name, kind, description=says) for name, (kind, says) in parts.items()]
    return {"dagster/column_schema": dg.TableSchema(schema)}
