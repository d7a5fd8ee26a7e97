"""Old runs of Dagster: superseded ones go with their events and output, and no finished partition becomes missing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from alexandria_pipeline.orchestration.old_runs import prune_runs

pytestmark = pytest.mark.slow("each test has a Dagster instance")

PARTS = dg.StaticPartitionsDefinition(["2020-05", "2020-06"])
LATER = timedelta(hours=1)


@dg.asset(partitions_def=PARTS)
def books(context: dg.AssetExecutionContext) -> None:
    context.log.info("a line of the log")


@dg.asset
def report() -> None: ...


@dg.asset
def broken() -> None:
    raise dg.Failure("it does not work")


def _run(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None) -> str:
    return dg.materialize([asset], instance=instance, partition_key=partition, raise_on_error=False).run_id


def test_superseded_runs_go_and_the_newest_of_each_partition_stays(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        may, first_june, june = (_run(instance, books, month) for month in ("2020-05", "2020-06", "2020-06"))
        first_report, last_report, failed = (_run(instance, each) for each in (report, report, broken))
        assert not prune_runs(instance, datetime.now(UTC) - LATER)[0], "none is old enough"
        assert prune_runs(instance, datetime.now(UTC) + LATER) == (3, 3)
        assert {run.run_id for run in instance.get_runs()} == {may, june, last_report}
        for gone in (first_june, first_report, failed):
            assert instance.all_logs(gone) == []
            assert not list(tmp_path.rglob(f"*{gone}*/**/*.err"))
        assert instance.get_materialized_partitions(books.key) == {"2020-05", "2020-06"}
        assert instance.get_latest_materialization_event(report.key)
        assert prune_runs(instance, datetime.now(UTC) + LATER) == (0, 3)
