"""The rollout on the database: reads the plan, requests the months that may start now, records operator decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.rollout import planner
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.domain.rollout.records import DecisionKind, Gate, Plan, RolloutDecision, RolloutState
from alexandria_pipeline.storage import rollout as store

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database


class Rollout:
    """The rollout on one database. `limits`: the daily quotas by service; `now` defaults to the clock of the database."""

    def __init__(self, database: Database, rules: Rules, limits: Mapping[str, QuotaLimits]) -> None:
        self._database = database
        self.rules = rules
        self._limits = limits

    def plan(self, now: datetime | None = None) -> Plan:
        """Returns the months that would start now; changes nothing. Raises StorageError."""
        with self._database.transaction() as tx:
            at, state = self._read(tx, now)
        return planner.plan(state, at, self.rules)

    def request_starts(self, by: str, now: datetime | None = None) -> Plan:
        """Records and returns the months that `by` must start now. Raises StorageError.

        One planner works at a time, so that all processes together stay within the allotment of the day. Until a run
        has claimed its month, a repeated call returns the same starts with the same attempt numbers, so a caller that
        lost the answer can repeat the call.
        """
        with self._database.transaction() as tx:
            store.lock(tx)
            at, state = self._read(tx, now)
            plan = planner.plan(state, at, self.rules, by)
            store.record_starts(tx, plan.starts)
        return plan

    def decide(
        self, kind: DecisionKind, by: str, why: str, phase: str | None = None, now: datetime | None = None
    ) -> RolloutDecision:
        """Records an operator decision: approve a phase (default: the first that is not passed), hold, or release.

        Raises InvalidValue when the name, the reason or the phase is missing or unknown.
        """
        by, why = by.strip(), why.strip()
        if not by or (not why and kind is not DecisionKind.RELEASE):
            raise InvalidValue("a decision needs a name and a reason: --by NAME --reason TEXT")
        with self._database.transaction() as tx:
            store.lock(tx)
            at, state = self._read(tx, now)
            gates = planner.plan(state, at, self.rules).gates
            gate = self._gate(gates, phase) if kind is DecisionKind.APPROVE else None
            decision = RolloutDecision(kind, by, why, at, gate.phase if gate else None)
            store.add_decision(tx, decision, gate.summary if gate else "")
        return decision

    def decisions(self) -> list[RolloutDecision]:
        """Returns all operator decisions, oldest first."""
        with self._database.transaction() as tx:
            return list(store.read_state(tx, store.now(tx), self._limits).decisions)

    def _read(self, tx: Connection, now: datetime | None) -> tuple[datetime, RolloutState]:
        at = now or store.now(tx)
        return at, store.read_state(tx, at, self._limits)

    def _gate(self, gates: tuple[Gate, ...], name: str | None) -> Gate:
        for gate in gates:
            if gate.phase == name or (name is None and not gate.open):
                return gate
        names = ", ".join(phase.name for phase in self.rules.phases)
        raise InvalidValue(
            f"{name} is not a phase of the rollout; the phases are {names}"
            if name
            else "every phase is done; there is nothing to approve"
        )


def describe(plan: Plan) -> dict[str, Any]:
    """Converts a plan to plain values, for JSON and tables."""
    return {
        "phase": plan.phase,
        "starts": [
            {"month": str(start.month), "attempt": start.attempt, "phase": start.phase} for start in plan.starts
        ],
        "waits": plan.waits,
        "months_a_day": plan.allotment,
        "started_today": [str(month) for month in plan.today],
        "isbndb": {
            "calls_per_month": round(plan.budget.per_month, 1),
            "promised": round(plan.budget.promised),
            "left_today": round(plan.budget.left),
        },
        "gates": [
            {
                "phase": gate.phase,
                "state": gate.state.value,
                "months": gate.months,
                "terminal": gate.terminal,
                "failed": gate.failed,
                "generated": gate.generated,
                "resolved": gate.resolved,
                "resolution_rate": None if gate.rate is None else int(100 * gate.rate) / 100,
                "says": gate.summary,
            }
            for gate in plan.gates
        ],
    }
