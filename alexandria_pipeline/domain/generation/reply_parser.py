"""Parses the book list in a model's reply: text in, listings and skipped entries out.

`reply_entries.py` finds the entries. ISBNs are never read from a model, because they would be guesses.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.generation.reply_entries import (
    AUTHOR_KEYS,
    TITLE_KEYS,
    BrokenEntry,
    members_by_name,
    reply_entries,
)
from alexandria_pipeline.domain.records import GenerationRequest, Listing, ParsedReply, SkippedRow
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import UNKNOWN_AUTHOR
from alexandria_pipeline.domain.tsv import clean_text, excerpt, listing_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_BOOKS: Final = 50
"""The largest number of books that one generator is asked for in a month (docs/behaviour.md, "Generation")."""

# What the response schema requests besides title and author (`prompts.py`), and the stored characters of each.
DETAILS: Final = ("publisher", "genre", "significance")
MAX_DETAIL_LENGTH: Final = 500

# A model may repeat itself up to the size limit of a reply. Later entries of such a list are not read.
MAX_ENTRIES: Final = 1_000
# The longest complete reply has 32,768 tokens, about 130,000 characters.
MAX_REPLY_LENGTH: Final = 1_000_000
MAX_FIELD_LENGTH: Final = 5_000
MAX_PEOPLE: Final = 50

# What models write instead of an empty string. "Unknown" is a title, but not an author.
_NO_TITLE: Final = frozenset({"n/a", "null", "tbd"})


def read_book_list(text: str, provider: str, request: GenerationRequest) -> ParsedReply:
    """The listings of a reply in its order, and the entries that cannot be used, with position and reason.

    Raises SourceError if the model refuses, if there is no list, or if no entry can be used.
    """
    entries = reply_entries(text[:MAX_REPLY_LENGTH])
    source = f"{provider} {request.month}"
    listings: list[Listing] = []
    skipped: list[SkippedRow] = []
    for position, entry in enumerate(entries[:MAX_ENTRIES], start=1):
        book = _title_and_author(entry)
        if isinstance(book, str):
            skipped.append(SkippedRow(source, position, book, _shown(entry), request.month))
        else:
            listings.append(Listing(provider, position, *book, details=_details(entry)))
    if not listings:
        raise SourceError(f"none of the {len(entries):,} listed books can be used: {_most_common_reasons(skipped)}")
    if len(entries) > MAX_ENTRIES:
        reason = f"{len(entries) - MAX_ENTRIES:,} more entries; a list has at most {MAX_ENTRIES:,}"
        skipped.append(SkippedRow(source, MAX_ENTRIES + 1, reason, _shown(entries[MAX_ENTRIES]), request.month))
    surplus = _surplus(listings, request.limit)
    reason = f"{len(listings)} books instead of the requested {request.limit}: only the first {MAX_BOOKS} are used"
    skipped += [SkippedRow(source, s.position, reason, _shown(entries[s.position - 1]), request.month) for s in surplus]
    used = listings[: len(listings) - len(surplus)]
    return ParsedReply(tuple(used), tuple(sorted(skipped, key=lambda row: row.position)))


def _surplus(listings: Sequence[Listing], limit: int) -> Sequence[Listing]:
    """The listings after `MAX_BOOKS` of a list of more than twice the limit. A few books too many are all used."""
    return listings[MAX_BOOKS:] if len(listings) > 2 * limit else ()


def _title_and_author(entry: Any) -> tuple[str, str] | str:
    """Title and author of an entry, or the reason why it cannot be used."""
    if isinstance(entry, BrokenEntry):
        return entry.reason
    if not isinstance(entry, dict):
        return "the entry is not an object with a title and an author"
    members = members_by_name(entry)
    title = _text(members, TITLE_KEYS)
    author = _text(members, AUTHOR_KEYS)
    title = "" if title.lower() in _NO_TITLE else title
    author = "" if normalise(author) in UNKNOWN_AUTHOR else author
    return listing_problem(title, author) or (title, author)


def _details(entry: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The other members of an entry. They are stored with the listing, but no decision uses them."""
    members = members_by_name(entry)
    details = {name: _text(members, (name,))[:MAX_DETAIL_LENGTH] for name in DETAILS}
    return tuple((name, text) for name, text in details.items() if text)


def _text(members: dict[str, Any], keys: Iterable[str]) -> str:
    """The text of the first of these members that has one. Several names are joined."""
    for key in keys:
        value = members.get(key)
        parts = [_part(part) for part in (value[:MAX_PEOPLE] if isinstance(value, list) else [value])]
        if text := " and ".join(part for part in parts if part):
            return text
    return ""


def _part(value: Any) -> str:
    """A text, a number (the title "1984"), or the name of a person that is given as an object."""
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return clean_text(value[:MAX_FIELD_LENGTH]) if isinstance(value, str) else ""


def _most_common_reasons(skipped: Sequence[SkippedRow]) -> str:
    counts = Counter(row.reason for row in skipped)
    return "; ".join(f"{reason} ({times:,})" for reason, times in counts.most_common(3))


def _shown(entry: Any) -> str:
    """Enough of an entry to recognise it."""
    if isinstance(entry, BrokenEntry):
        return excerpt(entry.text)
    try:
        return excerpt(json.dumps(entry, ensure_ascii=False))
    except RecursionError:
        return f"{type(entry).__name__}, deeply nested"
