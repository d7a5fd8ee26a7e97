"""The plans of the statements that run for every month and every book: none reads a whole large table.

The tables are filled as after years of work. Each statement is planned twice, since a driver that repeats a statement uses
both plans: for the given values, and for any values (`force_generic_plan`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.embedded.server import EmbeddedServer

pytestmark = pytest.mark.slow("fills tables with many rows")

SMALL_INDEXES = {"month_claim_open"}  # partial: holds the months of the runs of this moment, and no others
LARGE = 5_000  # rows of a table that must not be read as a whole for one month or book
MAX_PAGES = 50  # of 8 KiB, that one search may read; it reads 12, and the tables have several thousand

# 750 months with 40 books each; every book is a work with an edition, a listing and two attempts; every tenth is synthetic.
FILL = """
set local session_replication_role = replica;  -- the rows are consistent; checking every foreign key takes seconds
insert into backfill_log (year, month, status, completed_at, started_at, claim)
select 1930 + n / 12, n % 12 + 1, 'completed', now(), now(), 1 from generate_series(0, 5999) n;

insert into month_claim (year, month, run_id, owner, claimed_at, released_at, ended_as)
select year, month, 'run', 'owner', now() - interval '1 hour', now(), 'completed' from backfill_log;

insert into stage_log (year, month, stage, run_id, status, started_at)
select year, month, stage, 'run-' || year, 'done', now()
from backfill_log, unnest(array['generated_books', 'persisted_works', 'resolved_isbns']) stage where year < 2130;

insert into generation_reply (year, month, provider, model, prompt_variant, body, run_id, read_at)
select year, month, provider, 'model', 'baseline', '[]', 'run', now()
from backfill_log, unnest(array['gemini', 'xai']) provider where year < 2230;

insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider, last_tried_at)
select 'synthetic:title' || n || ':author', 'Title ' || n, 'Author ' || n % 9000, 'title' || n, 'author' || n % 9000, 'test',
       now() - make_interval(hours => n % 500)
from generate_series(1, 30000) n;

insert into enriched_editions (isbn13, work_id, title, primary_provider)
select '978' || lpad(work_id::text, 10, '0'), work_id, title, 'test' from enriched_works where work_id % 10 <> 0;

update enriched_works w
set synthetic = false, isbn13 = e.isbn13, confidence = 90, resolved_by = 'test', resolved_at = now()
from enriched_editions e where e.work_id = w.work_id;

insert into work_alias (work_key, work_id)
select 'synthetic:old' || work_id || ':author', work_id from enriched_works where work_id % 4 = 0;

insert into generated_book (year, month, title, author, work_id, outcome, isbn13, run_id)
select 1930 + (work_id / 40) / 12, (work_id / 40) % 12 + 1, title, author, case when work_id <> 24200 then work_id end,
       case when work_id = 24200 then 'pending' when synthetic then 'not_found' else 'resolved' end, isbn13, 'run'
from enriched_works;

insert into generated_listing (reply_id, position, book_id, provider, title, author)
select 1 + book_id / 40, book_id % 40, book_id, 'gemini', title, author from generated_book;

insert into resolution_attempt (work_id, book_id, provider, outcome, run_id)
select work_id, null, provider, 'not_found', 'run' from enriched_works, unnest(array['one', 'two']) provider;

insert into catalog_load (name, digest, editions, set_aside) values ('test', 'test', 60000, 0);
insert into catalog_edition (isbn13, title, author, title_key, author_key, load_id)
select '978' || lpad(n::text, 10, '0'), 'Title ' || n, 'Author ' || n % 9000, 'title' || n, 'author' || n % 9000, 1
from generate_series(1, 50000) n;

insert into api_call (service, year, month, method, url)
select service, 1930 + n / 12 % 80, n % 12 + 1, 'GET', 'https://host/path'
from generate_series(1, 5000) n, unnest(array['isbndb', 'gemini', 'wikidata']) service;

insert into enrichment_log (work_id, isbn13, provider, action, run_id)
select work_id, isbn13, 'test', 'metadata', 'run' from enriched_editions;
"""

YEAR = {"years": [1980] * 12, "months": list(range(1, 13))}
JUNE = {"year": 1980, "month": 6}
WHO = {"run_id": "run-1", "owner": "process 1 on here"}
TITLE_KEYS = [f"title{number}" for number in range(100, 120)]

NUMBER = {"identifier": Jsonb({"openlibrary": "OL7M"}), "scheme": "openlibrary", "value": "OL7M"}


class Hot(NamedTuple):
    """A statement that runs often, with values."""

    family: str
    name: str
    values: Mapping[str, Any]


HOT = [
    Hot("months", "ensure", YEAR),
    Hot("months", "claim", {**YEAR, **WHO}),
    Hot("months", "owners", YEAR),
    Hot("months", "fence", {**YEAR, "claims": [1] * 12, "run_id": "run-1"}),
    Hot("months", "relock", {**YEAR, "claims": [1] * 12, "run_id": "run-1"}),
    Hot("months", "complete", {**JUNE, "claim": 1, "run_id": "run-1"}),
    Hot("months", "reopen", {**JUNE, **WHO, "claim": 1}),
    Hot(
        "months",
        "release",
        {
            **JUNE,
            "claim": 1,
            "run_id": "run-1",
            "error": "why",
            "counts": True,
            "delay": 0.0,
            "max_retries": 5,
            "first_backoff": 300,
        },
    ),
    Hot("months", "failures", {**YEAR, "run_id": "run-1980", "stage": "generated_books"}),
    Hot("generation", "usable_reply", {**JUNE, "provider": "gemini", "model": "model", "prompt_variant": "baseline"}),
    Hot("generation", "listings", JUNE),
    Hot("generation", "book_counts", JUNE),
    Hot("generation", "provider_figures", JUNE),
    Hot("skipped_rows", "count", JUNE),
    Hot("works", "books_without_work", JUNE),
    Hot("works", "works_like", {"title_keys": TITLE_KEYS, "work_keys": TITLE_KEYS}),
    Hot("works", "alias", {"work_key": "synthetic:old400:author"}),
    Hot("works", "work_by_key", {"work_key": "synthetic:title400:author"}),
    Hot("resolution", "open_books", YEAR),
    Hot("resolution", "definite_answers", {"work_ids": list(range(100, 600)), "negative_life": "7 days"}),
    Hot("resolution", "edition_owner", {"isbn13": "9780000000401"}),
    Hot("resolution", "retire_work", {"work_id": 400, "into": 401}),
    Hot("resolution", "delete_work", {"work_id": 400}),
    Hot("catalog", "search", {"title_key": "title400", "author_key": "author400", "isbns": ["9780000000401"]}),
    Hot("figures", "of_months", YEAR),
    Hot("figures", "books_of", JUNE),
    Hot("enhancement", "books_of_works", {"work_ids": list(range(100, 150))}),
    Hot("enhancement", "free_months", YEAR),
    Hot("library", "work_ids_of_month", {**JUNE, "after": 0, "limit": 51}),
    Hot("library", "works", {"work_ids": list(range(100, 150))}),
    Hot("library", "work_of_key", {"key": "synthetic:title400:author"}),
    Hot("library", "editions_of_identifier", {**NUMBER, "after": "", "limit": 51}),
    Hot("library", "work_ids_of_identifier", {**NUMBER, "after": 0, "limit": 51}),
    Hot("library", "books_of_month", JUNE),
    Hot("library", "changes", {"xid": "1", "change_id": 0, "limit": 51}),
    Hot("figures", "recount", {"years": [1980], "months": [6]}),
]


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer, administrator: psycopg.Connection, template: str) -> Iterator[psycopg.Connection]:
    """A connection to a database with the rows and statistics of years of work."""
    name = sql.Identifier("test_query_plans")
    administrator.execute(sql.SQL("create database {} template {}").format(name, sql.Identifier(template)))
    try:
        with psycopg.connect(server.url("test_query_plans"), autocommit=True) as connection:
            with connection.transaction():
                connection.execute(FILL.encode())
            connection.execute("vacuum analyze")
            yield connection
    finally:
        administrator.execute(sql.SQL("drop database {} with (force)").format(name))


@pytest.fixture(scope="module")
def large(filled: psycopg.Connection) -> set[str]:
    """The tables that must not be read as a whole for one month or one book."""
    counted = (
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples >= %s"
    )
    return {str(row[0]) for row in filled.execute(counted, [LARGE])}


def _plan(
    connection: psycopg.Connection, statement: str, values: Mapping[str, Any], *, generic: bool
) -> dict[str, Any]:
    """The plan of a statement. EXPLAIN takes no parameters, so the statement is prepared and explained as executed."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", statement).replace("%%", "%")
    arguments = sql.SQL(", ").join(sql.Literal(values[name]) for name in names)
    call = sql.SQL("({})").format(arguments) if names else sql.SQL("")
    types = ", ".join("boolean" if isinstance(values[name], bool) else "unknown" for name in names)
    with connection.transaction(force_rollback=True):
        connection.execute(f"set local plan_cache_mode = {'force_generic_plan' if generic else 'force_custom_plan'}")
        connection.execute(f"prepare hot{f' ({types})' if names else ''} as {numbered.strip().rstrip(';')}".encode())
        try:
            row = connection.execute(sql.SQL("explain (format json) execute hot{}").format(call)).fetchone()
        finally:
            connection.execute("deallocate hot")
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _read_whole(plan: Mapping[str, Any], large: set[str]) -> list[str]:
    """The large tables that the plan reads as a whole, by a sequential scan or by a scan of a whole index that is not small."""
    return [
        f"{node['Node Type']} on {node['Relation Name']}"
        for node in _nodes(plan)
        if node.get("Relation Name") in large
        and (
            node["Node Type"] == "Seq Scan"
            or (
                "Index" in node["Node Type"]
                and not _has_condition(node)
                and node.get("Index Name") not in SMALL_INDEXES
            )
        )
    ]


def _has_condition(node: Mapping[str, Any]) -> bool:
    below = [child for child in _nodes(node) if "Index Cond" in child]
    return bool(below) or node["Node Type"] == "Bitmap Index Scan"


def test_the_tables_are_large_enough(large: set[str]) -> None:
    assert large >= {
        "backfill_log", "month_claim", "stage_log", "generation_reply", "generated_book", "generated_listing", "enriched_works",
        "enriched_editions", "work_alias", "resolution_attempt", "catalog_edition", "api_call", "enrichment_log",
    }  # fmt: skip


def test_a_statement_without_an_index_is_found(filled: psycopg.Connection, large: set[str]) -> None:
    plan = _plan(filled, "select 1 from enriched_works where title = %(title)s", {"title": "x"}, generic=False)
    assert _read_whole(plan, large) == ["Seq Scan on enriched_works"]


@pytest.mark.parametrize("generic", [False, True], ids=["given-values", "any-values"])
@pytest.mark.parametrize("hot", HOT, ids=[f"{hot.family}.{hot.name}" for hot in HOT])
def test_no_large_table_is_read_as_a_whole(
    filled: psycopg.Connection, large: set[str], hot: Hot, generic: bool
) -> None:
    plan = _plan(filled, Queries(hot.family)[hot.name].as_string(), hot.values, generic=generic)
    assert not _read_whole(plan, large), json.dumps(plan, indent=1)


def test_synthetic_works_are_found_oldest_first_by_their_index(filled: psycopg.Connection, large: set[str]) -> None:
    statement = Queries("enhancement")["take"].as_string()
    plan = _plan(filled, statement, {"pause": "7 days", "limit": 50, "except_ids": []}, generic=False)
    nodes = list(_nodes(plan))
    assert "enriched_works_synthetic" in {node.get("Index Name") for node in nodes}
    assert "Sort" not in {node["Node Type"] for node in nodes}
    assert not {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & large


def test_a_search_of_the_catalogue_reads_few_pages(filled: psycopg.Connection) -> None:
    """Executed, because a plan can look right and still read much."""
    statement = "explain (analyze, buffers, format json) " + Queries("catalog")["search"].as_string()
    for number in range(1, 50_000, 2_500):
        query = {"title_key": f"title{number}", "author_key": f"author{number % 9000}", "isbns": []}
        row = filled.execute(statement.encode(), query).fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < MAX_PAGES, json.dumps(plan, indent=1)
