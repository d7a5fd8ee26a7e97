"""Month ownership: one owner per month, refusals, dead owners and lost connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from alexandria_pipeline.domain.errors import OwnershipLost
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.generation import mark_read, store_reply
from alexandria_pipeline.storage.months import overlapping_claims
from alexandria_pipeline_tests.processes import Worker
from alexandria_pipeline_tests.storage import month_worker
from alexandria_pipeline_tests.storage.conftest import Holder, lose_connection
from alexandria_pipeline_tests.waiting import PATIENCE, until
from alexandria_pipeline_tests.world import JULY, JUNE, rows


def _log(database: Database) -> dict[str, object]:
    return rows(database, "select * from backfill_log where year = 2020 and month = 6")[0]


def test_a_second_run_is_refused_with_the_name_of_the_owner(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    assert first.claim([JUNE]) == {}
    refused = second.claim([JUNE, JULY])
    assert list(refused) == [JUNE]
    assert "owned by run run-1 (test process of run-1)" in refused[JUNE]
    assert tuple(second._held) == (JULY,)


def test_one_of_sixteen_runs_gets_the_month(database: Database, holder: Holder) -> None:
    holders = [holder(f"run-{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        refusals = list(pool.map(lambda each: each.claim([JUNE]), holders))
    assert sum(not refused for refused in refusals) == 1
    assert len(rows(database, "select 1 from month_claim")) == 1


def test_a_released_month_can_be_claimed_again(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    first.release(JUNE, "a reason", failed=True)
    assert (_log(database)["status"], _log(database)["error_message"]) == ("retry", "a reason")
    assert second.claim([JUNE]) == {}


def test_a_killed_owner_loses_the_month(database: Database, database_url: str, holder: Holder) -> None:
    second = holder("run-2")
    worker = Worker(month_worker.claim, database_url, "run-killed", JUNE)
    assert worker.receive()
    assert JUNE in second.claim([JUNE])
    worker.kill()
    until(lambda: not second.claim([JUNE]))
    assert tuple(second._held) == (JUNE,)
    log = _log(database)
    assert (log["status"], log["owner_run"], log["retry_count"]) == ("processing", "run-2", 1)
    assert "taken over from a run that died: run-killed" in str(log["error_message"])
    with database.transaction() as tx:
        assert overlapping_claims(tx) == ([], 1)


def test_a_write_to_a_month_of_another_run_is_refused(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    lose_connection(database, first)
    assert second.claim([JUNE]) == {}
    with pytest.raises(OwnershipLost, match="2020-06"), database.transaction() as tx:
        first.fence(tx, [JUNE])
    first.complete(JUNE)
    assert _log(database)["owner_run"] == "run-2"


def test_an_owner_restores_its_locks_after_a_lost_connection(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    lose_connection(database, first)
    first.restore_locks()
    assert JUNE in second.claim([JUNE])
    with database.transaction() as tx:
        first.fence(tx, [JUNE])


def test_a_completed_month_is_reopened_only_by_a_write(database: Database, holder: Holder) -> None:
    first, second = holder("run-1"), holder("run-2")
    first.claim([JUNE])
    with database.transaction() as tx:
        request = GenerationRequest(JUNE, 20, "baseline")
        reply = store_reply(tx, request, RawReply("curated-list", "m", "[]"), "run-1")
        mark_read(tx, reply.reply_id)
    assert first.complete(JUNE)
    before = _log(database)
    second.claim([JUNE])
    assert not second.begun(JUNE)
    assert _log(database) == before
    with database.transaction() as tx:
        second.fence(tx, [JUNE])
    assert second.begun(JUNE)
    assert (_log(database)["status"], _log(database)["owner_run"]) == ("processing", "run-2")


def test_a_month_that_was_never_listed_is_not_completed(database: Database, holder: Holder) -> None:
    first = holder("run-1")
    first.claim([JUNE])
    assert not first.complete(JUNE)
    assert _log(database)["status"] == "processing"


def test_a_month_that_is_locked_for_a_moment_is_claimed_afterwards(database: Database, holder: Holder) -> None:
    """A recount locks the row of a month without an owner for milliseconds. The claim waits for it."""
    first = holder("run-1")
    first.claim([JUNE])
    first.release(JUNE, "for another run", failed=False)
    second = holder("run-2")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            tx.execute("select 1 from backfill_log where year = 2020 and month = 6 for update")
            claimed = pool.submit(second.claim, [JUNE, JULY], patience=PATIENCE)
            until(lambda: JULY in tuple(second._held))
            assert JUNE not in tuple(second._held)
        assert claimed.result(timeout=PATIENCE) == {}
    assert set(second._held) == {JUNE, JULY}


def test_a_month_that_stays_locked_is_refused(database: Database, holder: Holder) -> None:
    holder("run-1").claim([JULY])
    second = holder("run-2")
    second.claim([JUNE])
    second.release(JUNE, "for another run", failed=False)
    with database.transaction() as tx:
        tx.execute("select 1 from backfill_log where year = 2020 and month = 6 for update")
        refused = holder("run-3").claim([JUNE, JULY], patience=0.1)
    assert "being checked by another process" in refused[JUNE]
    assert "owned by run run-1" in refused[JULY]


def test_overlapping_claims_are_found(database: Database, holder: Holder) -> None:
    holder("run-1").claim([JUNE])
    with database.transaction() as tx:
        tx.execute("insert into month_claim (year, month, run_id, owner) values (2020, 6, 'run-2', 'another process')")
    with database.transaction() as tx:
        overlaps, claimed = overlapping_claims(tx)
    assert ([row["other_run_id"] for row in overlaps], claimed) == (["run-2"], 1)
