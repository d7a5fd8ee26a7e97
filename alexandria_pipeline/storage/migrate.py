"""Migrations: brings the tables of a database to the version of this code, or checks that they have it.

Numbered SQL files in `sql/migrations/` (`0001_foundation.sql`) are applied once each, in order, each in a transaction,
by one process at a time, and recorded with a checksum in `schema_migration`. A shipped file is never edited: changes
are new files. Which database to migrate, and when, is decided in `server.py` and on the command line.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import DatabaseUnavailable, SchemaOutdated, StorageError
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from alexandria_pipeline.storage.database import Connection, Database

SQL = Queries("migrate")
FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
STATEMENT_TIMEOUT = 3600.0  # seconds; a large table takes long to rewrite, and another process may be migrating


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file: number, name and text."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


_ADVICE: Final = {
    "pg_trgm": ". A superuser makes it once: create extension pg_trgm; it belongs to the package postgresql-contrib",
    "permission denied for schema": ". The role must own the schema, or have CREATE on it: deploy/roles.sql makes such a role",
    "permission denied for database": ". The role needs CREATE on the database: deploy/roles.sql makes such a role",
    "read-only": ". Run it with the role that owns the tables, on the primary server",
}
"""Parts of a reason for which a person can do something, and what."""


def migrate(database: Database, migrations: Traversable | None = None) -> list[str]:
    """Applies the missing migrations; returns the names of those applied by this call.

    Raises SchemaOutdated when an applied file was changed or the database is newer than this code, StorageError naming
    the file when a migration fails (it then left nothing behind).
    """
    known = read_migrations(migrations)
    applied = []
    try:
        while (name := _apply_next(database, known)) is not None:
            applied.append(name)
    except (DatabaseUnavailable, SchemaOutdated):
        raise
    except StorageError as error:
        advice = next((text for part, text in _ADVICE.items() if part in str(error)), "")
        raise StorageError(f"{error}{advice}") from error
    return applied


def check_schema(database: Database, migrations: Traversable | None = None) -> None:
    """Raises SchemaOutdated, with the command to run, unless the tables have the version of this code."""
    missing = pending(database, migrations)
    if missing:
        names = ", ".join(migration.name for migration in missing)
        raise SchemaOutdated(
            f"The tables of {database.address} are older than this code ({names}). Run: alexandria db migrate"
        )


def pending(database: Database, migrations: Traversable | None = None) -> list[Migration]:
    """Returns the migrations that the database lacks, in order. Raises SchemaOutdated as `migrate` does."""
    known = read_migrations(migrations)
    if is_new(database):
        return known
    with database.transaction() as connection:
        return _missing(connection, known)


def is_new(database: Database) -> bool:
    """Returns whether the database was never migrated; tables of other programs do not count."""
    row = database.fetch_one(SQL["has_register"])
    return not (row and row["present"])


def read_migrations(folder: Traversable | None = None) -> list[Migration]:
    """The migrations of a folder (default: this package's) in order; StorageError for a misnamed or double number."""
    folder = folder or resources.files("alexandria_pipeline.storage") / "sql" / "migrations"
    found: dict[int, Migration] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        name = FILE_NAME.fullmatch(file.name)
        version = int(name[1]) if name else 0
        if version == 0 or version in found:
            raise StorageError(
                f"{file.name}: a migration is named NNNN_what_it_does.sql, with a number of its own from 0001."
            )
        text = file.read_text("utf-8").replace("\r\n", "\n")  # line endings of a checkout do not count as a change
        found[version] = Migration(version, file.name, text)
    return list(found.values())


def _apply_next(database: Database, known: list[Migration]) -> str | None:
    """Applies and records the first missing migration in one transaction; returns its name."""
    with database.transaction(timeout=STATEMENT_TIMEOUT) as connection:
        connection.execute(SQL["lock"])
        connection.execute(SQL["create_register"])
        missing = _missing(connection, known)
        if not missing:
            return None
        migration = missing[0]
        _run(database, connection, migration)
        record = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
        connection.execute(SQL["record"], record)
    return migration.name


def _run(database: Database, connection: Connection, migration: Migration) -> None:
    try:
        with database.translated():
            connection.execute(migration.text.encode())  # no parameters: a file may hold many statements
    except DatabaseUnavailable:
        raise
    except StorageError as error:
        raise StorageError(f"The migration {migration.name} failed and changed nothing. {error}") from error


def _missing(connection: Connection, known: list[Migration]) -> list[Migration]:
    """Returns the migrations that are not recorded. Raises SchemaOutdated when the records contradict the files."""
    by_version = {migration.version: migration for migration in known}
    applied = set()
    for row in connection.execute(SQL["applied"]):
        migration = by_version.get(row["version"])
        if migration is None:
            raise SchemaOutdated(
                f"The database is newer than this code (it has {row['name']}): upgrade alexandria-pipeline."
            )
        if migration.checksum != row["checksum"]:
            raise SchemaOutdated(
                f"The migration {migration.name} was changed after it was applied. Restore the file and put the change"
                " into a new one; a database without anything of value may also be dropped and made again."
            )
        applied.add(migration.version)
    return [migration for migration in known if migration.version not in applied]
