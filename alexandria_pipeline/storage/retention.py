"""Removes rows that are older than the retention and that nothing needs any more.

Replies of generators, works, editions, books and claims are never removed here: they are paid for, or they are the evidence for a
promise. Calls are added up before they are removed, because costs are computed from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline.storage.queries import Query

_SQL, _CACHE = Queries("retention"), Queries("http_cache")

PORTION: Final = 1000
TABLES: Final = {
    "alerts": "alert",
    "stages": "stage_log",
    "attempts": "resolution_attempt",
    "changes": "library_change",
}
"""The queries of `retention.sql` and the table that each prunes."""
LEDGERS: Final = {"calls": "api_call", "fields": "enrichment_log"}
"""The same, for what is kept longer."""


def prune(database: Database, days: int, ledger_days: int) -> dict[str, int]:
    """Removes what is older than `days`, and expired responses; returns the rows removed from each table.

    `ledger_days`: the age of single calls and of changes of fields. Works in small transactions and may run beside everything else.
    Raises StorageError.
    """
    removed = {"http_cache": _remove(database, _CACHE["prune"], {"portion": PORTION})}
    for query, table in TABLES.items():
        removed[table] = _remove(database, _SQL[query], {"portion": PORTION, "days": days})
    for query, table in LEDGERS.items():
        removed[table] = _remove(database, _SQL[query], {"portion": PORTION, "days": ledger_days})
    return removed


def database_megabytes(database: Database) -> float:
    """The size of the whole database, with Dagster's tables if they are in it. Raises StorageError."""
    row = database.fetch_one(_SQL["size"])
    return round(row["bytes"] / 1e6, 1) if row else 0.0


def _remove(database: Database, query: Query, values: dict[str, int]) -> int:
    total = 0
    while count := database.execute(query, values):
        total += count
    return total
