"""The circuit breakers: where each service stands for all processes, in numbers and in words.

Opening, probing and closing happen in the two statements of `ledger.py`; here is what they go by, and the view of it.
After 5 failures in a row a service is left alone for a minute; then one request of one process finds out whether it is
back; if not, it is left alone for twice as long, up to a quarter of an hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.domain.calls import ServiceState
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alexandria_pipeline.storage.database import Database, Row

_SQL = Queries("breaker")

MAX_FAILURES = 5
COOLDOWN_SECONDS = 60.0
MAX_COOLDOWN_SECONDS = 900.0


def states(database: Database, services: Sequence[str] | None = None) -> dict[str, ServiceState]:
    """Every service that was ever asked (or those named), by name. Raises StorageError."""
    names = list(services) if services is not None else None
    return {row["service"]: _state(row) for row in database.fetch_all(_SQL["states"], {"services": names})}


def reset(database: Database, service: str) -> None:
    """A person says that the service is well: closed, no pause. Raises StorageError."""
    database.execute(_SQL["reset"], {"service": service})


def breaker_message(service: str, retry_at: datetime | None, last_error: str | None) -> str:
    """The sentence for a person."""
    when = f" until {retry_at:%H:%M:%S} UTC" if retry_at else ""
    return f"{service} is left alone{when} after failures in a row ({last_error or 'no reason recorded'})"


def _state(row: Row) -> ServiceState:
    shut = breaker_message(row["service"], row["retry_at"], row["last_error"]) if row["shut"] else None
    if row["exhausted"]:
        shut = f"{row['service']} says that its quota is gone until 00:00 UTC ({row['exhausted']})"
    return ServiceState(
        row["service"], row["breaker"], row["failures"], row["retry_at"], row["last_error"], row["used"], shut
    )
