"""Enrichment is killed with -9 at three places. The next run serves the same rows as a run that nothing broke."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from alexandria_pipeline.composition import opened_pipeline
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline_tests.checkpoints import Barrier, Checkpoint, closed_barrier
from alexandria_pipeline_tests.processes import Worker
from alexandria_pipeline_tests.stages import enrich_worker
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import rows, run_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from alexandria_pipeline.storage.embedded.server import EmbeddedServer

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)
pytestmark = pytest.mark.slow("three processes that enrich a month over HTTP")

MONTH = Month(2020, 1)
PLACES = (
    Checkpoint("source_record", "provider", "= 'google-books'"),
    Checkpoint("source_record", "part", "= 'ratings'"),
    Checkpoint("source_record", "kind", "= 'author'"),
)
"""Among the answers about editions, about works, and about authors."""

DROP_CHECKPOINT = Query("drop_checkpoint", "test", "drop trigger checkpoint on source_record")

SERVED = {
    "enriched_editions": "isbn13",
    "enriched_works": "work_key",
    "enriched_authors": "author_key",
    "field_conflict": "subject, field",
    "external_id": "kind, subject, scheme, value",
    "identity_judgement": "kind, left_key, right_key",
}
OF_A_RUN = {
    "author_id",
    "judgement_id",
    "merged_into",
    "decided_at",
    "decided_by",
    "updated_at",
    "enriched_at",
    "found_at",
    "created_at",
}
ANSWERED_TWICE = """select service, url, count(*) as answers from api_call
where stage like 'enriched%%' and outcome in ('answered', 'empty') group by service, url having count(*) > 1"""


@pytest.fixture
def copy_url(database_url: str, server: EmbeddedServer, administrator: psycopg.Connection) -> Iterator[str]:
    """The address of a database that the test makes as a copy of its first one."""
    yield server.url("copy_of_resolved")
    administrator.execute("DROP DATABASE IF EXISTS copy_of_resolved WITH (FORCE)")


@pytest.fixture
def environment(
    upstream_environment: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    assert upstream_environment
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_DAILY_LIMIT", "100000")
    return monkeypatch


def _enrich(run_id: str) -> None:
    with opened_pipeline(load_settings()) as world:
        world.enrich([MONTH], run_id)


def _served(url: str) -> dict[str, list[str]]:
    """The served rows and the stored claims, without what names a run: ids, times, and the numbers of answers."""
    with Database(url) as database, database.transaction() as tx:
        found: dict[str, list[dict[str, Any]]] = {
            table: tx.execute(
                sql.SQL("select * from {} order by {}").format(sql.Identifier(table), sql.SQL(key))
            ).fetchall()
            for table, key in SERVED.items()
        }
        found["work_authors"] = tx.execute(
            "select w.work_key, a.author_key, l.role, l.position, l.credited, l.identifiers from work_authors l"
            " join enriched_works w using (work_id) join enriched_authors a using (author_id) order by 1, 3, 4"
        ).fetchall()
        found["merged"] = tx.execute(
            "select a.author_key, b.author_key as into from enriched_authors a join enriched_authors b on b.author_id = a.merged_into"
            " union all select a.work_key, b.work_key from enriched_works a join enriched_works b on b.work_id = a.merged_into"
            " order by 1"
        ).fetchall()
        found["claims"] = tx.execute(
            "select r.provider, r.kind, r.part, r.subject, c.field, c.value, c.rank from source_record r join claim c using (record_id)"
            " where r.replaced_at is null order by 1, 2, 3, 4, 5"
        ).fetchall()
        found["requests"] = tx.execute(
            "select kind, subject, provider, part, outcome from enrichment_request order by 1, 2, 3, 4"
        ).fetchall()
    for row in (row for table in found.values() for row in table):
        for field in (row.get("provenance") or {}).values():
            field.pop("records", None)
    return {
        table: [
            json.dumps({k: v for k, v in row.items() if k not in OF_A_RUN}, default=str, sort_keys=True) for row in each
        ]
        for table, each in found.items()
    }


def _kill_at(barrier: Barrier, run_id: str) -> None:
    """Starts a run, and kills it when it waits at the barrier."""
    worker = Worker(enrich_worker.enrich, dict(os.environ), run_id, MONTH)
    until(lambda: barrier.reached() or not worker.running)
    assert worker.running
    worker.kill()


def test_a_run_after_kills_serves_what_an_unbroken_run_serves(
    environment: pytest.MonkeyPatch, database_url: str, copy_url: str, administrator: psycopg.Connection
) -> None:
    with opened_pipeline(load_settings()) as world, Database(database_url) as database:
        run_all(database, world, [MONTH])
    original = sql.Identifier(database_url.rpartition("/")[2].partition("?")[0])
    administrator.execute(sql.SQL("CREATE DATABASE copy_of_resolved TEMPLATE {}").format(original))

    for number, place in enumerate(PLACES):
        with closed_barrier(database_url, place) as barrier:
            _kill_at(barrier, f"killed-{number}")
        with Database(database_url) as database:
            database.execute(DROP_CHECKPOINT)
    _enrich("last")
    with Database(database_url) as database:
        assert rows(database, ANSWERED_TWICE) == [], "an answer that was kept is not asked for again"
        assert rows(database, "select 1 from enrichment_request where outcome = 'asking'") == []
    environment.setenv("ALEXANDRIA_DATABASE_URL", copy_url)
    _enrich("unbroken")
    broken, unbroken = _served(database_url), _served(copy_url)
    for table, found in unbroken.items():
        assert broken[table] == found, table
    assert len(unbroken["enriched_works"]) > 10
