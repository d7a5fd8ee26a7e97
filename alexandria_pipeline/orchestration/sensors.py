"""Sensors: the rollout, and the recovery of months of dead runs."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import dagster as dg

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.recover import find_dead_runs, recover
from alexandria_pipeline.orchestration.alerts import alert_sensors
from alexandria_pipeline.orchestration.jobs import MONTHLY_BOOKS
from alexandria_pipeline.orchestration.requests import run_requests
from alexandria_pipeline.orchestration.resources import PROCESS_TAG, Operations
from alexandria_pipeline.storage.recovery import Orphan


# Stopped by default, so that a new installation does not start 300 months by itself.
@dg.sensor(
    job_name=MONTHLY_BOOKS,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts the months that the rollout allows and due retries; the skip reason states what it waits for.",
)
def rollout_sensor(
    operations: dg.ResourceParam[Operations],
) -> list[dg.RunRequest] | dg.SkipReason:
    return run_requests(operations.rollout.request_starts("rollout_sensor"))


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Recovers the months of dead runs and ends these runs, after two ticks without a heartbeat.",
)
def recovery_sensor(context: dg.SensorEvaluationContext, operations: dg.ResourceParam[Operations]) -> dg.SensorResult:
    """Dagster does not detect the death of a run whose code server died too; the run would occupy the queue for a day."""
    seen = _Suspects.read(context.cursor)
    result = recover(operations.database, seen.months)
    runs = find_dead_runs(operations.database, _started_runs(context), seen.runs)
    lines = [f"{each.month} is {each.status} again: {each.reason}" for each in result.months]
    lines += [f"{orphan.month} has no owner; the next tick recovers it" for orphan in sorted(result.suspects)]
    lines += [f"run {run_id} has failed: its process has died" for run_id in sorted(runs.dead) if _end(context, run_id)]
    lines += [f"run {run_id} has no heartbeat; the next tick ends it" for run_id in sorted(runs.suspects)]
    return dg.SensorResult(
        skip_reason=dg.SkipReason("\n".join(lines) or "every month in processing has an owner"),
        cursor=_Suspects(result.suspects, runs.suspects).write(),
    )


@dataclass(frozen=True, slots=True)
class _Suspects:
    """The suspects of one tick, stored in the cursor for the next."""

    months: Collection[Orphan]
    runs: Collection[str]

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        known = json.loads(cursor or "{}")
        known = known if isinstance(known, dict) else {"months": known}  # the cursor format before runs were checked
        months = [Orphan(Month.parse(month), claim) for month, claim in known.get("months", [])]
        return cls(months, known.get("runs", []))

    def write(self) -> str:
        months = [[str(orphan.month), orphan.claim] for orphan in sorted(self.months)]
        return json.dumps({"months": months, "runs": sorted(self.runs)})


def _started_runs(context: dg.SensorEvaluationContext) -> list[str]:
    """Returns the started runs of this project: those with our tag or launched from this code location."""
    here = context.code_location_origin
    runs = context.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return [run.run_id for run in runs if PROCESS_TAG in run.tags or (here and _location(run) == here.location_name)]


def _location(run: dg.DagsterRun) -> str | None:
    return run.remote_job_origin.location_name if run.remote_job_origin else None


def _end(context: dg.SensorEvaluationContext, run_id: str) -> bool:
    """Marks a run as failed unless it has ended; Dagster's own retry follows."""
    run = context.instance.get_run_by_id(run_id)
    if run is None or run.status is not dg.DagsterRunStatus.STARTED:
        return False
    process = run.tags.get(PROCESS_TAG, "its process")
    context.instance.report_run_failed(run, f"{process} has died; finished work is kept, and its months are released")
    return True


def all_sensors() -> Sequence[dg.SensorDefinition]:
    """Returns all sensors."""
    return [rollout_sensor, recovery_sensor, *alert_sensors]
