"""The ledger of calls: leave before each attempt, its row, and what becomes of breaker, pace and quota at its end.

Leave is one statement, so that every process sees one order of things: the breaker lets it pass, the quota has one left,
the pace has a slot, and the row is there before anything is sent. Reading states and changing limits is in `breaker.py`,
`pace.py` and `quota.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.calls import ProbeInProgress, Slot, SlotStatus
from alexandria_pipeline.domain.errors import DatabaseUnavailable, StorageError
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.storage import breaker
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from alexandria_pipeline.domain.calls import Allowance, CacheEntry, CallAttempt, CallResult, ServiceState
    from alexandria_pipeline.storage.database import Database, Row
    from alexandria_pipeline.storage.threads import Threads

_SQL = Queries("ledger")

MAX_URL_LENGTH = 2000
MAX_REASON_LENGTH = 500


class Ledger:
    """Leave and endings of calls, for all services and processes. Async methods for the transport, the others for the rest."""

    def __init__(self, database: Database, threads: Threads) -> None:
        self._database = database
        self._threads = threads

    async def begin(
        self, attempt: CallAttempt, allowance: Allowance, lead: float
    ) -> Slot | ProbeInProgress | Unavailable:
        """A slot at least `lead` seconds from now, counted and written down; or why there is none. Raises StorageError."""
        return await self._threads.run(self.begin_now, attempt, allowance, lead)

    async def look(self, slot: Slot) -> SlotStatus:
        """Whether the slot still stands. Raises StorageError."""
        return await self._threads.run(self._look, slot)

    async def again(self, slot: Slot, allowance: Allowance, lead: float) -> Slot:
        """Another slot for the same attempt. Raises StorageError."""
        return await self._threads.run(self._again, slot, allowance, lead)

    async def delay(self, slot: Slot, late: float) -> None:
        """The request left so many seconds after its slot. Raises StorageError."""
        await self._threads.run(self._delay, slot, late)

    async def give_back(self, slot: Slot) -> None:
        """Nothing was sent. Raises StorageError."""
        await self._threads.run(self._give_back, slot)

    async def finish(self, slot: Slot, ending: CallResult) -> None:
        """What became of the attempt. Raises StorageError."""
        await self._threads.run(self.finish_now, slot, ending)

    def state(self, service: str) -> ServiceState | None:
        """Where the service stands; None when it was never asked. Raises StorageError."""
        return breaker.states(self._database, [service]).get(service)

    def begin_now(
        self, attempt: CallAttempt, allowance: Allowance, lead: float = 0
    ) -> Slot | ProbeInProgress | Unavailable:
        values = _attempt_values(attempt, allowance, lead)
        row = self._database.fetch_one(_SQL["begin"], values)
        if row is None:
            self._database.execute(_SQL["ensure"], {"service": attempt.service})
            row = self._database.fetch_one(_SQL["begin"], values)
        if row is None:
            raise StorageError(f"{attempt.service} has no line in provider_health")
        if row["refused_by"]:
            return _refusal(row, attempt.service, allowance)
        return Slot(row["call_id"], attempt.service, row["at"], row["wait"], row["day"], row["delayed"], row["probe"])

    def finish_now(self, slot: Slot, ending: CallResult) -> None:
        self._database.execute(_SQL["finish"], _ending_values(slot, ending))

    def spent_since(self, service: str, since: datetime) -> tuple[int, int, Decimal]:
        """Attempts, attempts not completed, and cost in USD, from the rows themselves."""
        row = self._database.fetch_one(_SQL["attempts"], {"service": service, "since": since})
        return (row["attempts"], row["open"], row["cost_usd"]) if row else (0, 0, 0)  # type: ignore[return-value]

    def _look(self, slot: Slot) -> SlotStatus:
        row = self._one("look", {"service": slot.service, "at": slot.at, "delayed": slot.delayed, "probe": slot.probe})
        return SlotStatus(row["at"], row["wait"], row["delayed"], row["pushed_back"], row["shut"])

    def _again(self, slot: Slot, allowance: Allowance, lead: float) -> Slot:
        values = {"service": slot.service, "call_id": slot.call_id, "lead": lead, "spacing": allowance.spacing}
        row = self._one("again", values)
        return Slot(slot.call_id, slot.service, row["at"], row["wait"], slot.day, row["delayed"], slot.probe)

    def _delay(self, slot: Slot, late: float) -> None:
        self._database.execute(_SQL["delay"], {"service": slot.service, "delayed": slot.delayed, "late": late})

    def _give_back(self, slot: Slot) -> None:
        self._database.execute(_SQL["give_back"], {"call_id": slot.call_id, "day": slot.day, "probe": slot.probe})

    def _one(self, name: str, values: dict[str, Any]) -> Row:
        row = self._database.fetch_one(_SQL[name], values)
        if row is None:
            raise DatabaseUnavailable("the line of a service in provider_health is gone")
        return row


def _attempt_values(attempt: CallAttempt, allowance: Allowance, lead: float) -> dict[str, Any]:
    context = attempt.context
    return {
        "service": attempt.service, "method": attempt.method, "url": attempt.url[:MAX_URL_LENGTH], "number": attempt.number,
        "operation": context.operation, "stage": context.stage, "run_id": context.run_id, "work_id": context.work_id,
        "year": context.month.year if context.month else None, "month": context.month.month if context.month else None,
        "daily_limit": allowance.daily_limit, "spacing": allowance.spacing, "probe_seconds": allowance.probe_seconds, "lead": lead,
    }  # fmt: skip


def _ending_values(slot: Slot, ending: CallResult) -> dict[str, Any]:
    return {
        "call_id": slot.call_id, "service": slot.service, "probe": slot.probe,
        "outcome": ending.outcome, "status": ending.status, "reason": ending.reason[:MAX_REASON_LENGTH] if ending.reason else None,
        "latency_ms": round(ending.latency * 1000), "size": ending.size,
        "input_tokens": ending.input_tokens, "output_tokens": ending.output_tokens, "cost_usd": ending.cost_usd,
        "healthy": ending.healthy, "hold": ending.hold, "shut": ending.shut, "exhausted": ending.exhausted,
        "most_failures": breaker.MAX_FAILURES, "cooldown": breaker.COOLDOWN_SECONDS, "longest_cooldown": breaker.MAX_COOLDOWN_SECONDS,
        **_kept_values(ending.kept),
    }  # fmt: skip


def _kept_values(kept: CacheEntry | None) -> dict[str, Any]:
    if kept is None:
        return {"key": None, "negative": False, "body": None, "life": 0.0}
    return {"key": kept.key, "negative": kept.negative, "body": kept.body, "life": kept.days * 86400}


def _refusal(row: Row, service: str, allowance: Allowance) -> ProbeInProgress | Unavailable:
    if row["refused_by"] in {"breaker", "probe"}:
        shut = Unavailable(breaker.breaker_message(service, row["retry_at"], row["last_error"]), temporary=True)
        return ProbeInProgress(shut) if row["refused_by"] == "probe" else shut
    limit = "" if allowance.daily_limit is None else f" ({allowance.daily_limit:,} calls)"
    return Unavailable(f"the daily quota of {service}{limit} is used up until 00:00 UTC", temporary=True)
