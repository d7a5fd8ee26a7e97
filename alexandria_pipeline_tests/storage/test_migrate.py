"""Migrations: each is applied once and in order, by one process at a time, and changed files are refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.errors import SchemaOutdated, StorageError
from alexandria_pipeline.storage.connect import open_database
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.migrate import check_schema, is_new, migrate, read_migrations
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline_tests.processes import Worker
from alexandria_pipeline_tests.storage.workers import migrate_and_send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.embedded.server import EmbeddedServer

FIRST, SECOND = "0001_towns.sql", "0002_rivers.sql"
TABLES = Query(
    "tables",
    "the names of all tables",
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
)


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    with Database(empty_database_url) as database:
        yield database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FIRST).write_text("CREATE TABLE towns (name text);\nINSERT INTO towns VALUES ('100 %');\n")
    (tmp_path / SECOND).write_text("CREATE TABLE rivers (name text);\n")
    (tmp_path / "README.md").write_text("not a migration")
    return tmp_path


def _tables(database: Database) -> set[str]:
    return {row["relname"] for row in database.fetch_all(TABLES)}


def test_migrations_are_applied_in_order_and_once(empty: Database, folder: Path) -> None:
    assert is_new(empty)
    assert migrate(empty, folder) == [FIRST, SECOND]
    assert migrate(empty, folder) == []
    assert not is_new(empty)
    assert _tables(empty) == {"towns", "rivers", "schema_migration"}
    check_schema(empty, folder)


@pytest.mark.slow("eight processes")
def test_eight_processes_apply_each_migration_once(empty_database_url: str, folder: Path) -> None:
    processes = [Worker(migrate_and_send, empty_database_url, folder) for _ in range(8)]
    applied = [name for process in processes for name in process.receive()]
    assert sorted(applied) == [FIRST, SECOND]


def test_eight_threads_apply_each_migration_once(empty: Database, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        applied = [name for names in pool.map(lambda _: migrate(empty, folder), range(8)) for name in names]
    assert sorted(applied) == [FIRST, SECOND]


def test_a_failed_migration_is_named_and_changes_nothing(empty: Database, folder: Path) -> None:
    (folder / SECOND).write_text("CREATE TABLE rivers (name text); SELECT 1/0;")
    with pytest.raises(StorageError, match=r"0002_rivers.sql failed and changed nothing.*division by zero"):
        migrate(empty, folder)
    assert _tables(empty) == {"towns", "schema_migration"}
    (folder / SECOND).write_text("CREATE TABLE rivers (name text);")
    assert migrate(empty, folder) == [SECOND]


def test_a_changed_file_is_refused_but_line_ends_do_not_matter(empty: Database, folder: Path) -> None:
    migrate(empty, folder)
    text = (folder / FIRST).read_text()
    (folder / FIRST).write_bytes(text.replace("\n", "\r\n").encode())
    check_schema(empty, folder)
    (folder / FIRST).write_text(text + "-- a comment\n")
    for action in (migrate, check_schema):
        with pytest.raises(SchemaOutdated, match=r"0001_towns.sql was changed after it was applied"):
            action(empty, folder)


def test_missing_migrations_are_refused_with_the_command_to_run(empty: Database, folder: Path) -> None:
    with pytest.raises(SchemaOutdated, match=r"0001_towns.sql, 0002_rivers.sql.*Run: alexandria db migrate"):
        check_schema(empty, folder)
    (folder / SECOND).rename(folder / "later")
    migrate(empty, folder)
    (folder / "later").rename(folder / SECOND)
    with pytest.raises(SchemaOutdated, match=r"older than this code \(0002_rivers.sql\)"):
        check_schema(empty, folder)


def test_unknown_migrations_are_refused_with_the_package_to_upgrade(empty: Database, folder: Path) -> None:
    migrate(empty, folder)
    (folder / SECOND).unlink()
    for action in (migrate, check_schema):
        with pytest.raises(SchemaOutdated, match=r"newer than this code.*0002_rivers.sql.*upgrade alexandria-pipeline"):
            action(empty, folder)


@pytest.mark.parametrize("name", ["1_short.sql", "0000_zero.sql", "0001_double.sql", "0003-dash.sql"])
def test_a_misnamed_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(StorageError, match="NNNN_what_it_does"):
        read_migrations(folder)


def test_the_migrations_of_the_package_are_numbered_without_gaps() -> None:
    versions = [migration.version for migration in read_migrations()]
    assert versions == list(range(1, len(versions) + 1))


def test_a_new_database_gets_its_tables_and_an_old_one_is_only_checked(empty_database_url: str, tmp_path: Path) -> None:
    with open_database(empty_database_url, tmp_path / "unused") as database:
        check_schema(database)
        database.execute(Query("forget", "a database of an older version", "DELETE FROM schema_migration"))
    with pytest.raises(SchemaOutdated, match="alexandria db migrate"):
        open_database(empty_database_url, tmp_path / "unused")
    assert not (tmp_path / "unused").exists(), "with an address, no local server is made"


def test_tables_of_other_programs_do_not_matter(empty: Database, empty_database_url: str, tmp_path: Path) -> None:
    empty.execute(Query("foreign", "a table of Dagster", "CREATE TABLE runs (id integer)"))
    with open_database(empty_database_url, tmp_path) as database:
        assert {"runs", "schema_migration"} < _tables(database)


def test_without_an_address_the_local_server_is_used_and_always_migrated(
    server: EmbeddedServer, server_home: Path
) -> None:
    for _ in range(2):
        with open_database(None, server_home) as database:
            assert database.address.endswith(f":{server.status().port}/alexandria")
            check_schema(database)
            database.execute(Query("undo", "a database of an older version", "DROP SCHEMA public CASCADE"))
            database.execute(Query("again", "an empty schema", "CREATE SCHEMA public"))
