"""Months whose owner dies: seen, taken back, tried again, and given up after the fifth time. Real kills, real locks."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from alexandria_pipeline.domain.errors import DatabaseUnavailable, OwnershipLost, StorageError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.recover import recover
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.months import FIRST_BACKOFF_SECONDS, MonthHolder, overlapping_claims
from alexandria_pipeline.storage.recovery import Orphan, orphans, recover_months
from alexandria_pipeline_tests.storage.conftest import Holder
from alexandria_pipeline_tests.world import JULY, JUNE, rows
from alexandria_pipeline_tests.world import holder as new_holder

PATIENCE = 60.0

# A run as the state machine sees it: claims each month, lists nothing, takes a moment, completes.
WORK = """
import random, sys, time
from alexandria_pipeline.domain.errors import OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.generation import mark_read, store_reply
from alexandria_pipeline.storage.months import MonthHolder
url, run_id, first, count = sys.argv[1:]
database, months = Database(url, pool_size=2), [Month.parse(first) + n for n in range(int(count))]
random.shuffle(months)
for month in months:
    holder = MonthHolder(database, run_id, "a worker of the test")
    if not holder.claim([month]):
        try:
            with database.transaction() as tx:
                done = tx.execute("select status from backfill_log where year = %s and month = %s", (month.year, month.month)).fetchone()
            if done["status"] != "completed":
                print(month, flush=True)
                time.sleep(random.uniform(0, 0.1))
                with database.transaction() as tx:
                    holder.fence(tx, [month])
                    reply = store_reply(tx, GenerationRequest(month, 20, "baseline"), RawReply("curated-list", "m", "[]"), run_id)
                    mark_read(tx, reply.reply_id)
                assert holder.complete(month)
        except OwnershipLost:
            pass
    holder.close("the worker is done", failed=False)
database.close()
"""


def _log(database: Database, month: Month = JUNE) -> dict[str, Any]:
    return rows(database, "select * from backfill_log where year = %s and month = %s", month.year, month.month)[0]


def _lose_connection(broken: MonthHolder) -> None:
    """Cuts the connection that holds the locks, as a failing network does."""
    assert broken._session is not None
    broken._session.close()


def _lost(database: Database) -> list[Orphan]:
    """The orphans there are, once the server has noticed the end of their connection."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with database.transaction() as tx:
            if found := orphans(tx):
                return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_month_with_an_owner_is_left_alone(database: Database, holder: Holder) -> None:
    holder("run-1").claim([JUNE, JULY])
    with database.transaction() as tx:
        assert orphans(tx) == []
        assert recover_months(tx, [Orphan(JUNE, 1), Orphan(JULY, 1)]) == []
    assert (_log(database)["status"], _log(database)["owner_run"]) == ("processing", "run-1")


def test_the_second_look_takes_back_what_the_first_has_seen(database: Database, holder: Holder) -> None:
    first = holder("run-1")
    first.claim([JUNE])
    _lose_connection(first)
    _lost(database)
    seen = recover(database, [])
    assert (seen.taken_back, sorted(seen.suspects)) == ((), [Orphan(JUNE, 1)])
    assert _log(database)["status"] == "processing"
    taken = recover(database, seen.suspects)
    assert ([(each.month, each.status, each.attempts) for each in taken.taken_back], taken.suspects) == (
        [(JUNE, "retry", 1)], frozenset(),
    )  # fmt: skip
    log = _log(database)
    assert (log["status"], log["retry_count"], log["owner_run"], log["owner"]) == ("retry", 1, None, None)
    assert log["error_message"].startswith("its run died: run-1 (test process of run-1), started 20")
    wait = (log["next_attempt_at"] - log["last_retry_at"]).total_seconds()
    assert 0.74 * FIRST_BACKOFF_SECONDS < wait < 1.26 * FIRST_BACKOFF_SECONDS
    (claim,) = rows(database, "select * from month_claim")
    assert (claim["ended_as"], claim["released_at"] is not None) == ("owner died", True)
    assert recover(database, []).suspects == frozenset()


def test_a_killed_worker_loses_its_month_within_two_looks(database: Database, database_url: str) -> None:
    worker = _worker(database_url, "run-killed", JUNE, 1)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "2020-06\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    suspects = _lost(database)
    assert [each.status for each in recover(database, suspects).taken_back] == ["retry"]
    other = new_holder(database, "run-2")
    assert other.claim([JUNE]) == {}
    other.close("the test is over", failed=False)
    with database.transaction() as tx:
        assert overlapping_claims(tx) == ([], 1)


def test_a_month_claimed_by_another_run_between_the_looks_is_that_runs(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    _lose_connection(first)
    suspects = _lost(database)
    second.claim([JUNE])
    assert recover(database, suspects).taken_back == ()
    _lose_connection(second)
    _lost(database)
    assert recover(database, suspects).taken_back == (), "it is lost again, but by another claim: a new suspect"
    assert _log(database)["owner_run"] == "run-2"


def test_of_many_who_take_back_at_once_one_does(database: Database, holder: Holder) -> None:
    first = holder("run-1")
    first.claim([JUNE, JULY])
    _lose_connection(first)
    suspects = _lost(database)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: recover(database, suspects).taken_back, range(8)))
    assert sorted(each.month for part in taken for each in part) == [JUNE, JULY]
    assert [_log(database, month)["retry_count"] for month in (JUNE, JULY)] == [1, 1]


def test_an_owner_that_has_lost_its_connection_takes_its_locks_back_between_the_looks(
    database: Database, holder: Holder
) -> None:
    first = holder("run-1")
    first.claim([JUNE])
    _lose_connection(first)
    suspects = _lost(database)
    with first.locks_watched(seconds=0.01):
        deadline = time.monotonic() + PATIENCE
        while True:
            with database.transaction() as tx:
                if not orphans(tx):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert recover(database, suspects).taken_back == ()
    with database.transaction() as tx:
        first.fence(tx, [JUNE])


def test_an_owner_that_comes_back_too_late_is_refused_and_holds_nothing(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    _lose_connection(first)
    recover(database, _lost(database))
    with pytest.raises(OwnershipLost, match="2020-06"), database.transaction() as tx:
        first.fence(tx, [JUNE])
    first.restore_locks()
    assert tuple(first._held) == ()
    first.close("it ends without a trace", failed=True)
    assert (_log(database)["status"], _log(database)["retry_count"]) == ("retry", 1)
    assert second.claim([JUNE]) == {}


def test_the_fifth_death_is_the_last_and_the_waits_double(database: Database, holder: Holder) -> None:
    statuses, waits = [], []
    for number in range(5):
        run = holder(f"run-{number}")
        assert run.claim([JUNE]) == {}
        _lose_connection(run)
        (taken,) = recover(database, _lost(database)).taken_back
        statuses.append(taken.status)
        log = _log(database)
        waits.append((log["next_attempt_at"] - log["last_retry_at"]).total_seconds() / FIRST_BACKOFF_SECONDS)
    assert statuses == ["retry"] * 4 + ["failed"]
    assert all(0.74 * 2**n < wait < 1.26 * 2**n for n, wait in enumerate(waits)), waits
    assert len({round(wait / 2**n, 4) for n, wait in enumerate(waits)}) > 1, "without jitter all would come at once"
    assert _log(database)["retry_count"] == 5
    assert "its run died: run-4" in _log(database)["error_message"]


def test_two_daemons_worth_of_workers_killed_at_random_process_every_month_once(
    database: Database, database_url: str
) -> None:
    """Workers fight over the same months and are killed; recovery is all the help there is."""
    months, dice = 24, random.Random(6)  # noqa: S311 - a dice, not a secret
    numbers = itertools.count(1)
    suspects: frozenset[Orphan] = frozenset()
    workers = [_worker(database_url, f"run-{next(numbers)}", Month(2010, 1), months) for _ in range(4)]
    kills, deadline = 0, time.monotonic() + PATIENCE
    while len(rows(database, "select 1 from backfill_log where status = 'completed'")) < months:
        assert time.monotonic() < deadline, rows(database, "select * from backfill_log where status <> 'completed'")
        victim = dice.choice(workers)
        if (
            kills < 8
            and victim.poll() is None
            and rows(database, "select 1 from month_claim where released_at is null")
        ):
            victim.kill()
            kills += 1
        for number, worker in enumerate(workers):
            if worker.poll() is not None:
                worker.communicate()
                workers[number] = _worker(database_url, f"run-{next(numbers)}", Month(2010, 1), months)
        suspects = recover(database, suspects).suspects
        time.sleep(0.05)
    for worker in workers:
        worker.kill()
        worker.communicate()
    assert kills == 8
    with database.transaction() as tx:
        assert overlapping_claims(tx) == ([], months)
    done = rows(
        database, "select year, month, count(*) as n from month_claim where ended_as = 'completed' group by year, month"
    )
    assert [row["n"] for row in done] == [1] * months
    assert len(rows(database, "select 1 from generation_reply")) == months
    assert rows(database, "select 1 from backfill_log where owner_run is not null or retry_count > 5") == []


def test_a_killed_database_loses_no_month(fragile: EmbeddedServer) -> None:
    """Its owners' locks are gone with it. The run that lives takes its own back; the month of the other one is orphaned."""
    with Database(fragile.url()) as database:
        migrate(database)
        alive, dead = new_holder(database, "run-alive"), new_holder(database, "run-dead")
        alive.claim([JUNE])
        dead.claim([JULY])
        with alive.locks_watched(seconds=0.02):
            postmaster = fragile.status().pid
            assert postmaster
            os.kill(postmaster, signal.SIGKILL)
            _back(fragile, database)
            deadline = time.monotonic() + PATIENCE
            while _lost(database) != [Orphan(JULY, 1)]:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert [each.month for each in recover(database, [Orphan(JUNE, 1), Orphan(JULY, 1)]).taken_back] == [JULY]
        with database.transaction() as tx:
            alive.fence(tx, [JUNE])
        for each in (alive, dead):
            each.close("the test is over", failed=False)
        assert [_log(database, month)["status"] for month in (JUNE, JULY)] == ["retry", "retry"]


def _worker(url: str, run_id: str, first: Month, months: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORK, url, run_id, str(first), str(months)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _back(server: EmbeddedServer, database: Database) -> None:
    """Starts the killed server again, and waits until it answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline
        try:
            server.ensure()
            database.close()
            rows(database, "select 1")
        except (StorageError, DatabaseUnavailable, psycopg.Error):
            time.sleep(0.05)
        else:
            return
