"""The pace of a service, as the service sees it, however many processes ask."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.calls import Allowance
from alexandria_pipeline.storage import pace
from alexandria_pipeline_tests.providers.transport.bad_server import as_json, serving
from alexandria_pipeline_tests.storage.workers import together
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

# What the measuring itself may be wrong by: a server that shares two cores with its eight clients notes arrivals late.
MEASURED_LATE = 0.02


def test_eight_processes_keep_one_pace(database: Database, database_url: str) -> None:
    rate, processes, each = 25, 8, 16

    async def scenario() -> list[float]:
        async with serving(as_json({"title": "Circe"})) as server:
            answered = await asyncio.to_thread(list, together(processes, "call", database_url, server.url, rate, each))
            assert answered == [[each]] * processes
            return sorted(asked.at for asked in server.asked)

    times = asyncio.run(scenario())
    assert (
        len(times)
        == processes * each
        == rows(database, "select count(*) from api_call where outcome = 'answered'")[0]["count"]
    )
    assert min(later - earlier for earlier, later in zip(times, times[rate:], strict=False)) > 1 - MEASURED_LATE


def test_slots_are_even_whoever_takes_them(database: Database) -> None:
    waits = [pace.reserve(database, "svc", 0.25) + time.monotonic() for _ in range(20)]
    assert all(abs(later - earlier - 0.25) < 0.2 for earlier, later in pairwise(waits))


def test_unused_slots_are_not_saved_up(database: Database) -> None:
    pace.reserve(database, "svc", 0.01)
    time.sleep(0.1)
    assert pace.reserve(database, "svc", 30) < 1, "the slot is free"
    assert pace.reserve(database, "svc", 30) > 20, "none of the unused ones is left"


def test_a_push_back_moves_all_later_slots_and_only_those_of_the_service(database: Database) -> None:
    pace.reserve(database, "svc", 0.1)
    pace.push_back(database, "svc", 5)
    pace.push_back(database, "svc", 1)
    first, second = pace.reserve(database, "svc", 0.1), pace.reserve(database, "svc", 0.1)
    assert 4.5 < first <= 5 < second < 5.1
    assert pace.reserve(database, "other", 0.1) < 0.1


def test_a_slot_ahead_is_ahead(database: Database) -> None:
    assert pace.reserve(database, "svc", 0.1, lead=0.5) > 0.45


def test_spacing_leaves_a_margin() -> None:
    allowance = Allowance(3, None, 10)
    assert 1 < allowance.spacing * 3 < 1 / 0.95
    assert (allowance.slots_ahead, Allowance(50, None, 10).slots_ahead) == (1, 5)
