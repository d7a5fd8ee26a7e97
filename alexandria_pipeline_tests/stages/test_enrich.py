"""Enrichment with every service of the stand-in: what is served, what is asked, and what happens again and after faults."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from alexandria_pipeline.composition import Pipeline, opened_pipeline
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline_tests.upstream.model import Service
from alexandria_pipeline_tests.world import dump, rows, run_all

if TYPE_CHECKING:
    from pathlib import Path

    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline_tests.upstream.server import StandIn

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)
pytestmark = pytest.mark.slow("a month with every service over HTTP")

MONTHS = [Month(2020, 1)]
SERVED = ("enriched_editions", "enriched_works", "enriched_authors", "work_authors", "external_id", "field_conflict")
Opened = Callable[[], AbstractContextManager[Pipeline]]


@pytest.fixture
def opened(
    upstream_environment: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Opened:
    assert upstream_environment
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_DAILY_LIMIT", "100000")
    return lambda: opened_pipeline(load_settings())


def _enrich(world: Pipeline, run_id: str) -> dict[str, Any]:
    reports = {
        "editions": world.enrich.editions(MONTHS, run_id),
        "works": world.enrich.works(MONTHS, run_id),
        "authors": world.enrich.authors(MONTHS, run_id),
    }
    return {
        name: {**report.counts[MONTHS[0]], "requests": report.asked.total(), "owed": sum(report.owed.values())}
        for name, report in reports.items()
    }


def _requests(upstream: StandIn) -> dict[str, int]:
    return {service.value: meter.counters.requests for service, meter in upstream.meters.items()}


def test_a_month_is_enriched_once(opened: Opened, database: Database, upstream: StandIn) -> None:
    with opened() as world:
        run_all(database, world, MONTHS)
        (paid,) = rows(database, "select count(*) as n from api_call where service = 'isbndb'")
        first = _enrich(world, "run-2")
        asked, served = _requests(upstream), dump(database, SERVED)
        second = _enrich(world, "run-3")
    resolved = rows(database, "select distinct work_id, isbn13 from generated_book where outcome = 'resolved'")
    assert first["editions"]["computed"] == first["works"]["computed"] == len(resolved) > 10
    assert first["editions"]["changed"] == first["works"]["changed"] == len(resolved)
    assert first["authors"]["computed"] > 0

    (now_paid,) = rows(database, "select count(*) as n from api_call where service = 'isbndb'")
    assert now_paid["n"] == paid["n"] + 1, "one paid call for all editions of the run"
    assert {name: (each["changed"], each["requests"]) for name, each in second.items()} == dict.fromkeys(second, (0, 0))
    assert _requests(upstream) == asked, "what was answered is not asked again"
    assert dump(database, SERVED) == served, "computing again writes nothing"

    works = rows(database, "select * from enriched_works where not synthetic")
    assert all(work["enriched_at"] and work["provenance"].keys() >= {"title", "authors"} for work in works)
    assert not any(work["title"].isupper() for work in works)
    assert sum(work["first_published"] is not None for work in works) >= len(works) / 2
    assert sum(work["cover"] is not None for work in works) >= len(works) / 2
    without = "select 1 from enriched_works w where not synthetic and not exists (select from work_authors a where a.work_id = w.work_id)"
    assert rows(database, without) == []
    stages = rows(database, "select distinct stage from api_call where year = 2020 and month = 1 order by stage")
    assert {"enriched_editions", "enriched_works"} <= {row["stage"] for row in stages}


def test_a_service_that_fails_changes_nothing_and_is_asked_later(
    opened: Opened, database: Database, upstream: StandIn
) -> None:
    with opened() as world:
        run_all(database, world, MONTHS)
    upstream.faults.add({"service": Service.OPEN_LIBRARY.value, "kind": "drop-before"})
    with opened() as world:
        first = _enrich(world, "run-2")
    assert first["editions"]["owed"] > 0
    served = rows(database, "select isbn13 from enriched_editions where enriched_at is not null")
    assert len(served) == first["editions"]["computed"], "the others are served"

    upstream.faults.clear()
    rows(database, "update provider_health set retry_at = now() where retry_at is not null returning 1")
    rows(database, "update enrichment_request set asked_at = asked_at - interval '1 hour' returning 1")
    for number in range(3, 6):  # a breaker lets one request test the service first
        rows(database, "update provider_health set retry_at = now() where retry_at is not null returning 1")
        with opened() as world:
            later = _enrich(world, f"run-{number}")
    assert later["works"]["owed"] == 0, rows(database, "select * from enrichment_request where outcome <> 'found'")
    assert rows(
        database, "select 1 from source_record where provider = 'open-library' and part = 'metadata-enrichment'"
    )
