"""Months in the date columns of people's lists: ISO dates, dates of spreadsheets, and names of months in English.

A date such as 03/04/2020 has two meanings. `date_order` decides for a whole file by its unambiguous dates.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month

if TYPE_CHECKING:
    from collections.abc import Iterable

_ISO: Final = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})(?:[-/.]\d{1,2})?(?!\d)")
_MONTH_YEAR: Final = re.compile(r"(\d{1,2})[-/.](\d{4})")
_DAY_MONTH_YEAR: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[ T].*)?")
_NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED: Final = re.compile(rf"\b({'|'.join(_NAMES)})[a-z]*\.?\b", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?<!\d)\d{4}(?!\d)")
_LARGEST_MONTH: Final = 12


class DateOrder(Enum):
    """Whether the day or the month comes first in dates such as 03/04/2020."""

    DAY_FIRST = "day"
    MONTH_FIRST = "month"


def date_order(values: Iterable[str], *, day_first: bool) -> DateOrder:
    """The order of a file's dates: as its unambiguous dates show, else day first if `day_first`."""
    for value in values:
        match = _DAY_MONTH_YEAR.fullmatch(value)
        if match and match[2] == "/":
            if int(match[1]) > _LARGEST_MONTH:
                return DateOrder.DAY_FIRST
            if int(match[3]) > _LARGEST_MONTH:
                return DateOrder.MONTH_FIRST
    return DateOrder.DAY_FIRST if day_first else DateOrder.MONTH_FIRST


def month_of(value: str, order: DateOrder) -> Month | None:
    """The month of a date; of the last date of a period or a list; None if it cannot be read."""
    if dates := _ISO.findall(value):
        return _month(dates[-1][0], dates[-1][1])
    if match := _DAY_MONTH_YEAR.fullmatch(value):
        # Dots and hyphens are European: the day comes first.
        day_first = match[2] != "/" or order is DateOrder.DAY_FIRST
        return _month(match[4], match[3] if day_first else match[1])
    if match := _MONTH_YEAR.fullmatch(value):
        return _month(match[2], match[1])
    names, years = _NAMED.findall(value), _YEAR.findall(value)
    if names and years:
        return _month(years[-1], str(_NAMES.index(names[-1].lower()) + 1))
    return None


def _month(year: str, month: str) -> Month | None:
    try:
        return Month(int(year), int(month))
    except InvalidValue:
        return None
