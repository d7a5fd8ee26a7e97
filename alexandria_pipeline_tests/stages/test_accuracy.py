"""Six months against the stand-in of all services, over real HTTP: how right the answers are, and what services see of it.

Then the same with a quota that runs out, a service that fails every other time, and all services down but one: no book is lost,
no outcome says more than is known, and a later run asks for what is missing and for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from alexandria_pipeline.composition import Pipeline, opened_pipeline
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.explain import explain
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.upstream.model import RESOLVERS, Service
from alexandria_pipeline_tests.upstream.score import Score, score
from alexandria_pipeline_tests.upstream.server import StandIn
from alexandria_pipeline_tests.world import rows, run_all

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

MONTHS = [Month(2020, number) for number in range(1, 7)]
MANY = 1_000_000
Opened = Callable[..., AbstractContextManager[Pipeline]]


@pytest.fixture
def opened(
    database_url: str, tmp_path: Path, upstream_environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> Opened:
    """Opens a pipeline, as a process does, on the test's database and the stand-in; `settings` without ALEXANDRIA_."""
    assert upstream_environment
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_DAILY_LIMIT", str(MANY))

    def open_it(**settings: object) -> AbstractContextManager[Pipeline]:
        for name, value in settings.items():
            monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}", str(value))
        return opened_pipeline(load_settings())

    return open_it


def _score(database: Database, upstream: StandIn) -> Score:
    with database.transaction() as tx:
        answers = {month: figures.books_of(tx, month) for month in MONTHS}
    return score((answers[month], upstream.lists.truth(str(month))) for month in MONTHS)


def _books(database: Database) -> list[dict[str, Any]]:
    return rows(database, "select *, year || '-' || month as of from generated_book order by book_id")


def _requests(upstream: StandIn, service: Service) -> int:
    return upstream.meters[service].counters.requests


def _asked_twice(upstream: StandIn, *services: Service) -> dict[str, int]:
    counts = {
        question: n for service in services for question, n in upstream.meters[service].counters.by_request.items()
    }
    return {question: n for question, n in counts.items() if n > 1}


def _breaches(upstream: StandIn) -> int:
    return sum(gate.counters.breaches for gate in upstream.meters.values())


def _everything_is_kept(database: Database) -> None:
    assert rows(database, "select 1 from generated_book where work_id is null") == []
    assert rows(database, "select status, count(*) as n from backfill_log group by status") == [
        {"status": "completed", "n": 6}
    ]
    assert rows(database, "select 1 from generated_book where outcome = 'pending'") == []


def _later_runs(opened: Opened, database: Database) -> None:
    """Runs after the pauses of the breakers, at most three.

    A breaker first lets a single request find out whether its service is back; books that come meanwhile wait for the run
    after.
    """
    for number in range(2, 5):
        rows(database, "update provider_health set retry_at = now() where retry_at is not null returning 1")
        with opened() as world:
            run_all(database, world, MONTHS, run_id=f"run-{number}")
        if not rows(database, "select 1 from generated_book where outcome = 'deferred'"):
            return


def test_answers_are_right_and_services_are_asked_no_more_than_needed(
    opened: Opened, database: Database, upstream: StandIn
) -> None:
    with opened() as world:
        run_all(database, world, MONTHS)
    _everything_is_kept(database)
    scored, books = _score(database, upstream), _books(database)
    shown = {**scored.figures, **scored.examples}
    assert (scored.figures["precision"] or 0) >= 0.99, shown
    assert (scored.figures["recall"] or 0) >= 0.97, shown
    assert scored.figures["invented_left_synthetic"] == 1.0, shown
    assert (scored.figures["right_language"] or 0) >= 0.99, shown
    assert _requests(upstream, Service.ISBNDB) <= 1.05 * len(books)
    assert _breaches(upstream) == 0
    assert _asked_twice(upstream, *RESOLVERS) == {}

    told = [attempt for month in MONTHS for book in explain(database, str(month)) for attempt in book["attempts"]]
    ledger = rows(database, "select count(*) as n from api_call where stage = 'resolved_isbns'")[0]["n"]
    assert ledger == sum(_requests(upstream, service) for service in RESOLVERS)
    assert sum(len(attempt["calls"]) for attempt in told) >= ledger, (
        "every call is told with the attempt it was made for"
    )

    before = {service: _requests(upstream, service) for service in Service}
    with opened() as world:
        run_all(database, world, MONTHS, run_id="run-2")
    assert {service: _requests(upstream, service) for service in Service} == before


def test_a_quota_that_runs_out_leaves_books_for_a_later_run_that_asks_for_nothing_twice(
    opened: Opened, database: Database, upstream: StandIn
) -> None:
    allowed = 60
    with opened(isbndb_daily_limit=allowed, isbndb_safety_buffer=0) as world:
        run_all(database, world, MONTHS)
    _everything_is_kept(database)
    assert _requests(upstream, Service.ISBNDB) == allowed
    books = _books(database)
    deferred = [book for book in books if book["outcome"] == "deferred"]
    assert deferred
    assert all("isbndb: the daily quota of isbndb" in book["reason"] for book in deferred)
    unasked = "select work_id from resolution_attempt where provider = 'isbndb' and outcome = 'unavailable'"
    unasked_works = {row["work_id"] for row in rows(database, unasked)}
    no = {book["work_id"] for book in books if book["outcome"] == "not_found"}
    assert not no & unasked_works, "a service that was not asked has not said no"

    with opened(isbndb_daily_limit=MANY) as world:
        run_all(database, world, MONTHS, run_id="run-2")
    _everything_is_kept(database)
    assert [book for book in _books(database) if book["outcome"] == "deferred"] == []
    assert _asked_twice(upstream, *RESOLVERS) == {}
    assert _requests(upstream, Service.ISBNDB) <= 1.05 * len(books)
    assert (_score(database, upstream).figures["recall"] or 0) >= 0.97


def test_a_service_that_fails_every_other_time_is_never_taken_for_a_no(
    opened: Opened, database: Database, upstream: StandIn
) -> None:
    upstream.faults.add({"service": "google-books", "kind": "drop-before", "probability": 0.5})
    with opened() as world:
        run_all(database, world, MONTHS)
    _everything_is_kept(database)
    first = _books(database)
    assert all("google-books: " in book["reason"] for book in first if book["outcome"] == "deferred")
    failed = "select work_id from resolution_attempt where outcome in ('failed', 'unavailable')"
    works = {row["work_id"] for row in rows(database, failed)}
    assert works, "half of the answers were lost"
    assert not works & {book["work_id"] for book in first if book["outcome"] == "not_found"}

    upstream.faults.clear()
    others = [service for service in RESOLVERS if service is not Service.GOOGLE_BOOKS]
    before = {service: _requests(upstream, service) for service in others}
    _later_runs(opened, database)
    _everything_is_kept(database)
    assert [book for book in _books(database) if book["outcome"] == "deferred"] == []
    assert {service: _requests(upstream, service) for service in others} == before, "they had answered"
    scored = _score(database, upstream)
    assert (scored.figures["precision"] or 0) >= 0.99, scored.examples


def test_with_all_services_down_but_one_its_answers_count_and_the_rest_waits(
    opened: Opened, database: Database, upstream: StandIn
) -> None:
    down = [service for service in RESOLVERS if service is not Service.WIKIDATA]
    for service in down:
        upstream.faults.add({"service": service.value, "kind": "503-html"})
    with opened() as world:
        run_all(database, world, MONTHS)
    _everything_is_kept(database)
    books = _books(database)
    resolved = [book for book in books if book["outcome"] == "resolved"]
    assert resolved
    assert {book["provider"] for book in resolved} == {"wikidata"}
    assert {book["outcome"] for book in books} == {"resolved", "deferred"}, "four services have said nothing"
    asked = _requests(upstream, Service.WIKIDATA)

    upstream.faults.clear()
    _later_runs(opened, database)
    _everything_is_kept(database)
    assert [book for book in _books(database) if book["outcome"] == "deferred"] == []
    assert _requests(upstream, Service.WIKIDATA) == asked, "it had answered"
    scored = _score(database, upstream)
    assert (scored.figures["precision"] or 0) >= 0.99, scored.examples
    assert (scored.figures["recall"] or 0) >= 0.97, scored.examples
    assert scored.figures["invented_left_synthetic"] == 1.0, scored.examples
