"""Rate limiting: reserves a send slot for each request, waits for it, and renews it after a pause.

The shared state is behind the `CallLedger` of `ports.py`. `database_clock.py` converts slots to the local clock. What is
sent is the business of `client.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.calls import Allowance, CallAttempt, ProbeInProgress, Slot
from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.providers.transport.database_clock import DatabaseClock

if TYPE_CHECKING:
    from alexandria_pipeline.providers.transport.ports import CallLedger

PROBE_POLL_SECONDS = 0.25
CHECK_AHEAD_SECONDS = 0.05  # time before its slot at which a request checks whether the slot is still valid …
CHECK_FROM_SECONDS = 0.15  # … if it waits longer than this
CLOCK_SLACK_SECONDS = 1.0
MIN_LEAD_SECONDS, MAX_LEAD_SECONDS = 0.005, 0.2


class RateLimiter:
    """The slots of one service in this process. `patience`: seconds to wait for the probe of another request."""

    def __init__(self, service: str, ledger: CallLedger, allowance: Allowance, patience: float) -> None:
        self._service, self._ledger, self._allowance, self._patience = service, ledger, allowance, patience
        self._lead = MIN_LEAD_SECONDS
        self._clock = DatabaseClock()

    async def acquire(self, attempt: CallAttempt) -> tuple[Slot, float] | Unavailable:
        """Waits until the attempt may be sent; returns its slot and the slot's time by `time.monotonic()`.

        The call is counted and recorded before this returns. Unavailable: it must not be sent, for the given reason.
        """
        slot: Slot | Unavailable | None = None
        try:
            slot = await self._reserve(attempt)
            while isinstance(slot, Slot):
                if (acquired := await self._wait(slot)) is not None:
                    return acquired
                slot = await self._renew(slot)
        except StorageError as error:
            return no_database(error)
        except asyncio.CancelledError:
            if isinstance(slot, Slot):
                with contextlib.suppress(StorageError):
                    await self._ledger.release(slot)
            raise
        return slot

    async def _reserve(self, attempt: CallAttempt) -> Slot | Unavailable:
        """A slot, or the reason why there is none. Waits for the result of another request's probe.

        Only requests that may hold a slot ahead wait here; the others queue behind them, so that few poll.
        """
        deadline = time.monotonic() + self._patience
        while True:
            started = time.monotonic()
            reserved = await self._ledger.reserve(attempt, self._allowance, self._lead)
            self._adapt_lead(time.monotonic() - started)
            if not isinstance(reserved, ProbeInProgress):
                return reserved
            if started >= deadline:
                return reserved.refusal
            await asyncio.sleep(PROBE_POLL_SECONDS)

    async def _wait(self, slot: Slot) -> tuple[Slot, float] | None:
        """Sleeps until the slot; None if the slot was cancelled meanwhile."""
        if slot.wait > CHECK_FROM_SECONDS:
            await asyncio.sleep(slot.wait - CHECK_AHEAD_SECONDS)
            status = await self._ledger.check(slot)
            if status.cancelled or status.breaker_open:
                return None
            # More than the known delays can only come from a clock that was set back.
            longest = CHECK_AHEAD_SECONDS + max(0.0, status.delayed - slot.delayed) + CLOCK_SLACK_SECONDS
            slot = replace(slot, at=status.at, wait=min(status.wait, longest), delayed=status.delayed)
        due = self._clock.local(slot.at, slot.wait)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        return slot, due

    async def _renew(self, slot: Slot) -> Slot | Unavailable:
        status = await self._ledger.check(slot)
        if status.breaker_open:
            await self._ledger.release(slot)
            reason = f"{self._service} is paused after repeated failures"
            return Unavailable(reason, temporary=True, retry_at=status.retry_at)
        renewed = await self._ledger.renew(slot, self._allowance, self._lead)
        if isinstance(renewed, Unavailable):
            await self._ledger.release(slot)
        return renewed

    def _adapt_lead(self, round_trip: float) -> None:
        """Slots are reserved so far ahead that they are still in the future when the reservation returns."""
        average = 0.8 * self._lead + 0.2 * 1.5 * round_trip
        self._lead = min(MAX_LEAD_SECONDS, max(MIN_LEAD_SECONDS, average))


def no_database(error: StorageError) -> Unavailable:
    """The answer when the shared state cannot be reached: no call is made that cannot be counted."""
    return Unavailable(f"not asked: the database is down, so the call could not be recorded ({error})", temporary=True)
