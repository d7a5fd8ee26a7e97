"""The daily second look at synthetic works: whose turn it is, what quotas allow, and what follows when one is found."""

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
    """June and July done: one work resolved, two synthetic, one of them listed in both months."""
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


def _found_later(database: Database) -> None:
    load_catalog(database, "later.tsv", LATER.encode())


def _figures(database: Database, month: Month) -> tuple[str, int, int, float]:
    (row,) = rows(database, "select * from backfill_log where year = %s and month = %s", month.year, month.month)
    return row["status"], row["books_generated"], row["isbns_resolved"], float(row["resolution_rate"])


@dataclass
class Service:
    """A resolver that a test gives its answer; it is no part of the pipeline, so nothing of ours is patched."""

    answer: NotFound | Failed | Unavailable | str = field(default_factory=NotFound)
    name: str = "isbndb"
    closed: Unavailable | None = None
    asked: list[str] = field(default_factory=list)
    together: Barrier | None = None

    def __post_init__(self) -> None:
        self.declaration = Declaration(
            self.name, self.name, ProviderKind.PAID, frozenset({Capability.ISBN_RESOLUTION}), module=__name__
        )

    def unavailable(self) -> Unavailable | None:
        return self.closed

    def revision(self) -> str:
        return ""

    async def resolve(self, query: BookQuery) -> Sequence[Candidate] | NotFound | Failed | Unavailable:
        if self.together is not None and not self.asked:
            self.asked.append(query.title)
            self.together.wait(timeout=120)
        else:
            self.asked.append(query.title)
        if isinstance(self.answer, str):
            names = (Contributor(query.author),)
            return [Candidate(self.name, Isbn13(self.answer), query.title, names, language="en")]
        return self.answer


def _enhance(database: Database, service: Service, limits: QuotaLimits | None = None, most: int = 500) -> Enhance:
    quota = QuotaManager(database, {"isbndb": limits or QuotaLimits(None)})
    cascade = Cascade(database, [service])
    return Enhance(cascade, quota, "en", timedelta(seconds=0), most)


def _many(database: Database, count: int) -> None:
    """A completed month of synthetic works, the first of which waits longest."""
    rows(database, "insert into backfill_log (year, month, status, started_at, completed_at)"
                   " values (2020, 8, 'completed', now(), now()) returning year")  # fmt: skip
    rows(database, "insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider, last_tried_at)"
                   " select 'k' || n, 'Title ' || n, 'Author ' || n, 'title' || n, 'author' || n, 'x-backfill',"
                   " now() - interval '30 days' + make_interval(mins => n) from generate_series(1, %s) n returning work_id", count)  # fmt: skip
    rows(database, "insert into generated_book (year, month, title, author, work_id, outcome, run_id)"
                   " select 2020, 8, title, author, work_id, 'not_found', 'run' from enriched_works returning book_id")  # fmt: skip


def test_what_is_found_is_promoted_in_place_and_all_its_months_follow(database: Database, world: Pipeline) -> None:
    before = rows(database, "select work_id, work_key from enriched_works where title = %s", LANTERN)
    assert _figures(database, JUNE) == ("completed", 2, 1, 50.0)
    _age(database, 8)
    _found_later(database)
    report = world.enhance("run-2")
    assert (report.counts, report.settled, report.stopped) == ({"resolved": 1, "not_found": 1}, 0, "")
    assert (report.synthetic, report.due) == (1, 0)
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


def test_a_work_has_its_turn_every_seven_days(database: Database, world: Pipeline) -> None:
    _found_later(database)
    _age(database, 6.99)
    assert world.enhance("run-2").tried == 0
    _age(database, 7.01, LANTERN)
    assert world.enhance("run-3").counts == {"resolved": 1}
    assert world.enhance("run-4").tried == 0


def test_a_work_that_a_person_has_closed_is_left_alone(database: Database, world: Pipeline) -> None:
    _age(database, 8)
    _found_later(database)
    rows(
        database,
        "insert into review_decision (work_id, decision, decided_by, why)"
        " select work_id, 'rejected', 'ada', 'no such book' from enriched_works where title = %s returning work_id",
        LANTERN,
    )
    report = world.enhance("run-2")
    assert (report.counts, report.synthetic, report.due) == ({"not_found": 1}, 2, 0)


def test_five_hundred_a_day_the_oldest_first(database: Database) -> None:
    _many(database, 520)
    service = Service()
    report = _enhance(database, service)("run-1")
    assert (report.tried, report.counts["not_found"], report.due) == (500, 500, 20)
    assert sorted(service.asked) == sorted(f"Title {n}" for n in range(1, 501))
    assert set(service.asked[:50]) == {f"Title {n}" for n in range(1, 51)}
    assert _enhance(database, service)("run-2").tried == 20


def test_two_runs_side_by_side_never_take_the_same_work(database: Database) -> None:
    _many(database, 240)
    both = Barrier(2)  # neither goes on before the other has taken its first works
    services = [Service(together=both), Service(together=both)]
    with ThreadPoolExecutor(2) as threads:
        turns = [
            threads.submit(_enhance(database, service), f"run-{number}") for number, service in enumerate(services)
        ]
        tried = [turn.result(timeout=60).tried for turn in turns]
    asked = [title for service in services for title in service.asked]
    assert sum(tried) == len(asked) == len(set(asked)) == 240
    assert min(tried) >= 50
    attempts = rows(database, "select work_id, count(*) as tries from resolution_attempt group by work_id")
    assert (len(attempts), {row["tries"] for row in attempts}) == (240, {1})


def test_a_month_that_a_run_owns_is_left_to_that_run(database: Database, world: Pipeline) -> None:
    _age(database, 8)
    _found_later(database)
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


def test_a_month_taken_while_the_services_are_asked_is_left_too(database: Database, world: Pipeline) -> None:
    _age(database, 8, LANTERN)
    rows(database, "update backfill_log set status = 'retry' where month = 6 returning month")
    other = holder(database, "run-other")

    def claim() -> None:
        other.claim([JUNE])

    barrier = Barrier(1, action=claim)
    service = Service("9780306406157", together=barrier)
    try:
        report = _enhance(database, service)("run-2")
    finally:
        other.close("the test is over", failed=False)
    assert (report.counts, report.due) == ({"month_claimed": 1}, 1)
    assert rows(database, "select 1 from enriched_editions where isbn13 = '9780306406157'") == []
    assert _enhance(database, service)("run-3").counts == {"resolved": 1}


def test_a_book_whose_work_was_resolved_elsewhere_needs_no_call(database: Database, world: Pipeline) -> None:
    """A run of another month found the work; July, which was done before, still says "not found"."""
    _found_later(database)
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
def test_as_many_as_twice_their_calls_are_left(database: Database, used: int, tried: int) -> None:
    _many(database, 60)
    service = Service()
    limits = QuotaLimits(100, 20)
    if used:
        use_calls(database, "isbndb", used)
    report = _enhance(database, service, limits)("run-1")
    assert (report.tried, len(service.asked)) == (tried, tried)
    assert "cron needs" in report.stopped
    assert report.due == 60 - tried


def test_a_small_quota_is_no_reason_when_nothing_is_due(database: Database) -> None:
    report = _enhance(database, Service(), QuotaLimits(100, 20))("run-1")
    assert (report.tried, report.stopped) == (0, "")


def test_a_quota_that_the_service_says_is_gone_stops_it(database: Database) -> None:
    _many(database, 3)
    enhance = _enhance(database, Service(), QuotaLimits(100, 20))
    exhaust(database, "isbndb", "Daily quota exceeded")
    report = enhance("run-1")
    assert (report.tried, report.due) == (0, 3)
    assert "reports that its quota is used up" in report.stopped


def test_a_service_without_a_key_does_not_count(database: Database) -> None:
    _many(database, 3)
    closed = Service(closed=Unavailable("no key"))
    enhance = _enhance(database, closed, QuotaLimits(100, 99))
    free = Service(name="open-library")
    report = replace(enhance, cascade=Cascade(database, [closed, free]))("run-1")
    assert (report.counts, len(free.asked)) == ({"not_found": 3}, 3)


def test_when_nobody_can_answer_the_works_keep_their_place(database: Database) -> None:
    _many(database, 70)
    before = rows(database, "select work_id, last_tried_at from enriched_works order by work_id")
    report = _enhance(database, Service(closed=Unavailable("left alone after failures", temporary=True)))("run-1")
    assert (report.counts, report.due) == ({"not_asked": 50}, 70)
    assert "no service could be called" in report.stopped
    assert rows(database, "select work_id, last_tried_at from enriched_works order by work_id") == before


def test_a_failure_is_no_verdict_on_a_book(database: Database) -> None:
    _many(database, 1)
    report = _enhance(database, Service(Failed("timed out")))("run-1")
    assert report.counts == {"deferred": 1}
    assert rows(database, "select outcome from generated_book") == [{"outcome": "not_found"}]
    assert rows(database, "select outcome, reason from resolution_attempt") == [
        {"outcome": "failed", "reason": "timed out"}
    ]


def test_a_work_that_cannot_be_stored_stops_no_other(database: Database) -> None:
    _many(database, 5)
    with database.transaction() as tx:
        tx.execute(
            "create function refuse() returns trigger language plpgsql as 'begin raise exception ''not this''; end'"
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
def test_what_is_affordable_is_permitted_and_one_more_is_not(
    limit: int, buffer: int, used: int, most: int, operation: CallPurpose
) -> None:
    safe = max(0, limit - buffer - used)
    status = QuotaStatus("svc", limit, max(0, limit - buffer), used, 0, safe, 0.0, next_reset(NOON), safe > 0)
    fits = affordable_calls(status, operation, most)
    assert 0 <= fits <= most
    assert fits == 0 or permission(status, operation, fits)
    assert fits == most or not permission(status, operation, fits + 1)
