"""Finds the entries of the book list in a model's reply: complete, fenced, in running text, damaged, or cut off.

`reply_parser.py` reads the entries. A service's own envelope around the text belongs in that service's package.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.tsv import excerpt

TITLE_KEYS: Final = ("title", "book_title")
AUTHOR_KEYS: Final = ("author", "authors", "author_name")

# Every break is a new attempt to decode the rest. A text with more breaks is not a list.
MAX_BREAKS: Final = 200
MAX_READ: Final = 5_000_000  # characters that all attempts together read
MAX_BROKEN_LENGTH: Final = 500

_BOOK_KEY: Final = re.compile(rf'"(?:{"|".join(TITLE_KEYS + AUTHOR_KEYS)})"', re.IGNORECASE)
_REFUSAL_KEYS: Final = ("error", "refusal")
_OPENING: Final = re.compile(r"[\[{]")
_STARTS_AS_JSON: Final = re.compile(r"[\ufeff\s]*(?:```\w*\s*)?[\[{]")
_CLOSINGS: Final = ("]", "}", "`")
_DECODER: Final = json.JSONDecoder(strict=False)
# The decoder raises ValueError also for an integer of more than 4,300 digits, and RecursionError for deep nesting.
_UNDECODABLE: Final = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """An entry that is not valid JSON: the text from its start, and why it cannot be read."""

    text: str
    reason: str


def reply_entries(text: str) -> list[Any]:
    """The entries of the list, usable or not; at least one. Raises SourceError for a refusal and for text without a list."""
    try:
        value = _DECODER.decode(text.strip("\ufeff \t\r\n"))
    except _UNDECODABLE:
        return _recovered(text)
    books = _books(value)
    if not books:
        raise SourceError(_refusal(value) or _no_list(text, empty=books is not None))
    return books


def members_by_name(entry: dict[str, Any]) -> dict[str, Any]:
    """The members of an object under trimmed lower-case names."""
    return {name.strip().lower(): value for name, value in entry.items()}


def _books(value: Any) -> list[Any] | None:
    """The list in a decoded reply: {"books": […]}, an array, or a single book; None for anything else."""
    if isinstance(value, list):
        wrapped = len(value) == 1 and isinstance(value[0], dict) and not _is_book(value[0])
        inner = _books(value[0]) if wrapped else None
        return value if inner is None else inner
    if not isinstance(value, dict):
        return None
    members = members_by_name(value)
    if isinstance(members.get("books"), list):
        return list(members["books"])
    if _is_book(value):
        return [value]
    lists = [member for member in members.values() if isinstance(member, list) and any(map(_is_book, member))]
    return list(lists[0]) if len(lists) == 1 else None


def _is_book(value: Any) -> bool:
    return isinstance(value, dict) and not members_by_name(value).keys().isdisjoint((*TITLE_KEYS, *AUTHOR_KEYS))


def _recovered(text: str) -> list[Any]:
    """The entries of a text that is not JSON as a whole: complete books, and the starts of broken ones."""
    entries: list[Any] = []
    refusal, empty = None, False
    position, breaks, read = 0, 0, 0
    while breaks < MAX_BREAKS and read < MAX_READ and (opening := _OPENING.search(text, position)):
        start = opening.start()
        try:
            value, position = _DECODER.raw_decode(text, start)
        except _UNDECODABLE as error:
            read += (error.pos if isinstance(error, json.JSONDecodeError) else len(text)) - start
            breaks, position = breaks + 1, start + 1
            if _is_broken_book(text, start):
                entries.append(BrokenEntry(text[start : start + MAX_BROKEN_LENGTH], "this book is not valid JSON"))
            continue
        books = _books(value)
        # A list without any object is part of running text: "as in [1]".
        entries += books if books and any(isinstance(book, dict) for book in books) else []
        empty, refusal = empty or books == [], refusal or _refusal(value)
    if not any(isinstance(entry, dict) for entry in entries):
        raise SourceError(refusal or _no_list(text, empty=empty))
    if isinstance(entries[-1], BrokenEntry) and not text.rstrip().endswith(_CLOSINGS):
        entries[-1] = BrokenEntry(entries[-1].text, "the reply is cut off within this book")
    return entries


def _is_broken_book(text: str, start: int) -> bool:
    """Whether the text from `start`, which is no valid JSON, is an entry of the list.

    It may also be the object around the list, or a bracket in running text; these are not entries.
    """
    following = _OPENING.search(text, start + 1)
    return text[start] == "{" and (following is None or bool(_BOOK_KEY.search(text, start, following.start())))


def _refusal(value: Any) -> str | None:
    """The reason of a refusal: {"error": "I cannot …"}."""
    members = members_by_name(value) if isinstance(value, dict) else {}
    for key in _REFUSAL_KEYS:
        message = members.get(key)
        message = message.get("message") if isinstance(message, dict) else message
        if isinstance(message, str) and message.strip():
            return f"the model refuses: {excerpt(message)}"
    return None


def _no_list(text: str, *, empty: bool) -> str:
    if empty:
        return "the reply lists no books"
    if not text.strip():
        return "the reply is empty"
    cut = bool(_STARTS_AS_JSON.match(text)) and not text.rstrip().endswith(_CLOSINGS)
    return f"the reply {'is cut off before its first book ends' if cut else 'is not a list of books'}: {excerpt(text)}"
