"""A run keeps its months when its network breaks and the server still sees the old connection with its locks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from alexandria_pipeline.domain.errors import OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.recovery import orphans
from alexandria_pipeline_tests.storage.broken_network import network
from alexandria_pipeline_tests.world import JUNE, rows
from alexandria_pipeline_tests.world import holder as new_holder

if TYPE_CHECKING:
    from alexandria_pipeline_tests.storage.conftest import Holder

YEAR = [Month(2020, number) for number in range(1, 13)]


def test_a_run_ends_its_own_old_connection_and_keeps_all_its_months(
    database_url: str, database: Database, holder: Holder
) -> None:
    address = urlsplit(database_url)
    with network(address.port or 5432) as road:
        url = urlunsplit(address._replace(netloc=address.netloc.replace(f":{address.port}", f":{road.port}")))
        with Database(url) as through:
            run = new_holder(through, "run-1")
            assert run.claim(YEAR) == {}
            road.cut()
            run.restore_locks()
            with through.transaction() as tx:
                run.fence(tx, YEAR)
                assert orphans(tx) == []
            assert holder("run-2").claim(YEAR).keys() == set(YEAR)
            run.close("the test is over", failed=False)


def test_a_month_whose_lock_is_taken_for_a_moment_is_kept(database: Database, holder: Holder) -> None:
    run = holder("run-1")
    run.claim([JUNE])
    assert run._session is not None
    run._session.close()
    with database.transaction() as review:
        while not review.execute("select pg_try_advisory_xact_lock(202006) as locked").fetchone()["locked"]:  # type: ignore[index]
            pass
        run.restore_locks()
    run.restore_locks()
    with database.transaction() as tx:
        run.fence(tx, [JUNE])
        assert orphans(tx) == []


def test_a_claim_for_the_next_stage_restores_the_locks_of_the_earlier_months(
    database: Database, holder: Holder
) -> None:
    run = holder("run-1")
    run.claim([JUNE])
    assert run._session is not None
    run._session.close()
    run.claim([Month(2020, 7)])
    run.restore_locks()
    with database.transaction() as tx:
        assert orphans(tx) == []


def test_the_fence_compares_the_run_beside_the_claim_number(database: Database, holder: Holder) -> None:
    run = holder("run-1")
    run.claim([JUNE])
    rows(database, "update backfill_log set owner_run = 'run-2' returning 1")
    with database.transaction() as tx, pytest.raises(OwnershipLost):
        run.fence(tx, [JUNE])
    run.release(JUNE, "the run ended", failed=True)
    (row,) = rows(database, "select status, owner_run from backfill_log")
    assert (row["status"], row["owner_run"]) == ("processing", "run-2")
