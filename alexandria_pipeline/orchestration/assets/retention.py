"""The daily removal of rows past their retention."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
from alexandria_pipeline.orchestration.old_runs import prune_runs
from alexandria_pipeline.orchestration.partitions import one_run
from alexandria_pipeline.orchestration.reporting import columns
from alexandria_pipeline.orchestration.resources import Operations
from alexandria_pipeline.storage import retention


@dg.asset(
    group_name="reports",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    # Unpartitioned, but part of what `--select '*' --partition-range` selects: that wants this policy of every asset.
    backfill_policy=one_run,
    deps=[resolved_isbns],
    metadata=columns(
        table="text: http_cache, alert, stage_log, resolution_attempt, library_change, api_call or enrichment_log",
        removed="bigint: rows removed because they were past their retention",
    ),
)
def pruned_tables(
    context: dg.AssetExecutionContext,
    operations: dg.ResourceParam[Operations],
    retention_days: dg.ResourceParam[int],
    ledger_days: dg.ResourceParam[int],
) -> dg.MaterializeResult[None]:
    """What was removed today of all that grows with every run, and the size of the database.

    Tables: `http_cache` (expired responses); after ALEXANDRIA_RETENTION_DAYS `alert` (over), `stage_log` and `resolution_attempt`
    (replaced by later ones), `library_change`, and Dagster's runs that later ones have replaced; after ALEXANDRIA_LEDGER_DAYS
    `api_call` (single calls; their totals stay) and `enrichment_log` (changes of fields). Paid replies, books, works, editions
    and claims are never removed.
    """
    removed = retention.prune(operations.database, retention_days, ledger_days)
    runs, kept = prune_runs(context.instance, datetime.now(UTC) - timedelta(days=retention_days))
    shown: dict[str, dg.RawMetadataValue] = {f"removed_from_{table}": count for table, count in removed.items()}
    size = retention.database_megabytes(operations.database)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(removed.values()),
            **shown,
            "removed_runs": runs,
            "old_runs_with_the_newest_result": kept,
            "database_mb": size,
        }
    )
