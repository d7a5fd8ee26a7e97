"""What the rest of the rollout will cost, from what its months have cost so far; and time that spans share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CostProjection:
    """The rest of the rollout, if the months to come are like those that are done; None while none is."""

    months_done: int
    months_left: int
    per_month: float | None
    rest: float | None


def project_cost(spent: float, months_done: int, months_left: int) -> CostProjection:
    """From what `months_done` months took together (money or calls) to what `months_left` more will take."""
    if not months_done:
        return CostProjection(months_done, months_left, None, 0.0 if not months_left else None)
    per_month = spent / months_done
    return CostProjection(months_done, months_left, per_month, per_month * months_left)


def seconds_covered(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """Returns the seconds covered by at least one span; overlapping spans count once."""
    total, until = 0.0, None
    for start, end in sorted(spans):
        begin = start if until is None else max(start, until)
        if end > begin:
            total += (end - begin).total_seconds()
        until = end if until is None else max(until, end)
    return total
