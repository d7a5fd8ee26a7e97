"""Alert sensors: one reads failed checks and runs from Dagster's event log, one reads causes from the tables.

Both store a cause once (`operations/alerting.py`) and send what is not sent yet, so a lost or repeated tick neither
hides a cause nor sends it twice. The event log has every run: of the UI, of backfills and of the command line.
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from alexandria_pipeline.domain import alerts as wording
from alexandria_pipeline.domain.alerts import Alert, Links
from alexandria_pipeline.operations.alerting import Alerting

MAX_EVENTS_PER_TICK = 500  # the next tick reads the rest
FIRST_TICK_SECONDS = 86_400  # the first tick reads events of this many past seconds
TYPES = {"checks": dg.DagsterEventType.ASSET_CHECK_EVALUATION, "runs": dg.DagsterEventType.RUN_FAILURE}
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends one alert for each failed check and failed run, however the run was started.",
)
def event_alerts(context: dg.SensorEvaluationContext, watcher: dg.ResourceParam[Alerting]) -> dg.SensorResult:
    """The cursor holds the last event read of each type, and the time from which events count: a day before the first tick."""
    seen: dict[str, int] = json.loads(context.cursor or "{}")
    since = seen.setdefault("since", int(time.time()) - FIRST_TICK_SECONDS)
    for name, kind in TYPES.items():
        after = _after(context.instance, kind, seen.get(name, 0))
        for record in _events(context.instance, kind, after):
            seen[name] = record.storage_id
            if record.event_log_entry.timestamp >= since:
                _record_event(context.instance, watcher, record.event_log_entry)
        seen.setdefault(name, after)
    return dg.SensorResult(skip_reason=_send(watcher), cursor=json.dumps(seen))


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends one alert for each cause: failed months, closed gates, used quotas, services without a response, ended models.",
)
def table_alerts(context: dg.SensorEvaluationContext, watcher: dg.ResourceParam[Alerting]) -> dg.SkipReason:  # noqa: ARG001
    watcher.record_causes()
    return _send(watcher)


def _send(watcher: Alerting) -> dg.SkipReason:
    result = watcher.send_pending()
    waits = f"; {result.waiting} wait for a receiver that does not answer" if result.waiting else ""
    collected = f"; {result.collected} wait for the digest of their kind" if result.collected else ""
    sent = "1 alert sent" if result.sent == 1 else f"{result.sent or 'no'} alerts sent"
    return dg.SkipReason(f"{sent}{waits}{collected}")


def _after(instance: dg.DagsterInstance, kind: dg.DagsterEventType, seen: int) -> int:
    """Returns the position to continue from: 0 when the event log is newer than the cursor (it was recreated)."""
    newest = instance.event_log_storage.get_event_records(dg.EventRecordsFilter(kind), limit=1, ascending=False)
    return seen if newest and newest[0].storage_id >= seen else 0


def _events(instance: dg.DagsterInstance, kind: dg.DagsterEventType, after: int) -> Sequence[dg.EventLogRecord]:
    wanted = dg.EventRecordsFilter(kind, after_cursor=after)
    return instance.event_log_storage.get_event_records(wanted, limit=MAX_EVENTS_PER_TICK, ascending=True)


def _record_event(instance: dg.DagsterInstance, watcher: Alerting, entry: dg.EventLogEntry) -> None:
    event, at = entry.dagster_event, datetime.fromtimestamp(entry.timestamp, UTC)
    if event is None:
        return
    if event.event_type is dg.DagsterEventType.RUN_FAILURE:
        watcher.record(_failed_run(instance, entry.run_id, event, watcher.links), at)
        return
    evaluation = event.asset_check_evaluation_data
    if evaluation.partition is None and "months_failing" in evaluation.metadata:
        return  # the total over the months of a run; each month has an evaluation of its own
    asset, check = evaluation.asset_key.to_user_string(), evaluation.check_name
    if evaluation.passed:
        watcher.end_cause(wording.check_cause(asset, check, evaluation.partition), at)
    else:
        watcher.record(_failed_check(evaluation, entry.run_id, watcher.links), at)


def _failed_check(evaluation: dg.AssetCheckEvaluation, run_id: str, links: Links) -> Alert:
    asset = evaluation.asset_key.to_user_string()
    shown = {name: value.value for name, value in evaluation.metadata.items()}
    figures = {name: value for name, value in shown.items() if isinstance(value, int | float)}
    reason = shown.get("reason", evaluation.description)
    return wording.check_failed(
        asset,
        evaluation.check_name,
        evaluation.partition,
        figures,
        links.run(run_id) if run_id else f"{links.asset(asset)}?view=checks",
        severe=evaluation.severity is dg.AssetCheckSeverity.ERROR,
        reason=str(reason) if reason else None,
    )


def _failed_run(instance: dg.DagsterInstance, run_id: str, event: dg.DagsterEvent, links: Links) -> Alert:
    """Builds the alert of a run. Automatic retries share the cause of their root run."""
    run = instance.get_run_by_id(run_id)
    tags: Mapping[str, str] = run.tags if run else {}
    months = [tags[name] for name in ("dagster/partition", *RANGE) if name in tags]
    job = run.job_name if run and not run.job_name.startswith("__") else "assets"
    root = (run.root_run_id if run else None) or run_id
    return wording.run_failed(root, job, wording.months_in_words(months), _message(event), links.run(run_id))


def _message(event: dg.DagsterEvent) -> str:
    """Returns the error message of the first failed step."""
    first: Any = getattr(
        event.event_specific_data, "first_step_failure_event", None
    )  # missing when the process of the run died
    step = first.step_failure_data if first else None
    if step is None:
        return event.message or "no reason recorded"
    if step.user_failure_data is not None and step.user_failure_data.description:
        return str(step.user_failure_data.description)
    error = step.error.cause or step.error if step.error else None
    return error.message.strip() if error else event.message or "no reason recorded"


alert_sensors: Sequence[dg.SensorDefinition] = (event_alerts, table_alerts)
