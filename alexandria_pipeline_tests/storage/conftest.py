"""Fixtures and helpers of the storage tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.storage.months import MonthHolder
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import holder as new_holder
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Database

Holder = Callable[[str], MonthHolder]
"""Makes the holder of a run with this id."""


@pytest.fixture
def holder(database: Database) -> Iterator[Holder]:
    """Makes holders, which are closed after the test."""
    made: list[MonthHolder] = []

    def make(run_id: str) -> MonthHolder:
        made.append(new_holder(database, run_id))
        return made[-1]

    yield make
    for each in made:
        each.close("the test is over", failed=False)


def lose_connection(database: Database, run: MonthHolder) -> None:
    """Closes the connection that holds the run's locks, as a failing network does, and waits until the server has noticed."""
    assert run._session is not None
    backend = run._session.info.backend_pid
    run._session.close()
    until(lambda: not rows(database, "select 1 from pg_stat_activity where pid = %s", backend))
