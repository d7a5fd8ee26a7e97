"""Alerts: causes, raised once, and what is still to be sent. `domain.alerts` words them, `operations.alerting` sends them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.alerts import Collected, FailedMonth, PausedService
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.domain.alerts import Alert
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("alerts")

MAX_PROBLEM_LENGTH = 500


@dataclass(frozen=True, slots=True)
class UnsentAlert:
    """An alert that has not reached all receivers. `reached`: digests of the receivers that have it."""

    alert_id: int
    title: str
    text: str
    severe: bool
    reached: frozenset[str]
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingAlert:
    """An alert that no receiver has got. `age`: how long ago it was raised."""

    alert_id: int
    kind: str
    age: timedelta
    content: Collected


def raise_alert(tx: Connection, alert: Alert, at: datetime) -> bool:
    """Raises an alert; False if its cause is known and has not ended before `at`."""
    values = {"cause": alert.cause, "title": alert.title, "text": alert.text, "severe": alert.severe, "at": at}
    values |= {"kind": alert.kind, "badness": alert.badness}
    return tx.execute(_SQL["raise"], values).fetchone() is not None


def end_cause(tx: Connection, cause: str, at: datetime) -> None:
    """Ends a cause: if it comes back, it raises a new alert."""
    tx.execute(_SQL["end"], {"cause": cause, "at": at})


def next_unsent(tx: Connection, after: int, held: Collection[int]) -> UnsentAlert | None:
    """The oldest unsent alert after this one that is not `held`, locked for this sender until `tx` ends."""
    row = tx.execute(_SQL["next_unsent"], {"after": after, "held": sorted(held)}).fetchone()
    if row is None:
        return None
    reached = frozenset(row["reached"])
    return UnsentAlert(row["alert_id"], row["title"], row["text"], row["severe"], reached, row["happened_at"])


def waiting(tx: Connection) -> dict[str, list[WaitingAlert]]:
    """The alerts that no receiver has got, by kind, oldest first. One transaction collects at a time."""
    tx.execute(_SQL["lock_digests"])
    found: dict[str, list[WaitingAlert]] = {}
    for row in tx.execute(_SQL["unsent"]):
        content = Collected(
            row["title"], row["text"], row["severe"], row["badness"], row["happened_at"], row["is_over"]
        )
        found.setdefault(row["kind"], []).append(WaitingAlert(row["alert_id"], row["kind"], row["age"], content))
    return found


def sent_of_the_day(tx: Connection) -> dict[str, tuple[int, bool]]:
    """kind → the number of single alerts of the last 24 hours, and whether there was a digest."""
    return {row["kind"]: (row["singles"], row["digest"]) for row in tx.execute(_SQL["singles_sent"])}


def add_digest(tx: Connection, kind: str, digest: Alert, members: Collection[int], at: datetime) -> None:
    """Stores a digest, to be sent in place of its members."""
    values = {"cause": digest.cause, "title": digest.title, "text": digest.text, "severe": digest.severe}
    tx.execute(_SQL["add_digest"], {**values, "at": at, "kind": kind, "members": sorted(members)})


def mark_sent(tx: Connection, alert: UnsentAlert, reached: Collection[str]) -> None:
    """Marks an alert as sent to all receivers."""
    tx.execute(_SQL["sent"], {"alert_id": alert.alert_id, "reached": sorted(reached)})


def mark_unsent(tx: Connection, alert: UnsentAlert, reached: Collection[str], problem: str) -> None:
    """Stores which receivers have the alert, and the problem of the others."""
    values = {"alert_id": alert.alert_id, "reached": sorted(reached), "problem": problem[:MAX_PROBLEM_LENGTH]}
    tx.execute(_SQL["not_sent"], values)


def failed_months(tx: Connection) -> list[FailedMonth]:
    """Months that are not tried again."""
    return [
        FailedMonth(
            Month(row["year"], row["month"]),
            row["retry_count"],
            row["error_message"] or "no reason recorded",
            row["claim"],
            row["failed_at"],
            row["run_id"],
        )
        for row in tx.execute(_SQL["failed_months"])
    ]


def paused_services(tx: Connection) -> list[PausedService]:
    """Paused services, and the time of their first failure since the last response."""
    return [
        PausedService(row["service"], row["since"] or row["now"], row["now"], row["last_error"] or "no reason recorded")
        for row in tx.execute(_SQL["paused_services"])
    ]
