"""An upgrade of a database with 300 months: the tables of an earlier version are filled, then migrated to this version."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.export.exporter import ExportFormat, export
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.library import Library, WorkFilter
from alexandria_pipeline.storage.migrate import check_schema, migrate
from alexandria_pipeline.storage.monitoring import due_months, month_states
from alexandria_pipeline_tests.world import dump

pytestmark = pytest.mark.slow("upgrades a database with 300 months")

EARLIER = 5  # the last migration of the earlier version

# 300 months with 20 books each, as the version of migration 0005 left them; every tenth work has no ISBN.
FILL = """
insert into backfill_log (year, month, status, books_generated, isbns_resolved, resolution_rate, claim, started_at, completed_at)
select 2000 + n / 12, n % 12 + 1, 'completed', 20, 18, 90, 1, now() - interval '1 hour', now() from generate_series(0, 299) n;

insert into generation_reply (year, month, provider, model, prompt_variant, body, cost_usd, run_id, read_at)
select year, month, 'gemini', 'model', 'baseline', '[]', 0.012345, 'run', now() from backfill_log;

insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)
select 'synthetic:title ' || n || ':author', 'Title ' || n, 'Author ' || n % 900, 'title ' || n, 'author ' || n % 900, 'gemini'
from generate_series(1, 6000) n;

insert into enriched_editions (isbn13, work_id, title, primary_provider, pages)
select '978' || lpad(work_id::text, 10, '0'), work_id, title, 'archive_org', 200 from enriched_works where work_id % 10 <> 0;

update enriched_works w set synthetic = false, isbn13 = e.isbn13, confidence = 90, resolved_by = 'archive_org', resolved_at = now()
from enriched_editions e where e.work_id = w.work_id;

insert into generated_book (year, month, title, author, work_id, outcome, isbn13, provider, confidence, decided_at, run_id)
select 2000 + (work_id - 1) / 240, (work_id - 1) / 20 % 12 + 1, title, author, work_id,
       case when synthetic then 'not_found' else 'resolved' end, isbn13, resolved_by, confidence, now(), 'run'
from enriched_works;

insert into generated_listing (reply_id, position, book_id, provider, title, author)
select 1 + (book_id - 1) / 20, (book_id - 1) % 20, book_id, 'gemini', title, author from generated_book;

insert into resolution_attempt (work_id, book_id, provider, outcome, isbn13, confidence, run_id)
select work_id, book_id, 'isbndb', case when isbn13 is null then 'not_found' else 'found' end, isbn13, confidence, 'run' from generated_book;

insert into review_decision (work_id, isbn13, decision, decided_by) values (10, null, 'rejected', 'ann');
insert into work_alias (work_key, work_id) values ('synthetic:old:author', 1);

insert into api_call (service, year, month, method, url, outcome, cost_usd)
select 'archive_org', year, month, 'GET', 'https://host/path', 'answered', 0 from backfill_log;
"""
KEPT = ("enriched_works", "enriched_editions", "generated_book", "generated_listing", "generation_reply", "resolution_attempt",
        "backfill_log", "review_decision", "work_alias", "api_call")  # fmt: skip
RENAMED = {"service", "provider", "resolved_by", "primary_provider"}
"""Columns with the name of a service, which migration 0006 changed."""


@pytest.fixture
def earlier(empty_database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A filled database of the earlier version."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in (resources.files("alexandria_pipeline.storage") / "sql" / "migrations").iterdir():
        if file.name.endswith(".sql") and int(file.name[:4]) <= EARLIER:
            shutil.copy(str(file), folder)
    with Database(empty_database_url) as database:
        assert len(migrate(database, folder)) == EARLIER
        with database.transaction() as tx:
            tx.execute(FILL.encode())
        yield database


def test_an_upgrade_keeps_every_row_and_makes_no_finished_month_due(earlier: Database, tmp_path: Path) -> None:
    before = dump(earlier, KEPT)
    migrate(earlier)
    check_schema(earlier)
    after = dump(earlier, KEPT)
    for table, kept in before.items():
        assert len(after[table]) == len(kept), table
        for old, new in zip(kept, after[table], strict=True):
            assert {name: new[name] for name in old if name not in RENAMED} == {
                name: value for name, value in old.items() if name not in RENAMED
            }, table
    assert {row["service"] for row in after["api_call"]} == {"internet-archive"}

    works = Library(earlier)
    assert works.work("synthetic:old:author") == works.work("synthetic:title 1:author")
    assert [item.facts["title"] for item in works.works(WorkFilter(words="title 4711"), 0, 5)] == ["Title 4711"]
    done = export(earlier, ExportFormat.CSV, Month(2000, 1), Month(2024, 12), tmp_path / "export")
    assert done.works == 6000

    months = [Month(2000, 1) + number for number in range(300)]
    with earlier.transaction() as tx:
        assert due_months(tx, months, 300, force=False) == [], "no finished month is due again"
        assert {(state.books, state.resolved) for state in month_states(tx)} == {(20, 18)}
        assert _closed_works(tx) == [10], "a decision of a person holds"


def _closed_works(tx: Connection) -> list[int]:
    return [row["work_id"] for row in tx.execute("select work_id from closed_work")]
