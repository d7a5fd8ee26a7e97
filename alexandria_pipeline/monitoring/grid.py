"""The grid of months: a row per year, the latest first; per month a figure, a colour band and a sentence.

Colour is never the only sign: a cell shows its percentage, its border the status, and its label both in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.monitoring import MonthProgress

BACKFILL_YEARS = (2000, 2024)  # docs/behaviour.md, "Purpose": 300 months
BANDS = (0, 50, 75, 85, 90, 95)  # lower ends in per cent; 90 is the gate
SIGNS = {"none": "", "pending": "·", "processing": "▸", "completed": "–", "retry": "↻", "failed": "×"}
MEANINGS = {
    "none": "not in the queue",
    "pending": "pending",
    "processing": "in processing",
    "completed": "completed, no books",
    "retry": "waits for a retry",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class MonthCell:
    """One month: visible text, CSS classes, a label for screen readers, and the path of its page, if it has one."""

    text: str
    label: str
    classes: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """A row of twelve cells."""

    year: int
    cells: Sequence[MonthCell]


@dataclass(frozen=True, slots=True)
class Band:
    """One colour of the legend."""

    css: str
    meaning: str


def historical(states: Mapping[Month, MonthProgress]) -> list[Year]:
    """Returns the 25 × 12 months of the backfill."""
    first, last = BACKFILL_YEARS
    return [_year(year, states) for year in range(last, first - 1, -1)]


def others(states: Mapping[Month, MonthProgress]) -> list[Year]:
    """Returns the years outside the backfill with a month in the queue, the latest first."""
    first, last = BACKFILL_YEARS
    return [
        _year(year, states) for year in sorted({m.year for m in states if not first <= m.year <= last}, reverse=True)
    ]


def legend() -> list[Band]:
    """Returns the legend of the colours, from low to high."""
    ranges = [f"{low} to below {high} %" for low, high in pairwise(BANDS)] + [f"{BANDS[-1]} % and more"]
    return [Band(f"r{number}", meaning) for number, meaning in enumerate(ranges)]


def _year(year: int, states: Mapping[Month, MonthProgress]) -> Year:
    return Year(year, [_cell(Month(year, month), states.get(Month(year, month))) for month in range(1, 13)])


def _cell(month: Month, state: MonthProgress | None) -> MonthCell:
    if state is None:
        return MonthCell(SIGNS["none"], f"{month}: {MEANINGS['none']}", "s-none")
    rate, path = state.resolution_rate, f"/months/{month}"
    if rate is None:
        return MonthCell(SIGNS[state.status], f"{month}: {MEANINGS[state.status]}", f"s-{state.status}", path)
    # Rounded down, so that 89.9 does not read as 90.
    label = f"{month}: {state.status}, {state.resolved} of {state.books} books resolved ({floor(rate * 10) / 10:g} %)"
    return MonthCell(str(floor(rate)), label, f"{_band(rate)} s-{state.status}", path)


def _band(rate: float) -> str:
    return f"r{max(number for number, low in enumerate(BANDS) if rate >= low)}"


def by_month(states: Iterable[MonthProgress]) -> dict[Month, MonthProgress]:
    """Indexes the rows by month."""
    return {state.month: state for state in states}
