"""Converts the report of a stage to asset metadata per month."""

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
    """Adds the counts of each month to the metadata of its partition; `rows` names the count that is the row count.

    `details` returns further tables of a month, by name. Raises dg.Failure when every month failed. Otherwise the good
    months continue with the next assets, and the check `no_month_failed` fails the run at its end.
    """
    if result.failed and not result.done:
        raise dg.Failure(description="\n".join(result.failed.values()), allow_retries=False)
    shown: dict[Month, Mapping[str, Any]] = {}
    for month, counts in result.done.items():
        tables = {name: table(lines) for name, lines in (details(month) if details else {}).items()}
        shown[month] = {"dagster/row_count": int(counts.get(rows, 0)), **counts, **tables}
    add_metadata(
        context, shown | {month: {"failed": dg.MetadataValue.text(why)} for month, why in result.failed.items()}
    )


def add_metadata(context: dg.AssetExecutionContext, shown: Mapping[Month, Mapping[str, Any]]) -> None:
    """Adds metadata to the partitions of months of this run.

    As `add_asset_metadata` does, which lists all partitions of the run again for each of them (dagster 1.13).
    """
    step = context.op_execution_context.get_step_execution_context()
    for month, metadata in shown.items():
        step._metadata_accumulator = step._metadata_accumulator.with_additional_asset_metadata(  # noqa: SLF001
            asset_key=context.asset_key, partition_key=str(month), metadata=metadata
        )


def table(lines: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Converts rows to a Dagster table; values other than numbers become text."""
    shown = [
        {name: value if isinstance(value, int | float) else str(value) for name, value in line.items()}
        for line in lines
    ]
    return dg.MetadataValue.table([dg.TableRecord(line) for line in shown])


def columns(table_name: str | None = None, /, **described: str) -> dict[str, Any]:
    """Builds the column schema of a table from `name="type: description"`, with the name of the table if there is one."""
    parts = {name: text.split(": ", 1) for name, text in described.items()}
    schema = [dg.TableColumn(name, kind, description=text) for name, (kind, text) in parts.items()]
    named = {"dagster/table_name": f"public.{table_name}"} if table_name else {}
    return {**named, "dagster/column_schema": dg.TableSchema(schema)}
