"""A run that no signal and no thread can reach any more ends by itself, and its months are taken back."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from alexandria_pipeline.operations.recover import recover
from alexandria_pipeline.stages.watchdog import run_watched
from alexandria_pipeline.storage.recovery import orphans
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

PATIENCE = 60.0
BLOCKED_RUN = """
import re, sys
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.stages.watchdog import run_watched
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.months import MonthHolder
MonthHolder(Database(sys.argv[1]), "run-1", "a process of the test").claim([Month(2020, 6)])
async def work():
    re.fullmatch("(a|aa)+", "a" * 100 + "b")
run_watched(work(), 1.0)
"""


def test_a_process_whose_event_loop_is_blocked_ends_and_its_months_are_taken_back(
    database: Database, database_url: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", BLOCKED_RUN, database_url], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 1
    assert "fullmatch" in ended.stderr
    deadline = time.monotonic() + PATIENCE
    while True:
        with database.transaction() as tx:
            if orphans(tx):
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    recover(database, recover(database, []).suspects)
    assert [row["status"] for row in rows(database, "select status from backfill_log")] == ["retry"]


def test_work_that_ends_in_time_leaves_no_timer() -> None:
    done = []

    async def work() -> None:
        done.append(1)

    run_watched(work(), 0.5)
    time.sleep(1)
    assert done == [1]
