"""Threads that run blocking statements for the event loop.

Our own and not the loop's, so that a hundred books waiting for other things do not keep a call from being counted.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """At most `count` statements at a time. Threads start on first use; event loops can share them."""

    def __init__(self, count: int = 4) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="alexandria-calls")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work` in a thread and returns its result. Submitted work is finished even if its caller is cancelled."""
        return await asyncio.shield(
            asyncio.get_running_loop().run_in_executor(self._executor, partial(work, *args, **kwargs))
        )

    def close(self) -> None:
        """Waits for the submitted work."""
        self._executor.shutdown()
