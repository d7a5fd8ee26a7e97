"""Gathers questions that wait for the same service, so that they go out as one request.

While a request is made, further questions wait; the next request has all of them, as far as they fit. So a single question is
asked at once, and many make few requests. How a request about several is made and read is the business of the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True)
class _Asked(Generic[Q, A]):
    """A question; `context`: the one in which it was asked, for the ledger of calls."""

    question: Q
    answer: asyncio.Future[A]
    context: Context = field(default_factory=copy_context)


class Gatherer(Generic[Q, A]):
    """Asks one or several questions at once. `ask` answers in the order of its questions; `fitting`: how many fit in a request.

    A request about several is made in the context of its first question.
    """

    def __init__(
        self, ask: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], fitting: Callable[[Sequence[Q]], int]
    ) -> None:
        self._ask, self._fitting = ask, fitting
        # Each event loop has questions of its own, because a future belongs to one loop.
        self._loops: dict[asyncio.AbstractEventLoop, tuple[list[_Asked[Q, A]], asyncio.Task[None]]] = {}

    async def __call__(self, question: Q) -> A:
        """The answer. Raises what `ask` raises for the request with this question."""
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            waiting: list[_Asked[Q, A]] = []
            self._loops[loop] = (waiting, loop.create_task(self._serve(loop, waiting)))
        asked = _Asked[Q, A](question, loop.create_future())
        self._loops[loop][0].append(asked)
        return await asked.answer

    async def _serve(self, loop: asyncio.AbstractEventLoop, waiting: list[_Asked[Q, A]]) -> None:
        try:
            while waiting:
                count = max(1, self._fitting([asked.question for asked in waiting]))
                batch = [asked for asked in waiting[:count] if not asked.answer.done()]  # done: its caller is cancelled
                del waiting[:count]
                if batch:
                    await loop.create_task(self._answer(batch), context=batch[0].context)
        finally:
            del self._loops[loop]
            for asked in waiting:
                asked.answer.cancel()

    async def _answer(self, batch: Sequence[_Asked[Q, A]]) -> None:
        try:
            answers = await self._ask([asked.question for asked in batch])
        except asyncio.CancelledError:
            for asked in batch:
                asked.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is the callers' to handle
            for asked in batch:
                if not asked.answer.done():
                    asked.answer.set_exception(error)
        else:
            for asked, answer in zip(batch, answers, strict=True):
                if not asked.answer.done():
                    asked.answer.set_result(answer)
