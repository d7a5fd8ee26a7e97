"""Alerting: records the causes of alerts and sends each alert once to every receiver.

A cause is stored before anything is sent. An alert that could not be sent is sent by a later pass. A receiver that has
received an alert does not get it again because another receiver failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from alexandria_pipeline.domain import alerts as wording
from alexandria_pipeline.domain.alerts import Alert, Links
from alexandria_pipeline.domain.rollout.records import DecisionKind, GateState, Plan, RolloutDecision
from alexandria_pipeline.operations import notifications as notify
from alexandria_pipeline.storage import alerts as store

if TYPE_CHECKING:
    from alexandria_pipeline.domain.ai_models import ModelEnd
    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline.storage.quota import QuotaManager

log = logging.getLogger(__name__)

MAX_ALERTS_PER_TICK = 50
LOG_RECEIVER = "log"

SINGLES_A_DAY = 3
"""Alerts of one kind that are sent singly within 24 hours. Further ones wait for the digest of their kind, one within 24 hours."""
COLLECTING = timedelta(minutes=15)
"""How long a digest waits for more alerts of its kind after the first."""


class RolloutReader(Protocol):
    """The part of the rollout that alerting reads."""

    def plan(self, now: datetime | None = None) -> Plan: ...

    def decisions(self) -> Sequence[RolloutDecision]: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of one pass: alerts that every receiver has, alerts that still wait for a receiver, and those for a digest."""

    sent: int
    waiting: int
    collected: int = 0


@dataclass(frozen=True, slots=True)
class Alerting:
    """Alerting on one database. `ended` returns the models in use that have ended on a given day."""

    database: Database
    quota: QuotaManager
    services: Sequence[str]
    rollout: RolloutReader
    ended: Callable[[date], Mapping[str, ModelEnd]]
    receivers: Sequence[SecretStr]
    links: Links

    def record(self, alert: Alert, at: datetime) -> bool:
        """Stores the cause of an alert. Returns True when it was not stored before."""
        with self.database.transaction() as tx:
            return store.raise_alert(tx, alert, at)

    def end_cause(self, cause: str, at: datetime) -> None:
        """Records that a cause no longer holds, so that its next occurrence is a new alert."""
        with self.database.transaction() as tx:
            store.end_cause(tx, cause, at)

    def record_causes(self, now: datetime | None = None) -> int:
        """Stores every cause that the tables show now. Returns the number of new ones. Raises StorageError."""
        at = now or datetime.now(UTC)
        return sum(self.record(alert, happened) for alert, happened in [*self._months(), *self._current(at)])

    def send_pending(self, now: datetime | None = None) -> Sent:
        """Sends alerts that some receiver lacks, oldest first. A receiver that fails gets nothing more in this pass.

        Beyond the first few of a kind, alerts are collected and sent as one digest a day.
        """
        held = self._collect(now or datetime.now(UTC))
        down: dict[str, str] = {}
        sent = waiting = after = 0
        for _ in range(MAX_ALERTS_PER_TICK):
            with self.database.transaction(timeout=0) as tx:
                alert = store.next_unsent(tx, after, held)
                if alert is None:
                    break
                after = alert.alert_id
                reached = alert.reached | self._send(alert, down)
                missing = [receiver for receiver in map(notify.digest, self.receivers) if receiver not in reached]
                if missing:
                    store.mark_unsent(tx, alert, reached, "; ".join(down[receiver] for receiver in missing))
                    waiting += 1
                else:
                    store.mark_sent(tx, alert, reached)
                    sent += 1
        return Sent(sent, waiting, len(held))

    def _collect(self, at: datetime) -> set[int]:
        """Makes the digests that are due; returns the alerts that wait for a later one."""
        held: set[int] = set()
        with self.database.transaction() as tx:
            unsent, sent = store.waiting(tx), store.sent_of_the_day(tx)
            for kind, alerts in unsent.items():
                singles, had_digest = sent.get(kind, (0, False))
                further = alerts[max(0, SINGLES_A_DAY - singles) :]
                members = {each.alert_id for each in further}
                if had_digest or (further and further[0].age < COLLECTING):
                    held |= members
                elif further:
                    digest = wording.digest(kind, [each.content for each in further], at)
                    store.add_digest(tx, kind, digest, members, at)
        return held

    def _send(self, alert: store.UnsentAlert, down: dict[str, str]) -> frozenset[str]:
        """Returns the receivers that accepted the alert. Adds the others to `down`, with the reason."""
        if not self.receivers:
            level = logging.ERROR if alert.severe else logging.WARNING
            lines = " | ".join(line for line in alert.text.splitlines() if line.strip())
            log.log(level, "alert of %s UTC: %s | %s", f"{alert.happened_at:%Y-%m-%d %H:%M}", alert.title, lines)
            return frozenset({LOG_RECEIVER})
        accepted = set()
        for receiver in self.receivers:
            digest = notify.digest(receiver)
            if digest in alert.reached or digest in down:
                continue
            problem = notify.send(receiver, alert.title, alert.text, severe=alert.severe)
            if problem is None:
                accepted.add(digest)
            else:
                log.error("an alert could not be sent and will be tried again: %s", problem)
                down[digest] = problem
        return frozenset(accepted)

    def _months(self) -> Iterable[tuple[Alert, datetime]]:
        with self.database.transaction() as tx:
            failed = store.failed_months(tx)
            paused = store.paused_services(tx)
        for each in failed:
            yield wording.month_failed(each, self.links.run(each.run_id)), each.failed_at
        for service in paused:
            alert = wording.breaker_open(service, self.links.run(None))
            if alert is not None:
                yield alert, service.since

    def _current(self, at: datetime) -> Iterable[tuple[Alert, datetime]]:
        """Causes in the present state of the rollout, the quotas and the models."""
        for service in self.services:
            alert = wording.quota_used(self.quota.status(service), at.astimezone(UTC).date(), self.links.run(None))
            if alert is not None:
                yield alert, at
        for gate in self.rollout.plan(now=at).gates:
            if gate.state is GateState.CLOSED:
                yield wording.gate_closed(gate, self.links.run(None)), at
            else:
                self.end_cause(wording.gate_cause(gate), at)
        stops = [decision for decision in self.rollout.decisions() if decision.kind is not DecisionKind.APPROVE]
        if stops and stops[-1].kind is DecisionKind.HOLD:
            yield wording.rollout_held(stops[-1], self.links.run(None)), stops[-1].at
        for model, end in self.ended(at.astimezone(UTC).date()).items():
            yield wording.model_ended(model, end, self.links.asset("generated_books")), at
