"""The pace of a service, shared by all processes: slots in time, handed out one after the other by the database's clock.

The transport gets its slots with the leave for a call (`ledger.py`, the same expression); here are slots alone, for
callers that count nothing, and the push-back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

_SQL = Queries("pace")
_LEDGER = Queries("ledger")


def reserve(database: Database, service: str, spacing: float, lead: float = 0) -> float:
    """Seconds to wait for the slot that is now the caller's; the next one is `spacing` seconds later. Raises StorageError."""
    values = {"service": service, "spacing": spacing, "lead": lead}
    row = database.fetch_one(_SQL["reserve"], values)
    if row is None:
        database.execute(_LEDGER["ensure"], {"service": service})
        row = database.fetch_one(_SQL["reserve"], values)
    if row is None:
        raise StorageError(f"{service} has no line in provider_health")
    return float(row["wait"])


def push_back(database: Database, service: str, seconds: float) -> None:
    """Nobody asks the service for so long: new slots come later, and those already given are void. Raises StorageError."""
    database.execute(_SQL["push_back"], {"service": service, "seconds": seconds})
