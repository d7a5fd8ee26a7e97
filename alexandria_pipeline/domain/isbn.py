"""The ISBN as a value type: 13 digits with a valid check digit, read from and written in the forms that services use.

This module decides whether a number can be an ISBN, and whether it is a placeholder. Whether it belongs to a book is decided
in `domain.matching`.
"""

from __future__ import annotations

import re
from operator import mul
from typing import Final, Self

from stdnum import isbn as stdnum_isbn

from alexandria_pipeline.domain.errors import InvalidValue

MAX_FIELD_LENGTH = 100
"""The most that is read of a field with an ISBN; the longest forms with notes have about 60 characters."""

_LABEL = re.compile(r"^\s*(?:e-?)?isbn(?:[\s-]*1[03])?\s*[:：]?\s*(?=[\dxX])", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212.]")
_EMBEDDED = re.compile(r"(?<![\dA-Za-z])(?:97[89][\s\u2010-\u2015-]?)?(?:\d[\s\u2010-\u2015-]?){9}[\dXx](?![\dA-Za-z])")

# What spreadsheets write around a number so that it stays text (="978…", '978…), and what they make of it as a number.
_AS_TEXT = re.compile(r"""^\s*(?:=\s*"([^"]*)"|'(.*))\s*$""")
_POINT_ZERO = re.compile(r"(?<=\d)[.,]0+\s*$")
_ROUNDED = re.compile(r"^\s*\d(?:[.,]\d+)?E\+?\d+\s*$", re.IGNORECASE)
_RESEMBLING = range(8, 15)  # digits

# Numbers with a valid check digit that are no assigned ISBNs. Catalogues use 978-0-00-000xxxx for "none"
# (docs/services/internet_archive.md); the others are used as examples.
_PLACEHOLDER_PREFIXES = ("978000000", "979000000")
EXAMPLES: Final = frozenset({"9781234567897", "9780123456786", "9780987654328", "9789876543217", "9783161484100"})


def _check_digit_13(first_twelve: str) -> str:
    codes = first_twelve.encode()  # that of "0" is 48, and 48 * (6 + 3 * 6) = 1152
    return str((1152 - sum(codes[::2]) - 3 * sum(codes[1::2])) % 10)


def _check_digit_10(first_nine: str) -> str:
    remainder = -sum(map(mul, map(int, first_nine), range(10, 1, -1))) % 11
    return "X" if remainder == 10 else str(remainder)


def _from_digits(text: str) -> str | None:
    """The ISBN-13 of digits alone, or of an ISBN-10. Most are, and this takes a fifth of the time of reading any form."""
    if not text.isascii():
        return None
    if len(text) == 13 and text.isdecimal() and text.startswith(("978", "979")):
        return text if text[12] == _check_digit_13(text[:12]) else None
    if len(text) == 10 and text[:9].isdecimal() and text[9] == _check_digit_10(text[:9]):
        stem = f"978{text[:9]}"
        return stem + _check_digit_13(stem)
    return None


class Isbn13(str):
    """13 digits with a valid check digit that start with 978 or 979. Compares and stores as plain text."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The ISBN in any written form of an ISBN-10 or ISBN-13, also as spreadsheets quote it (="978…").

        Raises InvalidValue, which states what is wrong.
        """
        if (plain := _from_digits(text)) is not None:
            return cls(plain)
        text = text[: MAX_FIELD_LENGTH + 1]
        digits = _digits(text)
        if _ROUNDED.match(text):
            raise InvalidValue(
                f"{text!r} is an ISBN that a spreadsheet has rounded: format the column as text, enter it again, and export again"
            )
        if re.fullmatch(r"\d{8}[\dX]", digits):
            raise InvalidValue(
                f"{text!r} is not an ISBN: it has 9 digits. If a spreadsheet has removed the first 0, format the column as text"
            )
        if not digits.isascii() or not re.fullmatch(r"\d{13}|\d{9}[\dX]", digits):
            raise InvalidValue(f"{text!r} is not an ISBN: it needs 13 digits, or 10 of which the last may be X")
        if len(digits) == 10:
            return cls._from_isbn10(digits, text)
        if not digits.startswith(("978", "979")):
            raise InvalidValue(f"{text!r} is not an ISBN: it starts with {digits[:3]}, not with 978 or 979")
        expected = _check_digit_13(digits[:12])
        if digits[12] != expected:
            raise InvalidValue(f"{text!r} is not an ISBN: its check digit is {digits[12]} and should be {expected}")
        return cls(digits)

    @classmethod
    def _from_isbn10(cls, digits: str, text: str) -> Self:
        expected = _check_digit_10(digits[:9])
        if digits[9] != expected:
            raise InvalidValue(f"{text!r} is not an ISBN: its check digit is {digits[9]} and should be {expected}")
        stem = f"978{digits[:9]}"
        return cls(stem + _check_digit_13(stem))

    @classmethod
    def find(cls, text: object) -> Self | None:  # type: ignore[override]  # a text search makes no sense on an ISBN
        """The first ISBN in a field, or None. Accepts numbers, and text around the ISBN."""
        if isinstance(text, bool) or not isinstance(text, (str, int)):
            return None
        field = str(text)[:MAX_FIELD_LENGTH]
        for form in (field, *(match[0] for match in _EMBEDDED.finditer(field))):
            try:
                return cls.parse(form)
            except InvalidValue:
                continue
        return None

    @property
    def hyphenated(self) -> str:
        """The ISBN in hyphenated groups, by the range table, as Wikidata stores it. Plain digits if the range is unknown."""
        parts = [part for part in stdnum_isbn.split(str(self)) if part]
        return "-".join(parts) if len(parts) == 5 else str(self)

    @property
    def isbn10(self) -> str | None:
        """The ISBN-10; only numbers that start with 978 have one."""
        return self[3:12] + _check_digit_10(self[3:12]) if self.startswith("978") else None


def resembles(text: str) -> bool:
    """Whether a field is meant as an ISBN: one with a slip, or one that a spreadsheet has rounded. Other numbers are not."""
    digits = _digits(text[: MAX_FIELD_LENGTH + 1])
    return bool(_ROUNDED.match(text)) or (re.fullmatch(r"\d+X?", digits) is not None and len(digits) in _RESEMBLING)


def _digits(text: str) -> str:
    """The digits of a number, without labels, separators, and what a spreadsheet puts around it."""
    if as_text := _AS_TEXT.match(text):
        text = as_text[1] if as_text[1] is not None else as_text[2]
    return _SEPARATORS.sub("", _LABEL.sub("", _POINT_ZERO.sub("", text))).upper()


def is_placeholder(isbn: str) -> bool:
    """Whether the number (13 digits) is a placeholder or an example and belongs to no book."""
    return isbn.startswith(_PLACEHOLDER_PREFIXES) or isbn.count(isbn[3], 3, 12) == 9 or isbn in EXAMPLES
