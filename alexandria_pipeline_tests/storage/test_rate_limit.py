"""The rate limit of a service: its slots, and the requests of several processes."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.calls import (
    SLOT_MARGIN,
    Allowance,
    CallAttempt,
    CallContext,
    CallOutcome,
    CallResult,
    Slot,
)
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.providers.transport.bad_server import as_json, serving
from alexandria_pipeline_tests.storage.workers import call, together
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Database

pytestmark = pytest.mark.slow("eight processes share a real rate limit")

MAX_CLOCK_ERROR = 0.02  # seconds by which a process may misjudge the database's clock


def test_eight_processes_share_one_rate_limit(database: Database, database_url: str) -> None:
    """In no second are there more slots than the rate allows, and no request is sent before its slot.

    Both hold however busy the machine is. Requests that come late move the later slots, which other tests show.
    """
    rate, processes, each = 25, 8, 16

    async def scenario() -> dict[str, float]:
        async with serving(as_json({"title": "Circe"})) as server:
            answered = await asyncio.to_thread(together, processes, call, database_url, server.url, rate, each)
            assert answered == [each] * processes
            to_wall_clock = time.time() - time.monotonic()
            return {f"{server.url}{asked.target}": asked.at + to_wall_clock for asked in server.asked}

    arrivals = asyncio.run(scenario())
    calls = rows(database, "select url, called_at from api_call where outcome = 'answered' order by called_at")
    assert len(calls) == len(arrivals) == processes * each
    slots = [call["called_at"].timestamp() for call in calls]
    assert min(later - earlier for earlier, later in zip(slots, slots[rate:], strict=False)) > 1
    assert min(arrivals[call["url"]] - call["called_at"].timestamp() for call in calls) > -MAX_CLOCK_ERROR


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with closing(Threads()) as threads:
        yield Ledger(database, threads)


def slot_of(ledger: Ledger, service: str = "svc", spacing: float = 0.1, lead: float = 0) -> Slot:
    allowance = Allowance((1 + SLOT_MARGIN) / spacing, None, 10)
    slot = ledger.reserve_now(CallAttempt(service, "GET", "", 1, CallContext()), allowance, lead)
    assert isinstance(slot, Slot)
    return slot


def test_slots_have_equal_distances(ledger: Ledger) -> None:
    times = [slot_of(ledger, spacing=300).at for _ in range(20)]
    assert all((later - earlier).total_seconds() == pytest.approx(300) for earlier, later in pairwise(times))


def test_unused_slots_are_not_saved_up(ledger: Ledger, database: Database) -> None:
    slot_of(ledger)
    rows(database, "update provider_health set next_slot_at = now() - interval '1 hour' returning 1")
    first, second = slot_of(ledger, spacing=300), slot_of(ledger, spacing=300)
    assert (second.at - first.at).total_seconds() == pytest.approx(300), "the unused slots are gone"


def test_a_pause_moves_all_later_slots_of_the_service_only(ledger: Ledger) -> None:
    for pause in (500, 100):
        ledger.record_now(slot_of(ledger), CallResult(CallOutcome.FAILED, 429, pause_seconds=pause))
    first, second = slot_of(ledger), slot_of(ledger)
    assert 400 < first.wait < 501
    assert (second.at - first.at).total_seconds() == pytest.approx(0.1)
    assert slot_of(ledger, "other").wait < 100


def test_a_slot_has_the_requested_lead(ledger: Ledger) -> None:
    assert slot_of(ledger, lead=500).wait > 400


def shared_slot(ledger: Ledger, service: str, other: str, spacing: float = 100, shared: float = 300) -> Slot:
    allowance = Allowance(
        (1 + SLOT_MARGIN) / spacing, None, 10, shared_with=(other,), shared_rate=(1 + SLOT_MARGIN) / shared
    )
    slot = ledger.reserve_now(CallAttempt(service, "GET", "", 1, CallContext()), allowance)
    assert isinstance(slot, Slot)
    return slot


def test_services_with_one_allowance_keep_a_distance_from_each_other(ledger: Ledger) -> None:
    order = ["one", "other", "one", "other", "other", "one"]
    slots = [shared_slot(ledger, name, "other" if name == "one" else "one") for name in order]
    distances = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(slots)]
    assert distances == pytest.approx([300, 300, 300, 100, 300])
    assert slot_of(ledger, "third").wait < 100


def test_one_service_may_use_the_whole_allowance(ledger: Ledger) -> None:
    slots = [shared_slot(ledger, "one", "other") for _ in range(5)]
    assert [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(slots)] == pytest.approx([100] * 4)


def test_a_pause_of_one_service_holds_those_that_share_its_allowance(ledger: Ledger) -> None:
    slot = shared_slot(ledger, "one", "other")
    ledger.record_now(slot, CallResult(CallOutcome.FAILED, 429, pause_seconds=900))
    assert shared_slot(ledger, "other", "one").wait > 800


def test_a_renewed_slot_keeps_the_distance_too(ledger: Ledger) -> None:
    allowance = Allowance(
        (1 + SLOT_MARGIN) / 100, None, 10, shared_with=("other",), shared_rate=(1 + SLOT_MARGIN) / 300
    )
    slot = shared_slot(ledger, "one", "other")
    other = shared_slot(ledger, "other", "one")
    renewed = asyncio.run(ledger.renew(slot, allowance, 0))
    assert isinstance(renewed, Slot)
    assert (renewed.at - other.at).total_seconds() == pytest.approx(300)


def test_services_with_one_allowance_do_not_block_each_other(ledger: Ledger) -> None:
    names = {"one": "other", "other": "one"}

    def reserve(name: str) -> list[Slot]:
        return [shared_slot(ledger, name, names[name], spacing=0.02, shared=0.01) for _ in range(30)]

    with ThreadPoolExecutor(4) as threads:
        slots = [slot for found in threads.map(reserve, [*names, *names]) for slot in found]
    times = sorted(slot.at for slot in slots)
    assert min((later - earlier).total_seconds() for earlier, later in pairwise(times)) >= 0.0099


def test_spacing_leaves_a_margin() -> None:
    allowance = Allowance(3, None, 10)
    assert 1 < allowance.spacing * 3 < 1 / 0.95
    assert (allowance.slots_ahead, Allowance(50, None, 10).slots_ahead) == (1, 5)
