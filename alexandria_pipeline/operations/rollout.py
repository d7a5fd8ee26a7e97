"""The rollout as a verb: look at the plan, take the months that may be started now, write down what an operator says."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.rollout import planner as rollout
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.domain.rollout.records import DecisionKind, Gate, Plan, RolloutDecision, RolloutState
from alexandria_pipeline.storage import rollout as store

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database


class Rollout:
    """The rollout on one database. `limits`: the daily quota of ISBNdb. `now` is the database's clock unless given."""

    def __init__(self, database: Database, rules: Rules, limits: QuotaLimits) -> None:
        self._database = database
        self.rules = rules
        self._limits = limits

    def look(self, now: datetime | None = None) -> Plan:
        """What would be started now; changes nothing."""
        with self._database.transaction() as tx:
            at, state = self._read(tx, now)
        return rollout.plan(state, at, self.rules)

    def take(self, by: str, now: datetime | None = None) -> Plan:
        """What `by` is to start now, written down before anything is started.

        One planner at a time, so that all processes together stay within the day. Asked again before a run has claimed
        its month, it gives the same starts with the same attempt numbers: whoever loses an answer may repeat the question.
        """
        with self._database.transaction() as tx:
            store.lock(tx)
            at, state = self._read(tx, now)
            plan = rollout.plan(state, at, self.rules, by)
            store.record_starts(tx, plan.starts)
        return plan

    def decide(
        self, kind: DecisionKind, by: str, why: str, phase: str | None = None, now: datetime | None = None
    ) -> RolloutDecision:
        """Writes down who approves a phase (default: the one that is at hand), holds or releases, and why.

        Raises InvalidValue when the name, the reason or the phase is missing or unknown.
        """
        by, why = by.strip(), why.strip()
        if not by or (not why and kind is not DecisionKind.RELEASE):
            raise InvalidValue("say who decides and why: --by NAME --reason TEXT")
        with self._database.transaction() as tx:
            store.lock(tx)
            at, state = self._read(tx, now)
            gates = rollout.plan(state, at, self.rules).gates
            gate = self._gate(gates, phase) if kind is DecisionKind.APPROVE else None
            decision = RolloutDecision(kind, by, why, at, gate.phase if gate else None)
            store.add_decision(tx, decision, gate.says if gate else "")
        return decision

    def decisions(self) -> list[RolloutDecision]:
        """What operators have said so far, in time."""
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
            f"{name} is no phase of the rollout: {names}" if name else "every phase is done: nothing to approve"
        )


def describe(plan: Plan) -> dict[str, Any]:
    """A plan as plain values, for JSON and tables."""
    return {
        "phase": plan.phase,
        "starts": [
            {"month": str(start.month), "attempt": start.attempt, "phase": start.phase} for start in plan.starts
        ],
        "waits": plan.waits,
        "months_a_day": plan.allotment,
        "started_today": [str(month) for month in plan.today],
        "isbndb": {
            "calls_per_month": round(plan.budget.per_month, 1), "promised": round(plan.budget.promised),
            "left_today": round(plan.budget.left),
        },
        "gates": [
            {
                "phase": gate.phase, "state": gate.state.value, "months": gate.months, "terminal": gate.terminal,
                "failed": gate.failed, "generated": gate.generated, "resolved": gate.resolved,
                "resolution_rate": None if gate.rate is None else int(100 * gate.rate) / 100, "says": gate.says,
            }
            for gate in plan.gates
        ],
    }  # fmt: skip
