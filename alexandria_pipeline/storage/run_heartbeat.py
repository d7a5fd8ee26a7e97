"""That a run lives, for every other process to see: a connection that bears its name for as long as its process lives.

A killed process loses it the moment its socket closes, a lost machine after the TCP keep-alive; a run that lives and has
lost it has it back within seconds. Whoever ends runs because of it must look twice (`stages.recover`).
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

_SQL = Queries("presence")

CHECK_SECONDS = 5.0
PREFIX = "alexandria run "


@contextlib.contextmanager
def heartbeat(database: Database, run_id: str, seconds: float = CHECK_SECONDS) -> Iterator[None]:
    """The run is among the living while the block lasts. Raises DatabaseUnavailable at the start only."""
    session = _appear(database, run_id)
    ended = threading.Event()

    def watch() -> None:
        nonlocal session
        while not ended.wait(seconds):
            try:
                session.execute("select 1")
            except psycopg.Error:
                session.close()
                with contextlib.suppress(StorageError):  # no server now; the next look may find it
                    session = _appear(database, run_id)

    watcher = threading.Thread(target=watch, name=f"presence of {run_id}", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        session.close()


def live_runs(tx: Connection) -> frozenset[str]:
    """The runs that live at this moment, on whatever machine."""
    return frozenset(row["name"].removeprefix(PREFIX) for row in tx.execute(_SQL["living"], {"prefix": PREFIX}))


def _appear(database: Database, run_id: str) -> Connection:
    session = database.session()
    with database.translated():
        session.execute(_SQL["appear"], {"name": PREFIX + run_id})
    return session
