"""Converts times of the database's clock to the local monotonic clock.

A reservation returns how far away its slot was when the database wrote the row; the row arrives a little later, on a busy
machine much later. The fastest of the recent responses gives the best estimate of the offset between the two clocks.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MAX_DRIFT = 0.0005  # seconds per second by which the clocks may drift apart between two comparisons
MAX_STEP_SECONDS = 1.0  # a larger difference means that a clock was set


class DatabaseClock:
    """The offset between the database's clock and the local monotonic clock."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._compared_at = 0.0

    def local(self, at: datetime, wait: float) -> float:
        """`at` in terms of `time.monotonic()`. `wait`: seconds until `at` when the database wrote the row."""
        now, moment = time.monotonic(), at.timestamp()
        seen = moment - wait - now  # too low by the travel time of the row, never too high
        if self._offset is None or abs(seen - self._offset) > MAX_STEP_SECONDS:
            self._offset = seen
        else:
            self._offset = max(seen, self._offset - MAX_DRIFT * (now - self._compared_at))
        self._compared_at = now
        return moment - self._offset
