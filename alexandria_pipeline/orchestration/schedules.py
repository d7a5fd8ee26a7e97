"""What is done at a time of the day. A schedule asks; what is to be done is decided elsewhere."""

from collections.abc import Sequence

import dagster as dg

from alexandria_pipeline.orchestration.jobs import MONTHLY_BOOKS
from alexandria_pipeline.orchestration.requests import run_requests
from alexandria_pipeline.orchestration.resources import Operations


# Stopped until somebody switches it on: a laptop is not to begin 300 months by itself.
@dg.schedule(
    job_name=MONTHLY_BOOKS,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="03:00 UTC: the months that the rollout allows today, one run each. It and rollout_sensor share one allotment.",
)
def daily_backfill(
    operations: dg.ResourceParam[Operations],
) -> list[dg.RunRequest] | dg.SkipReason:
    return run_requests(operations.rollout.take("daily_backfill"))


# Stopped like the backfill: it asks services.
daily_enhancement = dg.ScheduleDefinition(
    name="daily_enhancement",
    target=dg.AssetSelection.assets("enhanced_synthetic_works"),
    cron_schedule="30 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="00:30 UTC, with the new day's quotas: looks again for the ISBNs of works that lack one.",
)

daily_report = dg.ScheduleDefinition(
    name="daily_report",
    target=dg.AssetSelection.assets("backfill_report"),
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="06:00 UTC, after the day's backfill: what it has yielded and cost.",
)


def all_schedules() -> Sequence[dg.ScheduleDefinition]:
    """Every schedule of the pipeline."""
    return [daily_backfill, daily_enhancement, daily_report]
