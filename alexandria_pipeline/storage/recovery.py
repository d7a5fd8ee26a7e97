"""Months of dead owners: finds them and returns them to `retry`, each by one statement of PostgreSQL.

An owner is alive as long as a connection holds the month's advisory lock (docs/decisions/0002-month-ownership.md).
`operations.recover` decides how long a month may be without an owner.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.months import FIRST_BACKOFF_SECONDS, MAX_RETRIES
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("recovery")


@dataclass(frozen=True, slots=True, order=True)
class Orphan:
    """A month in `processing` without a live owner; `claim` is the number of that ownership."""

    month: Month
    claim: int


@dataclass(frozen=True, slots=True)
class RecoveredMonth:
    """A recovered month: its new status (`retry` or `failed`) and the reason, for people."""

    month: Month
    status: str
    attempts: int
    reason: str


def orphans(tx: Connection) -> list[Orphan]:
    """The months without a live owner at this moment."""
    return [Orphan(Month(row["year"], row["month"]), row["claim"]) for row in tx.execute(_SQL["orphans"])]


def recover_months(tx: Connection, lost: Collection[Orphan]) -> list[RecoveredMonth]:
    """Recovers the months that are still without an owner. This counts as an attempt; after the fifth a month is `failed`."""
    keys = {
        "years": [orphan.month.year for orphan in lost],
        "months": [orphan.month.month for orphan in lost],
        "claims": [orphan.claim for orphan in lost],
    }
    policy = {"max_retries": MAX_RETRIES, "first_backoff": FIRST_BACKOFF_SECONDS}
    rows = tx.execute(_SQL["recover"], {**keys, **policy}).fetchall()
    return [
        RecoveredMonth(Month(row["year"], row["month"]), row["status"], row["retry_count"], row["error_message"])
        for row in rows
    ]
