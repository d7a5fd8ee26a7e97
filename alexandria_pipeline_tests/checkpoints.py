"""Stops a run of the pipeline at a known place in the database, so that a test can kill it there.

A stopped process waits for a lock that the test holds. Nothing depends on how fast the machine is.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = 8_204_711  # key of the advisory lock; the pipeline's own keys have two parts

FUNCTION = """create or replace function {function}() returns trigger language plpgsql as $$
begin
    if exists (select 1 from {table} where {column} {condition} and pg_xact_status(xmin::text::xid8) = 'committed') then
        perform pg_advisory_xact_lock_shared({lock});
    end if;
    return new;
end $$"""
TRIGGER = """create or replace trigger checkpoint before insert or update on {table} for each row
    when (new.{column} {condition}) execute function {function}()"""
WAITING = """select count(*) from pg_locks where locktype = 'advisory' and not granted and objid = %s
    and database = (select oid from pg_database where datname = current_database())"""


@dataclass(frozen=True)
class Checkpoint:
    """A place in a stage: some rows of the table meet the condition, and the next transaction is about to write one more."""

    table: str
    column: str
    condition: str


class Barrier:
    """Processes of this database wait at the checkpoint while the barrier is closed."""

    def __init__(self, connection: psycopg.Connection, checkpoint: Checkpoint) -> None:
        self._connection = connection
        self._checkpoint = checkpoint

    def reached(self) -> bool:
        """Whether a process waits at the checkpoint."""
        return bool(self._one(sql.SQL(WAITING), LOCK))

    def done(self) -> int:
        """The number of committed rows that meet the condition."""
        query = "select count(*) from {table} where {column} {condition}"
        return int(self._one(sql.SQL(query).format(**_parts(self._checkpoint))))

    def _one(self, query: sql.SQL | sql.Composed, *values: object) -> Any:
        row = self._connection.execute(query, values or None).fetchone()
        assert row is not None
        return row[0]


@contextmanager
def closed_barrier(url: str, checkpoint: Checkpoint) -> Iterator[Barrier]:
    """A closed barrier; it is open afterwards. The database needs its tables. The server may die meanwhile."""
    connection = psycopg.connect(url, autocommit=True)
    try:
        for statement in (FUNCTION, TRIGGER):
            connection.execute(sql.SQL(statement).format(**_parts(checkpoint)))
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        yield Barrier(connection, checkpoint)
    finally:
        with suppress(psycopg.OperationalError):
            connection.close()


@contextmanager
def books_locked(url: str) -> Iterator[None]:
    """No process can store a book or change one. The server may die meanwhile."""
    connection = psycopg.connect(url)
    try:
        connection.execute("lock table generated_book in share mode")
        yield
    finally:
        with suppress(psycopg.OperationalError):
            connection.close()


BOOKS_ARE_WAITED_FOR = "select count(*) > 0 from pg_locks where not granted and relation = 'generated_book'::regclass"


def _parts(checkpoint: Checkpoint) -> dict[str, sql.Composable]:
    return {
        "table": sql.Identifier(checkpoint.table),
        "column": sql.Identifier(checkpoint.column),
        "condition": sql.SQL(checkpoint.condition),
        "function": sql.Identifier(f"checkpoint_{checkpoint.table}"),
        "lock": sql.Literal(LOCK),
    }
