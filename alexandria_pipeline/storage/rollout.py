"""The rollout in the database: the state that a plan depends on, the starts, and the decisions of operators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.key_figures import BUDGETED_SERVICE
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaLimits, quota_status
from alexandria_pipeline.domain.rollout.records import (
    BudgetUsage,
    DecisionKind,
    RolloutDecision,
    RolloutMonth,
    RolloutState,
    Start,
)
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Row

_SQL = Queries("rollout")

RECENT_MONTHS = 20  # completed months whose calls estimate the need of the next ones


def lock(tx: Connection) -> None:
    """Makes this transaction the only one that plans and records starts."""
    tx.execute(_SQL["lock"])


def now(tx: Connection) -> datetime:
    """The database's clock."""
    row = tx.execute(_SQL["now"]).fetchone()
    return datetime.now(UTC) if row is None else row["now"]


def read_state(tx: Connection, at: datetime, limits: Mapping[str, QuotaLimits]) -> RolloutState:
    """The state at `at`. `limits`: the daily quotas by service. The day is the UTC day of `at`."""
    safe = {name: limit.safe_limit for name, limit in limits.items() if limit.safe_limit is not None}
    closed = tx.execute(_SQL["unavailable"], {"at": at, "services": list(safe), "limits": list(safe.values())})
    months = [_month_state(row) for row in tx.execute(_SQL["months"], {"service": BUDGETED_SERVICE})]
    return RolloutState(
        months={each.month: each for each in months},
        starts=tuple(_start(row) for row in tx.execute(_SQL["starts"])),
        decisions=tuple(_decision(row) for row in tx.execute(_SQL["decisions"])),
        usage=_usage(tx, at, limits.get(BUDGETED_SERVICE, QuotaLimits(None))),
        unavailable=frozenset(row["service"] for row in closed.fetchall()),
    )


def record_starts(tx: Connection, starts: Iterable[Start]) -> None:
    """Stores starts; a start that exists stays as it is."""
    for start in starts:
        key = {"year": start.month.year, "month": start.month.month}
        tx.execute(_SQL["ensure"], key)
        values = {
            "attempt": start.attempt,
            "claim": start.claim,
            "phase": start.phase,
            "by": start.by,
            "at": start.at,
        }
        tx.execute(_SQL["record"], {**key, **values})


def add_decision(tx: Connection, decision: RolloutDecision, seen: str) -> None:
    """Stores an operator decision, with the state of the gate at that moment."""
    values = {
        "kind": decision.kind.value,
        "phase": decision.phase,
        "by": decision.by,
        "why": decision.why,
        "at": decision.at,
    }
    tx.execute(_SQL["decide"], {**values, "seen": seen})


def _usage(tx: Connection, at: datetime, limits: QuotaLimits) -> BudgetUsage:
    since = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = {"day": since.date(), "since": since, "until": since + timedelta(days=1)}
    row = tx.execute(_SQL["usage"], {"service": BUDGETED_SERVICE, "recent": RECENT_MONTHS, **span}).fetchone()
    if row is None:
        return BudgetUsage()
    left = quota_status(BUDGETED_SERVICE, limits, row["used"], at, row["exhausted"]).safety_remaining
    return BudgetUsage(row["used"], row["for_months"], 0 if row["exhausted"] else left, row["per_month"])


def _month_state(row: Row) -> RolloutMonth:
    return RolloutMonth(
        Month(row["year"], row["month"]),
        row["status"],
        row["next_attempt_at"],
        row["generated"],
        row["resolved"],
        row["claim"],
        row["calls"],
        row["deferred"],
        tuple(row["waits_for"]),
        row["completed_at"],
    )


def _start(row: Row) -> Start:
    return Start(
        Month(row["year"], row["month"]),
        row["attempt"],
        row["claim"],
        row["phase"],
        row["requested_by"],
        row["requested_at"],
    )


def _decision(row: Row) -> RolloutDecision:
    return RolloutDecision(DecisionKind(row["kind"]), row["decided_by"], row["why"], row["decided_at"], row["phase"])
