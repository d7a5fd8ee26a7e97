"""Backup, restore and reset of a database with real months, by PostgreSQL's own programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexandria_pipeline.domain.errors import InvalidValue, StorageError
from alexandria_pipeline.operations.recover import recover
from alexandria_pipeline.stages.runner import MonthRunner
from alexandria_pipeline.storage import backup as backups
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.run_heartbeat import heartbeat
from alexandria_pipeline_tests.world import JULY, JUNE, dump, holder, pipeline, rows, run_all

TABLES = ["backfill_log", "generation_reply", "generated_book", "generated_listing", "enriched_works", "enriched_editions",
          "resolution_attempt", "api_call", "month_claim"]  # fmt: skip


def test_a_restored_backup_has_every_row_and_keeps_the_earlier_database(
    database: Database, database_url: str, server: EmbeddedServer, tmp_path: Path
) -> None:
    run_all(database, pipeline(database, tmp_path), [JUNE])
    before, file = dump(database, TABLES), tmp_path / "books.dump"
    with heartbeat(database, "run-at-work"):
        assert backups.backup(server.programs(), database_url, file) == file.stat().st_size > 0
    assert file.stat().st_mode & 0o077 == 0, "others cannot read it"
    run_all(database, pipeline(database, tmp_path), [JULY], "run-2")
    assert dump(database, TABLES) != before

    kept = backups.restore(server.programs(), database_url, file)
    assert dump(database, TABLES) == before
    with Database(server.url(kept)) as earlier:
        assert [row["month"] for row in rows(earlier, "select month from backfill_log order by month")] == [6, 7]


def test_a_month_that_was_at_work_during_the_backup_is_finished_without_a_second_request(
    database: Database, database_url: str, server: EmbeddedServer, tmp_path: Path
) -> None:
    world, file = pipeline(database, tmp_path), tmp_path / "books.dump"
    runner = MonthRunner(holder(database))
    runner.run(world.generate, [JUNE])
    backups.backup(server.programs(), database_url, file)
    replies = dump(database, ["generation_reply", "generated_listing"])
    runner.close()

    backups.restore(server.programs(), database_url, file)
    assert rows(database, "select status from backfill_log") == [{"status": "processing"}]
    suspects = recover(database, frozenset()).suspects
    recover(database, suspects)
    run_all(database, world, [JUNE], "run-2")
    assert rows(database, "select status from backfill_log") == [{"status": "completed"}]
    assert dump(database, ["generation_reply", "generated_listing"]) == replies


def test_a_reset_is_an_empty_database_and_the_earlier_one_is_kept(
    database: Database, database_url: str, server: EmbeddedServer, tmp_path: Path
) -> None:
    run_all(database, pipeline(database, tmp_path), [JUNE])
    before = dump(database, TABLES)
    kept = backups.reset(database_url)
    migrate(database)
    assert not any(dump(database, TABLES).values())
    with Database(server.url(kept)) as earlier:
        assert dump(earlier, TABLES) == before


def test_neither_is_done_while_a_run_is_at_work(
    database: Database, database_url: str, server: EmbeddedServer, tmp_path: Path
) -> None:
    file = tmp_path / "books.dump"
    backups.backup(server.programs(), database_url, file)
    with heartbeat(database, "run-1"):
        with pytest.raises(InvalidValue, match="runs at work on this database: 1"):
            backups.restore(server.programs(), database_url, file)
        with pytest.raises(InvalidValue, match="runs at work on this database: 1"):
            backups.reset(database_url)


def test_a_file_that_is_no_backup_changes_nothing(
    database: Database, database_url: str, server: EmbeddedServer, tmp_path: Path
) -> None:
    run_all(database, pipeline(database, tmp_path), [JUNE])
    before, file = dump(database, TABLES), tmp_path / "wrong"
    with pytest.raises(InvalidValue, match="cannot be read"):
        backups.restore(server.programs(), database_url, file)
    file.write_text("month\ttitle\n")
    with pytest.raises(InvalidValue, match="is not a backup"):
        backups.restore(server.programs(), database_url, file)
    file.write_bytes(b"PGDMP and nothing more")
    with pytest.raises(StorageError, match="pg_restore failed"):
        backups.restore(server.programs(), database_url, file)
    with pytest.raises(InvalidValue, match="exists"):
        backups.backup(server.programs(), database_url, file)
    assert dump(database, TABLES) == before
