"""Leave to send: a slot of a service's pace, asked for in time, waited for, and asked for anew where it was pushed back.

Who gives leave is behind the Protocol of `shared.py`; when a slot comes by our own clock is `clock.py`. Not here: what is
sent once it has come (`http.py`).
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

PROBE_LOOK_SECONDS = 0.25
LOOK_AHEAD_SECONDS = 0.05  # how long before its slot a request looks whether the slot still stands …
LOOK_FROM_SECONDS = 0.15  # … if it had to wait longer than this


class RateLimiter:
    """The slots of one service in this process. `patience`: seconds for which another request's probe is waited for."""

    def __init__(self, service: str, calls: CallLedger, allowance: Allowance, patience: float) -> None:
        self._service, self._calls, self._allowance, self._patience = service, calls, allowance, patience
        self._lead = 0.005
        self._clock = DatabaseClock()

    async def leave(self, attempt: CallAttempt) -> tuple[Slot, float] | Unavailable:
        """Leave to send now: counted, written down, and waited for; with the time that it was given for."""
        slot: Slot | Unavailable | None = None
        try:
            slot = await self._begun(attempt)
            while isinstance(slot, Slot):
                if (leave := await self._waited(slot)) is not None:
                    return leave
                slot = await self._moved(slot)
        except StorageError as error:
            return no_database(error)
        except asyncio.CancelledError:
            if isinstance(slot, Slot):
                with contextlib.suppress(StorageError):
                    await self._calls.give_back(slot)
            raise
        return slot

    async def _begun(self, attempt: CallAttempt) -> Slot | Unavailable:
        """Leave, or why there is none. While another request finds out whether the service is back, its result is waited for.

        Only those wait who may hold a slot ahead; the others queue behind them, so that few look.
        """
        patience = time.monotonic() + self._patience
        while True:
            started = time.monotonic()
            leave = await self._calls.begin(attempt, self._allowance, self._lead)
            self._learn(time.monotonic() - started)
            if not isinstance(leave, ProbeInProgress):
                return leave
            if started >= patience:
                return leave.refusal
            await asyncio.sleep(PROBE_LOOK_SECONDS)

    async def _waited(self, slot: Slot) -> tuple[Slot, float] | None:
        """The slot as it came, and when that was by the clock of this process; None if it stands no more."""
        if slot.wait > LOOK_FROM_SECONDS:
            await asyncio.sleep(slot.wait - LOOK_AHEAD_SECONDS)
            outlook = await self._calls.look(slot)
            if outlook.pushed_back or outlook.shut:
                return None
            slot = replace(slot, at=outlook.at, wait=outlook.wait, delayed=outlook.delayed)
        due = self._clock.local(slot.at, slot.wait)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        return slot, due

    async def _moved(self, slot: Slot) -> Slot | Unavailable:
        outlook = await self._calls.look(slot)
        if outlook.shut:
            await self._calls.give_back(slot)
            return Unavailable(f"{self._service} is left alone after failures in a row", temporary=True)
        return await self._calls.again(slot, self._allowance, self._lead)

    def _learn(self, round_trip: float) -> None:
        """Slots are asked for so far ahead that they are still to come when the answer is here."""
        self._lead = min(0.2, max(0.005, 0.8 * self._lead + 0.2 * 1.5 * round_trip))


def no_database(error: StorageError) -> Unavailable:
    """Why nothing is asked: what all processes share is out of reach."""
    return Unavailable(
        f"nothing is sent without being counted, and the database does not answer ({error})", temporary=True
    )
