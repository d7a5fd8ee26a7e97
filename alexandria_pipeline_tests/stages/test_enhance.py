"""Enhancement: which synthetic works are searched again, what the quotas allow, and what changes when one is found."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import (
    CallPurpose,
    QuotaLimits,
    QuotaStatus,
    affordable_calls,
    next_reset,
    permission,
)
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind
from alexandria_pipeline.stages.cascade import Cascade
from alexandria_pipeline.stages.enhance import Enhance
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline_tests.storage.test_quota import NOON
from alexandria_pipeline_tests.waiting import PATIENCE
from alexandria_pipeline_tests.world import JULY, JUNE, exhaust, holder, pipeline, rows, run_all, use_calls

if TYPE_CHECKING:
    from alexandria_pipeline.composition import Pipeline

LISTED = """month\ttitle\tauthor
2020-06\tThe Vanishing Half\tBrit Bennett
2020-06\tThe Lantern Keepers\tAda Quill
2020-07\tThe Lantern Keepers\tQuill, Ada
2020-07\tA Book Nobody Ever Wrote\tNo Body
"""
LATER = "title\tauthor\tisbn13\tdate\nThe Lantern Keepers\tAda Quill\t9780306406157\t2020\n"
LANTERN = "The Lantern Keepers"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Pipeline:
    """June and July are completed: one work is resolved, two are synthetic, one of these is listed in both months."""
    world = pipeline(database, tmp_path, LISTED)
    run_all(database, world, [JUNE, JULY])
    return world


def _age(database: Database, days: float, title: str = "%") -> None:
    rows(
        database,
        "update enriched_works set last_tried_at = clock_timestamp() - %s::interval where title like %s returning work_id",
        timedelta(days=days),
        title,
    )


def _extend_catalogue(database: Database) -> None:
    load_catalog(database, "later.tsv", LATER.encode())


def _figures(database: Database, month: Month) -> tuple[str, int, int, float]:
    (row,) = rows(database, "select * from backfill_log where year = %s and month = %s", month.year, month.month)
    return row["status"], row["books_generated"], row["isbns_resolved"], float(row["resolution_rate"])


@dataclass
class Service:
    """A resolver with a given answer. It collects the titles that it is called with.

    `first_calls`: a barrier that its first call waits at.
    """

    answer: NotFound | Failed | Unavailable | str = field(default_factory=NotFound)
    name: str = "isbndb"
    closed: Unavailable | None = None
    titles: list[str] = field(default_factory=list)
    first_calls: Barrier | None = None

    def __post_init__(self) -> None:
        self.declaration = Declaration(
            self.name, self.name, ProviderKind.PAID, frozenset({Capability.ISBN_RESOLUTION}), module=__name__
        )

    def unavailable(self) -> Unavailable | None:
        return self.closed

    def revision(self) -> str:
        return ""

    async def resolve(self, query: BookQuery) -> Sequence[Candidate] | NotFound | Failed | Unavailable:
        is_first = not self.titles
        self.titles.append(query.title)
        if is_first and self.first_calls is not None:
            self.first_calls.wait(timeout=PATIENCE)
        if isinstance(self.answer, str):
            names = (Contributor(query.author),)
            return [Candidate(self.name, Isbn13(self.answer), query.title, names, language="en")]
        return self.answer


def _enhance(database: Database, service: Service, limits: QuotaLimits | None = None, max_works: int = 500) -> Enhance:
    quota = QuotaManager(database, {"isbndb": limits or QuotaLimits(None)})
    cascade = Cascade(database, [service])
    return Enhance(cascade, quota, "en", timedelta(seconds=0), max_works)


def _add_works(database: Database, count: int) -> None:
    """A completed month of synthetic works; the first was tried the longest time ago."""
    rows(database, "insert into backfill_log (year, month, status, started_at, completed_at)"
                   " values (2020, 8, 'completed', now(), now()) returning year")  # fmt: skip
    rows(database, "insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider, last_tried_at)"
                   " select 'k' || n, 'Title ' || n, 'Author ' || n, 'title' || n, 'author' || n, 'x-backfill',"
                   " now() - interval '30 days' + make_interval(mins => n) from generate_series(1, %s) n returning work_id", count)  # fmt: skip
    rows(database, "insert into generated_book (year, month, title, author, work_id, outcome, run_id)"
                   " select 2020, 8, title, author, work_id, 'not_found', 'run' from enriched_works returning book_id")  # fmt: skip


def test_a_found_work_is_promoted_and_the_figures_of_its_months_change(database: Database, world: Pipeline) -> None:
    before = rows(database, "select work_id, work_key from enriched_works where title = %s", LANTERN)
    assert _figures(database, JUNE) == ("completed", 2, 1, 50.0)
    _age(database, 8)
    _extend_catalogue(database)
    report = world.enhance("run-2")
    assert (report.counts, report.settled, report.stopped) == ({"resolved": 1, "not_found": 1}, 0, "")
    assert (report.synthetic, report.due, report.months) == (1, 0, {JUNE, JULY})
    (work,) = rows(database, "select * from enriched_works where title = %s", LANTERN)
    assert {"work_id": work["work_id"], "work_key": work["work_key"]} == before[0]
    assert (work["synthetic"], work["isbn13"]) == (False, "9780306406157")
    books = rows(
        database, "select month, outcome, isbn13 from generated_book where work_id = %s order by month", work["work_id"]
    )
    assert books == [{"month": m, "outcome": "resolved", "isbn13": "9780306406157"} for m in (6, 7)]
    assert _figures(database, JUNE) == ("completed", 2, 2, 100.0)
    assert _figures(database, JULY) == ("completed", 2, 1, 50.0)
    attempts = rows(database, "select outcome from resolution_attempt where run_id = 'run-2' order by outcome")
    assert [row["outcome"] for row in attempts] == ["found", "not_found"]


def test_a_work_is_tried_every_seven_days(database: Database, world: Pipeline) -> None:
    _extend_catalogue(database)
    _age(database, 6.99)
    assert world.enhance("run-2").tried == 0
    _age(database, 7.01, LANTERN)
    assert world.enhance("run-3").counts == {"resolved": 1}
    assert world.enhance("run-4").tried == 0


def test_a_work_that_a_person_has_rejected_is_not_tried(database: Database, world: Pipeline) -> None:
    _age(database, 8)
    _extend_catalogue(database)
    rows(
        database,
        "insert into review_decision (work_id, decision, decided_by, why)"
        " select work_id, 'rejected', 'ada', 'no such book' from enriched_works where title = %s returning work_id",
        LANTERN,
    )
    report = world.enhance("run-2")
    assert (report.counts, report.synthetic, report.due) == ({"not_found": 1}, 2, 0)


@pytest.mark.slow("500 works, each with its own transactions")
def test_five_hundred_works_a_day_are_tried_oldest_first(database: Database) -> None:
    _add_works(database, 520)
    service = Service()
    report = _enhance(database, service)("run-1")
    assert (report.tried, report.counts["not_found"], report.due) == (500, 500, 20)
    assert sorted(service.titles) == sorted(f"Title {n}" for n in range(1, 501))
    assert set(service.titles[:50]) == {f"Title {n}" for n in range(1, 51)}
    assert _enhance(database, service)("run-2").tried == 20


def test_two_runs_at_the_same_time_never_try_the_same_work(database: Database) -> None:
    _add_works(database, 240)
    both = Barrier(2)  # each run waits until the other has selected its first works
    services = [Service(first_calls=both), Service(first_calls=both)]
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(_enhance(database, service), f"run-{number}") for number, service in enumerate(services)]
        tried = [run.result(timeout=PATIENCE).tried for run in runs]
    titles = [title for service in services for title in service.titles]
    assert sum(tried) == len(titles) == len(set(titles)) == 240
    assert min(tried) >= 50
    attempts = rows(database, "select work_id, count(*) as tries from resolution_attempt group by work_id")
    assert (len(attempts), {row["tries"] for row in attempts}) == (240, {1})


def test_works_of_a_month_that_a_run_owns_are_not_tried(database: Database, world: Pipeline) -> None:
    _age(database, 8)
    _extend_catalogue(database)
    rows(database, "update backfill_log set status = 'retry' where month = 7 returning month")
    other = holder(database, "run-other")
    try:
        other.claim([JULY])
        owned = rows(database, "select * from backfill_log where month = 7")
        books = rows(database, "select * from generated_book where month = 7 order by book_id")
        assert world.enhance("run-2").tried == 0, "both works are in July"
        assert rows(database, "select * from backfill_log where month = 7") == owned
        assert rows(database, "select * from generated_book where month = 7 order by book_id") == books
    finally:
        other.close("the test is over", failed=False)
    assert world.enhance("run-3").counts == {"resolved": 1, "not_found": 1}


def test_a_result_is_not_stored_when_a_run_claims_the_month_meanwhile(database: Database, world: Pipeline) -> None:
    _age(database, 8, LANTERN)
    rows(database, "update backfill_log set status = 'retry' where month = 6 returning month")
    other = holder(database, "run-other")

    def claim() -> None:
        other.claim([JUNE])

    barrier = Barrier(1, action=claim)
    service = Service("9780306406157", first_calls=barrier)
    try:
        report = _enhance(database, service)("run-2")
    finally:
        other.close("the test is over", failed=False)
    assert (report.counts, report.due) == ({"month_claimed": 1}, 1)
    assert rows(database, "select 1 from enriched_editions where isbn13 = '9780306406157'") == []
    assert _enhance(database, service)("run-3").counts == {"resolved": 1}


def test_a_book_whose_work_is_resolved_is_settled_without_a_call(database: Database, world: Pipeline) -> None:
    """A run of another month has resolved the work. July was completed before, and its book is still "not found"."""
    _extend_catalogue(database)
    _age(database, 8, LANTERN)
    assert world.enhance("run-2").counts == {"resolved": 1}
    rows(
        database,
        "update generated_book set outcome = 'not_found', isbn13 = null where month = 7 and title = %s returning 1",
        LANTERN,
    )
    report = world.enhance("run-3")
    assert (report.tried, report.settled) == (0, 1)
    assert _figures(database, JULY) == ("completed", 2, 1, 50.0)


@pytest.mark.parametrize(("used", "tried"), [(0, 40), (20, 30), (79, 0), (100, 0)])
def test_works_are_tried_while_twice_their_calls_are_left(database: Database, used: int, tried: int) -> None:
    _add_works(database, 60)
    service = Service()
    limits = QuotaLimits(100, 20)
    if used:
        use_calls(database, "isbndb", used)
    report = _enhance(database, service, limits)("run-1")
    assert (report.tried, len(service.titles)) == (tried, tried)
    assert "cron needs" in report.stopped
    assert report.due == 60 - tried


def test_without_due_works_the_quota_is_not_reported(database: Database) -> None:
    report = _enhance(database, Service(), QuotaLimits(100, 20))("run-1")
    assert (report.tried, report.stopped) == (0, "")


def test_a_quota_that_the_service_reports_as_used_up_stops_the_run(database: Database) -> None:
    _add_works(database, 3)
    enhance = _enhance(database, Service(), QuotaLimits(100, 20))
    exhaust(database, "isbndb", "Daily quota exceeded")
    report = enhance("run-1")
    assert (report.tried, report.due) == (0, 3)
    assert "reports that its quota is used up" in report.stopped


def test_the_quota_of_a_service_without_a_key_does_not_matter(database: Database) -> None:
    _add_works(database, 3)
    closed = Service(closed=Unavailable("no key"))
    enhance = _enhance(database, closed, QuotaLimits(100, 99))
    free = Service(name="open-library")
    report = replace(enhance, cascade=Cascade(database, [closed, free]))("run-1")
    assert (report.counts, len(free.titles)) == ({"not_found": 3}, 3)


def test_without_an_available_service_the_works_keep_their_order(database: Database) -> None:
    _add_works(database, 70)
    before = rows(database, "select work_id, last_tried_at from enriched_works order by work_id")
    report = _enhance(database, Service(closed=Unavailable("paused after failures", temporary=True)))("run-1")
    assert (report.counts, report.due) == ({"not_asked": 50}, 70)
    assert "no service could be called" in report.stopped
    assert rows(database, "select work_id, last_tried_at from enriched_works order by work_id") == before


def test_a_failure_does_not_change_the_outcome_of_a_book(database: Database) -> None:
    _add_works(database, 1)
    report = _enhance(database, Service(Failed("timed out")))("run-1")
    assert report.counts == {"deferred": 1}
    assert rows(database, "select outcome from generated_book") == [{"outcome": "not_found"}]
    assert rows(database, "select outcome, reason from resolution_attempt") == [
        {"outcome": "failed", "reason": "timed out"}
    ]


def test_a_work_that_cannot_be_stored_does_not_stop_the_others(database: Database) -> None:
    _add_works(database, 5)
    with database.transaction() as tx:
        tx.execute(
            "create function refuse() returns trigger language plpgsql as 'begin raise exception ''refused by the test''; end'"
        )
        tx.execute(
            "create trigger refuse before update on generated_book for each row"
            " when (old.title = 'Title 3') execute function refuse()"
        )
    report = _enhance(database, Service())("run-1")
    assert report.counts == {"not_found": 4, "failed": 1}
    assert rows(database, "select count(*) as n from resolution_attempt") == [{"n": 4}]


counts = st.integers(0, 10**5)


@given(counts, counts, counts, counts, st.sampled_from(CallPurpose))
def test_the_affordable_calls_are_permitted_and_one_more_is_not(
    limit: int, buffer: int, used: int, maximum: int, purpose: CallPurpose
) -> None:
    safe = max(0, limit - buffer - used)
    status = QuotaStatus("svc", limit, max(0, limit - buffer), used, 0, safe, 0.0, next_reset(NOON), safe > 0)
    calls = affordable_calls(status, purpose, maximum)
    assert 0 <= calls <= maximum
    assert calls == 0 or permission(status, purpose, calls)
    assert calls == maximum or not permission(status, purpose, calls + 1)
