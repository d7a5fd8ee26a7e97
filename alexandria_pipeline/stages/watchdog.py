"""Watchdog: ends a process whose event loop has not run for minutes.

Such a process keeps its connections, so its months would belong to it for ever: one text can occupy the interpreter in a regular
expression, where neither signals nor other threads run. Its end frees the months, and recovery returns them to `retry`.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import sys
from collections.abc import Coroutine
from typing import Any

BLOCKED_SECONDS = 300.0
"""The time without a turn of the event loop after which the process ends. The longest step of ours takes about a second."""


def run_watched(work: Coroutine[Any, Any, None], seconds: float = BLOCKED_SECONDS) -> None:
    """Runs the coroutine in an event loop of its own. Ends the process, with all stacks on standard error, if it blocks."""
    asyncio.run(_watched(work, seconds))


async def _watched(work: Coroutine[Any, Any, None], seconds: float) -> None:
    _arm(seconds)  # at once: the work may block before any other task runs
    watchdog = asyncio.create_task(_postpone(seconds))
    try:
        await work
    finally:
        watchdog.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watchdog
        faulthandler.cancel_dump_traceback_later()


async def _postpone(seconds: float) -> None:
    """Moves the end of the process into the future, again and again."""
    while True:
        await asyncio.sleep(seconds / 10)
        _arm(seconds)


def _arm(seconds: float) -> None:
    """Lets the process end after this time. The timer is a thread of C, which needs no interpreter."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
