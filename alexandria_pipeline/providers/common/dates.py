"""Dates: reads the forms in which services write a date, as precise as they are written."""

from __future__ import annotations

import re
from calendar import monthrange
from typing import Final

from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.providers.common.text_fields import text, whole_number

MAX_LENGTH: Final = 80
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?"
_YEAR: Final = r"(?P<year>\d{4})"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_ISO_DATE: Final = re.compile(
    rf"\+?{_YEAR}(?:[-/.](?P<month>\d{{1,2}})(?:[-/.](?P<day>\d{{1,2}}))?)?(?:[T ]\d\d?:.*|Z)?", re.DOTALL
)
_OTHER_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        rf"{_MONTH}\s*{_DAY}\s*,?\s*{_YEAR}",
        rf"{_DAY}(?:\s+of)?[\s.-]*{_MONTH}[\s,.-]*{_YEAR}",
        rf"{_MONTH}[\s,.-]*{_YEAR}",
        rf"{_YEAR}[\s,.-]+{_MONTH}(?:[\s.-]+{_DAY})?",
        rf"(?P<month>\d{{1,2}})/{_YEAR}",
    )
)
_DAY_AND_MONTH: Final = re.compile(rf"(\d{{1,2}})[/.-](\d{{1,2}})[/.-]{_YEAR}")
_YEAR_IN_TEXT: Final = re.compile(r"(?<![\d.,])(1[0-9]{3}|20[0-9]{2}|21[0-9]{2})(?!\d|'?s)")
# Catalogues store years such as 1 and 101 (0001-01-01, 0101-01-01) for "no date".
_FIRST_YEAR: Final = 200
_LAST_YEAR: Final = 2199
_PLACEHOLDERS: Final = frozenset({PartialDate(1900, 1, 1), PartialDate(1970, 1, 1)})


def partial_date(value: object) -> PartialDate | None:
    """The date in a field; None if there is none or it is a placeholder.

    Accepts 1992, "1992", "1992-06", "Jun 5, 1992", "c1992", "+1992-06-05T00:00:00Z" and similar forms. An impossible month
    or day (00, 31 June) is left out. "6/5/1992" may be June or May, so only its year is used.
    """
    written = text(whole_number(value) if isinstance(value, float) else value)
    if written is None or len(written) > MAX_LENGTH:
        return None
    date = _read(written.strip(" .,;[]()<>©").strip())
    return None if date in _PLACEHOLDERS else date


def _read(written: str) -> PartialDate | None:
    if not written.isascii() or not written:
        return _year_in_text(written)
    for form in (_ISO_DATE, *_OTHER_FORMS):
        if match := form.fullmatch(written):
            found = match.groupdict()
            month = _MONTHS.index(found["name"].lower()) + 1 if found.get("name") else int(found.get("month") or 0)
            return _date(int(found["year"]), month, int(found.get("day") or 0))
    if match := _DAY_AND_MONTH.fullmatch(written):
        return _ambiguous_date(int(match[1]), int(match[2]), int(match["year"]))
    return _year_in_text(written)


def _year_in_text(written: str) -> PartialDate | None:
    year = _YEAR_IN_TEXT.search(written)
    return _date(int(year[1])) if year and year[1].isascii() else None


def _ambiguous_date(one: int, other: int, year: int) -> PartialDate | None:
    """A date with day and month in unknown order; only the year if both orders are possible and differ."""
    if one == other or one > 12:
        return _date(year, other, one)
    return _date(year, one, other) if other > 12 else _date(year)


def _date(year: int, month: int = 0, day: int = 0) -> PartialDate | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    if not 1 <= month <= 12:
        return PartialDate(year)
    return PartialDate(year, month, day if 1 <= day <= monthrange(year, month)[1] else None)
