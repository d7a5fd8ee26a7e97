"""The ledger of calls: reserves each attempt, records its result, and updates breaker, rate limit and quota with it.

A reservation is one statement, so that all processes see one order: the breaker is closed, the quota has a call left, the
rate limit has a slot, and the row exists before anything is sent. `breaker.py` and `quota.py` read the same tables.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.calls import ProbeInProgress, Slot, SlotStatus
from alexandria_pipeline.domain.errors import DatabaseUnavailable, StorageError
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.storage import breaker
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.domain.calls import Allowance, CacheEntry, CallAttempt, CallResult, ServiceState
    from alexandria_pipeline.storage.database import Database, Row
    from alexandria_pipeline.storage.spool import Spool
    from alexandria_pipeline.storage.threads import Threads

log = logging.getLogger(__name__)

_SQL = Queries("ledger")

MAX_HOLD_SECONDS = 60.0  # the longest pause that is a pause and does not open the breaker
MAX_URL_LENGTH = 2000
MAX_REASON_LENGTH = 500


class Ledger:
    """The `CallLedger` of the transport, in PostgreSQL. Every method raises StorageError.

    With a `spool`, results that the database does not take are kept there and stored later.
    """

    def __init__(self, database: Database, threads: Threads, spool: Spool | None = None) -> None:
        self._database = database
        self._threads = threads
        self._spool = spool
        self._spooled = False

    async def reserve(
        self, attempt: CallAttempt, allowance: Allowance, lead: float
    ) -> Slot | ProbeInProgress | Unavailable:
        """A slot at least `lead` seconds from now, counted and recorded, or why there is none."""
        return await self._threads.run(self.reserve_now, attempt, allowance, lead)

    async def check(self, slot: Slot) -> SlotStatus:
        """Whether the slot is still valid."""
        return await self._threads.run(self._check, slot)

    async def renew(self, slot: Slot, allowance: Allowance, lead: float) -> Slot | Unavailable:
        """Another slot for the same attempt; Unavailable if the quota of its day is used up."""
        return await self._threads.run(self._renew, slot, allowance, lead)

    async def postpone_later(self, slot: Slot, late: float) -> None:
        """Moves the later slots, because the request was sent `late` seconds after its slot."""
        values = {"service": slot.service, "delayed": slot.delayed, "late": late}
        await self._threads.run(self._database.execute, _SQL["postpone_later"], values)

    async def release(self, slot: Slot) -> None:
        """Undoes the reservation: nothing was sent."""
        values = {"call_id": slot.call_id, "day": slot.day, "probe": slot.probe}
        await self._threads.run(self._database.execute, _SQL["release"], values)

    async def record(self, slot: Slot, result: CallResult) -> None:
        """Stores how the attempt ended."""
        await self._threads.run(self.record_now, slot, result)

    def state(self, service: str) -> ServiceState | None:
        """The shared state of the service; None before its first call."""
        return breaker.states(self._database, [service]).get(service)

    def reserve_now(
        self, attempt: CallAttempt, allowance: Allowance, lead: float = 0
    ) -> Slot | ProbeInProgress | Unavailable:
        """As `reserve`, in the calling thread."""
        values = _reservation_values(attempt, allowance, lead)
        row = self._database.fetch_one(_SQL["reserve"], values)
        if row is None:
            self._database.execute(_SQL["ensure"], {"service": attempt.service})
            row = self._database.fetch_one(_SQL["reserve"], values)
        if row is not None and row["refused_by"] == "clock":
            limits = {"max_pause": MAX_HOLD_SECONDS, "max_cooldown": breaker.MAX_COOLDOWN_SECONDS}
            self._database.execute(_SQL["clock_set_back"], {"service": attempt.service, **limits})
            row = self._database.fetch_one(_SQL["reserve"], values)
        if row is None:
            raise StorageError(f"{attempt.service} has no row in provider_health")
        if row["refused_by"] == "quota" and (state := self.state(attempt.service)) and state.unavailable_reason:
            return Unavailable(state.unavailable_reason, temporary=True)
        if row["refused_by"]:
            return _refusal(row, attempt.service, allowance)
        return Slot(row["call_id"], attempt.service, row["at"], row["wait"], row["day"], row["delayed"], row["probe"])

    def record_now(self, slot: Slot, result: CallResult) -> None:
        """As `record`, in the calling thread."""
        values = _result_values(slot, result)
        try:
            self._database.execute(_SQL["record"], values)
        except StorageError:
            self._add_to_spool(values)
            raise
        if self._spooled:
            self.store_spooled()

    def store_spooled(self) -> int:
        """Stores the results that waited in the spool; returns how many. Raises DatabaseUnavailable."""
        spool, stored = self._spool, 0
        if spool is None:
            return 0
        for path, values in spool.entries():
            try:
                self._database.execute(_SQL["record"], values)
            except DatabaseUnavailable:
                raise
            except (StorageError, TypeError, KeyError) as error:
                spool.reject(path, str(error))
            else:
                path.unlink(missing_ok=True)
                stored += 1
        self._spooled = False
        if stored:
            log.info("%d results of calls were stored that had waited for the database", stored)
        return stored

    def _add_to_spool(self, values: dict[str, Any]) -> None:
        """Keeps a result as a file. Its effect on the breaker and the rate limit is dropped: it is over by then."""
        if self._spool is None:
            return
        late = {"healthy": None, "pause": None, "open_breaker": None, "probe": False}
        try:
            path = self._spool.add({**values, **late})
        except OSError as error:
            log.error(  # noqa: TRY400 - the message is enough
                "%s: the result of call %s is lost: %s", values["service"], values["call_id"], error
            )
        else:
            self._spooled = True
            log.warning("%s: the result of call %s waits in %s", values["service"], values["call_id"], path)

    def _check(self, slot: Slot) -> SlotStatus:
        values = {"at": slot.at, "day": slot.day, "delayed": slot.delayed, "probe": slot.probe}
        row = self._one("check", {"service": slot.service, **values})
        return SlotStatus(
            row["at"], row["wait"], row["delayed"], row["cancelled"], row["breaker_open"], row["retry_at"]
        )

    def _renew(self, slot: Slot, allowance: Allowance, lead: float) -> Slot | Unavailable:
        values = {"service": slot.service, "call_id": slot.call_id, "lead": lead, "spacing": allowance.spacing}
        values |= _shared_values(slot.service, allowance)
        row = self._database.fetch_one(_SQL["renew"], {**values, "day": slot.day, "safe_limit": allowance.safe_limit})
        if row is None:
            return _quota_used_up(slot.service, allowance)
        return Slot(slot.call_id, slot.service, row["at"], row["wait"], row["day"], row["delayed"], slot.probe)

    def _one(self, name: str, values: dict[str, Any]) -> Row:
        row = self._database.fetch_one(_SQL[name], values)
        if row is None:
            raise DatabaseUnavailable("a row of provider_health is missing")
        return row


def _reservation_values(attempt: CallAttempt, allowance: Allowance, lead: float) -> dict[str, Any]:
    context = attempt.context
    return {
        "service": attempt.service,
        "method": attempt.method,
        "url": attempt.url[:MAX_URL_LENGTH],
        "number": attempt.number,
        "purpose": context.purpose,
        "stage": context.stage,
        "run_id": context.run_id,
        "work_id": context.work_id,
        "year": context.month.year if context.month else None,
        "month": context.month.month if context.month else None,
        "safe_limit": allowance.safe_limit,
        "spacing": allowance.spacing,
        **_shared_values(attempt.service, allowance),
        "probe_seconds": allowance.probe_seconds,
        "lead": lead,
    }


def _shared_values(service: str, allowance: Allowance) -> dict[str, Any]:
    return {"sharing": [service, *allowance.shared_with], "shared_spacing": allowance.shared_spacing}


def _result_values(slot: Slot, result: CallResult) -> dict[str, Any]:
    return {
        "call_id": slot.call_id,
        "service": slot.service,
        "day": slot.day,
        "probe": slot.probe,
        "outcome": result.outcome,
        "status": result.status,
        "reason": result.reason[:MAX_REASON_LENGTH] if result.reason else None,
        "latency_ms": round(result.latency_seconds * 1000),
        "size": result.size,
        "input_tokens": result.input_tokens,
        "output_tokens": result.output_tokens,
        "cost_usd": result.cost_usd,
        "healthy": result.healthy,
        "pause": result.pause_seconds,
        "open_breaker": result.open_breaker_seconds,
        "exhausted": result.exhausted,
        "max_failures": breaker.MAX_FAILURES,
        "cooldown": breaker.COOLDOWN_SECONDS,
        "max_cooldown": breaker.MAX_COOLDOWN_SECONDS,
        **_cache_values(result.cache_entry),
    }


def _cache_values(entry: CacheEntry | None) -> dict[str, Any]:
    if entry is None:
        return {"key": None, "negative": False, "body": None, "ttl": 0.0}
    return {"key": entry.key, "negative": entry.negative, "body": entry.body, "ttl": entry.days * 86400}


def _refusal(row: Row, service: str, allowance: Allowance) -> ProbeInProgress | Unavailable:
    if row["refused_by"] in {"breaker", "probe"}:
        message = breaker.breaker_message(service, row["retry_at"], row["last_error"])
        paused = Unavailable(message, temporary=True, retry_at=row["retry_at"])
        return ProbeInProgress(paused) if row["refused_by"] == "probe" else paused
    return _quota_used_up(service, allowance)


def _quota_used_up(service: str, allowance: Allowance) -> Unavailable:
    limit = "" if allowance.safe_limit is None else f" (safe limit: {allowance.safe_limit:,} calls)"
    return Unavailable(f"the daily quota of {service}{limit} is used up until {allowance.day_ends}", temporary=True)
