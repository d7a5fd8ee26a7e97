"""Sensors and schedules as the daemon asks them: what they request, what they say, and the job that runs a month."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.orchestration.jobs import MONTHLY_BOOKS
from alexandria_pipeline.orchestration.partitions import months
from alexandria_pipeline.orchestration.resources import PROCESS_TAG
from alexandria_pipeline.orchestration.schedules import daily_backfill
from alexandria_pipeline.orchestration.sensors import recovery_sensor, rollout_sensor
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.run_heartbeat import heartbeat, live_runs
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import JUNE, LIST, holder, rows

pytestmark = pytest.mark.slow("each test has a Dagster instance")

FIRST_FIVE = ["2020-12:1", "2020-11:1", "2020-10:1", "2020-09:1", "2020-08:1"]


class Ticks:
    """One code location and one instance, ticked by hand."""

    def __init__(self, url: str, folder: Path, instance: dg.DagsterInstance) -> None:
        (folder / "list.tsv").write_text(LIST, encoding="utf-8")
        settings = load_settings(
            home=folder / "home", database_url=SecretStr(url), curated_list=folder / "list.tsv",
            generators=("curated-list",), resolver_order=("local-catalog",),
        )  # fmt: skip
        self.definitions = build_definitions(settings)
        self._repository = self.definitions.get_repository_def()
        self._resources = {"operations": (self.definitions.resources or {})["operations"]}
        self.instance = instance

    def sensor(
        self, sensor: dg.SensorDefinition, cursor: str | None = None
    ) -> tuple[list[dg.RunRequest], str, str | None]:
        """Requests, skip reason and cursor of a tick."""
        with dg.build_sensor_context(
            instance=self.instance, repository_def=self._repository, cursor=cursor, resources=self._resources
        ) as context:
            data = sensor.evaluate_tick(context)
        return list(data.run_requests or []), data.skip_message or "", data.cursor

    def schedule(self) -> tuple[list[dg.RunRequest], str]:
        with dg.build_schedule_context(
            instance=self.instance, repository_def=self._repository, resources=self._resources
        ) as context:
            data = daily_backfill.evaluate_tick(context)
        return list(data.run_requests or []), data.skip_message or ""

    def run(self, request: dg.RunRequest) -> bool:
        """What the daemon does with a request, in this process."""
        job = self.definitions.resolve_job_def(MONTHLY_BOOKS)
        done = job.execute_in_process(
            partition_key=request.partition_key, instance=self.instance, tags=dict(request.tags), raise_on_error=False
        )
        return bool(done.success)


@pytest.fixture
def ticks(database_url: str, tmp_path: Path) -> Iterator[Ticks]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Ticks(database_url, tmp_path, instance)


def test_the_rollout_requests_a_run_for_each_month_of_the_day(ticks: Ticks) -> None:
    requests, message, _ = ticks.sensor(rollout_sensor)
    assert ([request.run_key for request in requests], message) == (FIRST_FIVE, "")
    assert requests[0].partition_key == "2020-12"
    assert {request.job_name for request in requests} <= {None, MONTHLY_BOOKS}
    assert requests[0].tags["alexandria/phase"] == "validation"
    assert requests[0].tags["alexandria/requested_by"] == "rollout_sensor"


def test_a_tick_that_is_repeated_asks_for_the_same_keys(ticks: Ticks) -> None:
    """A daemon that dies between our record and its own asks again; Dagster launches a key once."""
    ticks.sensor(rollout_sensor)
    again, _, _ = ticks.sensor(rollout_sensor)
    assert [request.run_key for request in again] == FIRST_FIVE


def test_sensor_and_schedule_share_the_day(ticks: Ticks) -> None:
    requests, _ = ticks.schedule()
    assert [request.run_key for request in requests] == FIRST_FIVE
    more, message, _ = ticks.sensor(rollout_sensor)
    assert (more, message) == ([], "phase validation: the 5 months of today have started; more at 00:00 UTC")


def test_a_month_goes_through_all_its_assets_and_checks(database: Database, ticks: Ticks) -> None:
    requests, _, _ = ticks.sensor(rollout_sensor)
    assert ticks.run(requests[0])
    (log,) = rows(database, "select * from backfill_log where month = 12")
    assert (log["status"], log["claim"]) == ("completed", 1)
    done = rows(database, "select stage from stage_log order by stage")
    assert {row["stage"] for row in done} >= {"generated_books", "persisted_works", "resolved_isbns"}
    again, _, _ = ticks.sensor(rollout_sensor)
    assert [request.run_key for request in again] == FIRST_FIVE[1:]


def test_the_job_is_all_that_is_done_for_a_month_with_its_checks(ticks: Ticks) -> None:
    job = ticks.definitions.resolve_job_def(MONTHLY_BOOKS)
    assert job.partitions_def == months
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} >= {
        "generated_books", "persisted_works", "resolved_isbns",
    }  # fmt: skip
    assert {node.name for node in job.graph.nodes} >= {"resolved_isbns_resolution_rate", "persisted_works_nothing_lost"}


def test_nothing_starts_by_itself_but_the_recovery() -> None:
    assert rollout_sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert daily_backfill.default_status is dg.DefaultScheduleStatus.STOPPED
    assert recovery_sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert recovery_sensor.minimum_interval_seconds == 30
    assert (daily_backfill.cron_schedule, daily_backfill.execution_timezone) == ("0 3 * * *", "UTC")


def test_a_month_whose_run_has_died_is_back_after_two_ticks(database: Database, ticks: Ticks) -> None:
    _, quiet, cursor = ticks.sensor(recovery_sensor)
    assert quiet == "every month in processing has an owner"
    unseen = cursor
    run = holder(database, "run-dead")
    run.claim([JUNE])
    _, quiet, _ = ticks.sensor(recovery_sensor, cursor)
    assert quiet == "every month in processing has an owner"
    assert run._session is not None
    run._session.close()
    while not rows(database, "select 1 where not exists (select from pg_locks where locktype = 'advisory')"):
        pass
    _, first, cursor = ticks.sensor(recovery_sensor, cursor)
    assert first == "2020-06 has no owner; the next tick recovers it"
    assert rows(database, "select status from backfill_log") == [{"status": "processing"}]
    _, second, cursor = ticks.sensor(recovery_sensor, cursor)
    assert second.startswith("2020-06 is retry again: its run died: run-dead (test process of run-dead), started ")
    assert cursor == unseen
    assert rows(database, "select status, retry_count from backfill_log") == [{"status": "retry", "retry_count": 1}]
    run.close("the test is over", failed=False)


def test_a_database_that_is_away_fails_the_tick_in_plain_words(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks("postgresql://nobody@127.0.0.1:1/nothing", tmp_path, instance)
        with pytest.raises(dg.DagsterError) as failure:
            ticks.sensor(rollout_sensor)
    assert "cannot be reached" in str(failure.value.__cause__)


# Runs whose process has died, which Dagster still has for at work.


def _at_work(ticks: Ticks, **tags: str) -> str:
    return ticks.instance.create_run_for_job(
        ticks.definitions.resolve_job_def(MONTHLY_BOOKS), status=dg.DagsterRunStatus.STARTED, tags=tags
    ).run_id


def test_a_run_without_a_sign_of_life_is_ended_by_the_second_tick(ticks: Ticks, database: Database) -> None:
    dead = _at_work(ticks, **{PROCESS_TAG: "process 1 on nowhere"})
    alive = _at_work(ticks, **{PROCESS_TAG: "process 2 on nowhere"})
    foreign = _at_work(ticks)
    with heartbeat(database, alive):
        _, message, cursor = ticks.sensor(recovery_sensor)
        assert message == f"run {dead} has no heartbeat; the next tick ends it"
        _, message, cursor = ticks.sensor(recovery_sensor, cursor)
        assert message == f"run {dead} has failed: its process has died"
        _, message, _ = ticks.sensor(recovery_sensor, cursor)
        assert message == "every month in processing has an owner"
    statuses = {run.run_id: run.status.value for run in ticks.instance.get_runs()}
    assert statuses == {dead: "FAILURE", alive: "STARTED", foreign: "STARTED"}


def test_a_run_whose_sign_of_life_is_back_is_kept(ticks: Ticks, database: Database) -> None:
    run_id = _at_work(ticks, **{PROCESS_TAG: "process 1 on nowhere"})
    _, _, cursor = ticks.sensor(recovery_sensor)
    with heartbeat(database, run_id, seconds=0.05):
        rows(
            database,
            "select pg_terminate_backend(pid) from pg_stat_activity where starts_with(application_name, 'alexandria run')",
        )
        until(lambda: run_id in _living(database))
        _, message, _ = ticks.sensor(recovery_sensor, cursor)
        assert message == "every month in processing has an owner"
    until(lambda: run_id not in _living(database))


def test_a_run_is_seen_alive_while_it_works_and_states_in_which_process(ticks: Ticks, database: Database) -> None:
    (request, *_), _, _ = ticks.sensor(rollout_sensor)
    assert ticks.run(request)
    (run,) = ticks.instance.get_runs()
    assert run.tags[PROCESS_TAG].startswith(f"process {os.getpid()} on ")
    until(lambda: run.run_id not in _living(database))


def test_a_cursor_of_before_runs_were_looked_at_is_still_read(ticks: Ticks, database: Database) -> None:
    _, message, _ = ticks.sensor(recovery_sensor, '[["2020-06", 1]]')
    assert message == "every month in processing has an owner"


def _living(database: Database) -> frozenset[str]:
    with database.transaction() as tx:
        return live_runs(tx)
