"""Recovery: months of dead owners are found, recovered and tried again, and failed after the fifth death.

Processes, servers and connections are really killed.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from alexandria_pipeline.domain.errors import OwnershipLost, StorageError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.recover import recover
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.months import FIRST_BACKOFF_SECONDS, overlapping_claims
from alexandria_pipeline.storage.recovery import Orphan, orphans, recover_months
from alexandria_pipeline_tests.processes import Worker
from alexandria_pipeline_tests.storage import month_worker
from alexandria_pipeline_tests.storage.conftest import Holder, lose_connection
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import JULY, JUNE, rows
from alexandria_pipeline_tests.world import holder as new_holder

if TYPE_CHECKING:
    from alexandria_pipeline.storage.embedded.server import EmbeddedServer

pytestmark = pytest.mark.slow("starts and kills worker processes")

KILLS, WORKERS = 8, 4


def _log(database: Database, month: Month = JUNE) -> dict[str, Any]:
    return rows(database, "select * from backfill_log where year = %s and month = %s", month.year, month.month)[0]


def _orphans(database: Database) -> list[Orphan]:
    with database.transaction() as tx:
        return orphans(tx)


def test_a_month_with_an_owner_is_not_recovered(database: Database, holder: Holder) -> None:
    holder("run-1").claim([JUNE, JULY])
    assert _orphans(database) == []
    with database.transaction() as tx:
        assert recover_months(tx, [Orphan(JUNE, 1), Orphan(JULY, 1)]) == []
    assert (_log(database)["status"], _log(database)["owner_run"]) == ("processing", "run-1")


def test_the_second_check_recovers_what_the_first_has_found(database: Database, holder: Holder) -> None:
    first = holder("run-1")
    first.claim([JUNE])
    lose_connection(database, first)
    seen = recover(database, [])
    assert (seen.months, sorted(seen.suspects)) == ((), [Orphan(JUNE, 1)])
    assert _log(database)["status"] == "processing"
    taken = recover(database, seen.suspects)
    assert ([(each.month, each.status, each.attempts) for each in taken.months], taken.suspects) == (
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


def test_a_month_of_a_killed_process_is_recovered_and_can_be_claimed(
    database: Database, database_url: str, holder: Holder
) -> None:
    worker = Worker(month_worker.claim, database_url, "run-killed", JUNE)
    assert worker.receive()
    worker.kill()
    suspects = until(lambda: _orphans(database))
    assert [each.status for each in recover(database, suspects).months] == ["retry"]
    assert holder("run-2").claim([JUNE]) == {}
    with database.transaction() as tx:
        assert overlapping_claims(tx) == ([], 1)


def test_a_month_claimed_by_another_run_between_the_checks_stays_with_it(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    lose_connection(database, first)
    suspects = _orphans(database)
    second.claim([JUNE])
    assert recover(database, suspects).months == ()
    lose_connection(database, second)
    assert recover(database, suspects).months == (), "another claim is lost now, which is a new suspect"
    assert _log(database)["owner_run"] == "run-2"


def test_one_of_many_recoveries_at_once_recovers_a_month(database: Database, holder: Holder) -> None:
    first = holder("run-1")
    first.claim([JUNE, JULY])
    lose_connection(database, first)
    suspects = _orphans(database)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: recover(database, suspects).months, range(8)))
    assert sorted(each.month for part in taken for each in part) == [JUNE, JULY]
    assert [_log(database, month)["retry_count"] for month in (JUNE, JULY)] == [1, 1]


def test_an_owner_that_has_lost_its_connection_restores_its_locks_between_the_checks(
    database: Database, holder: Holder
) -> None:
    first = holder("run-1")
    first.claim([JUNE])
    lose_connection(database, first)
    suspects = _orphans(database)
    with first.locks_watched(seconds=0.01):
        until(lambda: not _orphans(database))
    assert recover(database, suspects).months == ()
    with database.transaction() as tx:
        first.fence(tx, [JUNE])


def test_an_owner_that_returns_too_late_is_refused_and_owns_nothing(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    lose_connection(database, first)
    recover(database, _orphans(database))
    with pytest.raises(OwnershipLost, match="2020-06"), database.transaction() as tx:
        first.fence(tx, [JUNE])
    first.restore_locks()
    assert tuple(first._held) == ()
    first.close("this changes nothing", failed=True)
    assert (_log(database)["status"], _log(database)["retry_count"]) == ("retry", 1)
    assert second.claim([JUNE]) == {}


def test_the_fifth_death_fails_the_month_and_the_delays_double(database: Database, holder: Holder) -> None:
    statuses, delays = [], []
    for number in range(5):
        run = holder(f"run-{number}")
        assert run.claim([JUNE]) == {}
        lose_connection(database, run)
        (recovered,) = recover(database, _orphans(database)).months
        statuses.append(recovered.status)
        log = _log(database)
        delays.append((log["next_attempt_at"] - log["last_retry_at"]).total_seconds() / FIRST_BACKOFF_SECONDS)
    assert statuses == ["retry"] * 4 + ["failed"]
    assert all(0.74 * 2**n < delay < 1.26 * 2**n for n, delay in enumerate(delays)), delays
    assert len({round(delay / 2**n, 4) for n, delay in enumerate(delays)}) > 1, "the delays have a random part"
    assert _log(database)["retry_count"] == 5
    assert "its run died: run-4" in _log(database)["error_message"]


def test_months_of_workers_that_are_killed_at_random_are_processed_once(database: Database, database_url: str) -> None:
    """Workers compete for the same months and are killed; recovery returns the months of the dead.

    There are more months as long as kills are left, so that the last kill meets a worker with a month, too.
    """
    months, kills, choice = 24, 0, random.Random(6)  # noqa: S311 - not a secret
    numbers, suspects = itertools.count(1), frozenset[Orphan]()

    def new_worker() -> Worker:
        return Worker(month_worker.process, database_url, f"run-{next(numbers)}", Month(2010, 1), months)

    def step() -> bool:
        """Kills a worker, replaces those that have ended, and recovers. True when all is done."""
        nonlocal months, kills, suspects
        completed = len(rows(database, "select 1 from backfill_log where status = 'completed'"))
        if kills < KILLS and completed == months:
            months += 12
        if kills < KILLS and rows(database, "select 1 from month_claim where released_at is null"):
            workers[choice.randrange(WORKERS)].kill()
            kills += 1
        for number, worker in enumerate(workers):
            if not worker.running:
                workers[number] = new_worker()
        suspects = recover(database, suspects).suspects
        return kills == KILLS and completed == months

    workers = [new_worker() for _ in range(WORKERS)]
    until(step, lambda: rows(database, "select * from backfill_log where status <> 'completed'"), poll_seconds=0.05)
    for worker in workers:
        worker.kill()
    with database.transaction() as tx:
        assert overlapping_claims(tx) == ([], months)
    completed = rows(
        database, "select year, month, count(*) as n from month_claim where ended_as = 'completed' group by year, month"
    )
    assert [row["n"] for row in completed] == [1] * months
    assert len(rows(database, "select 1 from generation_reply")) == months
    assert rows(database, "select 1 from backfill_log where owner_run is not null or retry_count > 5") == []


def test_a_killed_server_loses_no_month(fragile: EmbeddedServer) -> None:
    """All locks are lost with it. The run that lives restores its own; the month of the other run is an orphan."""
    with Database(fragile.url()) as database:
        migrate(database)
        alive, dead = new_holder(database, "run-alive"), new_holder(database, "run-dead")
        alive.claim([JUNE])
        dead.claim([JULY])
        with alive.locks_watched(seconds=0.02):
            postmaster = fragile.status().pid
            assert postmaster
            os.kill(postmaster, signal.SIGKILL)
            until(lambda: _restarted(fragile, database), poll_seconds=0.05)
            until(lambda: _orphans(database) == [Orphan(JULY, 1)])
        recovered = recover(database, [Orphan(JUNE, 1), Orphan(JULY, 1)]).months
        assert [each.month for each in recovered] == [JULY]
        with database.transaction() as tx:
            alive.fence(tx, [JUNE])
        for run in (alive, dead):
            run.close("the test is over", failed=False)
        assert [_log(database, month)["status"] for month in (JUNE, JULY)] == ["retry", "retry"]


def _restarted(server: EmbeddedServer, database: Database) -> bool:
    """Starts the killed server again; true when it answers."""
    try:
        server.ensure()
        database.close()
        return bool(rows(database, "select 1"))
    except StorageError:
        return False
