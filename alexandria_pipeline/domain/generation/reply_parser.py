"""Reading the list of books that a model wrote: whole, fenced, wrapped in prose, damaged, or cut off in the middle.

Text in, listings and skipped entries out. What surrounds the text (a vendor's envelope, its word on why the model
stopped) is the provider's business. No ISBN is ever read from a model: it would be a guess.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.records import GenerationRequest, Listing, ParsedReply, SkippedRow
from alexandria_pipeline.domain.tsv import clean_text, excerpt, listing_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_BOOKS: Final = 50
"""The most that is ever asked of one generator and month (BEHAVIOUR, "Generation")."""

# What a model is asked for besides title and author (domain.prompts), and how many characters of each are kept.
DETAILS: Final = ("publisher", "genre", "significance")
MAX_DETAIL_LENGTH: Final = 500

# A runaway model may repeat itself up to the reply's size limit; a list is never longer than this.
_MOST_ENTRIES: Final = 1_000
# Each is a new attempt at decoding what follows; a text with more damage than this is not a list.
_MOST_BREAKS: Final = 200

_TITLE_KEYS: Final = ("title", "book_title")
_AUTHOR_KEYS: Final = ("author", "authors", "author_name")
_BOOK_KEY: Final = re.compile(rf'"(?:{"|".join(_TITLE_KEYS + _AUTHOR_KEYS)})"', re.IGNORECASE)
_REFUSAL_KEYS: Final = ("error", "refusal")
# What models write where they were told to leave a place empty; "Unknown" is a title, but not an author.
_NO_TITLE: Final = frozenset({"n/a", "null", "tbd"})
_NO_AUTHOR: Final = _NO_TITLE | {"unknown", "unknown author", "author unknown", "none", "not known"}

_OPENING: Final = re.compile(r"[\[{]")
_BEGINS_JSON: Final = re.compile(r"[\ufeff\s]*(?:```\w*\s*)?[\[{]")
_CLOSINGS: Final = ("]", "}", "`")
_DECODER: Final = json.JSONDecoder(strict=False)
# ValueError is more than JSONDecodeError: an integer of over 4,300 digits; deep nesting ends in RecursionError.
_UNDECODABLE: Final = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Broken:
    """An entry that is not JSON: the text from its beginning, and why it cannot be read."""

    text: str
    reason: str


def read_book_list(text: str, provider: str, request: GenerationRequest) -> ParsedReply:
    """The books that a model's answer lists, in order; what cannot be used is skipped with its place and reason.

    Raises SourceError when the answer refuses, holds no list, or holds no book that can be used.
    """
    entries = _entries(text)
    source = f"{provider} {request.month}"
    listings: list[Listing] = []
    skipped: list[SkippedRow] = []
    for position, entry in enumerate(entries[:_MOST_ENTRIES], start=1):
        read = _book(entry)
        if isinstance(read, str):
            skipped.append(SkippedRow(source, position, read, _shown(entry), request.month))
        else:
            listings.append(Listing(provider, position, *read, details=_details(entry)))
    if not listings:
        raise SourceError(f"none of the {len(entries):,} books listed can be used: {_tally(skipped)}")
    if len(entries) > _MOST_ENTRIES:
        reason = f"{len(entries) - _MOST_ENTRIES:,} more entries; a list has at most {_MOST_ENTRIES:,}"
        skipped.append(SkippedRow(source, _MOST_ENTRIES + 1, reason, _shown(entries[_MOST_ENTRIES]), request.month))
    surplus = _surplus(listings, request.limit)
    reason = f"{len(listings)} books where {request.limit} were asked for: only the first {MAX_BOOKS} are taken"
    skipped += [SkippedRow(source, s.position, reason, _shown(entries[s.position - 1]), request.month) for s in surplus]
    return ParsedReply(
        tuple(listings[: len(listings) - len(surplus)]), tuple(sorted(skipped, key=lambda s: s.position))
    )


def _surplus(listings: Sequence[Listing], limit: int) -> Sequence[Listing]:
    """Some models give a few more than they were asked for; more than twice as many is no longer a selection."""
    return listings[MAX_BOOKS:] if len(listings) > 2 * limit else ()


def _entries(text: str) -> list[Any]:
    """The entries of the list, usable or not; at least one. Raises SourceError for a refusal or what is no list."""
    try:
        value = _DECODER.decode(text.strip("\ufeff \t\r\n"))
    except _UNDECODABLE:
        return _salvaged(text)
    books = _books(value)
    if not books:
        raise SourceError(_refusal(value) or _no_list(text, empty=books is not None))
    return books


def _books(value: Any) -> list[Any] | None:
    """The list within a decoded answer: {"books": […]}, a bare array, one book alone; None for anything else."""
    if isinstance(value, list):
        inner = _books(value[0]) if len(value) == 1 and isinstance(value[0], dict) and not _is_book(value[0]) else None
        return value if inner is None else inner
    if not isinstance(value, dict):
        return None
    members = _by_name(value)
    if isinstance(members.get("books"), list):
        return list(members["books"])
    if _is_book(value):
        return [value]
    lists = [member for member in members.values() if isinstance(member, list) and any(map(_is_book, member))]
    return list(lists[0]) if len(lists) == 1 else None


def _salvaged(text: str) -> list[Any]:
    """The entries of a text that is not JSON as a whole: complete books, and the beginnings of broken ones."""
    entries: list[Any] = []
    refusal, empty = None, False
    at, breaks = 0, 0
    while breaks < _MOST_BREAKS and (opening := _OPENING.search(text, at)):
        try:
            value, at = _DECODER.raw_decode(text, opening.start())
        except _UNDECODABLE:
            breaks, at = breaks + 1, opening.start() + 1
            if _is_broken_book(text, opening.start()):
                entries.append(_Broken(text[opening.start() : opening.start() + 500], "this book is not valid JSON"))
            continue
        books = _books(value)
        # A list without any object in it is prose: "as in [1]".
        entries += books if books and any(isinstance(book, dict) for book in books) else []
        empty, refusal = empty or books == [], refusal or _refusal(value)
    if not any(isinstance(entry, dict) for entry in entries):
        raise SourceError(refusal or _no_list(text, empty=empty))
    if isinstance(entries[-1], _Broken) and not text.rstrip().endswith(_CLOSINGS):
        entries[-1] = _Broken(entries[-1].text, "the reply is cut off within this book")
    return entries


def _is_broken_book(text: str, start: int) -> bool:
    """Whether the undecodable text from here is a book, and not the object around the list or a bracket in prose."""
    following = _OPENING.search(text, start + 1)
    return text[start] == "{" and (following is None or bool(_BOOK_KEY.search(text, start, following.start())))


def _book(entry: Any) -> tuple[str, str] | str:
    """Title and author of an entry, or why it is no book."""
    if isinstance(entry, _Broken):
        return entry.reason
    if not isinstance(entry, dict):
        return "the entry is not an object with a title and an author"
    members = _by_name(entry)
    title = _words(members, _TITLE_KEYS)
    author = _words(members, _AUTHOR_KEYS)
    title = "" if title.lower() in _NO_TITLE else title
    author = "" if author.lower() in _NO_AUTHOR else author
    return listing_problem(title, author) or (title, author)


def _details(entry: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What else the model said of a book; kept with the listing, believed by nobody."""
    members = _by_name(entry)
    said = {name: _words(members, (name,))[:MAX_DETAIL_LENGTH] for name in DETAILS}
    return tuple((name, text) for name, text in said.items() if text)


def _words(members: dict[str, Any], keys: Iterable[str]) -> str:
    """The text of the first of these members that has one; several names are joined."""
    for key in keys:
        value = members.get(key)
        parts = [_word(part) for part in (value if isinstance(value, list) else [value])]
        if words := " and ".join(part for part in parts if part):
            return words
    return ""


def _word(value: Any) -> str:
    """Text, the number that a title may be (1984), or the name of a person given as an object."""
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return clean_text(value) if isinstance(value, str) else ""


def _by_name(entry: dict[str, Any]) -> dict[str, Any]:
    return {name.strip().lower(): value for name, value in entry.items()}


def _is_book(value: Any) -> bool:
    return isinstance(value, dict) and not _by_name(value).keys().isdisjoint((*_TITLE_KEYS, *_AUTHOR_KEYS))


def _refusal(value: Any) -> str | None:
    """What a model says instead of a list: {"error": "I cannot …"}."""
    members = _by_name(value) if isinstance(value, dict) else {}
    for key in _REFUSAL_KEYS:
        said = members.get(key)
        said = said.get("message") if isinstance(said, dict) else said
        if isinstance(said, str) and said.strip():
            return f"the model refuses: {excerpt(said)}"
    return None


def _no_list(text: str, *, empty: bool) -> str:
    if empty:
        return "the reply lists no books"
    if not text.strip():
        return "the reply is empty"
    cut = bool(_BEGINS_JSON.match(text)) and not text.rstrip().endswith(_CLOSINGS)
    return f"the reply {'is cut off before its first book ends' if cut else 'is not a list of books'}: {excerpt(text)}"


def _tally(skipped: Sequence[SkippedRow]) -> str:
    return "; ".join(f"{reason} ({times:,})" for reason, times in Counter(s.reason for s in skipped).most_common(3))


def _shown(entry: Any) -> str:
    """Enough of an entry to recognise it."""
    if isinstance(entry, _Broken):
        return excerpt(entry.text)
    try:
        return excerpt(json.dumps(entry, ensure_ascii=False))
    except RecursionError:
        return f"{type(entry).__name__}, deeply nested"
