"""From a plan of the rollout to runs of Dagster."""

import dagster as dg

from alexandria_pipeline.domain.rollout.records import Plan


def run_requests(plan: Plan) -> list[dg.RunRequest] | dg.SkipReason:
    """One run a month, so that a bad month is nobody else's trouble; or why there is none.

    The key is `{month}:{attempt}`: Dagster launches a key once, however often it is asked for.
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
