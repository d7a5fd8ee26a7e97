"""Alerts: causes noted once, and what is still to be sent. What they say is `domain.alerts`, sending is `notify`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.alerts import FailedMonth, PausedService
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.domain.alerts import Alert
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("alerts")

MAX_PROBLEM_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Unsent:
    """An alert that has not reached everybody; `reached` are digests of the receivers that have it."""

    alert_id: int
    title: str
    text: str
    severe: bool
    reached: frozenset[str]


def note(tx: Connection, alert: Alert, at: datetime) -> bool:
    """Whether this is news: the cause was not known, or had been over before it happened at `at`."""
    values = {"cause": alert.cause, "title": alert.title, "text": alert.text, "severe": alert.severe, "at": at}
    return tx.execute(_SQL["note"], values).fetchone() is not None


def over(tx: Connection, cause: str, at: datetime) -> None:
    """The cause is gone: if it comes back, that is news again."""
    tx.execute(_SQL["over"], {"cause": cause, "at": at})


def next_unsent(tx: Connection, after: int) -> Unsent | None:
    """The oldest alert after this one that waits, this sender's until `tx` ends."""
    row = tx.execute(_SQL["next_unsent"], {"after": after}).fetchone()
    return Unsent(row["alert_id"], row["title"], row["text"], row["severe"], frozenset(row["reached"])) if row else None


def sent(tx: Connection, alert: Unsent, reached: Collection[str]) -> None:
    """Everybody has it."""
    tx.execute(_SQL["sent"], {"alert_id": alert.alert_id, "reached": sorted(reached)})


def not_sent(tx: Connection, alert: Unsent, reached: Collection[str], problem: str) -> None:
    """Some have it, and it stays to be sent to the others."""
    values = {"alert_id": alert.alert_id, "reached": sorted(reached), "problem": problem[:MAX_PROBLEM_LENGTH]}
    tx.execute(_SQL["not_sent"], values)


def counts(tx: Connection) -> tuple[int, int]:
    """Alerts ever raised, and those that wait to be sent."""
    row = tx.execute(_SQL["counts"]).fetchone() or {"raised": 0, "waiting": 0}
    return row["raised"], row["waiting"]


def failed_months(tx: Connection) -> list[FailedMonth]:
    """Months that nobody tries again."""
    return [
        FailedMonth(
            Month(row["year"], row["month"]), row["retry_count"], row["error_message"] or "no reason recorded",
            row["claim"], row["failed_at"], row["run_id"],
        )
        for row in tx.execute(_SQL["failed_months"])
    ]  # fmt: skip


def shut_services(tx: Connection) -> list[PausedService]:
    """Services that are left alone, and since when they have not answered."""
    return [
        PausedService(row["service"], row["since"] or row["now"], row["now"], row["last_error"] or "no reason recorded")
        for row in tx.execute(_SQL["shut_services"])
    ]
