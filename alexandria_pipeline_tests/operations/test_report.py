"""The report: figures by month, phase, service and model, what the rest will cost, and the three ways to write it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.costs import CostProjection, project_cost, seconds_covered
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.operations.report import TITLES, Format, Tables, build, records, render
from alexandria_pipeline.storage.database import Database

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

# Two months done in one run (the second in 2021), one outside the rollout; Gemini's paid reply is in the ledger as well.
FILL = """
insert into backfill_log (year, month, status, started_at, completed_at) values
    (2020, 6, 'completed', now(), now()), (2021, 1, 'completed', now(), now()), (2020, 7, 'pending', null, null),
    (1999, 1, 'completed', now(), now());
insert into stage_log (year, month, stage, run_id, status, started_at, ended_at) values
    (2020, 6, 'generated_books', 'r', 'done', '2026-01-01 00:00:00Z', '2026-01-01 00:00:10Z'),
    (2021, 1, 'generated_books', 'r', 'done', '2026-01-01 00:00:00Z', '2026-01-01 00:00:15Z'),
    (2020, 6, 'resolved_isbns', 'r', 'done', '2026-01-01 00:01:00Z', '2026-01-01 00:01:05Z');
insert into generation_reply (year, month, provider, model, prompt_variant, body, input_tokens, output_tokens, cost_usd, run_id, refusal)
values (2020, 6, 'gemini', 'flash', 'baseline', '[]', 100, 1000, 0.5, 'r', null),
       (2021, 1, 'gemini', 'flash', 'annual', '[]', 100, 1000, 0.5, 'r', null),
       (2021, 1, 'xai', 'grok|4', 'annual', '[]', 10, 10, 0.25, 'r', 'no list'),
       (2020, 6, 'curated-list', 'sha256:aa', 'baseline', '', 0, 0, 0, 'r', null),
       (2021, 1, 'curated-list', 'sha256:bb', 'baseline', '', 0, 0, 0, 'r', null);
insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)
select 'k' || n, 'Title ' || n, 'A', 't' || n, 'a', 'gemini-backfill' from generate_series(1, 5) n;
insert into enriched_editions (isbn13, work_id, title, primary_provider)
select '978000000000' || work_id, work_id, title, 'isbndb' from enriched_works where title in ('Title 1', 'Title 4');
update enriched_works w set synthetic = false, isbn13 = e.isbn13, confidence = 90, resolved_by = 'isbndb', resolved_at = now()
from enriched_editions e where e.work_id = w.work_id;
insert into generated_book (year, month, title, author, work_id, outcome, isbn13, provider, run_id)
select case when title in ('Title 4', 'Title 5') then 2021 else 2020 end, case when title in ('Title 4', 'Title 5') then 1 else 6 end,
       title, author, work_id, case when isbn13 is not null then 'resolved' when title = 'Title 3' then 'deferred' else 'not_found' end,
       isbn13, case when isbn13 is not null then 'isbndb' end, 'r' from enriched_works;
insert into generated_listing (reply_id, position, book_id, provider, title, author)
select r.reply_id, b.book_id, b.book_id, 'gemini', b.title, b.author
from generated_book b join generation_reply r on (r.year, r.month, r.provider) = (b.year, b.month, 'gemini');
insert into resolution_attempt (work_id, provider, outcome, run_id)
select work_id, provider, case when synthetic then 'not_found' else 'found' end, 'r'
from enriched_works, unnest(array['isbndb', 'google-books']) provider;
insert into api_call (service, year, month, method, url, outcome, latency_ms, input_tokens, output_tokens, cost_usd) values
    ('gemini', 2020, 6, 'POST', '', 'answered', 4000, 100, 1000, 0.5), ('gemini', 2021, 1, 'POST', '', 'failed', 1000, 0, 0, 0.1),
    ('isbndb', 2020, 6, 'GET', '', 'answered', 500, 0, 0, 0), ('isbndb', 2020, 6, 'GET', '', 'failed', 500, 0, 0, 0),
    ('google-books', 2021, 1, 'GET', '', 'empty', 250, 0, 0, 0), ('isbndb', null, null, 'GET', '', 'answered', 100, 0, 0, 0);
"""


@pytest.fixture
def tables(database: Database) -> Tables:
    with database.transaction() as tx:
        tx.execute(FILL.encode())
    return build(database, Rules(), NOW)


def _row(tables: Tables, name: str, key: str) -> dict[str, Any]:
    (found,) = [row for row in records(tables[name]) if key in list(row.values())[:3]]
    return found


def test_months(tables: Tables) -> None:
    assert [row["month"] for row in records(tables["months"])] == ["1999-01", "2020-06", "2020-07", "2021-01"]
    assert _row(tables, "months", "2020-06") == {
        "month": "2020-06", "phase": "validation", "status": "completed", "books": 3, "resolved": 1, "rate": 33.33, "works": 3,
        "synthetic": 2, "calls": 3, "input_tokens": 100, "output_tokens": 1000, "cost_usd": 0.5, "unpriced": 0, "seconds": 15.0,
    }  # fmt: skip
    assert _row(tables, "months", "2021-01")["cost_usd"] == pytest.approx(0.75), (
        "the greater of ledger and reply, not both"
    )
    assert _row(tables, "months", "2020-07")["rate"] == ""


def test_phases_are_in_their_order_and_count_shared_time_once(tables: Tables) -> None:
    rows = records(tables["phases"])
    assert [(row["phase"], row["months"], row["done"], row["books"], row["resolved"]) for row in rows] == [
        ("validation", 2, 1, 3, 1), ("scale", 1, 1, 2, 1), ("outside the rollout", 1, 1, 0, 0), ("all", 4, 3, 5, 2),
    ]  # fmt: skip
    assert [row["seconds"] for row in rows] == [15.0, 15.0, 0.0, 20.0]
    assert (rows[-1]["rate"], rows[-1]["calls"], rows[-1]["cost_usd"]) == (40.0, 5, pytest.approx(1.25))


def test_services(tables: Tables) -> None:
    assert _row(tables, "services", "isbndb") == {
        "service": "isbndb", "listed": 0, "asked": 5, "resolved": 2, "calls": 3, "failed": 1, "input_tokens": 0,
        "output_tokens": 0, "cost_usd": 0.0, "unpriced": 0, "seconds": 1.1, "usd_per_resolved": 0.0,
    }  # fmt: skip
    gemini = _row(tables, "services", "gemini")
    assert (gemini["listed"], gemini["calls"], gemini["output_tokens"], gemini["seconds"]) == (5, 2, 2000, 5.0)
    google = _row(tables, "services", "google-books")
    assert (google["asked"], google["calls"], google["resolved"]) == (5, 1, 0)


def test_an_unknown_cost_is_counted_apart(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(FILL.encode())
        tx.execute("update generation_reply set cost_usd = null where provider = 'xai'")
        tx.execute("update api_call set cost_usd = null where service = 'xai'")
    tables = build(database, Rules(), NOW)
    xai = _row(tables, "services", "xai")
    assert (xai["cost_usd"], xai["unpriced"]) == (0.0, 1)
    assert {row["model"]: row["unpriced"] for row in records(tables["models"])} == {
        "flash": 0,
        "grok|4": 1,
        "a list": 0,
    }
    assert sum(row["unpriced"] for row in records(tables["phases"])[:-1]) == 1


def test_generators_and_the_books_that_others_named_too(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(FILL.encode())
        tx.execute(
            "insert into generated_listing (reply_id, position, book_id, provider, title, author)"
            " select r.reply_id, 1, l.book_id, 'xai', l.title, l.author"
            " from generation_reply r, generated_listing l where r.provider = 'xai' and l.title = 'Title 1'"
        )
    tables = build(database, Rules(), NOW)
    gemini, xai = (_row(tables, "generators", name) for name in ("gemini", "xai"))
    assert (gemini["books"], gemini["resolved"], gemini["resolved_share"], gemini["named_by_others"]) == (5, 2, 40.0, 1)
    assert (gemini["cost_usd"], gemini["usd_per_resolved"]) == (1.0, 0.5)
    assert (xai["books"], xai["resolved"], xai["named_by_others"]) == (1, 1, 1)


def test_models_with_the_books_that_no_catalogue_knows(tables: Tables) -> None:
    rows = {(row["model"], row["prompt_variant"]): row for row in records(tables["models"])}
    assert set(rows) == {("flash", "baseline"), ("flash", "annual"), ("grok|4", "annual"), ("a list", "baseline")}
    baseline = rows["flash", "baseline"]
    assert [baseline[name] for name in ("books", "decided", "unknown", "unknown_share")] == [3, 2, 1, 50.0], (
        "one is deferred"
    )
    assert (rows["grok|4", "annual"]["refused"], rows["grok|4", "annual"]["unknown_share"]) == (1, "")
    assert (rows["a list", "baseline"]["replies"], rows["a list", "baseline"]["books"]) == (2, 0)


def test_the_rest_costs_what_the_months_so_far_have_cost(tables: Tables) -> None:
    whole = _row(tables, "projection", "all")
    assert (whole["months_done"], whole["months_left"]) == (3, 298)
    assert whole["usd_per_month"] == pytest.approx(1.25 / 3)
    assert whole["rest_usd"] == pytest.approx(298 * 1.25 / 3)
    isbndb = _row(tables, "projection", "isbndb")
    assert (isbndb["calls"], isbndb["rest_calls"]) == (2, pytest.approx(298 * 2 / 3)), (
        "calls for no month are no month's"
    )


def test_an_empty_database_has_a_report(database: Database) -> None:
    tables = build(database, Rules(), NOW)
    assert list(tables) == list(TITLES)
    assert "Nothing yet." in render(tables, Format.MD)
    assert "Nothing yet." in render(tables, Format.HTML)
    assert render(tables, Format.CSV).startswith("table,")
    (whole,) = records(tables["projection"])
    assert (whole["months_left"], whole["rest_usd"]) == (300, "")


def test_markdown(tables: Tables) -> None:
    text = render(tables, Format.MD)
    for title in TITLES.values():
        assert f"## {title}\n" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", lines[0])) for line in lines[:5])
    assert "grok\\|4" in text


def test_csv(tables: Tables) -> None:
    rows = list(csv.DictReader(io.StringIO(render(tables, Format.CSV))))
    assert len(rows) == sum(len(table) for table in tables.values())
    (june,) = [row for row in rows if row["month"] == "2020-06"]
    assert (june["table"], june["books"], june["seconds"], june["provider"]) == ("months", "3", "15.0", "")


class _Page(HTMLParser):
    """Counts tables and cells, and sees that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - its signature
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html(database: Database, tables: Tables) -> None:
    with database.transaction() as tx:
        tx.execute("update generation_reply set model = '<script>alert(1)</script>' where provider = 'xai'")
    built = build(database, Rules(), NOW)
    text = render(built, Format.HTML)
    page = _Page()
    page.feed(text)
    assert page.open == []
    filled = sum(not table.empty for table in built.values())
    assert (page.seen.count("table"), page.seen.count("script")) == (filled, 0)
    assert (page.seen.count("svg"), page.seen.count("g")) == (1, (tables["months"]["books"] > 0).sum())
    assert text.startswith("<!doctype html>")


spans = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 50)), max_size=20)


@given(spans)
def test_time_is_covered_once(pairs: list[tuple[int, int]]) -> None:
    given_spans = [(NOW + timedelta(seconds=start), NOW + timedelta(seconds=start + length)) for start, length in pairs]
    covered = {second for start, length in pairs for second in range(start, start + length)}
    assert seconds_covered(given_spans) == len(covered)


@given(st.floats(0, 1e6), st.integers(0, 300), st.integers(0, 300))
def test_a_projection_is_proportional(spent: float, done: int, left: int) -> None:
    found = project_cost(spent, done, left)
    if done and left:
        assert found.rest == pytest.approx(spent * left / done)
    else:
        assert found in (CostProjection(done, left, found.per_month, 0.0), CostProjection(0, left, None, None))
