"""The circuit breakers: the state of each service that all processes share, as numbers and as a sentence.

The statements of `ledger.py` open, probe and close them. After 5 failures in a row, a service is paused for a minute. Then
one request of one process tests it. If that fails, the pause doubles, up to 15 minutes.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.calls import ServiceState
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.storage.database import Database, Row

_SQL = Queries("breaker")

log = logging.getLogger(__name__)

MAX_FAILURES = 5
COOLDOWN_SECONDS = 60.0
MAX_COOLDOWN_SECONDS = 900.0


def states(database: Database, services: Sequence[str] | None = None) -> dict[str, ServiceState]:
    """The state of every service that was ever called, or of those named, by name. Raises StorageError."""
    names = list(services) if services is not None else None
    return {row["service"]: _state(row) for row in database.fetch_all(_SQL["states"], {"services": names})}


def on_hold(database: Database) -> dict[str, bool]:
    """Whether each service that was ever called has requested a pause that lasts. Raises StorageError."""
    return {row["service"]: row["on_hold"] for row in database.fetch_all(_SQL["states"], {"services": None})}


def breaker_message(service: str, retry_at: datetime | None, last_error: str | None) -> str:
    """Why a paused service is not called, for people."""
    day = "" if retry_at is None or retry_at - datetime.now(UTC) < timedelta(hours=20) else f"{retry_at:%Y-%m-%d} "
    when = f" until {day}{retry_at:%H:%M:%S} UTC" if retry_at else ""
    return f"{service} is paused{when} after repeated failures ({last_error or 'no reason recorded'})"


def reopen(database: Database, service: str, by: str) -> list[str]:
    """Ends the circuit breaker, the pause and the used-up quota of a service, after a top-up, a new key or a lifted ban.

    Returns what was closed, in sentences; [] if nothing was. The calls already counted today stay counted. Raises
    StorageError.
    """
    row = database.fetch_one(_SQL["reopen"], {"service": service})
    closed: list[str] = []
    if row is not None:
        if row["breaker"] != "closed":
            closed.append(breaker_message(service, row["retry_at"], row["last_error"]))
        if row["paused"]:
            closed.append(f"{service} had requested a pause")
        if row["exhausted"]:
            closed.append(f"{service} had reported: {row['exhausted']}")
    log.warning("%s was reopened by %s (%s)", service, by, "; ".join(closed) or "nothing was closed")
    return closed


def _state(row: Row) -> ServiceState:
    reason = breaker_message(row["service"], row["retry_at"], row["last_error"]) if row["is_open"] else None
    if row["exhausted"]:
        reason = (
            f"{row['service']} is not called again before its quota day ends, or before `alexandria services reopen "
            f"{row['service']}`: {row['exhausted']}"
        )
    return ServiceState(
        row["service"], row["breaker"], row["failures"], row["retry_at"], row["last_error"], row["used"], reason
    )
