"""Removes old runs of Dagster with their event logs and captured output. Dagster has retention settings for ticks only.

A run stays while the newest materialization of any asset or partition is its own, so that the UI shows no finished month as missing.
The runs that stay are therefore limited by the number of months. The pipeline's own tables do not depend on Dagster's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

PORTION = 100
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(slots=True)
class _Newest:
    """The runs with the newest materialization of each asset and partition, read once for each asset."""

    instance: dg.DagsterInstance
    runs: dict[dg.AssetKey, frozenset[tuple[str | None, str]]] = field(default_factory=dict)

    def has(self, run_id: str, record: dg.EventLogRecord) -> bool:
        """Returns whether the run has the newest materialization of the asset and partition of this record."""
        key = record.asset_key
        if key is None:
            return False
        if key not in self.runs:
            self.runs[key] = frozenset((each.partition_key, each.run_id) for each in self._newest(key))
        return (record.partition_key, run_id) in self.runs[key]

    def _newest(self, key: dg.AssetKey) -> Iterator[dg.EventLogRecord]:
        of_partitions = self.instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        ids = list(of_partitions.values())
        for start in range(0, len(ids), PORTION):
            wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=ids[start : start + PORTION])
            yield from self.instance.fetch_materializations(wanted, limit=PORTION).records
        newest = self.instance.fetch_materializations(key, limit=1).records
        yield from (each for each in newest if each.partition_key is None)


def prune_runs(instance: dg.DagsterInstance, before: datetime) -> tuple[int, int]:
    """Removes the superseded runs that ended before this time; returns how many were removed, and how many older ones stay."""
    newest = _Newest(instance)
    removed = kept = 0
    for run_id in list(_old_runs(instance, before)):
        made = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        if any(newest.has(run_id, record) for record in made):
            kept += 1
            continue
        instance.compute_log_manager.delete_logs(prefix=[run_id, "compute_logs"])
        instance.delete_run(run_id)
        removed += 1
    return removed, kept


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    """Returns the ids of all runs that ended before this time, oldest first."""
    cursor: str | None = None
    wanted = dg.RunsFilter(statuses=ENDED, created_before=before, updated_before=before)
    while records := instance.get_run_records(wanted, limit=PORTION, cursor=cursor, ascending=True):
        cursor = records[-1].dagster_run.run_id
        yield from (each.dagster_run.run_id for each in records)
