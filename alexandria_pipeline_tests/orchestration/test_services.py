"""Months with all services, as a person runs them: real processes against the stand-in of the services, killed and raced.

What the services saw is counted by the stand-in, what came of it is read from the database. Nothing of ours is patched.
"""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.checkpoints import BOOKS_ARE_WAITED_FOR, books_locked
from alexandria_pipeline_tests.processes import PROJECT, Command, Site, materialize, succeeds
from alexandria_pipeline_tests.upstream.environment import environment
from alexandria_pipeline_tests.upstream.model import RESOLVERS, Service
from alexandria_pipeline_tests.upstream.score import score
from alexandria_pipeline_tests.upstream.server import StandIn
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import dump, rows

pytestmark = pytest.mark.slow("each test starts processes of Dagster")

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

AI = (Service.GEMINI, Service.XAI)
OURS = ("backfill_log", "generation_reply", "generated_book", "generated_listing", "enriched_works", "enriched_editions",
        "resolution_attempt", "api_call", "set_aside", "work_alias")  # fmt: skip
CANARIES = {
    "ISBNDB_API_KEY": "canary-isbndb-7f3a91c2", "GOOGLE_BOOKS_API_KEY": "canary-google-5d20be84",
    "GEMINI_API_KEY": "canary-gemini-c9e14b07", "XAI_API_KEY": "canary-xai-2b86fd53",
}  # fmt: skip


@pytest.fixture
def site(empty_database_url: str, tmp_path: Path, upstream: StandIn) -> Site:
    """A folder with a Dagster home in it, a database without any table, and every service set up."""
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    listed = environment(upstream.base, upstream.options.time_scale, upstream.options.daily)
    return Site(tmp_path, empty_database_url, variables={**listed, "DAGSTER_HOME": str(home), **CANARIES})


def _asked(upstream: StandIn) -> Mapping[Service, int]:
    return {service: gate.counters.requests for service, gate in upstream.meters.items()}


def _wait_for(site: Site, command: Command, query: str) -> None:
    """Waits until a query of the test has the result true."""
    with psycopg.connect(site.url, autocommit=True) as connection:

        def is_true() -> bool:
            assert command.running, f"it ended too early:\n{command.output[-3000:]}"
            with suppress(psycopg.errors.UndefinedTable):  # the command has not created the tables yet
                row = connection.execute(query.encode()).fetchone()
                return bool(row and row[0])
            return False

        until(is_true, lambda: command.output[-3000:])


def test_a_month_with_all_services_and_the_same_month_again(site: Site, upstream: StandIn) -> None:
    succeeds(site, *materialize("2020-01"))
    first = _asked(upstream)
    assert {service: first[service] for service in AI} == dict.fromkeys(AI, 1)
    assert all(first[service] for service in RESOLVERS), "every service of the cascade was asked something"
    with Database(site.url) as database:
        assert rows(database, "select status from backfill_log") == [{"status": "completed"}]
        ledger = rows(database, "select service, count(*) as n from api_call group by service")
        assert {row["service"]: row["n"] for row in ledger} == {s.value: n for s, n in first.items() if n}
        listed = "select title, author, isbn13, outcome from generated_book"
        judged = score([(rows(database, listed), upstream.lists.truth("2020-01"))])
        assert judged.figures["precision"] == 1.0
        assert (judged.figures["recall"] or 0) > 0.85
        (checked,) = rows(database, "select told, drift_percent from quota_usage where service = 'isbndb'")
        assert checked["told"] == upstream.meters[Service.ISBNDB].spent

        before = dump(database, OURS)
        succeeds(site, *materialize("2020-01"))
        assert _asked(upstream) == first, "a month that is done asks nobody"
        assert dump(database, OURS) == before


def test_no_second_ai_call_after_a_kill_between_the_answer_and_its_reading(site: Site, upstream: StandIn) -> None:
    """Killed with one answer stored and the other on its way; killed with both stored and none read; then not killed."""
    upstream.meters[Service.XAI].behaviour.latency = 60.0
    command = Command(site, *materialize("2020-02"))
    _wait_for(site, command, "select count(*) = 1 from generation_reply")
    command.kill()
    upstream.meters[Service.XAI].behaviour.latency = 0.0
    assert [_asked(upstream)[service] for service in AI] == [1, 1]

    with books_locked(site.url):
        command = Command(site, *materialize("2020-02"))
        _wait_for(site, command, BOOKS_ARE_WAITED_FOR)
        command.kill()
    with Database(site.url) as database:
        stored = (
            "select reply_id, provider, read_at, cost_usd > 0 as paid, received_at from generation_reply order by 1"
        )
        replies = rows(database, stored)
        assert [(row["provider"], row["paid"], row["read_at"]) for row in replies] == [
            ("gemini", True, None), ("xai", True, None),
        ]  # fmt: skip
        assert rows(database, "select 1 from generated_book") == []
        assert [_asked(upstream)[service] for service in AI] == [1, 2], "of xAI's first call no answer ever came"

        succeeds(site, *materialize("2020-02"))
        assert [_asked(upstream)[service] for service in AI] == [1, 2]
        assert all(row["read_at"] for row in rows(database, stored))
        assert [row["received_at"] for row in rows(database, stored)] == [row["received_at"] for row in replies]
        calls = "select outcome, count(*) as n from api_call where service = 'xai' group by outcome order by outcome"
        assert rows(database, calls) == [{"outcome": "answered", "n": 1}, {"outcome": "sent", "n": 1}]
        assert len(rows(database, "select 1 from generated_book")) > 20


def _places_with(site: Site, words: list[str]) -> list[str]:
    """Where in the database (all tables, Dagster's too) or in the site's files any of the words stands."""
    found = []
    with psycopg.connect(site.url) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        assert len(tables) > 30, "ours and Dagster's"
        for (table,) in tables:
            for (line,) in connection.execute(f'select t::text from "{table}" t'.encode()):  # noqa: S608 - a name of ours
                found += [f"{table}: {word}" for word in words if word in line or word.encode().hex() in line]
        for (body,) in connection.execute("select body from http_cache"):
            found += [f"http_cache: {word}" for word in words if word.encode() in zlib.decompress(body)]
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    assert any("compute" in str(path) or path.suffix in {".err", ".out"} for path in files), "Dagster's logs are there"
    return found + [f"{path}: {word}" for path in files for word in words if word.encode() in path.read_bytes()]


def test_keys_are_nowhere_to_be_found(site: Site, upstream: StandIn) -> None:
    """Neither after a month in which services misbehave, nor after one in which they refuse the keys, nor on the screen."""
    for service, kind in (("isbndb", "429"), ("google-books", "redirect"), ("gemini", "500"), ("open-library", "cut-json"),
                          ("google-books", "200-html"), ("wikidata", "drop-within"), ("isbndb", "503-html")):  # fmt: skip
        upstream.faults.add({"service": service, "kind": kind, "count": 2})
    succeeds(site, *materialize("2020-03"))
    assert all(fault["done"] for fault in upstream.faults.as_list())
    upstream.faults.clear()

    refused = {name: f"wrong-{value}" for name, value in CANARIES.items()}
    strangers = Site(site.folder, site.url, variables={**site.variables, **refused})
    month = Command(strangers, *materialize("2020-04"))
    assert month.wait() == 1
    assert "Gemini rejects the key in GEMINI_API_KEY" in month.output
    assert "xAI rejects the key in XAI_API_KEY" in month.output
    asked = Command(strangers, "alexandria", "resolve", "A Book", "--author", "Somebody", "--json")
    assert asked.wait() == 0
    assert '"outcome": "deferred"' in asked.output
    assert len(_places_with(site, ["Gemini rejects the key in"])) > 3, "tables, events and logs are looked through"
    assert _places_with(site, list(CANARIES.values())) == []
