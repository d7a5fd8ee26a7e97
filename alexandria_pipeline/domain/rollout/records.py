"""What a plan of the rollout is made from, and what it is: months, requests, decisions, gates, budget. No rule is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alexandria_pipeline.domain.month import Month

TERMINAL = ("completed", "failed")


@dataclass(frozen=True, slots=True)
class RolloutMonth:
    """Where a month stands. `claim` counts the runs that ever had it, `calls` is what its run has asked of ISBNdb so far."""

    month: Month
    status: str = "pending"
    next_attempt_at: datetime | None = None
    generated: int = 0
    resolved: int = 0
    claim: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """A request that a month be run. It is open until a run claims the month: then `claim` is no longer the month's."""

    month: Month
    attempt: int
    claim: int
    phase: str
    by: str
    at: datetime


class DecisionKind(StrEnum):
    """What an operator can say: go past a phase's gate, stop everything, go on."""

    APPROVE = "approve"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class RolloutDecision:
    """Who said it, when and why; `phase` is the one approved."""

    kind: DecisionKind
    by: str
    why: str
    at: datetime
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class BudgetUsage:
    """ISBNdb calls of today: all of them, those made for months, and what the daily quota still allows (None: no limit)."""

    used: int = 0
    for_months: int = 0
    quota_left: int | None = None
    recent_per_month: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutState:
    """All that a plan depends on. A month that is not in `months` has never been touched; decisions are in time."""

    months: Mapping[Month, RolloutMonth] = field(default_factory=dict)
    starts: Sequence[Start] = ()
    decisions: Sequence[RolloutDecision] = ()
    usage: BudgetUsage = BudgetUsage()

    def of(self, month: Month) -> RolloutMonth:
        return self.months.get(month) or RolloutMonth(month)


class GateState(StrEnum):
    """`open`: everything may go on behind it. `ahead`: its phase has months to do. `closed`: too few books were resolved."""

    PASSED = "passed"
    APPROVED = "approved"
    AHEAD = "ahead"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Gate:
    """The end of a phase: its months, how many are terminal, its books, and what that means in plain words."""

    phase: str
    state: GateState
    months: int
    terminal: int
    failed: int
    generated: int
    resolved: int
    says: str

    @property
    def open(self) -> bool:
        return self.state in (GateState.PASSED, GateState.APPROVED)

    @property
    def rate(self) -> float | None:
        """Percent of the phase's books that are resolved, None without books."""
        return 100 * self.resolved / self.generated if self.generated else None


@dataclass(frozen=True, slots=True)
class Budget:
    """ISBNdb calls of the day for months: what a month needs, what is promised to months under way, what is left after that."""

    per_month: float
    promised: float
    left: float

    @property
    def months(self) -> int:
        """How many more months that is enough for."""
        return max(0, int((self.left + 1e-9) / self.per_month)) if self.per_month > 0 else 10**6


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start now. `phase` is None when all is done; `waits` says why nothing is started, else it is empty.

    `allotment` is the day's number of months in this phase, `today` the months of it that have been asked for already.
    """

    phase: str | None
    starts: tuple[Start, ...]
    waits: str
    gates: tuple[Gate, ...]
    allotment: int
    today: tuple[Month, ...]
    budget: Budget
