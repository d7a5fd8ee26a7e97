"""The records of the rollout: months, start requests, decisions, gates, budget and plan. The rules are in `planner`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alexandria_pipeline.domain.month import Month

TERMINAL = ("completed", "failed")


@dataclass(frozen=True, slots=True)
class RolloutMonth:
    """The state of a month. `claim` counts its runs; `calls` counts the ISBNdb calls of its present run.

    `deferred` books wait for an answer of the services in `waits_for`.
    """

    month: Month
    status: str = "pending"
    next_attempt_at: datetime | None = None
    generated: int = 0
    resolved: int = 0
    claim: int = 0
    calls: int = 0
    deferred: int = 0
    waits_for: tuple[str, ...] = ()
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A request to run a month. It is open until a run claims the month, which raises the claim number of the month."""

    month: Month
    attempt: int
    claim: int
    phase: str
    by: str
    at: datetime


class DecisionKind(StrEnum):
    """The kinds of operator decisions: approve the gate of a phase, hold the rollout, release the hold."""

    APPROVE = "approve"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class RolloutDecision:
    """One operator decision: who, when and why. `phase` is the approved phase."""

    kind: DecisionKind
    by: str
    why: str
    at: datetime
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class BudgetUsage:
    """ISBNdb calls of today: all, those made for months, and those that the daily quota still allows (None: no limit)."""

    used: int = 0
    for_months: int = 0
    quota_left: int | None = None
    recent_per_month: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutState:
    """Everything a plan depends on. A month missing from `months` was never started; decisions are oldest first.

    `unavailable`: the services that cannot be called now: breaker open, pause, quota used up.
    """

    months: Mapping[Month, RolloutMonth] = field(default_factory=dict)
    starts: Sequence[Start] = ()
    decisions: Sequence[RolloutDecision] = ()
    usage: BudgetUsage = BudgetUsage()
    unavailable: frozenset[str] = frozenset()

    def of(self, month: Month) -> RolloutMonth:
        return self.months.get(month) or RolloutMonth(month)


class GateState(StrEnum):
    """PASSED or APPROVED: the next phase may start. AHEAD: the phase has unfinished months. CLOSED: too few books are resolved."""

    PASSED = "passed"
    APPROVED = "approved"
    AHEAD = "ahead"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate at the end of a phase: its months, terminal months, books, and a summary as one sentence."""

    phase: str
    state: GateState
    months: int
    terminal: int
    failed: int
    generated: int
    resolved: int
    summary: str

    @property
    def open(self) -> bool:
        return self.state in (GateState.PASSED, GateState.APPROVED)

    @property
    def rate(self) -> float | None:
        """Percent of the books of the phase that are resolved; None without books."""
        return 100 * self.resolved / self.generated if self.generated else None


@dataclass(frozen=True, slots=True)
class Budget:
    """ISBNdb calls of a day: the need of one month, calls reserved for running months, and calls left after that."""

    per_month: float
    promised: float
    left: float

    @property
    def months(self) -> int:
        """The number of further months that the calls suffice for."""
        return max(0, int((self.left + 1e-9) / self.per_month)) if self.per_month > 0 else 10**6


@dataclass(frozen=True, slots=True)
class Plan:
    """The months to start now. `phase` is None when the rollout is done; `waits` is the reason when nothing starts, else "".

    `allotment` is the number of months per day in this phase; `today` are the months requested today.
    """

    phase: str | None
    starts: tuple[Start, ...]
    waits: str
    gates: tuple[Gate, ...]
    allotment: int
    today: tuple[Month, ...]
    budget: Budget
