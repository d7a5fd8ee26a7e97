"""Daily quotas in the database: reservations that cannot overshoot, today's figures, and the service's own counter.

The rules are `domain.quota`; here they meet the count of all processes. A database that does not answer means no.
Attempts of the transport are reserved in `ledger.py`, one by one, in the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.quota import QuotaLimits, drift_percent, permission, project, quota_status
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alexandria_pipeline.domain.quota import Operation, Permission, Projection, QuotaStatus
    from alexandria_pipeline.storage.database import Database, Row

_SQL = Queries("quota")

_UNLIMITED = QuotaLimits(None)


class QuotaManager:
    """The quotas of all services; `limits` by service, a service without them is counted and not limited."""

    def __init__(self, database: Database, limits: Mapping[str, QuotaLimits]) -> None:
        self._database = database
        self._limits = dict(limits)

    def reserve(self, service: str, calls: int = 1) -> bool:
        """Takes calls from today's quota, all or none. False also when the database does not answer: fail closed."""
        if calls < 1:
            return False
        try:
            return self._database.fetch_one(_SQL["reserve"], {**self._of(service), "calls": calls}) is not None
        except StorageError:
            return False

    def status(self, service: str) -> QuotaStatus:
        """Today's figures. Raises StorageError."""
        return self._status(service, self._used(service))

    def allows(self, service: str, operation: Operation, estimate: int) -> Permission:
        """Whether an operation of about so many calls may start. Raises StorageError."""
        return permission(self.status(service), operation, estimate)

    def projection(self, service: str, planned: int = 0) -> Projection:
        """Where today will end, at the pace of the last hour and with `planned` calls on top. Raises StorageError."""
        row = self._used(service)
        return project(self._status(service, row), row["now"], row["last_hour"], planned)

    def reconcile(self, service: str, spent: int) -> float:
        """Takes note of the service's own counter of today; gives our drift from it in per cent.

        It can raise our count, so that we stop in time, and never lowers it. Raises StorageError.
        """
        with self._database.transaction() as tx:
            row = tx.execute(_SQL["lock_day"], {"service": service}).fetchone()
            if row is None:
                raise StorageError(f"today's line of {service} in quota_usage cannot be made")
            counted = row["used"] - row["reconciled"]
            used = max(row["used"], spent)
            drift = drift_percent(counted, spent)
            values = {"used": used, "reconciled": used - counted, "told": spent, "drift_percent": drift}
            tx.execute(_SQL["note_told"], {"service": service, "day": row["day"], **values})
        return drift

    def exhaust(self, service: str, reason: str) -> None:
        """The service says that its quota is gone: nobody asks it before 00:00 UTC. Raises StorageError."""
        self._database.execute(_SQL["exhaust"], {"service": service, "reason": reason})

    def _used(self, service: str) -> Row:
        row = self._database.fetch_one(_SQL["used"], {"service": service})
        if row is None:
            raise StorageError("the database gave no figures of today")
        return row

    def _status(self, service: str, row: Row) -> QuotaStatus:
        return quota_status(service, self._limits.get(service, _UNLIMITED), row["used"], row["now"], row["exhausted"])

    def _of(self, service: str) -> dict[str, Any]:
        return {"service": service, "limit": self._limits.get(service, _UNLIMITED).safe}
