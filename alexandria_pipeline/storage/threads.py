"""The way from the event loop to statements, which block: a few threads of our own.

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
    """At most `count` statements at a time. Threads start when they are first needed; several loops may share them."""

    def __init__(self, count: int = 4) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="alexandria-calls")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work` in a thread. Work that was handed over is done, even if nobody waits for it any more."""
        return await asyncio.shield(
            asyncio.get_running_loop().run_in_executor(self._executor, partial(work, *args, **kwargs))
        )

    def close(self) -> None:
        """Waits for the work at hand."""
        self._executor.shutdown()
