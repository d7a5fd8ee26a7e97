"""Watchers: the rollout that goes on by itself, and the recovery of months whose run has died."""

import json
from collections.abc import Iterable, Sequence

import dagster as dg

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.orchestration.alerts import alert_sensors
from alexandria_pipeline.orchestration.jobs import MONTHLY_BOOKS
from alexandria_pipeline.orchestration.requests import run_requests
from alexandria_pipeline.orchestration.resources import Operations
from alexandria_pipeline.stages.recover import recover
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
    description="Gives back months whose run has died: seen without an owner by one tick, taken back by the next.",
)
def recovery_sensor(context: dg.SensorEvaluationContext, operations: dg.ResourceParam[Operations]) -> dg.SensorResult:
    result = recover(operations.database, _read(context.cursor))
    said = [f"{each.month} is {each.status} again: {each.reason}" for each in result.taken_back]
    said += [f"{orphan.month} has no owner; the next tick takes it back" for orphan in sorted(result.suspects)]
    return dg.SensorResult(
        skip_reason=dg.SkipReason("\n".join(said) or "every month in work has an owner"), cursor=_write(result.suspects)
    )


def _read(cursor: str | None) -> list[Orphan]:
    return [Orphan(Month.parse(month), claim) for month, claim in json.loads(cursor or "[]")]


def _write(suspects: Iterable[Orphan]) -> str:
    return json.dumps([[str(orphan.month), orphan.claim] for orphan in sorted(suspects)])


def all_sensors() -> Sequence[dg.SensorDefinition]:
    """Every sensor of the pipeline."""
    return [rollout_sensor, recovery_sensor, *alert_sensors]
