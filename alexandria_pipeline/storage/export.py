"""Reads works with their editions for exports, a few at a time, from one snapshot of the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.storage.database import Database

_SQL = Queries("export")

ROWS_PER_FETCH = 1_000
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


def works(database: Database, first: Month, last: Month, since: datetime | None) -> Iterator[dict[str, Any]]:
    """Yields the works listed from `first` to `last` that changed since a time, by work key. Raises StorageError."""
    parameters = {
        "first": first.year * 100 + first.month,
        "last": last.year * 100 + last.month,
        "since": since or EARLIEST,
    }
    with database.transaction(timeout=0) as tx, tx.cursor(name="export") as cursor:
        cursor.itersize = ROWS_PER_FETCH
        cursor.execute(_SQL["works"], parameters)
        yield from cursor
