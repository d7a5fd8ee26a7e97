"""`alexandria run` as a process: progress, exit status, the cause of a failure, and Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from alexandria_pipeline.storage.connect import open_database
from alexandria_pipeline_tests.checkpoints import Checkpoint, closed_barrier
from alexandria_pipeline_tests.processes import PROJECT, Command, Site, succeeds
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow("each test starts processes of Dagster")


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Site:
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    return Site(tmp_path, database_url)


def test_a_month_shows_its_steps_and_its_figures(site: Site) -> None:
    output = succeeds(site, "alexandria", "run", "2020-08")
    assert f"Processing 2020-08; the log is {site.folder / 'state' / 'run.log'}" in output
    for step in ("generated_books", "persisted_works", "resolved_isbns"):
        assert f"{step}: 1 done, 0 failed" in output
    assert "completed" in output
    assert "✓ resolution rate" in output
    log = (site.folder / "state" / "run.log").read_text()
    assert "resolved_isbns: 1 done" in log
    assert "BetaWarning" not in log


def test_a_failed_run_names_its_cause_once_and_its_log_can_be_json(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_LOG_FORMAT", "json")
    (site.folder / "list.tsv").write_text("no columns")
    json_log = {"ALEXANDRIA_LOG_FORMAT": "json"}
    command = Command(Site(site.folder, site.url, site.folder / "list.tsv", json_log), "alexandria", "run", "2020-08")
    assert command.wait() == 1
    lines = list(map(json.loads, (site.folder / "state" / "run.log").read_text().splitlines()))
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert {line["step"] for line in lines if "step" in line} >= {"generated_books"}
    _, failed = command.output.split("The run failed:\n")
    assert "2020-08: " in failed
    assert "Not executing" not in failed
    assert failed.count("The same command continues where it stopped.") == 1
    assert "retry" in command.output


def test_a_read_only_database_is_reported_with_the_way_out(site: Site) -> None:
    with psycopg.connect(site.url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(
            sql.SQL("alter database {} set default_transaction_read_only = on").format(sql.Identifier(name))
        )
        command = Command(site, "alexandria", "run", "2020-08")
        assert command.wait() == 1
        connection.execute("set default_transaction_read_only = off")
        connection.execute(
            sql.SQL("alter database {} reset default_transaction_read_only").format(sql.Identifier(name))
        )
    assert "is read-only. After `alexandria db move`, ALEXANDRIA_DATABASE_URL must name the new one." in command.output
    assert len(command.output.strip().splitlines()) == 1


def test_ctrl_c_gives_the_months_back_and_the_same_command_continues(site: Site) -> None:
    with closed_barrier(site.url, Checkpoint("generated_book", "work_id", "is not null")) as barrier:
        command = Command(site, "alexandria", "run", "2020-08")
        until(lambda: barrier.reached() or not command.running, lambda: command.output[-3000:])
        os.killpg(command.pid, signal.SIGINT)
        until(lambda: "interrupted; waiting until the months are released" in command.output, lambda: command.output)
    assert command.wait() == 130, command.output
    assert "Interrupted. The same command continues where it stopped." in command.output
    with open_database(site.url, site.folder / "state") as database:
        assert rows(database, "select 1 from backfill_log where owner_run is not null") == []
    assert "20 (100.0 %)" in succeeds(site, "alexandria", "run", "2020-08")
