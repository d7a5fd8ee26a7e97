"""Answers that many ask for at once: found out once, and good for a short while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class TtlCache(Generic[T]):
    """The result of `ask`, at most `seconds` old. However many wait, one asks; a result that is an exception is not kept."""

    def __init__(
        self, ask: Callable[[], Awaitable[T]], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._seconds, self._clock = ask, seconds, clock
        self._known: tuple[float, T] | None = None
        self._asking: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Raises what `ask` raises."""
        if self._known is not None and self._clock() < self._known[0]:
            return self._known[1]
        if self._asking is None:
            self._asking = asyncio.create_task(self._renew())
        # One who hangs up does not take the answer from the others.
        return await asyncio.shield(self._asking)

    async def _renew(self) -> T:
        try:
            result = await self._ask()
            self._known = (self._clock() + self._seconds, result)
            return result
        finally:
            self._asking = None
