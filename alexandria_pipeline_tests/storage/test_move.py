"""Moving a database with real months to another server: from one local server to a second one."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from alexandria_pipeline.domain.errors import InvalidValue, StorageError
from alexandria_pipeline.operations.recover import recover
from alexandria_pipeline.stages.runner import MonthRunner
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import check_schema
from alexandria_pipeline.storage.move import move
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline.storage.run_heartbeat import heartbeat
from alexandria_pipeline_tests.world import JULY, JUNE, dump, holder, pipeline, rows, run_all

pytestmark = pytest.mark.slow("starts a second server")

TABLES = ["backfill_log", "generation_reply", "generated_book", "generated_listing", "enriched_works", "enriched_editions",
          "resolution_attempt", "api_call", "month_claim"]  # fmt: skip


@pytest.fixture
def target(fragile: EmbeddedServer) -> str:
    """The address of a database that the second server does not have yet."""
    return fragile.url("library%20of%20the%20town")


def test_a_month_that_was_cut_off_is_finished_on_the_new_server_without_a_second_request(
    database: Database, database_url: str, server: EmbeddedServer, target: str, tmp_path: Path
) -> None:
    world, before = pipeline(database, tmp_path), dump(database, TABLES)
    run_all(database, world, [JULY])
    runner = MonthRunner(holder(database))
    runner.run(world.generate, [JUNE])
    runner.close()
    before = dump(database, TABLES)

    moved = move(server.programs(), database_url, target)
    assert dump(database, TABLES) == before
    with pytest.raises(StorageError, match=r"read-only\. After `alexandria db move`"), database.transaction() as tx:
        tx.execute(Query("test", "a write to the earlier database", "delete from month_claim"))

    with Database(target) as fresh:
        check_schema(fresh)
        assert dump(fresh, TABLES) == before
        assert moved.rows >= sum(map(len, before.values()))
        replies = dump(fresh, ["generation_reply", "generated_listing"])
        recover(fresh, recover(fresh, frozenset()).suspects)
        run_all(fresh, pipeline(fresh, tmp_path), [JUNE], "run-2")
        assert rows(fresh, "select distinct status from backfill_log") == [{"status": "completed"}]
        assert dump(fresh, ["generation_reply", "generated_listing"]) == replies

    with pytest.raises(InvalidValue, match=r"has [0-9]+ tables already"):
        move(server.programs(), database_url, target)


def test_a_dump_that_ends_early_leaves_both_sides_as_they_were(
    database: Database, database_url: str, server: EmbeddedServer, fragile: EmbeddedServer, tmp_path: Path
) -> None:
    run_all(database, pipeline(database, tmp_path), [JUNE])
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "psql").symlink_to(server.programs() / "psql")
    (programs / "pg_dump").write_text("#!/bin/sh\necho 'create table half ();'\necho 'the disk is gone' >&2\nexit 1\n")
    (programs / "pg_dump").chmod(0o755)
    with pytest.raises(StorageError, match="pg_dump failed: the disk is gone"):
        move(programs, database_url, fragile.url("half"))
    assert move(server.programs(), database_url, fragile.url("half")).tables > 10
    with psycopg.connect(fragile.url("half")) as connection:
        assert connection.execute("select to_regclass('half')").fetchone() == (None,)


def test_what_cannot_be_moved_stays_as_it_is(
    database: Database, database_url: str, server: EmbeddedServer, fragile: EmbeddedServer, tmp_path: Path
) -> None:
    run_all(database, pipeline(database, tmp_path), [JUNE])
    before = dump(database, TABLES)
    with heartbeat(database, "run-1"), pytest.raises(InvalidValue, match="runs at work on this database: 1"):
        move(server.programs(), database_url, fragile.url("other"))
    for wrong in ("books.example.org", "postgresql://books.example.org", "postgresql://a:b%@c/d"):
        with pytest.raises(InvalidValue, match="must look like"):
            move(server.programs(), database_url, wrong)
    with pytest.raises(InvalidValue, match="the database in use"):
        move(server.programs(), database_url, database_url)
    with pytest.raises(StorageError, match="cannot be reached"):
        move(server.programs(), database_url, "postgresql://nobody:x@127.0.0.1:1/books")

    with Database(fragile.url("postgres")) as administrator, administrator.transaction() as tx:
        tx.execute(Query("test", "a role without rights", "create role guest login password 'guest'"))
        tx.execute(Query("test", "tables are refused", "revoke create on schema public from public"))
    guest = fragile.url("postgres").replace(fragile.url("postgres").split("//")[1].split("@")[0], "guest:guest")
    with pytest.raises(StorageError, match=r"psql failed: .*permission denied"):
        move(server.programs(), database_url, guest)
    run_all(database, pipeline(database, tmp_path), [JULY], "run-2")
    assert dump(database, TABLES) != before
