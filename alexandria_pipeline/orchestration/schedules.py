"""Schedules: the daily backfill, enhancement and report."""

from collections.abc import Sequence

import dagster as dg

from alexandria_pipeline.orchestration.jobs import MONTHLY_BOOKS
from alexandria_pipeline.orchestration.requests import run_requests
from alexandria_pipeline.orchestration.resources import Operations


# Stopped by default, so that a new installation does not start 300 months by itself.
@dg.schedule(
    job_name=MONTHLY_BOOKS,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="03:00 UTC: starts the months that the rollout allows today, one run each. It shares the allotment with rollout_sensor.",
)
def daily_backfill(
    operations: dg.ResourceParam[Operations],
) -> list[dg.RunRequest] | dg.SkipReason:
    return run_requests(operations.rollout.request_starts("daily_backfill"))


# Stopped by default, because it calls services.
daily_enhancement = dg.ScheduleDefinition(
    name="daily_enhancement",
    target=dg.AssetSelection.assets("enhanced_synthetic_works"),
    cron_schedule="30 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="00:30 UTC, with the quotas of the new day: searches again for the ISBNs of synthetic works.",
)

daily_report = dg.ScheduleDefinition(
    name="daily_report",
    target=dg.AssetSelection.assets("backfill_report"),
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="06:00 UTC, after the daily backfill: the report of books, calls and costs.",
)

daily_pruning = dg.ScheduleDefinition(
    name="daily_pruning",
    target=dg.AssetSelection.assets("pruned_tables"),
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="05:00 UTC: removes rows that are past their retention (ALEXANDRIA_RETENTION_DAYS).",
)

# Without ALEXANDRIA_DUMPS it only records how old the catalogue is.
monthly_catalog_import = dg.ScheduleDefinition(
    name="monthly_catalog_import",
    target=dg.AssetSelection.assets("local_catalog"),
    cron_schedule="0 1 5 * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="01:00 UTC on the 5th of each month: imports the newest dump of Open Library in ALEXANDRIA_DUMPS, if it is new.",
)


def all_schedules() -> Sequence[dg.ScheduleDefinition]:
    """Returns all schedules."""
    return [daily_backfill, daily_enhancement, daily_report, daily_pruning, monthly_catalog_import]
