"""Months whose owner is dead: found, and taken back to `retry`, by single statements of PostgreSQL.

An owner is alive as long as somebody has the month's advisory lock (docs/decisions/0002-month-ownership.md). Here is no
patience: how long a month may be without an owner is decided in `stages.recover`.
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
    """A month in `processing` that nobody holds; `claim` tells this ownership from any later one."""

    month: Month
    claim: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A month that was taken back: its new status (`retry` or `failed`) and the reason, for people."""

    month: Month
    status: str
    attempts: int
    reason: str


def orphans(tx: Connection) -> list[Orphan]:
    """The months that have lost their owner at this moment."""
    return [Orphan(Month(row["year"], row["month"]), row["claim"]) for row in tx.execute(_SQL["orphans"])]


def take_back(tx: Connection, lost: Collection[Orphan]) -> list[TakenBack]:
    """Gives back those that are still without an owner; counts as an attempt, and the fifth one is the last."""
    keys = {
        "years": [orphan.month.year for orphan in lost],
        "months": [orphan.month.month for orphan in lost],
        "claims": [orphan.claim for orphan in lost],
    }
    policy = {"most": MAX_RETRIES, "first_wait": FIRST_BACKOFF_SECONDS}
    rows = tx.execute(_SQL["take_back"], {**keys, **policy}).fetchall()
    return [
        TakenBack(Month(row["year"], row["month"]), row["status"], row["retry_count"], row["error_message"])
        for row in rows
    ]
