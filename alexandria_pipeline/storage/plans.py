"""The plans of keys, as the services report them: stored once a day, read by every process."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.quota import ServicePlan
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

_SQL = Queries("plans")


def find(database: Database, service: str, key: str) -> tuple[ServicePlan, bool] | None:
    """The stored plan of this key, and whether it was asked for within a day; None without one. Raises StorageError."""
    row = database.fetch_one(_SQL["find"], {"service": service, "key_digest": _digest(key)})
    if row is None:
        return None
    plan = ServicePlan(service, row["plan_name"], row["host"], row["requests_per_second"], row["daily_limit"])
    return plan, row["fresh"]


def store(database: Database, plan: ServicePlan, key: str) -> None:
    """Stores the plan of a key. Raises StorageError."""
    values = {
        "service": plan.service,
        "plan_name": plan.name,
        "host": plan.host,
        "daily_limit": plan.daily_limit,
        "requests_per_second": plan.requests_per_second,
        "key_digest": _digest(key),
    }
    database.execute(_SQL["store"], values)


def _digest(key: str) -> str:
    return sha256(f"service plan {key}".encode()).hexdigest()[:16]
