"""Watchers: the rollout that goes on by itself, and the recovery of months whose run has died."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import dagster as dg

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.recover import recover, silent_runs
from alexandria_pipeline.orchestration.alerts import alert_sensors
from alexandria_pipeline.orchestration.jobs import MONTHLY_BOOKS
from alexandria_pipeline.orchestration.requests import run_requests
from alexandria_pipeline.orchestration.resources import PROCESS_TAG, Operations
from alexandria_pipeline.storage.recovery import Orphan


# Stopped until somebody switches it on: a laptop is not to begin 300 months by itself.
@dg.sensor(
    job_name=MONTHLY_BOOKS,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts the months that the rollout allows, retries as they fall due, and says what it waits for.",
)
def rollout_sensor(
    operations: dg.ResourceParam[Operations],
) -> list[dg.RunRequest] | dg.SkipReason:
    return run_requests(operations.rollout.take("rollout_sensor"))


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Gives back months whose run has died, and ends such runs: seen without a sign of life by one tick, ended by the next.",
)
def recovery_sensor(context: dg.SensorEvaluationContext, operations: dg.ResourceParam[Operations]) -> dg.SensorResult:
    """Dagster itself does not notice a run whose code server died with it: it would keep its place in the queue for a day."""
    seen = _Seen.read(context.cursor)
    result = recover(operations.database, seen.months)
    runs = silent_runs(operations.database, _at_work(context), seen.runs)
    said = [f"{each.month} is {each.status} again: {each.reason}" for each in result.taken_back]
    said += [f"{orphan.month} has no owner; the next tick takes it back" for orphan in sorted(result.suspects)]
    said += [f"run {run_id} has failed: its process has died" for run_id in sorted(runs.dead) if _end(context, run_id)]
    said += [f"run {run_id} shows no sign of life; the next tick ends it" for run_id in sorted(runs.suspects)]
    return dg.SensorResult(
        skip_reason=dg.SkipReason("\n".join(said) or "every month in work has an owner"),
        cursor=_Seen(result.suspects, runs.suspects).write(),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The suspects of a tick, for the next one."""

    months: Collection[Orphan]
    runs: Collection[str]

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        known = json.loads(cursor or "{}")
        known = known if isinstance(known, dict) else {"months": known}  # as it was before runs were looked at
        months = [Orphan(Month.parse(month), claim) for month, claim in known.get("months", [])]
        return cls(months, known.get("runs", []))

    def write(self) -> str:
        months = [[str(orphan.month), orphan.claim] for orphan in sorted(self.months)]
        return json.dumps({"months": months, "runs": sorted(self.runs)})


def _at_work(context: dg.SensorEvaluationContext) -> list[str]:
    """The runs that are ours and, as Dagster knows it, at work: they have our tag, or were launched from this code location."""
    here = context.code_location_origin
    runs = context.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return [run.run_id for run in runs if PROCESS_TAG in run.tags or (here and _location(run) == here.location_name)]


def _location(run: dg.DagsterRun) -> str | None:
    return run.remote_job_origin.location_name if run.remote_job_origin else None


def _end(context: dg.SensorEvaluationContext, run_id: str) -> bool:
    """Says that a run has failed, unless it has ended meanwhile; Dagster's own retry follows."""
    run = context.instance.get_run_by_id(run_id)
    if run is None or run.status is not dg.DagsterRunStatus.STARTED:
        return False
    process = run.tags.get(PROCESS_TAG, "its process")
    context.instance.report_run_failed(
        run, f"{process} has died; what it had finished is kept, and its months are given back"
    )
    return True


def all_sensors() -> Sequence[dg.SensorDefinition]:
    """Every sensor of the pipeline."""
    return [rollout_sensor, recovery_sensor, *alert_sensors]
