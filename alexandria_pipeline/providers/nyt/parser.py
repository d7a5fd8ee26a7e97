"""The best-seller lists of a month as listings. Pure functions; docs/services/nyt.md has the facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.json_text import load_each
from alexandria_pipeline.domain.records import GenerationRequest, Listing, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.service_answers import Failed
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.tsv import clean_text, excerpt, listing_problem
from alexandria_pipeline.providers.nyt.declaration import NAME
from alexandria_pipeline.providers.nyt.errors import UNREADABLE
from alexandria_pipeline.providers.nyt.models import Book, lists_of

if TYPE_CHECKING:
    from datetime import date

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.providers.transport.types import JsonResponse

_SUNDAY: Final = 6


def sundays(month: Month) -> list[date]:
    """The days on which the lists of a month are published."""
    day, end = month.first_day, (month + 1).first_day
    day += timedelta(days=(_SUNDAY - day.weekday()) % 7)
    return [day + timedelta(weeks=week) for week in range(5) if day + timedelta(weeks=week) < end]


def parse_week(response: JsonResponse) -> JsonResponse | Failed:
    """Accepts a response with at least one list that has a book with a title."""
    has_books = any(book.title for each in lists_of(response.data) for book in each.books)
    return response if response.status == 200 and has_books else UNREADABLE


def parse_weeks(reply: RawReply, request: GenerationRequest) -> ParsedReply:
    """One listing for each book of the month's lists, with all its ISBNs. Raises SourceError if there is none."""
    source = f"{NAME} {request.month}"
    found: dict[tuple[str, str], Listing] = {}
    isbns: dict[tuple[str, str], dict[Isbn13, None]] = {}
    skipped: list[SkippedRow] = []
    for position, (list_name, book) in enumerate(_books(reply), start=1):
        title, author = clean_text(book.title or ""), clean_text(book.author_name)
        if problem := listing_problem(title, author):
            skipped.append(SkippedRow(source, position, problem, excerpt(f"{title} / {author}"), request.month))
            continue
        key = (normalise(title), normalise(author))
        found.setdefault(key, Listing(NAME, position, title, author, details=_details(book, list_name)))
        isbns.setdefault(key, {}).update(dict.fromkeys(book.isbns))
    if not found:
        raise SourceError(f"the lists of the New York Times name no book in {request.month}")
    return ParsedReply(tuple(replace(each, isbns=tuple(isbns[key])) for key, each in found.items()), tuple(skipped))


def _books(reply: RawReply) -> Iterator[tuple[str, Book]]:
    """The books of all lists of all weeks, with the name of their list."""
    try:
        for week in load_each(reply.body):
            for each in lists_of(week):
                for book in each.books:
                    yield each.list_name or "", book
    except (ValueError, RecursionError) as error:
        raise SourceError("the stored reply of the New York Times is not JSON") from error


def _details(book: Book, list_name: str) -> tuple[tuple[str, str], ...]:
    pairs = (("publisher", book.publisher or ""), ("list", list_name))
    return tuple((name, text) for name, text in pairs if text)
