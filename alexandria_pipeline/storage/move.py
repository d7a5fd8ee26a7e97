"""Moves the whole database to another server: the tables of the pipeline and those of Dagster.

The content goes through a pipe from pg_dump to psql, as text, so that the new server may have another version. It arrives in one
transaction, whose end is written only after the whole dump, so that a move that was killed leaves nothing there. Until the move ends,
the earlier database is read-only; after a move it stays so, because a process with the old address must not write to a database
that is no longer read. Which programs are used is decided by the caller.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from alexandria_pipeline.domain.errors import InvalidValue, StorageError
from alexandria_pipeline.storage.backup import client_environment, client_failure, refuse_while_runs_work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

_TABLES: Final = """
select schemaname, tablename from pg_tables
where schemaname not in ('pg_catalog', 'information_schema') and schemaname not like 'pg_toast%' order by 1, 2
"""

# A setting at the top of a dump that servers before version 17 do not know.
_UNKNOWN_BEFORE_17: Final = b"SET transaction_timeout = 0;\n"
_LINES_AT_THE_TOP: Final = 40


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move copied: number of tables and of rows."""

    tables: int
    rows: int


def move(programs: Path, source: str, target: str) -> Moved:
    """Copies all tables of the database `source` to the empty database `target`, which is made if it is missing.

    Afterwards `source` is read-only. Raises InvalidValue while a run is at work or if `target` has tables, StorageError if a
    server or program refuses; then `target` is empty and `source` is as it was.
    """
    _refuse_no_address(target)
    refuse_while_runs_work(source)
    _make(target)
    if _same(source, target):
        raise InvalidValue("the new address is that of the database in use")
    if present := _counts(target):
        raise InvalidValue(f"the new database has {len(present)} tables already; name an empty one")
    with _read_only(source):
        _copy(programs, source, target)
        counted, arrived = _counts(source), _counts(target)
        if counted != arrived:
            different = sorted(name for name in counted if counted[name] != arrived.get(name))
            raise StorageError(
                f"The copy is not complete ({', '.join(different)}). Empty the new database, and try again."
            )
    return Moved(len(arrived), sum(arrived.values()))


def _refuse_no_address(url: str) -> None:
    try:
        complete = url.startswith(("postgresql://", "postgres://")) and conninfo_to_dict(url).get("dbname")
    except psycopg.Error:
        complete = None
    if not complete:
        # The address is not repeated, because it may hold a password.
        raise InvalidValue(
            "the new address must look like postgresql://user:password@host:5432/name"
            " (percent-encode special characters in the password)"
        )


def _make(url: str) -> None:
    """Makes the database of an address if the server does not have it."""
    try:
        with psycopg.connect(url):
            return
    except psycopg.OperationalError as error:
        name = str(conninfo_to_dict(url).get("dbname") or "")
        # The error of a failed connection has no code; the server's text is the same in every version.
        if f'database "{name}" does not exist' not in str(error):
            raise StorageError(f"The new database cannot be reached: {_reason(error)}") from error
    try:
        with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as server:
            statement = "create database {} template template0 encoding 'UTF8'"
            server.execute(sql.SQL(statement).format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise StorageError(f"The new database {name} cannot be made: {_reason(error)}") from error


def _same(one: str, other: str) -> bool:
    """Whether both addresses are one database: the same server process time, port and name."""
    identities = []
    for url in (one, other):
        with psycopg.connect(url) as connection:
            identities.append(
                connection.execute(
                    "select current_database(), pg_postmaster_start_time(), inet_server_port()"
                ).fetchone()
            )
    return identities[0] == identities[1]


def _counts(url: str) -> dict[str, int]:
    """The number of rows of every table."""
    with psycopg.connect(url) as connection:
        found: dict[str, int] = {}
        for schema, table in connection.execute(_TABLES).fetchall():
            query = sql.SQL("select count(*) from {}.{}").format(sql.Identifier(schema), sql.Identifier(table))
            row = connection.execute(query).fetchone()
            found[f"{schema}.{table}"] = row[0] if row else 0
        return found


@contextlib.contextmanager
def _read_only(url: str) -> Iterator[None]:
    """New connections to the database cannot write, and the present ones end. Undone if the body fails."""
    name = str(conninfo_to_dict(url).get("dbname") or "alexandria")
    administrator = make_conninfo(url, dbname="postgres")
    with psycopg.connect(administrator, autocommit=True) as server:
        change = "alter database {} set default_transaction_read_only = on"
        server.execute(sql.SQL(change).format(sql.Identifier(name)))
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
    try:
        yield
    except BaseException:
        with psycopg.connect(administrator, autocommit=True) as server:
            undo = "alter database {} reset default_transaction_read_only"
            server.execute(sql.SQL(undo).format(sql.Identifier(name)))
        raise


def _copy(programs: Path, source: str, target: str) -> None:
    """pg_dump of the one into psql of the other, in one transaction. Raises StorageError; then `target` is unchanged."""
    dump = [str(programs / "pg_dump"), "--no-owner", "--no-privileges"]
    load = [str(programs / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    with tempfile.TemporaryFile() as dump_errors, tempfile.TemporaryFile() as load_errors:
        writer = subprocess.Popen(  # noqa: S603 - programs of our own folder, no shell
            dump, env=client_environment(source), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=dump_errors
        )
        reader = subprocess.Popen(  # noqa: S603
            load, env=client_environment(target), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=load_errors
        )
        output, input_ = cast("IO[bytes]", writer.stdout), cast("IO[bytes]", reader.stdin)
        # psql ends early when it fails; then its message is the one to show.
        with contextlib.suppress(BrokenPipeError), output, input_:
            input_.write(b"begin;\n")
            for number, line in enumerate(output):
                if number >= _LINES_AT_THE_TOP or line != _UNKNOWN_BEFORE_17:
                    input_.write(line)
            if writer.wait() == 0:
                input_.write(b"commit;\n")
        if reader.wait():
            writer.wait()
            raise client_failure(load[0], _text(load_errors))
        if writer.wait():
            raise client_failure(dump[0], _text(dump_errors))


def _text(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _reason(error: psycopg.Error) -> str:
    return error.diag.message_primary or " ".join(str(error).split())
