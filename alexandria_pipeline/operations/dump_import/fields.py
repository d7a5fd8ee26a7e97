"""Fields of a dump's records: text, lists, references, dates and ISBNs, in the many shapes in which people entered them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from operator import mul
from typing import Any, Final

from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.domain.records import EditionFormat
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.edition_formats import edition_format
from alexandria_pipeline.providers.common.languages import language

MAX_SUBJECTS: Final = 8
MAX_TEXT: Final = 500
_ISBN10_WEIGHTS: Final = range(10, 0, -1)
ITEM, PART = "\x1e", "\x1f"
"""Separate the items of a list and the parts of an item; in the table they are a line feed and a tab."""

FORMAT_CODES: Final = {
    EditionFormat.HARDCOVER: "h", EditionFormat.PAPERBACK: "p", EditionFormat.EBOOK: "e", EditionFormat.AUDIO: "a",
    EditionFormat.OTHER: "o", EditionFormat.UNKNOWN: "",
}  # fmt: skip


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


def joined(value: object, most: int) -> str:
    """The first `most` different texts of a list, separated by ITEM."""
    if not value:
        return ""
    items = value if isinstance(value, list) else [value]
    if len(items) == 1:
        return text(items[0])
    return ITEM.join([item for item in dict.fromkeys(map(text, items)) if item][:most])


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
    digits = key[key.rfind("/") + 3 : -1]
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 10 else 0


def array(numbers: Iterable[int]) -> str:
    """The text form of a PostgreSQL array; "" for none."""
    inside = ",".join(map(str, numbers))
    return f"{{{inside}}}" if inside else ""


def date_number(value: object) -> int:
    """A date of any shape as yyyymmdd, with 00 for an unknown month or day; 0 when there is none."""
    return _date_number(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else 0


@lru_cache(maxsize=65_536)
def _date_number(value: str | int) -> int:
    date = partial_date(value)
    return date.year * 10_000 + (date.month or 0) * 100 + (date.day or 0) if date else 0


def language_code(value: object) -> str:
    """The ISO 639-1 code of the first language that is known; "" when there is none."""
    for each in value if isinstance(value, list) else [value] if value else ():
        key = each.get("key") if isinstance(each, dict) else each
        if isinstance(key, str) and (code := _language_code(key)):
            return code
    return ""


@lru_cache(maxsize=4_096)
def _language_code(key: str) -> str:
    return language(key) or ""


@lru_cache(maxsize=16_384)
def format_code(value: str) -> str:
    """One letter for a physical format; "" when it is unknown."""
    return FORMAT_CODES[edition_format(value)] if value else ""


def isbns(record: dict[str, Any]) -> list[str]:
    """The valid ISBN-13s of an edition, each once, without placeholders."""
    found: dict[str, None] = {}
    for value in _listed(record.get("isbn_13")):
        if isinstance(value, str) and (isbn := _isbn(value)):
            found[isbn] = None
    bodies = {isbn[3:12] for isbn in found}
    for value in _listed(record.get("isbn_10")):
        if isinstance(value, str) and value[:9] not in bodies and (isbn := _isbn(value)):
            found[isbn] = None
    return list(found)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _isbn(value: str) -> str:
    """The ISBN-13 of a text; "" if there is none. The usual forms are read without the full parser, which takes ten times as long."""
    digits = value.encode() if value.isascii() else b""
    if len(digits) == 13 and digits.isdigit() and digits.startswith((b"978", b"979")):
        # The code of a digit is 48 more than its value: 48 * (7 + 3 * 6) = 1200, which is 0 modulo 10.
        isbn = Isbn13(value) if (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0 else None
    elif len(digits) == 10 and digits.isdigit():
        # 48 * (10 + 9 + … + 1) = 2640, which is 0 modulo 11.
        isbn = Isbn13(_from_body(value[:9])) if sum(map(mul, _ISBN10_WEIGHTS, digits)) % 11 == 0 else None
    else:
        isbn = Isbn13.find(value)
    return "" if isbn is None or is_placeholder(isbn) else str(isbn)


def _from_body(body: str) -> str:
    digits = f"978{body}".encode()
    total = sum(digits[::2]) + 3 * sum(digits[1::2]) - 48 * (6 + 3 * 6)
    return f"978{body}{-total % 10}"


def copy_row(values: Iterable[str]) -> str:
    """One row in the text format of COPY, with the special characters of each value escaped."""
    row = "\t".join(values)
    if "\\" in row:
        row = row.replace("\\", "\\\\")
    if "\x00" in row:
        row = row.replace("\x00", "")
    return row.replace(ITEM, "\\n").replace(PART, "\\t")
