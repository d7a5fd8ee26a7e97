"""Fields of a dump's records: text, lists, references, dates and ISBNs, in the many shapes in which people entered them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from alexandria_pipeline.domain.isbn import EXAMPLES, Isbn13, is_placeholder
from alexandria_pipeline.domain.records import EditionFormat
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.edition_formats import edition_format
from alexandria_pipeline.providers.common.languages import language

MAX_SUBJECTS: Final = 8
MAX_TEXT: Final = 500


def _weighted(first: int, second: int, third: int) -> dict[str, int]:
    """The weighted sum of every three digits."""
    return {f"{a}{b}{c}": first * a + second * b + third * c for a in range(10) for b in range(10) for c in range(10)}


_STARTS: Final = {"978": 9 + 3 * 7 + 8, "979": 9 + 3 * 7 + 9}
_CHECKS: Final = "0987654321"
_THREES, _ONES = _weighted(3, 1, 3), _weighted(1, 3, 1)
_TENS, _SEVENS, _FOURS = _weighted(10, 9, 8), _weighted(7, 6, 5), _weighted(4, 3, 2)
_DOUBTFUL: Final = frozenset([*(str(digit) * 3 for digit in range(10)), *(isbn[3:6] for isbn in EXAMPLES)])
"""What placeholders have behind 978."""

_YEARS: Final = frozenset(map(str, range(1000, 2200)))
_PLACEHOLDER_YEARS: Final = frozenset({"1900", "1970"})
_MONTHS: Final = {
    name: f"{number:02}" for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_DAYS: Final = {form: f"{day:02}" for day in range(1, 29) for form in (str(day), f"{day:02}")}  # of every month
_USUAL_DATE: Final = re.compile(r"(?:(\d\d?) )?([A-Z][a-z]{2})[a-z]* (?:(\d\d?), )?(\d{4})", re.ASCII)
ITEM, PART = "\x1e", "\x1f"
"""Separate the items of a list and the parts of an item; in the table they are a line feed and a tab."""

FORMAT_CODES: Final = {
    EditionFormat.HARDCOVER: "h",
    EditionFormat.PAPERBACK: "p",
    EditionFormat.EBOOK: "e",
    EditionFormat.AUDIO: "a",
    EditionFormat.OTHER: "o",
    EditionFormat.UNKNOWN: "",
}


def text(value: object) -> str:
    """The text in single spaces, at most 500 characters; "" when the field has none. Accepts {"value": …}."""
    if type(value) is not str:
        if value is None:
            return ""
        value = (
            value.get("value") if isinstance(value, dict) else str(value) if isinstance(value, (int, float)) else None
        )
        if not isinstance(value, str):
            return ""
    return " ".join(value.split())[:MAX_TEXT]


def first(value: object) -> str:
    """The first text of a list, or the text itself."""
    return text(value[0] if value else None) if isinstance(value, list) else text(value)


def texts(value: object) -> list[str]:
    """The texts of a list, or of a single value."""
    return [text(each) for each in listed(value)]


def joined(items: list[str], most: int) -> str:
    """The first `most` different texts of a list, separated by ITEM."""
    if len(items) == 1:
        return text(items[0])
    found = dict.fromkeys(map(text, items))
    found.pop("", None)
    return ITEM.join(found if len(found) <= most else list(found)[:most])


def references(value: object, inner: str = "") -> list[int]:
    """The numbers of {"key": "/works/OL7W"} or {"author": {"key": …}} in a list; anything else is left out."""
    found: list[int] = []
    for each in value if isinstance(value, list) else ():
        item = each.get(inner, each) if inner and isinstance(each, dict) else each
        key = item.get("key") if isinstance(item, dict) else item
        if isinstance(key, str) and (number := _reference(key)):
            found.append(number)
    return found


def _reference(key: str) -> int:
    return int(record_digits(key) or 0)


def record_digits(key: str) -> str:
    """The digits of a key such as /works/OL7W; "" for another form."""
    digits = key[key.rfind("/") + 3 : -1]
    return digits if digits.isdecimal() and digits.isascii() and len(digits) < 10 else ""


def array(numbers: Iterable[int | str]) -> str:
    """The text form of a PostgreSQL array; "" for none."""
    inside = ",".join(map(str, numbers))
    return f"{{{inside}}}" if inside else ""


def date_number(value: str) -> str:
    """A date of any shape as yyyymmdd, with 00 for an unknown month or day; "" when there is none.

    The usual shapes are read here, the others by the rules of `providers.common.dates`, which take ten times as long.
    """
    if len(value) == 4 and value in _YEARS:
        return value + "0000"
    if (match := _USUAL_DATE.fullmatch(value)) is not None:
        before, month, after, year = match.groups()
        number, day = _MONTHS.get(month), after or before
        if number and year in _YEARS and year not in _PLACEHOLDER_YEARS and not (before and after):
            if day is None:
                return f"{year}{number}00"
            if day in _DAYS:
                return f"{year}{number}{_DAYS[day]}"
    return any_date_number(value)


@lru_cache(maxsize=65_536)
def any_date_number(value: str) -> str:
    """`date_number` by the rules for all shapes."""
    date = partial_date(value)
    return str(date.year * 10_000 + (date.month or 0) * 100 + (date.day or 0)) if date else ""


def keys(value: object) -> list[str]:
    """The keys in a list of {"key": …} or of texts, or in a single one."""
    found = (each.get("key") if isinstance(each, dict) else each for each in listed(value))
    return [key for key in found if isinstance(key, str)]


@lru_cache(maxsize=4_096)
def language_code(key: str) -> str:
    """The ISO 639-1 code of "/languages/eng"; "" when it is unknown."""
    return language(key) or ""


@lru_cache(maxsize=16_384)
def format_code(value: str) -> str:
    """One letter for a physical format; "" when it is unknown."""
    return FORMAT_CODES[edition_format(value)] if value else ""


def isbn_texts(value: object) -> list[str]:
    """The texts in a field of ISBNs."""
    return [each for each in listed(value) if isinstance(each, str)]


def isbns(thirteen: Sequence[str], ten: Sequence[str]) -> list[str]:
    """The valid ISBN-13s of an edition, each once, without placeholders."""
    if len(thirteen) == 1 and (isbn := _isbn(thirteen[0])):
        if not ten or (len(ten) == 1 and isbn.startswith(ten[0][:9], 3)):
            return [isbn]
        found = [isbn]
    else:
        found = [isbn for value in thirteen if (isbn := _isbn(value))]
    found += [isbn for value in ten if (isbn := _isbn(value))]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def listed(value: object) -> list[Any]:
    """The list, or a list of the single value; empty for none."""
    return value if isinstance(value, list) else [value] if value else []


def _isbn(value: str) -> str:
    """The ISBN-13 of a text; "" if there is none. The usual forms are read without the full parser, which takes ten times as long."""
    try:
        if len(value) == 13:
            group = value[3:6]
            total = _STARTS[value[:3]] + _THREES[group] + _ONES[value[6:9]] + _THREES[value[9:12]]
            isbn = value if _CHECKS[total % 10] == value[12] else ""
        elif len(value) == 10:
            group = value[:3]
            total = _TENS[group] + _SEVENS[value[3:6]] + _FOURS[value[6:9]]
            isbn = _from_body(group, value) if "0123456789X"[-total % 11] == value[9] else ""
        else:
            isbn = Isbn13.find(value) or ""
    except KeyError:
        isbn = Isbn13.find(value) or ""
    return "" if isbn[3:6] in _DOUBTFUL and is_placeholder(isbn) else isbn


def _from_body(group: str, ten: str) -> str:
    total = _STARTS["978"] + _THREES[group] + _ONES[ten[3:6]] + _THREES[ten[6:9]]
    return f"978{ten[:9]}{_CHECKS[total % 10]}"


def copy_text(rows: Sequence[str]) -> str:
    """Rows of values separated by tabs in the text format of COPY: special characters are escaped, ITEM and PART become \\n and \\t."""
    text = "\n".join(rows) + "\n"
    for found, written in (("\\", "\\\\"), ("\x00", ""), (ITEM, "\\n"), (PART, "\\t")):
        text = text.replace(found, written)
    return text
