"""Enrichment with every service of the stand-in: what is served, what is asked, and what happens again and after faults."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from alexandria_pipeline.composition import Pipeline, opened_pipeline
from alexandria_pipeline.domain.merging.claims import Lock
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.claims import set_lock
from alexandria_pipeline_tests.upstream.model import Service
from alexandria_pipeline_tests.world import dump, rows, run_all

if TYPE_CHECKING:
    from pathlib import Path

    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline_tests.upstream.server import StandIn

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)
pytestmark = pytest.mark.slow("a month with every service over HTTP")

MONTHS = [Month(2020, 1)]
TWO = [Month(2020, 1), Month(2020, 2)]
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
    (month,) = MONTHS
    reports = {
        "editions": world.enrich.editions(MONTHS, run_id),
        "works": world.enrich.works(MONTHS, run_id),
        "authors": world.enrich.authors(MONTHS, run_id),
    }
    return {
        name: {
            **report.counts[month],
            "requests": report.asked.total(),
            "paid_calls": report.paid_calls,
            "paid_isbns": report.paid_isbns,
            "owed": sum(report.owed[month].values()),
        }
        for name, report in reports.items()
    }


def _requests(upstream: StandIn) -> dict[str, int]:
    return {service.value: meter.counters.requests for service, meter in upstream.meters.items()}


def _has_all_in_one_row(database: Database, works: list[dict[str, Any]]) -> None:
    pages = {page["work_key"]: page for page in rows(database, "select * from catalogue_page")}
    for work in (each for each in works if each["merged_into"] is None):
        page = pages[work["work_key"]]
        assert work["isbn13"] in {edition["isbn13"] for edition in page["editions"]}
        assert page["authors"]
        assert page["cover_url"] == work["cover"]["url"] if work["cover"] else True
        assert {subject["name"] for subject in work["subjects"]} == set(page["subjects"])
    described = [each for page in pages.values() for each in page["authors"] if each["biography"]]
    assert described
    assert all(each["biography_source"] and each["biography_fetched_at"] for each in described)


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
    assert (first["editions"]["paid_calls"], second["editions"]["paid_calls"]) == (1, 0)
    assert 10 < first["editions"]["paid_isbns"] <= len(resolved)
    assert {name: (each["changed"], each["requests"]) for name, each in second.items()} == dict.fromkeys(second, (0, 0))
    assert _requests(upstream) == asked, "what was answered is not asked again"
    assert dump(database, SERVED) == served, "computing again writes nothing"

    foreign = """select 1 from source_record r cross join unnest(r.api_calls) as made (call_id) left join api_call c using (call_id)
        where r.provider in ('isbndb', 'google-books') and c.service is distinct from r.provider"""
    assert rows(database, foreign) == []
    bought = "select distinct api_calls, cardinality(api_calls) as n from source_record where provider = 'isbndb' and part = 'metadata-enrichment'"
    assert [row["n"] for row in rows(database, bought)] == [1], "the one call about all editions"
    without_licence = "select 1 from enriched_authors where biography_source = 'wikipedia' and biography_licence is distinct from 'CC BY-SA 4.0'"
    assert rows(database, without_licence) == []

    works = rows(database, "select * from enriched_works where not synthetic")
    assert all(work["enriched_at"] and work["provenance"].keys() >= {"title", "authors"} for work in works)
    assert not any(work["title"].isupper() for work in works)
    assert sum(work["first_published"] is not None for work in works) >= len(works) / 2
    assert sum(work["cover"] is not None for work in works) >= len(works) / 2
    _has_all_in_one_row(database, works)
    without = "select 1 from enriched_works w where not synthetic and not exists (select from work_authors a where a.work_id = w.work_id)"
    assert rows(database, without) == []
    assert rows(database, "select isbns_queued from backfill_log") == [{"isbns_queued": 0}]
    stages = rows(database, "select distinct stage from api_call where year = 2020 and month = 1 order by stage")
    assert {"enriched_editions", "enriched_works"} <= {row["stage"] for row in stages}


def test_a_month_is_computed_again_only_when_something_has_changed(opened: Opened, database: Database) -> None:
    kept = "select stage, computed_at from month_enrichment order by stage"
    title = "select work_id, title from enriched_works where not synthetic order by work_id limit 1"
    edition = "select isbn13, publisher from enriched_editions where enriched_at is not null order by isbn13 limit 1"
    with opened() as world:
        run_all(database, world, MONTHS)
        first = _enrich(world, "run-2")
        _enrich(world, "run-3")  # the authors of joined works are written twice in the first
        computed = rows(database, kept)
        again = _enrich(world, "run-4")
        assert rows(database, kept) == computed
        assert [each["stage"] for each in computed] == ["enriched_authors", "enriched_editions", "enriched_works"]
        assert {name: each["computed"] for name, each in again.items()} == {
            name: each["computed"] for name, each in first.items()
        }

        (work,) = rows(database, title)
        rows(database, "update enriched_works set title = 'Another' where not synthetic returning 1")
        assert _enrich(world, "run-5")["works"]["changed"] == first["works"]["computed"]
        assert rows(database, title) == [work]

        (one,) = rows(database, edition)
        with database.transaction() as tx:
            set_lock(tx, "edition", one["isbn13"], "publisher", Lock("Ours"), "a person")
        assert _enrich(world, "run-6")["editions"]["changed"] == 1
        assert rows(database, edition)[0]["publisher"] == "Ours"


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


def test_many_editions_are_one_request_and_calls_are_booked_on_the_month_of_their_book(
    opened: Opened, database: Database
) -> None:
    with opened() as world:
        run_all(database, world, TWO)
        world.enrich(TWO, "run-2")
    months: dict[str, set[int]] = {}
    for book in rows(database, "select isbn13, month from generated_book where outcome = 'resolved'"):
        months.setdefault(book["isbn13"], set()).add(book["month"])
    by_isbn = {"open-library": r"/isbn/(\d{13})", "google-books": r"isbn%3A(\d{13})"}
    calls = rows(database, "select service, url, month from api_call where stage = 'enriched_editions'")
    matches = [(call["month"], re.search(by_isbn.get(call["service"], "$^"), call["url"])) for call in calls]
    found = [month == min(months[match[1]]) for month, match in matches if match]
    assert len(found) > 20
    assert all(found)

    (books,) = rows(database, "select count(distinct isbn13) as n from generated_book where outcome = 'resolved'")
    batches = -(-books["n"] // 25)
    made = "select count(*) as n from api_call where run_id = 'run-2' and url like %s"
    (single,) = rows(database, made, "%/isbn/%")
    (many,) = rows(database, made, "%/api/books%")
    assert single == {"n": 0}
    assert 1 <= many["n"] <= batches
    by_stage = rows(database, made + " group by stage order by stage", "%/sparql%")
    authors, *others = [stage["n"] for stage in by_stage]
    assert 5 <= sum(others) <= 5 * batches, "one query for each kind of question, and none about a single edition"
    assert authors <= batches + 1


def test_a_paid_answer_that_was_not_stored_is_not_bought_again(opened: Opened, database: Database) -> None:
    """Killed after the answer of ISBNdb and before its claims were stored."""
    with opened() as world:
        run_all(database, world, MONTHS)
        world.enrich.editions(MONTHS, "run-2")
        (bought,) = rows(database, "select count(*) as n from api_call where service = 'isbndb'")
        lost = "delete from source_record where provider = 'isbndb' and part = 'metadata-enrichment' returning subject"
        assert rows(database, lost)
        rows(database, "update enrichment_request set outcome = 'asking' where provider = 'isbndb' returning 1")
        world.enrich.editions(MONTHS, "run-3")
    (now,) = rows(database, "select count(*) as n from api_call where service = 'isbndb'")
    assert now == bought
    assert rows(database, "select 1 from source_record where provider = 'isbndb' and part = 'metadata-enrichment'")
    assert rows(database, "select 1 from enrichment_request where outcome = 'asking'") == []


def test_half_of_a_daily_quota_is_left_to_the_search_for_isbns(
    opened: Opened, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as world:
        run_all(database, world, MONTHS)
    (used,) = rows(database, "select coalesce(sum(used), 0) as n from quota_usage where service = 'google-books'")
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_DAILY_LIMIT", str(used["n"] + 12))
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_SAFETY_BUFFER", "0")
    with opened() as world:
        report = world.enrich.editions(MONTHS, "run-2")
    (books,) = rows(database, "select count(distinct isbn13) as n from generated_book where outcome = 'resolved'")
    reason = "select count(*) as n from enrichment_request where provider = 'google-books' and reason like '%%kept for the search%%'"
    (kept,) = rows(database, reason + " and part = 'metadata-enrichment'")
    assert kept["n"] == books["n"] - 6
    assert report.owed[MONTHS[0]]["google-books"] >= kept["n"]
