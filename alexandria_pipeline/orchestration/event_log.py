"""Dagster's event log, with many events in one statement.

A run of 120 months plans and reports 840 materializations and 720 evaluations of checks. Dagster's own log writes each of them
with four to six statements (dagster-postgres 0.29.27; only reported materializations have a batch), which took half of the time of
a run with nothing to do.
"""

import logging
from collections.abc import Sequence
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster import DagsterEventType
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, generate_event_batch_id
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._serdes import serialize_value
from dagster_postgres import PostgresEventLogStorage


class EventLog(PostgresEventLogStorage):
    """Writes planned materializations and evaluations of checks in batches; everything else as Dagster does."""

    @property
    def supports_asset_checks(self) -> bool:
        """Always: the tables are those of this version. Dagster asks the database for every event."""
        return True

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        by_type: dict[DagsterEventType, list[EventLogEntry]] = {}
        for event in events:
            by_type.setdefault(event.get_dagster_event().event_type, []).append(event)
        for kind, some in by_type.items():
            if kind is DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
                self._store_planned(some)
            elif kind is DagsterEventType.ASSET_CHECK_EVALUATION:
                self._store_evaluations(some)
            else:
                super().store_event_batch(some)

    def _store_planned(self, events: Sequence[EventLogEntry]) -> None:
        ids = self._insert(events)
        newest = {
            event.get_dagster_event().asset_key: (event, number) for event, number in zip(events, ids, strict=True)
        }
        with self.index_transaction() as connection:
            self._store_asset_event_tags(connection, events, ids)
            for event, number in newest.values():
                self._store_asset_event(connection, event, number)

    def _store_evaluations(self, events: Sequence[EventLogEntry]) -> None:
        """Writes the evaluations, and updates the row that the plan of the run has for each partition."""
        table = AssetCheckExecutionsTable
        values = [self._execution(event, number) for event, number in zip(events, self._insert(events), strict=True)]
        update = (
            table.update()
            .where(
                table.c.asset_key == db.bindparam("of_asset"),
                table.c.check_name == db.bindparam("of_check"),
                table.c.run_id == db.bindparam("of_run"),
                table.c.partition == db.bindparam("of_partition"),
            )
            .values({name: db.bindparam(name) for name in values[0] if not name.startswith("of_")})
        )
        with self.index_transaction() as connection:
            updated = connection.execute(update, values).rowcount
        if updated < len(events):  # a run without a plan of its checks
            for event, value in zip(events, values, strict=True):
                self._update_asset_check_evaluation(event, value["evaluation_event_storage_id"])

    def _execution(self, event: EventLogEntry, number: int) -> dict[str, Any]:
        evaluation = event.get_dagster_event().asset_check_evaluation_data
        status = AssetCheckExecutionRecordStatus
        return {
            "of_asset": evaluation.asset_key.to_string(),
            "of_check": evaluation.check_name,
            "of_run": event.run_id,
            "of_partition": evaluation.partition,
            "execution_status": (status.SUCCEEDED if evaluation.passed else status.FAILED).value,
            "evaluation_event": serialize_value(event),
            "evaluation_event_timestamp": self._event_insert_timestamp(event),  # type: ignore[no-untyped-call]
            "evaluation_event_storage_id": number,
        }

    def _insert(self, events: Sequence[EventLogEntry]) -> list[int]:
        """The ids of the rows of the events, in their order."""
        statement = self.prepare_insert_event_batch(events).returning(SqlEventLogStorageTable.c.id)
        with self._connect() as connection:
            return [int(row[0]) for row in connection.execute(statement)]


def report_evaluations(context: dg.AssetCheckExecutionContext, evaluations: Sequence[dg.AssetCheckEvaluation]) -> None:
    """Reports evaluations of a step, as `log_event` does one by one."""
    step = context.op_execution_context
    batch = generate_event_batch_id()  # type: ignore[no-untyped-call]
    for evaluation in evaluations:
        event = DagsterEvent(
            event_type_value=DagsterEventType.ASSET_CHECK_EVALUATION.value,
            job_name=step.job_name,
            step_key=step.get_step_execution_context().step.key,
            event_specific_data=evaluation,
        )
        step._events.append(event)  # noqa: SLF001 - what `log_event` does beside writing it
        is_last = evaluation is evaluations[-1]
        context.instance.report_dagster_event(
            event, step.run_id, logging.DEBUG, batch_metadata=DagsterEventBatchMetadata(batch, is_last)
        )
