"""The daily removal of rows past their retention."""

import dagster as dg

from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
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
        table="text: http_cache, alert, stage_log or resolution_attempt",
        removed="bigint: rows removed because they were past their retention",
    ),
)
def pruned_tables(
    operations: dg.ResourceParam[Operations], retention_days: dg.ResourceParam[int]
) -> dg.MaterializeResult[None]:
    """Table rows removed today from what grows with every run: expired responses, and old alerts, stages and attempts.

    Tables `http_cache`, `alert`, `stage_log` and `resolution_attempt`. ALEXANDRIA_RETENTION_DAYS sets the age. Paid replies,
    books, works, editions and the ledger of calls are never removed.
    """
    removed = retention.prune(operations.database, retention_days)
    shown: dict[str, dg.RawMetadataValue] = {f"removed_from_{table}": count for table, count in removed.items()}
    return dg.MaterializeResult(metadata={"dagster/row_count": sum(removed.values()), **shown})
