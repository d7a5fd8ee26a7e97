"""A cache of one result for a few seconds, shared by simultaneous requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class TtlCache(Generic[T]):
    """Returns the result of `ask`, at most `seconds` old. One caller runs `ask`, the others wait; errors are not cached."""

    def __init__(
        self, ask: Callable[[], Awaitable[T]], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._seconds, self._clock = ask, seconds, clock
        self._known: tuple[float, T] | None = None
        self._asking: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Returns the cached or new result. Raises the errors of `ask`."""
        if self._known is not None and self._clock() < self._known[0]:
            return self._known[1]
        if self._asking is None:
            self._asking = asyncio.create_task(self._renew())
        # A cancelled request must not cancel the shared one.
        return await asyncio.shield(self._asking)

    async def _renew(self) -> T:
        try:
            result = await self._ask()
            self._known = (self._clock() + self._seconds, result)
            return result
        finally:
            self._asking = None
