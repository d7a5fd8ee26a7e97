"""Waiting for other processes, threads and servers, as long as a busy machine needs.

A test waits for a condition, never for a fixed time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE: Final = 300.0
"""Seconds after which a step has failed. The longest step takes 40 s on a busy machine; pytest ends a test after 900 s."""

T = TypeVar("T")


def until(condition: Callable[[], T], explain: Callable[[], object] = lambda: "", *, poll_seconds: float = 0.01) -> T:
    """The first true value of `condition`. `explain` gives the message if there is none within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, explain()
        time.sleep(poll_seconds)
    return value
