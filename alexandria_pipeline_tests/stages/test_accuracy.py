"""Six months with the stand-in of all services, over real HTTP: precision, recall, and the requests that the services get.

Then the same with too small a quota, with a service that fails half of its requests, and with one service only. No book is
lost, no book is "not found" unless every service answered so, and a later run requests only what is missing.
"""

from __future__ import annotations

import re
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

pytestmark = pytest.mark.slow("six months over HTTP")

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

MONTHS = [Month(2020, number) for number in range(1, 7)]
MANY = 1_000_000
Opened = Callable[..., AbstractContextManager[Pipeline]]


@pytest.fixture
def opened(
    database_url: str, tmp_path: Path, upstream_environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> Opened:
    """Opens a pipeline on the test's database and the stand-in. `settings`: variables without ALEXANDRIA_."""
    assert upstream_environment
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_DAILY_LIMIT", str(MANY))

    def open_with(**settings: object) -> AbstractContextManager[Pipeline]:
        for name, value in settings.items():
            monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}", str(value))
        return opened_pipeline(load_settings())

    return open_with


def _score(database: Database, upstream: StandIn) -> Score:
    with database.transaction() as tx:
        answers = {month: figures.books_of(tx, month) for month in MONTHS}
    return score((answers[month], upstream.lists.truth(str(month))) for month in MONTHS)


def _books(database: Database) -> list[dict[str, Any]]:
    return rows(database, "select *, year || '-' || month as of from generated_book order by book_id")


def _requests(upstream: StandIn, service: Service) -> int:
    return upstream.meters[service].counters.requests


def _repeated(upstream: StandIn, *services: Service) -> dict[str, int]:
    counts = {request: n for service in services for request, n in upstream.meters[service].counters.by_request.items()}
    return {request: n for request, n in counts.items() if n > 1}


def _assert_slots_within_rate(database: Database, upstream: StandIn) -> None:
    """In no second are there more slots than the rate of the service allows. `storage/test_rate_limit.py` has the rest."""
    for service, meter in upstream.meters.items():
        calls = rows(database, "select called_at from api_call where service = %s order by called_at", service.value)
        slots = [call["called_at"].timestamp() for call in calls]
        rate = int(meter.behaviour.rate)
        assert all(later - earlier > 1 for earlier, later in zip(slots, slots[rate:], strict=False)), service


def _assert_all_books_are_stored(database: Database) -> None:
    assert rows(database, "select 1 from generated_book where work_id is null") == []
    assert rows(database, "select status, count(*) as n from backfill_log group by status") == [
        {"status": "completed", "n": 6}
    ]
    assert rows(database, "select 1 from generated_book where outcome = 'pending'") == []


def _later_runs(opened: Opened, database: Database) -> None:
    """Runs after the pauses of the circuit breakers, at most three.

    A breaker lets one request test the service first. Books that are resolved meanwhile are deferred to the next run.
    """
    for number in range(2, 5):
        rows(database, "update provider_health set retry_at = now() where retry_at is not null returning 1")
        with opened() as world:
            run_all(database, world, MONTHS, run_id=f"run-{number}")
        if not rows(database, "select 1 from generated_book where outcome = 'deferred'"):
            return


def test_the_isbns_are_right_and_no_request_is_needless(opened: Opened, database: Database, upstream: StandIn) -> None:
    with opened() as world:
        run_all(database, world, MONTHS)
    _assert_all_books_are_stored(database)
    scored, books = _score(database, upstream), _books(database)
    shown = {**scored.figures, **scored.examples}
    assert (scored.figures["precision"] or 0) >= 0.99, shown
    assert (scored.figures["recall"] or 0) >= 0.97, shown
    assert scored.figures["invented_left_synthetic"] == 1.0, shown
    assert (scored.figures["right_language"] or 0) >= 0.99, shown
    assert _requests(upstream, Service.ISBNDB) <= 1.05 * len(books)
    _assert_slots_within_rate(database, upstream)
    assert _repeated(upstream, *RESOLVERS) == {}

    attempts = [attempt for month in MONTHS for book in explain(database, str(month)) for attempt in book["attempts"]]
    ledger = rows(database, "select count(*) as n from api_call where stage = 'resolved_isbns'")[0]["n"]
    plans = rows(database, "select count(*) as n from api_call where stage = 'plan'")[0]["n"]
    assert ledger + plans == sum(_requests(upstream, service) for service in RESOLVERS)
    assert plans <= 1, "the plan of a key is requested once a day"
    assert sum(len(attempt["calls"]) for attempt in attempts) >= ledger, "every call belongs to an attempt"

    before = {service: _requests(upstream, service) for service in Service}
    with opened() as world:
        run_all(database, world, MONTHS, run_id="run-2")
    assert {service: _requests(upstream, service) for service in Service} == before


def test_books_without_quota_are_deferred_and_no_request_is_repeated(
    opened: Opened, database: Database, upstream: StandIn
) -> None:
    allowed = 60
    with opened(isbndb_daily_limit=allowed, isbndb_safety_buffer=0) as world:
        run_all(database, world, MONTHS)
    _assert_all_books_are_stored(database)
    assert _requests(upstream, Service.ISBNDB) == allowed
    books = _books(database)
    deferred = [book for book in books if book["outcome"] == "deferred"]
    assert deferred
    assert all("isbndb: the daily quota of isbndb" in book["reason"] for book in deferred)
    not_asked = "select work_id from resolution_attempt where provider = 'isbndb' and outcome = 'unavailable'"
    works_not_asked = {row["work_id"] for row in rows(database, not_asked)}
    not_found = {book["work_id"] for book in books if book["outcome"] == "not_found"}
    assert not not_found & works_not_asked, "a service that was not called has no definite no"

    with opened(isbndb_daily_limit=MANY) as world:
        run_all(database, world, MONTHS, run_id="run-2")
    _assert_all_books_are_stored(database)
    assert [book for book in _books(database) if book["outcome"] == "deferred"] == []
    assert _repeated(upstream, *RESOLVERS) == {}
    assert _requests(upstream, Service.ISBNDB) <= 1.05 * len(books)
    assert (_score(database, upstream).figures["recall"] or 0) >= 0.97


def test_a_failed_request_is_never_a_definite_no(opened: Opened, database: Database, upstream: StandIn) -> None:
    upstream.faults.add({"service": "google-books", "kind": "drop-before", "probability": 0.9})
    with opened() as world:
        run_all(database, world, MONTHS)
    _assert_all_books_are_stored(database)
    first = _books(database)
    assert all("google-books: " in book["reason"] for book in first if book["outcome"] == "deferred")
    failed = "select work_id from resolution_attempt where outcome in ('failed', 'unavailable')"
    works = {row["work_id"] for row in rows(database, failed)}
    assert works, "most requests failed"
    assert not works & {book["work_id"] for book in first if book["outcome"] == "not_found"}

    upstream.faults.clear()
    others = [service for service in RESOLVERS if service is not Service.GOOGLE_BOOKS]
    before = {service: _requests(upstream, service) for service in others}
    _later_runs(opened, database)
    _assert_all_books_are_stored(database)
    assert [book for book in _books(database) if book["outcome"] == "deferred"] == []
    assert {service: _requests(upstream, service) for service in others} == before, "they are not called again"
    scored = _score(database, upstream)
    assert (scored.figures["precision"] or 0) >= 0.99, scored.examples


def test_with_one_service_available_its_books_are_resolved_and_the_others_deferred(
    opened: Opened, database: Database, upstream: StandIn
) -> None:
    unavailable = [service for service in RESOLVERS if service is not Service.WIKIDATA]
    for service in unavailable:
        # Google Books fails in waves, so eight attempts of about 70 seconds in all are made after a 503.
        kind = "drop-before" if service is Service.GOOGLE_BOOKS else "503-html"
        upstream.faults.add({"service": service.value, "kind": kind})
    with opened() as world:
        run_all(database, world, MONTHS)
    _assert_all_books_are_stored(database)
    books = _books(database)
    resolved = [book for book in books if book["outcome"] == "resolved"]
    assert resolved
    assert {book["provider"] for book in resolved} == {"wikidata"}
    assert {book["outcome"] for book in books} == {"resolved", "deferred"}, "four services are unavailable"
    asked = _requests(upstream, Service.WIKIDATA)

    upstream.faults.clear()
    _later_runs(opened, database)
    _assert_all_books_are_stored(database)
    assert [book for book in _books(database) if book["outcome"] == "deferred"] == []
    assert _requests(upstream, Service.WIKIDATA) == asked, "it is not called again"
    scored = _score(database, upstream)
    assert (scored.figures["precision"] or 0) >= 0.99, scored.examples
    assert (scored.figures["recall"] or 0) >= 0.97, scored.examples
    assert scored.figures["invented_left_synthetic"] == 1.0, scored.examples


def test_months_whose_books_wait_for_a_right_key_are_due_again_and_not_completed(
    opened: Opened, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setenv("ISBNDB_API_KEY", "wrong-key")
        with opened() as world:
            run_all(database, world, MONTHS)
    log = rows(database, "select status, retry_count, error_message from backfill_log where status <> 'completed'")
    waiting = rows(database, "select distinct year, month from generated_book where outcome = 'deferred'")
    assert len(log) == len(waiting) > 0
    for month in log:
        assert (month["status"], month["retry_count"]) == ("retry", 0), "a wrong key costs no attempt"
        assert ": ISBNdb rejects this key" in month["error_message"]
        assert re.match(r"1 book waits: |\d+ books wait: ", month["error_message"])
    rows(database, "update provider_health set retry_at = now() where retry_at is not null returning 1")
    _later_runs(opened, database)
    _assert_all_books_are_stored(database)
