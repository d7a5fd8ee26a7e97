"""The daily second search for works that still lack an ISBN."""

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
from alexandria_pipeline.orchestration.partitions import daily, one_run
from alexandria_pipeline.orchestration.reporting import columns


@dg.asset(
    group_name="isbns",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    # Unpartitioned, but part of what `--select '*' --partition-range` selects: that wants this policy of every asset.
    backfill_policy=one_run,
    deps=[resolved_isbns],
    freshness_policy=daily,
    metadata=columns(
        "enriched_works",
        work_key="text: key of the work, as before its promotion",
        synthetic="boolean: false once an ISBN was found",
        isbn13="text: ISBN-13 of the edition that proved it",
        last_tried_at="timestamptz: when it was last looked for; again after seven days",
    ),
)
def enhanced_synthetic_works(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """Works that lacked an ISBN and were looked for again: at most 500 a day, oldest first, as far as quotas allow.

    Table `enriched_works`, promoted in place; `generated_book` and the figures of `backfill_log` follow. Months that a
    run owns are left to that run. What was found is enriched at once.
    """
    report = pipeline.enhance(context.run.run_id)
    pipeline.enrich(sorted(report.months), context.run.run_id)
    shown: dict[str, dg.RawMetadataValue] = {
        "dagster/row_count": report.counts["resolved"] + report.settled,
        **report.counts,
        "tried": report.tried,
        "settled_without_a_call": report.settled,
        "stopped_early": report.stopped or "no",
        "still_synthetic": report.synthetic,
        "still_due": report.due,
    }
    return dg.MaterializeResult(metadata=shown)
