"""Dagster's event log, with many events in one statement.

A run of 120 months plans and reports 840 materializations and 720 evaluations of checks. Dagster's own log writes each of them
with four to six statements (dagster-postgres 0.29.27; only reported materializations have a batch), which took half of the time of
a run with nothing to do.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import dagster as dg
import sqlalchemy as db
from dagster import DagsterEventType
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, generate_event_batch_id
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster_postgres import PostgresEventLogStorage

_COLUMNS: Final = ("run_id", "event", "dagster_event_type", "timestamp", "step_key", "asset_key", "partition")
_ROWS: Final = db.text(
    """
    select run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition
    from unnest(cast(:run_id as text[]), cast(:event as text[]), cast(:dagster_event_type as text[]),
                cast(:timestamp as timestamp[]), cast(:step_key as text[]), cast(:asset_key as text[]),
                cast(:partition as text[])) with ordinality
         as given (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition, position)
    order by position
    """
).columns(*(db.column(name) for name in _COLUMNS))

_PLAN_CHECK: Final = db.text(
    """
    insert into asset_check_executions
        (asset_key, check_name, partition, run_id, execution_status, evaluation_event, evaluation_event_timestamp,
         evaluation_event_storage_id)
    select :asset_key, :check_name, partition, :run_id, :status, :event, :at, :number
    from unnest(cast(:partitions as text[])) as given (partition)
    """
)

_EVALUATE: Final = db.text(
    """
    update asset_check_executions e
    set execution_status = given.status, evaluation_event = given.event, evaluation_event_timestamp = given.at,
        evaluation_event_storage_id = given.number
    from unnest(cast(:asset_key as text[]), cast(:check_name as text[]), cast(:run_id as text[]), cast(:partition as text[]),
                cast(:status as text[]), cast(:event as text[]), cast(:at as timestamp[]), cast(:number as bigint[]))
         as given (asset_key, check_name, run_id, partition, status, event, at, number)
    where (e.asset_key, e.check_name, e.run_id, e.partition)
        = (given.asset_key, given.check_name, given.run_id, given.partition)
    """
)


class EventLog(PostgresEventLogStorage):
    """Writes materializations, evaluations of checks and their plans in batches; everything else as Dagster does."""

    @property
    def supports_asset_checks(self) -> bool:
        """Always: the tables are those of this version. Dagster asks the database for every event."""
        return True

    def _has_asset_key_col_on_connection(self, conn: db.engine.Connection, column_name: str) -> bool:  # noqa: ARG002 - of Dagster
        """Always, for the same reason."""
        return True

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        by_type: dict[DagsterEventType, list[EventLogEntry]] = {}
        for event in events:
            by_type.setdefault(event.get_dagster_event().event_type, []).append(event)
        for kind, some in by_type.items():
            if kind is DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
                self._store_planned(some)
            elif kind is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                self._store_planned_checks(some)
            elif kind is DagsterEventType.ASSET_CHECK_EVALUATION:
                self._store_evaluations(some)
            else:
                super().store_event_batch(some)

    def prepare_insert_event_batch(self, events: Sequence[EventLogEntry]) -> Any:
        """One statement of one text for any number of rows. SQLAlchemy would build a text with a parameter for every value."""
        return self._insert_of([self._event_to_row(event) for event in events])

    def _insert_of(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        values = {name: [row[name] for row in rows] for name in _COLUMNS}
        return SqlEventLogStorageTable.insert().from_select(_COLUMNS, _ROWS.bindparams(**values))

    def _store_planned(self, events: Sequence[EventLogEntry]) -> None:
        ids = self._insert([self._event_to_row(event) for event in events])
        newest = {
            event.get_dagster_event().asset_key: (event, number) for event, number in zip(events, ids, strict=True)
        }
        with self.index_transaction() as connection:
            self._store_asset_event_tags(connection, events, ids)
            for event, number in newest.values():
                self._store_asset_event(connection, event, number)

    def _store_planned_checks(self, events: Sequence[EventLogEntry]) -> None:
        """Writes the events, and a row of each for every partition. Dagster serializes the event again for every row."""
        rows = [self._event_to_row(event) for event in events]
        planned = []
        for event, row, number in zip(events, rows, self._insert(rows), strict=True):
            plan: Any = event.get_dagster_event().event_specific_data
            partitions = plan.partitions_subset.get_partition_keys() if plan.partitions_subset else [None]
            planned.append(
                {
                    "asset_key": plan.asset_key.to_string(),
                    "check_name": plan.check_name,
                    "partitions": list(partitions),
                    "run_id": event.run_id,
                    "status": AssetCheckExecutionRecordStatus.PLANNED.value,
                    "event": row["event"],
                    "at": row["timestamp"],
                    "number": number,
                }
            )
        with self.index_transaction() as connection:
            connection.execute(_PLAN_CHECK, planned)

    def _store_evaluations(self, events: Sequence[EventLogEntry]) -> None:
        """Writes the evaluations, and updates the row that the plan of the run has for each partition."""
        rows = [self._event_to_row(event) for event in events]
        values = [
            self._execution(event, row, number)
            for event, row, number in zip(events, rows, self._insert(rows), strict=True)
        ]
        given = {name: [value[name] for value in values] for name in values[0]}
        with self.index_transaction() as connection:
            updated = connection.execute(_EVALUATE, given).rowcount
        if updated < len(events):  # a run without a plan of its checks
            for event, value in zip(events, values, strict=True):
                self._update_asset_check_evaluation(event, value["number"])

    def _execution(self, event: EventLogEntry, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        evaluation = event.get_dagster_event().asset_check_evaluation_data
        status = AssetCheckExecutionRecordStatus
        return {
            "asset_key": evaluation.asset_key.to_string(),
            "check_name": evaluation.check_name,
            "run_id": event.run_id,
            "partition": evaluation.partition,
            "status": (status.SUCCEEDED if evaluation.passed else status.FAILED).value,
            "event": row["event"],
            "at": row["timestamp"],
            "number": number,
        }

    def _insert(self, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """The ids of the rows, in their order."""
        statement = self._insert_of(rows).returning(SqlEventLogStorageTable.c.id)
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
