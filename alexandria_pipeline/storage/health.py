"""Facts about the database itself, for `alexandria doctor`: version, size, clock, rights, and work that waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

_SQL = Queries("health")


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """`version` as PostgreSQL's number, such as 180000; `bytes`: the size of this database; `now`: its clock."""

    version: int
    version_text: str
    bytes: int
    now: datetime
    may_create: bool
    may_write: bool
    has_trigrams: bool
    read_only: bool


def database_facts(database: Database) -> DatabaseFacts:
    """Reads the facts. Raises StorageError."""
    row = database.fetch_one(_SQL["facts"])
    return DatabaseFacts(**dict(row or {}))


def unsent_alerts(database: Database) -> int:
    """Returns the number of alerts that some receiver has not got. Raises StorageError."""
    row = database.fetch_one(_SQL["unsent_alerts"])
    return int(row["count"]) if row else 0
