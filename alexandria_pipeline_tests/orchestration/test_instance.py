"""Dagster's own records on a local server that dies under a process that lives on."""

import os
import signal
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.instance.ref import InstanceRef

from alexandria_pipeline.orchestration.event_log import report_evaluations
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline_tests.processes import PROJECT
from alexandria_pipeline_tests.waiting import until

pytestmark = pytest.mark.slow("kills a database server of its own")


def _connections_made(server: EmbeddedServer) -> int:
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute("select sum(sessions)::int from pg_stat_database").fetchone()
    assert row
    return int(row[0])


def test_a_process_that_finds_the_local_server_dead_starts_it_again(
    fragile: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `dagster dev` does for days: no other process starts the server."""
    monkeypatch.delenv("ALEXANDRIA_DATABASE_URL", raising=False)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(fragile.home.parent))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert list(instance.get_runs()) == []
        before = _connections_made(fragile)
        for _ in range(20):
            instance.get_runs_count()
        assert _connections_made(fragile) - before < 5, "statements share a connection; the count itself makes one"
        postmaster = fragile.status().pid
        assert postmaster
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: not fragile.status().running)
        assert list(instance.get_runs()) == []
        assert fragile.status().running


def test_the_events_of_many_partitions_are_all_there(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = dg.StaticPartitionsDefinition(list("abcdefgh"))

    @dg.asset(partitions_def=letters, backfill_policy=dg.BackfillPolicy.single_run())
    def things() -> None: ...

    @dg.asset_check(asset=things, partitions_def=letters)
    def is_early(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        keys = context.op_execution_context.partition_keys
        evaluations = [
            dg.AssetCheckEvaluation(things.key, "is_early", passed=key < "d", metadata={"letter": key}, partition=key)
            for key in keys
        ]
        report_evaluations(context, evaluations)
        return dg.AssetCheckResult(passed=False)

    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "h"}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        result = dg.materialize([things, is_early], instance=instance, tags=tags)
        log = instance.event_log_storage

        def partitions(kind: dg.DagsterEventType) -> list[str]:
            records = log.get_event_records(dg.EventRecordsFilter(kind, asset_key=things.key), ascending=True)
            return sorted(str(record.partition_key) for record in records if record.run_id == result.run_id)

        assert partitions(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED) == list("abcdefgh")
        assert partitions(dg.DagsterEventType.ASSET_MATERIALIZATION) == list("abcdefgh")
        assert {one.partition for one in result.get_asset_check_evaluations()} == {*"abcdefgh", None}
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select partition, execution_status, evaluation_event_storage_id is not null from asset_check_executions"
            " where run_id = %s and partition is not null order by partition", (result.run_id,)
        ).fetchall()  # fmt: skip
    assert rows == [(key, "SUCCEEDED" if key < "d" else "FAILED", True) for key in "abcdefgh"]
