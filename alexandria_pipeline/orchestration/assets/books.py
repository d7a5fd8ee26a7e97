"""The books of a month: as listed, and as kept."""

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.orchestration.partitions import as_months, months, one_run
from alexandria_pipeline.orchestration.reporting import columns, show
from alexandria_pipeline.stages.runner import MonthRunner


@dg.asset(
    group_name="books",
    kinds={"python", "postgres", "ai"},
    owners=["team:alexandria"],
    partitions_def=months,
    backfill_policy=one_run,
    metadata=columns(
        "generated_book",
        year="smallint: year of the month",
        month="smallint: month of the year",
        title="text: title as first listed",
        author="text: author as first listed, empty when unknown",
        work_id="bigint: the work that keeps the book",
        outcome="text: pending, resolved, not_found or deferred",
        isbn13="text: ISBN-13 of an edition, once resolved",
    ),
)
def generated_books(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline], runner: dg.ResourceParam[MonthRunner]
) -> None:
    """The notable books of each month, as AI services or a curated list name them, without duplicates.

    Table `generated_book`. Every raw reply is kept in `generation_reply` before it is read, and serves again: running a
    month once more makes no request.
    """
    report = runner.run(pipeline.generate, as_months(context.partition_keys))
    show(context, report, rows="books", details=pipeline.generate.details)


@dg.asset(
    group_name="books",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    partitions_def=months,
    backfill_policy=one_run,
    deps=[generated_books],
    metadata=columns(
        "enriched_works",
        work_key="text: key of the work, synthetic:{title}:{author}",
        title="text: title as first listed",
        author="text: author as first listed",
        synthetic="boolean: true until an ISBN proves the work",
        isbn13="text: ISBN-13 of the edition that proved it",
        completeness="smallint: 0 to 100, 30 for a synthetic work",
        primary_provider="text: who listed it first",
    ),
)
def persisted_works(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline], runner: dg.ResourceParam[MonthRunner]
) -> None:
    """Every listed book, kept for good as a work: with an ISBN or, until one is found, synthetic.

    Table `enriched_works`. One transaction per month: from here on no book of it can be lost.
    """
    show(context, runner.run(pipeline.persist, as_months(context.partition_keys)), rows="works")
