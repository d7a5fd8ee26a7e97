"""Daily quotas: today's figures, and the comparison with the service's own counter.

The rules are in `domain.quota`. Calls are reserved one by one in `ledger.py`, in the same table; this module only reads
and reconciles it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.quota import QuotaLimits, drift_percent, permission, project_usage, quota_status
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alexandria_pipeline.domain.quota import CallPurpose, Permission, QuotaStatus, UsageProjection
    from alexandria_pipeline.storage.database import Database, Row

_SQL = Queries("quota")

_UNLIMITED = QuotaLimits(None)


class QuotaManager:
    """The quotas of all services. `limits` by service; a service without limits is counted and not limited.

    Every method raises StorageError.
    """

    def __init__(self, database: Database, limits: Mapping[str, QuotaLimits]) -> None:
        self._database = database
        self._limits = dict(limits)

    def status(self, service: str) -> QuotaStatus:
        """Today's figures."""
        return self._status(service, self._used(service))

    def allows(self, service: str, purpose: CallPurpose, estimate: int) -> Permission:
        """Whether work that needs about `estimate` calls may start."""
        return permission(self.status(service), purpose, estimate)

    def projection(self, service: str, planned: int = 0) -> UsageProjection:
        """The usage at the end of the day, if the last hour continues and `planned` calls are added."""
        row = self._used(service)
        return project_usage(self._status(service, row), row["now"], row["last_hour"], planned)

    def reconcile(self, service: str, spent: int) -> float:
        """Stores the service's own count of today; returns our drift from it in percent.

        Raises our count to the service's, so that we stop in time, and never lowers it.
        """
        with self._database.transaction() as tx:
            row = tx.execute(_SQL["lock_day"], {"service": service}).fetchone()
            if row is None:
                raise StorageError(f"quota_usage has no row for {service} today")
            counted = row["used"] - row["reconciled"]
            used = max(row["used"], spent)
            drift = drift_percent(counted, spent)
            values = {"used": used, "reconciled": used - counted, "reported": spent, "drift_percent": drift}
            tx.execute(_SQL["store_reported"], {"service": service, "day": row["day"], **values})
        return drift

    def exhaust(self, service: str, reason: str) -> None:
        """Stops all calls of today: the service reports that its quota is used up."""
        self._database.execute(_SQL["exhaust"], {"service": service, "reason": reason})

    def _used(self, service: str) -> Row:
        row = self._database.fetch_one(_SQL["used"], {"service": service})
        if row is None:
            raise StorageError("the database returned no figures of today")
        return row

    def _status(self, service: str, row: Row) -> QuotaStatus:
        return quota_status(service, self._limits.get(service, _UNLIMITED), row["used"], row["now"], row["exhausted"])
