"""Heartbeat: shows other processes that a run is alive, by a connection that has the run's name.

A killed process loses the connection at once, a lost machine after the TCP keep-alive. A live run that has lost it opens
another one within seconds, so recovery must check twice before it ends a run (`operations.recover`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database

_SQL = Queries("run_heartbeat")

CHECK_SECONDS = 5.0
PREFIX = "alexandria run "


@contextlib.contextmanager
def heartbeat(database: Database, run_id: str, seconds: float = CHECK_SECONDS) -> Iterator[None]:
    """Shows the run as alive while the block runs. Raises DatabaseUnavailable at the start only."""
    session = _start(database, run_id)
    ended = threading.Event()

    def watch() -> None:
        nonlocal session
        while not ended.wait(seconds):
            try:
                session.execute("select 1")
            except psycopg.Error:
                session.close()
                with contextlib.suppress(StorageError):  # no server now; the next check may find it
                    session = _start(database, run_id)

    watcher = threading.Thread(target=watch, name=f"heartbeat of {run_id}", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        session.close()


def live_runs(tx: Connection) -> frozenset[str]:
    """The runs that are alive at this moment, on all machines."""
    return frozenset(row["name"].removeprefix(PREFIX) for row in tx.execute(_SQL["live_runs"], {"prefix": PREFIX}))


def _start(database: Database, run_id: str) -> Connection:
    session = database.session()
    with database.translated():
        session.execute(_SQL["start"], {"name": PREFIX + run_id})
    return session
