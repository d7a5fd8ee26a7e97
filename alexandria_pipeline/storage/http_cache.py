"""Answers of services that are still good: found by key, pruned when they are past their time.

They are stored in the statement that ends the call (`ledger.py`), so that an answer is never paid for and lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline.storage.threads import Threads

_SQL = Queries("http_cache")

PORTION = 1000


class HttpCache:
    """The answers of all services. `find` is for the transport, the others for housekeeping."""

    def __init__(self, database: Database, threads: Threads) -> None:
        self._database = database
        self._threads = threads

    async def find(self, key: str) -> tuple[int, bytes] | None:
        """Status and stored body of an answer that is still good. Raises StorageError."""
        row = await self._threads.run(self._database.fetch_one, _SQL["find"], {"key": key})
        return (row["status"], row["body"]) if row else None

    def prune(self) -> int:
        """Removes what is past its time, in small transactions; gives the number. Raises StorageError."""
        total = 0
        while removed := self._database.execute(_SQL["prune"], {"portion": PORTION}):
            total += removed
        return total

    def forget(self, service: str) -> int:
        """Removes all answers of a service; gives the number. Raises StorageError."""
        return self._database.execute(_SQL["forget"], {"service": service})
