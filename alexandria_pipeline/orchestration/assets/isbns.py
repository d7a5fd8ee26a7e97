"""The ISBNs of a month's books."""

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.orchestration.assets.books import persisted_works
from alexandria_pipeline.orchestration.partitions import as_months, months, one_run
from alexandria_pipeline.orchestration.reporting import columns
from alexandria_pipeline.orchestration.resolution_report import show_resolution
from alexandria_pipeline.stages.runner import MonthRunner


@dg.asset(
    group_name="isbns",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    partitions_def=months,
    backfill_policy=one_run,
    deps=[persisted_works],
    metadata=columns(
        "enriched_editions",
        isbn13="text: ISBN-13, thirteen digits",
        work_id="bigint: the one work it belongs to",
        title="text: title of the edition",
        authors="jsonb: names with their roles",
        published="text: YYYY, YYYY-MM or YYYY-MM-DD, as precise as the source",
        primary_provider="text: the service that knew it",
        provenance="jsonb: source of every field",
    ),
)
def resolved_isbns(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline], runner: dg.ResourceParam[MonthRunner]
) -> None:
    """An edition for every book that a service of the cascade knows; the others stay, with the reason.

    Tables `enriched_editions` and `resolution_attempt` (every question, its answer, and the evidence).
    """
    show_resolution(context, runner.run(pipeline.resolve, as_months(context.partition_keys)), pipeline)
