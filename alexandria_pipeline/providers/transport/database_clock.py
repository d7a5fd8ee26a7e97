"""The database's clock as this process sees it: when a slot comes, by our own clock, whatever the way back took.

RateLimiter are times of the database. An answer says how far away its slot was when it was written, and arrives a little later,
on a busy machine much later. The quickest of the recent answers says best how the two clocks stand to each other.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

DRIFT = 0.0005  # seconds a second by which clocks may drift apart before they are compared anew
STEP = 1.0  # a clock that is further off was set


class DatabaseClock:
    """Our monotonic clock against the database's."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        self._compared_at = 0.0

    def local(self, at: datetime, wait: float) -> float:
        """`at` in terms of `time.monotonic()`; `wait`: how far away it was when the database wrote the answer."""
        now, moment = time.monotonic(), at.timestamp()
        seen = moment - wait - now  # too low by the time that the answer was on its way, never too high
        if self._ahead is None or abs(seen - self._ahead) > STEP:
            self._ahead = seen
        else:
            self._ahead = max(seen, self._ahead - DRIFT * (now - self._compared_at))
        self._compared_at = now
        return moment - self._ahead
