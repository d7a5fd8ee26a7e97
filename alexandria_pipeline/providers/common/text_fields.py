"""Text and number fields: reads any JSON value as text or a number, or as nothing. Never raises.

Cleaning of text belongs here: entities, mark-up, control characters, placeholders. What a text means belongs elsewhere.
"""

from __future__ import annotations

import html
import re
from typing import Final

MAX_NUMBER: Final = 2_147_483_647
"""The largest integer of a PostgreSQL `integer` column."""

MAX_TEXT: Final = 1_000
MAX_NAME: Final = 300
MAX_PLAIN_TEXT: Final = 20_000
MAX_TEXTS: Final = 500
"""The most that is read of a field: characters of a line, of a name and of running text, and values of a list."""
_MARK_UP_SHARE: Final = 4  # entities and tags may be this many times longer than the text that remains

# What programs write for "no value". Their exact case counts, because "Undefined" and "Null" may be titles.
_PLACEHOLDERS: Final = frozenset(
    {"~autofilled~", "autofilled", "null", "NULL", "undefined", "NaN", "n/a", "N/A", "[object Object]"}
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});")
# Control characters and lone surrogates: JSON can carry them, a UTF-8 database column cannot.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BLOCK_TAG: Final = re.compile(r"<\s*+/?\s*+(?:p|br|div|li|ul|ol|h[1-6]|tr|blockquote)\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<\s*+/?\s*+[A-Za-z][^<>]*+>|<!--(?:(?!-->|<!--).)*+-->", re.DOTALL)
_COUNT: Final = re.compile(r"\s*(\d{1,9})(?:\.0+)?\s*(?:p|pp|pgs?|pages?)?\.?\s*", re.IGNORECASE)


def text(value: object) -> str | None:
    """One line of text: entities decoded, white space collapsed; None for placeholders ("~autofilled~") and other types."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    try:
        line = " ".join(_clean(str(value)[: _MARK_UP_SHARE * MAX_TEXT]).split())[:MAX_TEXT].rstrip()
    except ValueError:  # an integer of more than 4,300 digits
        return None
    return None if not line or line in _PLACEHOLDERS else line


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list or the one text of a string, each once, in order. Services write one value either way."""
    values = value[:MAX_TEXTS] if isinstance(value, (list, tuple)) else [value]
    return tuple(dict.fromkeys(line for each in values if (line := text(each)) is not None))


def plain_text(value: object) -> str | None:
    """Running text without mark-up: tags removed, entities decoded, one line for each paragraph."""
    if not isinstance(value, str):
        return None
    bare = _TAG.sub("", _BLOCK_TAG.sub("\n", _clean(value[: _MARK_UP_SHARE * MAX_PLAIN_TEXT])))
    lines = (" ".join(line.split()) for line in bare.splitlines())
    paragraphs = "\n".join(line for line in lines if line)[:MAX_PLAIN_TEXT].rstrip()
    return None if not paragraphs or paragraphs in _PLACEHOLDERS else paragraphs


def _clean(raw: str) -> str:
    """Decodes entities twice, because services send "&amp;#39;", and removes what a database cannot store."""
    for _ in range(2):
        raw = _ENTITY.sub(lambda entity: html.unescape(entity[0]), raw)
    return _UNPRINTABLE.sub("", raw)


def whole_number(value: object) -> int | None:
    """A count: 397, 397.0, "397" or "397 p."; None if it is negative, fractional or larger than `MAX_NUMBER`."""
    if isinstance(value, str):
        match = _COUNT.fullmatch(value) if value.isascii() else None
        return int(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= MAX_NUMBER and value == int(value) else None


def decimal_number(value: object) -> float | None:
    """A finite number, also when it is written as a string."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= MAX_NUMBER else None


def web_address(value: object) -> str | None:
    """An https address. Services that still write http:// or // serve https too."""
    address = text(value)
    if address is None or not re.fullmatch(r"(?:https?:)?//[^\s<>\"]+", address):
        return None
    return "https:" + address[address.index("//") :]
