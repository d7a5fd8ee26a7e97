"""What the transport shares with all processes, as two small Protocols; `storage` implements them in PostgreSQL."""

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
    """Answers that are still good."""

    async def find(self, key: str) -> tuple[int, bytes] | None:
        """Status and stored body. Raises StorageError."""
        ...


class CallLedger(Protocol):
    """Breaker, quota, pace and ledger: leave for each attempt, and what follows from its ending. All raise StorageError."""

    async def begin(
        self, attempt: CallAttempt, allowance: Allowance, lead: float
    ) -> Slot | ProbeInProgress | Unavailable:
        """The breaker lets it pass, one call is taken from the quota, a slot at least `lead` seconds ahead, a row."""
        ...

    async def look(self, slot: Slot) -> SlotStatus:
        """Whether the slot still stands, asked shortly before it."""
        ...

    async def again(self, slot: Slot, allowance: Allowance, lead: float) -> Slot:
        """Another slot for an attempt whose slot was pushed back."""
        ...

    async def delay(self, slot: Slot, late: float) -> None:
        """The request left so many seconds after its slot: later ones keep their distance from it."""
        ...

    async def give_back(self, slot: Slot) -> None:
        """Nothing was sent."""
        ...

    async def finish(self, slot: Slot, ending: CallResult) -> None:
        """How the attempt ended; keeps the answer, if it is to be kept."""
        ...

    def state(self, service: str) -> ServiceState | None:
        """Where the service stands for all processes; None when it was never asked."""
        ...
