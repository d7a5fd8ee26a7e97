"""Converts a plan of the rollout to run requests."""

import dagster as dg

from alexandria_pipeline.domain.rollout.records import Plan


def run_requests(plan: Plan) -> list[dg.RunRequest] | dg.SkipReason:
    """Returns one run request per month, so that a failing month affects no other; a skip reason without starts.

    The run key is `{month}:{attempt}`: Dagster launches a key once, even if it is requested again.
    """
    if not plan.starts:
        return dg.SkipReason(plan.waits)
    return [
        dg.RunRequest(
            run_key=f"{start.month}:{start.attempt}",
            partition_key=str(start.month),
            tags={"alexandria/phase": start.phase, "alexandria/requested_by": start.by},
        )
        for start in plan.starts
    ]
