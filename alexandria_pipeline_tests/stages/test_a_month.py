"""Months through all stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.stages.runner import MonthRunner
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.waiting import PATIENCE
from alexandria_pipeline_tests.world import CATALOGUE, JULY, JUNE, LIST, dump, holder, pipeline, rows, run_all

if TYPE_CHECKING:
    from alexandria_pipeline.providers.base import BookGenerator

TABLES = ("backfill_log", "generation_reply", "generated_book", "generated_listing", "enriched_works", "enriched_editions",
        "resolution_attempt", "month_claim", "stage_log", "set_aside")  # fmt: skip


def _status(database: Database, month: Month) -> dict[str, object]:
    found = rows(database, "select * from backfill_log where year = %s and month = %s", month.year, month.month)
    return found[0] if found else {}


def test_a_month_is_generated_persisted_and_resolved(database: Database, tmp_path: Path) -> None:
    reports = run_all(database, pipeline(database, tmp_path), [JUNE])
    assert [dict(report.failed) for report in reports] == [{}, {}, {}]
    books = rows(database, "select title, outcome, isbn13, provider from generated_book order by book_id")
    assert [(b["title"], b["outcome"], b["isbn13"]) for b in books] == [
        ("THE VANISHING HALF", "resolved", "9780525536291"),
        ("The Guest List: A Novel", "resolved", "9780062868930"),
        ("A Book Nobody Ever Wrote", "not_found", None),
    ]
    log = _status(database, JUNE)
    assert (log["status"], log["books_generated"], log["isbns_resolved"]) == ("completed", 3, 2)
    assert str(log["resolution_rate"]) == "66.67"
    assert log["owner_run"] is None


def test_a_book_that_is_not_found_stays_as_a_synthetic_work_with_the_reason(database: Database, tmp_path: Path) -> None:
    run_all(database, pipeline(database, tmp_path), [JUNE])
    (work,) = rows(database, "select * from enriched_works where synthetic")
    assert work["title"] == "A Book Nobody Ever Wrote"
    assert work["work_key"].startswith("synthetic:")
    assert (work["completeness"], work["primary_provider"]) == (30, "curated-list-backfill")
    (book,) = rows(database, "select reason from generated_book where outcome = 'not_found'")
    assert book["reason"] == "unknown to local-catalog"


def test_a_second_run_changes_nothing(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path)
    run_all(database, world, [JUNE, JULY])
    before = dump(database, TABLES)
    reports = run_all(database, world, [JUNE, JULY], run_id="run-2")
    assert all(not report.failed for report in reports)
    assert dump(database, TABLES) == before


def test_a_book_of_two_months_is_one_work_and_resolved_once(database: Database, tmp_path: Path) -> None:
    run_all(database, pipeline(database, tmp_path), [JUNE, JULY])
    assert len(rows(database, "select 1 from enriched_works where title_key = 'vanishinghalf'")) == 1
    assert len(rows(database, "select 1 from resolution_attempt where isbn13 = '9780525536291'")) == 1
    assert len(rows(database, "select 1 from generated_book where isbn13 = '9780525536291'")) == 2


def test_a_book_resolved_in_an_earlier_month_is_not_resolved_again(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path)
    run_all(database, world, [JUNE])
    attempts = len(rows(database, "select 1 from resolution_attempt"))
    run_all(database, world, [JULY], run_id="run-2")
    assert len(rows(database, "select 1 from resolution_attempt")) == attempts + 1, "only Hamnet is new"
    (book,) = rows(database, "select * from generated_book where month = 7 and isbn13 = '9780525536291'")
    assert book["provider"] == "local-catalog"


def test_a_larger_catalogue_resolves_what_was_not_found_and_nothing_else(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path)
    run_all(database, world, [JUNE])
    more = pipeline(
        database, tmp_path, catalogue=CATALOGUE + "A Book Nobody Ever Wrote\tNo Body\t9780306406157\t2020\ttest\t9\n"
    )
    run_all(database, more, [JUNE], run_id="run-2")
    assert _status(database, JUNE)["isbns_resolved"] == 3
    assert len(rows(database, "select 1 from resolution_attempt where run_id = 'run-2'")) == 1
    assert len(rows(database, "select 1 from enriched_works where synthetic")) == 0


def test_three_spellings_of_a_listing_are_one_book(database: Database, tmp_path: Path) -> None:
    listed = "month\ttitle\tauthor\n"
    listed += "2020-06\tHAMNET\tMaggie O'Farrell\n2020-06\tHamnet: A Novel\tO’Farrell, Maggie\n2020-06\thamnet\tMaggie O'Farrell\n"
    run_all(database, pipeline(database, tmp_path, listed), [JUNE])
    assert len(rows(database, "select 1 from generated_book")) == 1
    assert len(rows(database, "select 1 from generated_listing")) == 3


def test_a_listing_without_author_belongs_to_the_work_of_this_title(database: Database, tmp_path: Path) -> None:
    run_all(database, pipeline(database, tmp_path), [JULY])
    listed = LIST + "2020-08\tHamnet\t\n"
    run_all(database, pipeline(database, tmp_path, listed), [Month(2020, 8)], run_id="run-2")
    (work,) = rows(database, "select work_id from enriched_works where title_key = 'hamnet'")
    assert rows(database, "select work_id from generated_book where month = 8") == [work]


def test_a_month_without_books_is_completed(database: Database, tmp_path: Path) -> None:
    run_all(database, pipeline(database, tmp_path), [Month(2019, 1)])
    assert _status(database, Month(2019, 1))["status"] == "completed"


def test_a_run_of_the_first_stage_alone_leaves_the_month_to_the_next_run(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path)
    runner = MonthRunner(holder(database))
    runner.run(world.generate, [JUNE])
    runner.close()
    log = _status(database, JUNE)
    assert (log["status"], log["retry_count"]) == ("retry", 0)
    assert "the run ended after generated_books" in str(log["error_message"])
    run_all(database, world, [JUNE], run_id="run-2")
    assert _status(database, JUNE)["status"] == "completed"


def test_an_unusable_list_fails_its_months_with_a_reason(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path, listed="month\ttitle\n2020-06\tX\n")
    report = run_all(database, world, [JUNE])[0]
    assert "no column author" in report.failed[JUNE]
    log = _status(database, JUNE)
    assert (log["status"], log["retry_count"]) == ("retry", 1)
    assert log["next_attempt_at"] is not None


def test_after_the_fifth_failure_the_month_is_failed(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path, listed="")
    for number in range(5):
        run_all(database, world, [JUNE], run_id=f"run-{number}")
    assert (_status(database, JUNE)["status"], _status(database, JUNE)["retry_count"]) == ("failed", 5)


def test_unusable_rows_are_skipped_with_line_and_reason(database: Database, tmp_path: Path) -> None:
    bad = LIST + "2020-13\tNo Such Month\tSomebody\n2020-06\t\tNobody\n2020-06\tCirce\tMadeline Miller\n"
    run_all(database, pipeline(database, tmp_path, bad), [JUNE])
    skipped = rows(database, "select position, reason, month from set_aside order by position")
    assert [(row["position"], row["month"]) for row in skipped] == [(7, None), (8, 6)]
    assert "is not a month" in skipped[0]["reason"]
    assert len(rows(database, "select 1 from generated_book where isbn13 = '9780316556347'")) == 1


def test_an_error_of_the_database_is_no_answer_of_the_catalogue(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path)
    runner = MonthRunner(holder(database))
    for stage in (world.generate, world.persist):
        runner.run(stage, [JUNE])
    rows_before = rows(database, "select outcome from generated_book")
    with database.transaction() as tx:
        tx.execute("alter table catalog_edition rename to catalog_edition_renamed")
    report = runner.run(world.resolve, [JUNE])
    runner.close()
    assert "catalog_edition" in report.failed[JUNE]
    assert rows(database, "select outcome from generated_book") == rows_before
    assert (_status(database, JUNE)["status"], _status(database, JUNE)["retry_count"]) == ("retry", 1)


def test_a_reply_is_stored_although_another_run_has_taken_over_the_month_and_is_used_by_it(
    database: Database, tmp_path: Path
) -> None:
    world = pipeline(database, tmp_path)
    (curated,) = world.generate.generators
    other = holder(database, "run-2")
    first, second = MonthRunner(holder(database)), MonthRunner(other)

    class SlowGenerator:
        """The generator, during whose call the other run takes over the month."""

        def __getattr__(self, name: str) -> object:
            return getattr(curated, name)

        async def generate(self, request: GenerationRequest) -> RawReply:
            terminate = "select pg_terminate_backend(pid, %s) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()"
            rows(database, terminate, round(PATIENCE * 1000))
            assert other.claim([JUNE]) == {}
            return await curated.generate(request)

    report = first.run(replace(world.generate, generators=[cast("BookGenerator", SlowGenerator())]), [JUNE])
    assert "another run took over" in report.failed[JUNE]
    assert rows(database, "select run_id, read_at from generation_reply") == [{"run_id": "run-1", "read_at": None}]
    assert second.run(world.generate, [JUNE]).failed == {}
    assert len(rows(database, "select 1 from generation_reply")) == 1
    assert len(rows(database, "select 1 from generated_book")) == 3
    first.close()
    second.close()
