"""Fixtures of the storage tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.storage.months import MonthHolder
from alexandria_pipeline_tests.world import holder as new_holder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Database

Holder = Callable[[str], MonthHolder]


@pytest.fixture
def holder(database: Database) -> Iterator[Holder]:
    """Makes holders, and ends them with the test."""
    made: list[MonthHolder] = []

    def make(run_id: str) -> MonthHolder:
        made.append(new_holder(database, run_id))
        return made[-1]

    yield make
    for each in made:
        each.close("the test is over", failed=False)
