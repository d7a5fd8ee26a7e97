"""The cache of responses: found by key until their time to live ends. `retention.py` removes expired ones.

They are stored in the statement that ends the call (`ledger.py`), so that an answer is never paid for and lost. A run asks
for the first answers of all its books at once: keys that wait together are looked up together, one statement after the
other, so that this leaves time to those who have a slot to keep.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline.storage.threads import Threads

_SQL = Queries("http_cache")

MAX_KEYS = 50  # keys in one statement; their bodies are in memory together

Found = dict[str, tuple[int, bytes]]


@dataclass(slots=True)
class _Batch:
    """Keys of one statement."""

    keys: set[str]
    found: asyncio.Task[Found]


@dataclass(slots=True)
class _Queue:
    """The pending keys of one event loop: `turn` allows one statement at a time, `last` still accepts keys."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    last: _Batch | None = None


class HttpCache:
    """The cache of all services. `find` is for the transport, `forget` is for maintenance."""

    def __init__(self, database: Database, threads: Threads) -> None:
        self._database = database
        self._threads = threads
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()

    async def find(self, key: str) -> tuple[int, bytes] | None:
        """Returns status and body of a response within its time to live, or None. Raises StorageError."""
        queue = self._queues.setdefault(asyncio.get_running_loop(), _Queue())
        batch = queue.last
        if batch is None or len(batch.keys) >= MAX_KEYS:
            keys: set[str] = set()
            batch = queue.last = _Batch(keys, asyncio.create_task(self._look_up(keys, queue)))
        batch.keys.add(key)
        return (await asyncio.shield(batch.found)).get(key)

    async def _look_up(self, keys: set[str], queue: _Queue) -> Found:
        async with queue.turn:
            if queue.last is not None and queue.last.keys is keys:
                queue.last = None
            rows = await self._threads.run(self._database.fetch_all, _SQL["find"], {"keys": sorted(keys)})
        return {row["cache_key"]: (row["status"], row["body"]) for row in rows}

    def forget(self, service: str) -> int:
        """Removes all entries of a service; returns their number. Raises StorageError."""
        return self._database.execute(_SQL["forget"], {"service": service})
