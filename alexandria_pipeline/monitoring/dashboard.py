"""The queries behind the endpoints: each is a few statements in one transaction, and blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.domain.rollout.planner import plan
from alexandria_pipeline.monitoring.figures import all_months, backfill_stats, months_of_years, quota_answer
from alexandria_pipeline.monitoring.metrics import Measured
from alexandria_pipeline.monitoring.models import (
    BackfillStats,
    QuotaAnswer,
    Reopened,
    ScheduleBackfill,
    Scheduled,
    SeedBackfillQueue,
    Seeded,
)
from alexandria_pipeline.monitoring.page import Overview
from alexandria_pipeline.storage import breaker, health, monitoring, rollout
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.figures import synthetic_overall
from alexandria_pipeline.storage.quota import QuotaManager

SERVICE = "isbndb"  # the paid service, whose quota limits the pipeline


def utc_now() -> datetime:
    """Returns the time of this machine."""
    return datetime.now(UTC)


class Dashboard:
    """Queries the database of one pipeline. `rules` are those of the rollout, `limits` the daily quotas by service.

    Every method raises StorageError when the database does not answer.
    """

    def __init__(
        self, database: Database, rules: Rules, limits: Mapping[str, QuotaLimits], now: Callable[[], datetime] = utc_now
    ) -> None:
        self._database, self._rules, self._limits, self._now = database, rules, limits, now
        self._quotas = QuotaManager(database, limits)

    def alive(self) -> None:
        """Returns if the database answers. Raises StorageError otherwise."""
        monitoring.check_database(self._database)

    def quota(self) -> QuotaAnswer:
        """Returns today's quota of ISBNdb."""
        return quota_answer(self._quotas.status(SERVICE))

    def stats(self) -> BackfillStats:
        """Returns the status of the backfill."""
        with self._database.transaction() as tx:
            return backfill_stats(monitoring.month_states(tx))

    def measured(self) -> Measured:
        """Returns the figures for Prometheus."""
        services = breaker.states(self._database)
        limits = {name: limit.safe_limit for name, limit in self._limits.items() if limit.safe_limit is not None}
        with self._database.transaction() as tx:
            synthetic, works = synthetic_overall(tx)
            return Measured(
                monitoring.month_states(tx),
                works,
                synthetic,
                monitoring.service_costs(tx),
                monitoring.used_today(tx),
                limits,
                services,
                breaker.on_hold(self._database),
                health.unsent_alerts(self._database),
            )

    def overview(self) -> Overview:
        """Returns the content of the page."""
        quota, now = self._quotas.status(SERVICE), self._now()
        with self._database.transaction() as tx:
            state = rollout.read_state(tx, now, self._limits)
            months, spendings = monitoring.month_states(tx), monitoring.service_costs(tx)
            synthetic, works = synthetic_overall(tx)
        begun = bool(state.starts or state.decisions or any(each.status != "pending" for each in months))
        return Overview(now, months, plan(state, now, self._rules), begun, quota, spendings, works, synthetic)

    def reopen(self, name: str) -> Reopened | None:
        """Ends the breaker, the pause and the used-up quota of a service; None for an unknown name."""
        if name not in self._limits:
            return None
        return Reopened(service=name, ended=breaker.reopen(self._database, name, "/api/internal"))

    def schedule(self, wanted: ScheduleBackfill) -> Scheduled:
        """Makes months due now; a dry run only returns them."""
        years, now = wanted.year_range, self._now()
        among = months_of_years(years.start, years.end, now) if years else all_months(now)
        with self._database.transaction() as tx:
            choose = monitoring.due_months if wanted.dry_run else monitoring.schedule_months
            chosen = choose(tx, among, wanted.batch_size, force=wanted.force_retry)
        return Scheduled(dry_run=wanted.dry_run, count=len(chosen), months=_keys(chosen))

    def seed(self, wanted: SeedBackfillQueue) -> Seeded:
        """Adds the missing months of the years to the queue."""
        months = months_of_years(wanted.year_start, wanted.year_end, self._now())
        with self._database.transaction() as tx:
            new = monitoring.seed_months(tx, months)
        return Seeded(inserted=len(new), existing=len(months) - len(new), months=_keys(new))


def _keys(months: list[Month]) -> list[str]:
    return [str(month) for month in months]
