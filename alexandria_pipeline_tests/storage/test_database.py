"""Transactions, sessions, and the translation of the driver's errors."""

from __future__ import annotations

import threading
import traceback
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from alexandria_pipeline.domain.errors import DatabaseUnavailable, InvalidValue, SettingsError, StorageError
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.queries import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.storage.database import Connection
    from alexandria_pipeline.storage.embedded.server import EmbeddedServer

ANSWER = Query("answer", "returns its parameter", "SELECT %(value)s::text AS value")
NAMES = Query("names", "a table to write to", "CREATE TABLE names (name text PRIMARY KEY)")
ADD = Query("add", "one row", "INSERT INTO names VALUES (%(name)s)")
ALL = Query("all", "all rows", "SELECT name FROM names ORDER BY name")


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    with Database(empty_database_url, pool_size=2) as database:
        yield database


def test_rows_are_dicts_and_values_are_parameters(database: Database) -> None:
    assert database.fetch_one(ANSWER, {"value": "'; DROP TABLE x; --%"}) == {"value": "'; DROP TABLE x; --%"}
    assert database.fetch_all(ANSWER, {"value": "日本"}) == [{"value": "日本"}]
    database.execute(NAMES)
    assert database.execute(ADD, {"name": "Ngũgĩ"}) == 1
    assert database.fetch_one(Query("none", "no row", "SELECT 1 WHERE false")) is None


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    database.execute(NAMES)

    def add_and_fail() -> None:
        with database.transaction() as connection:
            connection.execute(ADD, {"name": "first"})
            raise InvalidValue("an error of ours is not translated")

    with pytest.raises(InvalidValue, match="not translated"):
        add_and_fail()
    assert database.fetch_all(ALL) == []


def test_times_are_utc_and_statements_have_a_timeout(database: Database) -> None:
    now = database.fetch_one(Query("now", "the clock", "SELECT now() AS now"))
    assert now
    assert now["now"].utcoffset() == timedelta(0)
    with database.transaction() as connection:
        assert _setting(connection, "statement_timeout") == "1min"
        assert _setting(connection, "application_name") == "alexandria"
    with database.transaction(timeout=45) as connection:
        assert _setting(connection, "statement_timeout") == "45s"
    with pytest.raises(StorageError, match="timeout"), database.transaction(timeout=0.05) as connection:
        connection.execute("SELECT pg_sleep(30)")
    with database.transaction() as connection:
        assert _setting(connection, "statement_timeout") == "1min"


def test_options_of_the_address_are_kept(empty_database_url: str) -> None:
    url = empty_database_url + "&options=-c%20work_mem%3D8MB&application_name=mine"
    with Database(url) as database, database.transaction() as connection:
        assert _setting(connection, "work_mem") == "8MB"
        assert _setting(connection, "statement_timeout") == "1min"
        assert _setting(connection, "application_name") == "mine"


def test_a_refused_statement_is_a_storage_error_with_its_cause(database: Database) -> None:
    database.execute(NAMES)
    database.execute(ADD, {"name": "twice"})
    with pytest.raises(StorageError, match=r"duplicate key.*\(Key \(name\)=\(twice\) already exists") as caught:
        database.execute(ADD, {"name": "twice"})
    assert not isinstance(caught.value, DatabaseUnavailable)
    assert caught.value.__cause__ is not None


def test_a_value_that_postgresql_cannot_hold_is_a_storage_error(database: Database) -> None:
    with pytest.raises(StorageError, match="NUL"):
        database.fetch_one(ANSWER, {"value": "a\0b"})


def test_a_missing_server_is_reported_without_the_password() -> None:
    with Database("postgresql://someone:s3cret@127.0.0.1:1/books") as database:
        with pytest.raises(DatabaseUnavailable, match=r"someone@127.0.0.1:1/books cannot be reached") as caught:
            database.fetch_one(ANSWER, {"value": ""})
        with pytest.raises(DatabaseUnavailable):
            database.session()
        shown = "".join(traceback.format_exception(caught.value)) + repr(database) + database.address
    assert "s3cret" not in shown
    assert "\n" not in str(caught.value)


def test_a_wrong_password_and_a_missing_database_are_unavailable(empty_database_url: str) -> None:
    password = conninfo_to_dict(empty_database_url)["password"]
    with pytest.raises(DatabaseUnavailable, match="password authentication failed") as caught:
        Database(empty_database_url.replace(str(password), "s3cret")).session()
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        Database(make_conninfo(empty_database_url, dbname="no_such_database")).session()


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg2://me:s3cret@host/books", "nonsense s3cret", "mysql://me:s3cret@h"]
)
def test_an_unreadable_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="postgresql://user:password@host:5432/name") as caught:
        Database(url)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_after_a_lost_connection_the_next_transaction_works(database: Database, empty_database_url: str) -> None:
    with database.transaction() as connection:
        pid = connection.info.backend_pid
    with Database(empty_database_url) as other:
        _terminate(other, pid)
    assert database.fetch_one(ANSWER, {"value": "again"}) == {"value": "again"}


def test_after_the_loss_of_all_connections_the_next_transaction_works(server: EmbeddedServer) -> None:
    with Database(server.url(), pool_size=4) as database:
        with ExitStack() as held:
            connections = [held.enter_context(database.transaction()) for _ in range(4)]
            pids = [connection.info.backend_pid for connection in connections]
        with Database(server.url()) as other:
            for pid in pids:
                _terminate(other, pid)
        assert database.fetch_one(ANSWER, {"value": "again"}) == {"value": "again"}


def test_a_reader_replaces_lost_connections_and_changes_nothing(server: EmbeddedServer) -> None:
    with Database(server.url(), pool_size=4) as database:
        reader = database.reader(0.2)
        with ExitStack() as held:
            connections = [held.enter_context(reader.transaction()) for _ in range(4)]
            pids = [connection.info.backend_pid for connection in connections]
        for pid in pids:
            _terminate(database, pid)
        assert reader.read(ANSWER, {"value": "again"}) == [{"value": "again"}]
        with pytest.raises(StorageError, match="timeout"):
            reader.read(Query("sleep", "takes too long", "select pg_sleep(60)"))
        with pytest.raises(StorageError, match="read-only"):
            reader.read(Query("make", "writes", "create table made (id int)"))
        assert reader.read(ANSWER, {"value": "still"}) == [{"value": "still"}]


def test_a_connection_lost_within_a_transaction_is_unavailable(database: Database) -> None:
    def lose_connection() -> None:
        with database.transaction() as connection:
            _terminate(database, connection.info.backend_pid)
            connection.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailable, match="terminating connection"):
        lose_connection()
    assert database.fetch_one(ANSWER, {"value": "again"}) == {"value": "again"}


def test_a_session_holds_its_lock_until_it_is_closed(database: Database) -> None:
    take = "SELECT pg_try_advisory_lock(7) AS taken"
    session = database.session()
    with database.session() as other:
        assert session.execute(take).fetchone() == {"taken": True}
        assert other.execute(take).fetchone() == {"taken": False}
        session.close()
        other.execute("SELECT pg_advisory_lock(7)")  # the server frees it a moment after the client has closed
        with pytest.raises(DatabaseUnavailable), database.translated():
            session.execute("SELECT 1")


def test_a_database_can_be_closed_twice_and_used_again(database: Database) -> None:
    database.fetch_one(ANSWER, {"value": ""})
    database.close()
    database.close()
    assert database.fetch_one(ANSWER, {"value": "again"}) == {"value": "again"}


def test_threads_share_the_pool(database: Database) -> None:
    answers: list[object] = []

    def ask(number: int) -> None:
        answers.append(database.fetch_one(ANSWER, {"value": str(number)}))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 16


def _setting(connection: Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s) AS value", [name]).fetchone()
    assert row
    return str(row["value"])


def _terminate(database: Database, pid: int) -> None:
    with database.transaction() as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
