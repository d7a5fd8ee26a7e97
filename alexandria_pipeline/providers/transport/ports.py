"""The shared state that the transport needs, as two Protocols; `storage` implements them in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from alexandria_pipeline.domain.calls import (
        Allowance,
        CallAttempt,
        CallResult,
        ProbeInProgress,
        ServiceState,
        Slot,
        SlotStatus,
    )
    from alexandria_pipeline.domain.service_answers import Unavailable


class ResponseCache(Protocol):
    """Stored responses that are still valid."""

    async def find(self, key: str) -> tuple[int, bytes] | None:
        """Status and compressed body. Raises StorageError."""
        ...


class CallLedger(Protocol):
    """Circuit breaker, quota, rate limit and ledger of all processes. All methods raise StorageError."""

    async def reserve(
        self, attempt: CallAttempt, allowance: Allowance, lead: float
    ) -> Slot | ProbeInProgress | Unavailable:
        """Checks the breaker, takes one call of the quota, a slot at least `lead` seconds ahead, and adds the ledger row."""
        ...

    async def check(self, slot: Slot) -> SlotStatus:
        """The state of the slot shortly before its time."""
        ...

    async def renew(self, slot: Slot, allowance: Allowance, lead: float) -> Slot | Unavailable:
        """Another slot for an attempt whose slot was cancelled; Unavailable if the quota of its day is used up."""
        ...

    async def postpone_later(self, slot: Slot, late: float) -> None:
        """Moves the later slots: the request was sent `late` seconds after its slot."""
        ...

    async def release(self, slot: Slot) -> None:
        """Undoes the reservation: nothing was sent."""
        ...

    async def record(self, slot: Slot, result: CallResult) -> None:
        """Stores how the attempt ended, and the response if it is to be cached."""
        ...

    def state(self, service: str) -> ServiceState | None:
        """The shared state of the service; None before its first call."""
        ...
