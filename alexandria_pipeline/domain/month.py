"""A month of the calendar as the unit of work: "2020-06"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Self

from alexandria_pipeline.domain.errors import InvalidValue

FIRST_YEAR = 2000
"""The backfill begins with its January."""

_KEY = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; months sort in time. Raises InvalidValue for a month outside 1–12 or a year outside 1450–9998."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1450 <= self.year <= 9998 and 1 <= self.month <= 12):
            raise InvalidValue(f"{self.year:04d}-{self.month:02d} is not a month")

    @classmethod
    def parse(cls, key: str) -> Self:
        """The month that a partition key such as "2020-06" names; nothing else is accepted."""
        match = _KEY.fullmatch(key) if key.isascii() else None
        if match is None:
            raise InvalidValue(f"{key!r} is not a month: write it as YYYY-MM")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def __add__(self, months: int) -> Self:
        years, index = divmod(self.year * 12 + self.month - 1 + months, 12)
        return type(self)(years, index + 1)

    def __sub__(self, months: int) -> Self:
        return self + -months

    @property
    def is_in_backfill(self) -> bool:
        """Whether it is not before the first month of the backfill; later months are processed when they have ended."""
        return self.year >= FIRST_YEAR

    @property
    def lock_key(self) -> int:
        """The advisory lock of this month: year·100 + month (docs/behaviour.md, "Month state machine")."""
        return self.year * 100 + self.month

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)
