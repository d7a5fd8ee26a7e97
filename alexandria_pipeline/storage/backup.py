"""Backups of a database: pg_dump to a file, and pg_restore into a new database that takes the place of the old one.

A backup is one snapshot, so it may be made while runs are at work. A restore first fills a database beside the current
one; only when that is complete do the two change names, and the earlier one is kept. Which database and which programs
are used is decided by the caller.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from alexandria_pipeline.domain.errors import InvalidValue, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_WORK: Final = """
select count(*) as sessions from pg_stat_activity
where datname = current_database() and application_name like 'alexandria run %'
"""


def backup(programs: Path, url: str, target: Path) -> int:
    """Writes all tables to `target` (pg_dump, custom format) and returns its size in bytes. Runs may be at work.

    The file appears only when it is complete, readable by its owner only. Raises InvalidValue for a target that exists or
    cannot be written, StorageError when pg_dump fails.
    """
    if target.exists():
        raise InvalidValue(f"{target} exists: name a new file")
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            _run([str(programs / "pg_dump"), "--format=custom", "--no-owner", "--no-privileges"], url, stdout=file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise InvalidValue(f"{target} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def restore(programs: Path, url: str, source: Path) -> str:
    """Replaces the database by the content of a backup; returns the name under which the earlier database is kept.

    Raises InvalidValue if the file is no backup or a run is at work, StorageError if the server or pg_restore refuses.
    In both cases the database is as it was.
    """
    _refuse_no_backup(source)
    refuse_while_runs_work(url)
    name = conninfo_to_dict(url).get("dbname") or "alexandria"
    fresh, kept = _names(str(name))
    with _administrator(url) as server:
        server.execute(sql.SQL("create database {} template template0").format(sql.Identifier(str(fresh))))
        try:
            command = [str(programs / "pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error"]
            _run([*command, f"--dbname={fresh}", str(source)], make_conninfo(url, dbname=fresh))
        except StorageError:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(fresh)))
            raise
        _exchange(server, str(name), fresh, kept)
    return kept


def reset(url: str) -> str:
    """Replaces the database by an empty one; returns the name under which the earlier database is kept.

    Raises InvalidValue while a run is at work, StorageError if the server refuses.
    """
    refuse_while_runs_work(url)
    name = str(conninfo_to_dict(url).get("dbname") or "alexandria")
    fresh, kept = _names(name)
    with _administrator(url) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(fresh)))
        _exchange(server, name, fresh, kept)
    return kept


def _names(name: str) -> tuple[str, str]:
    """Names for the new database and for the earlier one.

    The time is for people; the number keeps two commands within one second apart. PostgreSQL cuts names after 63 bytes.
    """
    moment = f"{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(2)}"
    return f"{name[:30]}_new_{moment}", f"{name[:30]}_before_{moment}"


def _exchange(server: psycopg.Connection, name: str, fresh: str, kept: str) -> None:
    """`fresh` takes the name of the database, whose connections end. Both names change in one transaction."""
    with server.transaction():
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        rename = sql.SQL("alter database {} rename to {}")
        server.execute(rename.format(sql.Identifier(name), sql.Identifier(kept)))
        server.execute(rename.format(sql.Identifier(fresh), sql.Identifier(name)))


@contextlib.contextmanager
def _administrator(url: str) -> Iterator[psycopg.Connection]:
    """A connection to the database `postgres` of the same server, in autocommit."""
    try:
        with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        reason = error.diag.message_primary or str(error)
        raise StorageError(f"The database server refused: {reason}. The database is unchanged.") from error


def refuse_while_runs_work(url: str) -> None:
    """Raises InvalidValue if a run works on the database, StorageError if it cannot be reached."""
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute(_AT_WORK).fetchone()
    except psycopg.Error as error:
        raise StorageError(f"The database cannot be reached: {error.diag.message_primary or error}") from error
    if row and row[0]:
        raise InvalidValue(f"runs at work on this database: {row[0]}. Wait for their end, or end them, and try again.")


def _refuse_no_backup(source: Path) -> None:
    try:
        with source.open("rb") as file:
            start = file.read(5)
    except OSError as error:
        raise InvalidValue(f"{source} cannot be read: {error.strerror}") from error
    if start != b"PGDMP":
        raise InvalidValue(f"{source} is not a backup of `alexandria db backup`")


def _run(command: list[str], url: str, stdout: IO[bytes] | int = subprocess.DEVNULL) -> None:
    answer = subprocess.run(  # noqa: S603 - programs of our own folder, no shell
        command,
        env=client_environment(url),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )
    if answer.returncode:
        raise client_failure(command[0], answer.stderr)


def client_environment(url: str) -> dict[str, str]:
    """The environment in which a client program of PostgreSQL connects to `url`; the password is not in its arguments."""
    parts = conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "require_auth": "PGREQUIREAUTH"}
    given = {variable: str(parts[part]) for part, variable in names.items() if parts.get(part)}
    return {**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, **given}


def client_failure(program: str, output: bytes) -> StorageError:
    """An error with the last lines of a client program."""
    last = output.decode(errors="replace").strip().splitlines()[-3:]
    return StorageError(f"{Path(program).name} failed: " + " ".join(last))
