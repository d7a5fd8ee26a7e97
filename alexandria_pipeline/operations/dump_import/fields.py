"""Fields of a dump's records: text, lists, references, dates and ISBNs, in the many shapes in which people entered them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


def plain_text(value: str) -> str:
    """`text` for a text without control characters and double spaces."""
    return value.strip()[:MAX_TEXT]


def texts(value: object) -> list[str]:
    """The texts of a list, or of a single value."""
    return [text(each) for each in listed(value)]


def joined(items: list[str], most: int, clean: Callable[[str], str] = text) -> str:
    """The first `most` different texts of a list, separated by ITEM."""
    if len(items) == 1:
        return clean(items[0])
    return ITEM.join([item for item in dict.fromkeys(map(clean, items)) if item][:most])


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


@lru_cache(maxsize=65_536)
def date_number(value: str) -> str:
    """A date of any shape as yyyymmdd, with 00 for an unknown month or day; "" when there is none."""
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
    found = [isbn for value in thirteen if (isbn := _isbn(value))]
    if ten and not (len(found) == len(ten) == 1 and found[0].startswith(ten[0][:9], 3)):
        found += [isbn for value in ten if (isbn := _isbn(value))]
    return found if len(found) == 1 else list(dict.fromkeys(found))


def listed(value: object) -> list[Any]:
    """The list, or a list of the single value; empty for none."""
    return value if isinstance(value, list) else [value] if value else []


def _isbn(value: str) -> str:
    """The ISBN-13 of a text; "" if there is none. The usual forms are read without the full parser, which takes ten times as long."""
    digits = value.encode() if value.isascii() else b""
    if len(digits) == 13 and digits.isdigit() and digits.startswith((b"978", b"979")):
        # The code of a digit is 48 more than its value: 48 * (7 + 3 * 6) = 1200, which is 0 modulo 10.
        isbn = value if (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0 else ""
    elif len(digits) == 10 and digits.isdigit():
        # 48 * (10 + 9 + … + 1) = 2640, which is 0 modulo 11.
        isbn = _from_body(value[:9]) if sum(map(mul, _ISBN10_WEIGHTS, digits)) % 11 == 0 else ""
    else:
        isbn = Isbn13.find(value) or ""
    return "" if not isbn or is_placeholder(isbn) else str(isbn)


def _from_body(body: str) -> str:
    digits = f"978{body}".encode()
    total = sum(digits[::2]) + 3 * sum(digits[1::2]) - 48 * (6 + 3 * 6)
    return f"978{body}{-total % 10}"


def copy_row(values: Iterable[str]) -> str:
    """One row in the text format of COPY, with the special characters of each value escaped."""
    return escaped("\t".join(values))


def escaped(row: str) -> str:
    """A row of values separated by tabs, in the text format of COPY."""
    if "\\" in row:
        row = row.replace("\\", "\\\\")
    if "\x00" in row:
        row = row.replace("\x00", "")
    return with_separators(row)


def with_separators(row: str) -> str:
    """The row with the separators of lists as COPY writes a line feed and a tab."""
    return row.replace(ITEM, "\\n").replace(PART, "\\t")
