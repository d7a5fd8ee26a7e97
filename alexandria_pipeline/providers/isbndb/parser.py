"""ISBNdb's responses as domain records. Pure functions; docs/services/isbndb.md has the facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, EditionVariant, Rating, Subjects
from alexandria_pipeline.domain.quota import ServicePlan
from alexandria_pipeline.domain.records import Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.wire_models import read_model, read_models
from alexandria_pipeline.providers.isbndb.declaration import NAME, PLAN_RATES
from alexandria_pipeline.providers.isbndb.errors import UNREADABLE, is_empty, listed
from alexandria_pipeline.providers.isbndb.models import Account, Book

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.providers.transport.types import JsonResponse


_HOST = re.compile(r"(?:[a-z0-9-]+\.)+isbndb\.com")


def parse_spent(response: JsonResponse) -> int | NotFound | Failed:
    """The calls of the account today (`GET /key`). Without `spent`, the difference of `total` and `left`."""
    if response.status == 404:
        return NotFound()
    plan = read_model(Account, response.data).plan_limit.limiting
    if plan.spent is not None:
        return plan.spent
    return max(0, plan.total - plan.left) if plan.total is not None and plan.left is not None else UNREADABLE


def parse_plan(response: JsonResponse) -> ServicePlan | NotFound | Failed:
    """The plan of the key (`GET /key`). A host is used only if it belongs to ISBNdb, because it is sent the key."""
    if response.status == 404:
        return NotFound()
    account = read_model(Account, response.data)
    limits = account.plan_limit.limiting
    if limits.total is None:
        return UNREADABLE
    host = account.api_host if account.api_host and _HOST.fullmatch(account.api_host) else None
    left = limits.left if limits.left is not None or limits.spent is None else max(0, limits.total - limits.spent)
    return ServicePlan(NAME, account.plan_name or "", host, PLAN_RATES.get(host or "", 1), limits.total, left)


def parse_search(response: JsonResponse) -> list[Candidate] | NotFound | Failed:
    """The editions of a page that have an ISBN and a title, in the service's order."""
    if (no_books := _no_books(response)) is not None:
        return no_books
    books = read_models(Book, listed(response.data))
    if not any(book.any_title or book.isbns for book in books):
        return UNREADABLE
    found: dict[Isbn13, Candidate] = {}
    for rank, book in enumerate(books):
        isbn = next(iter(book.isbns), None)
        if isbn is not None and book.any_title:
            found.setdefault(isbn, _candidate(book, isbn, rank))
    return list(found.values()) or NotFound()


def parse_book(response: JsonResponse, isbn: Isbn13) -> Book | NotFound | Failed:
    """The edition with this ISBN. The record of another ISBN is an error, not an answer."""
    if response.status == 404:
        return NotFound() if is_empty(response) else UNREADABLE
    record = response.data.get("book") if isinstance(response.data, dict) else None
    book = read_model(Book, record)
    if not isinstance(record, dict) or not book.isbns or not book.any_title:
        return UNREADABLE
    return book if isbn in book.isbns else Failed("ISBNdb returned the record of another ISBN", transient=False)


def parse_batch(response: JsonResponse, isbns: Sequence[Isbn13]) -> dict[Isbn13, EditionMetadata] | Failed:
    """The metadata of the requested ISBNs that the service knows."""
    no_books = _no_books(response)
    if no_books is not None:
        return {} if isinstance(no_books, NotFound) else no_books
    books = read_models(Book, listed(response.data))
    if not any(book.isbns for book in books):
        return UNREADABLE
    wanted = set(isbns)
    return {isbn: metadata_of(book, isbn) for book in books if book.any_title for isbn in book.isbns if isbn in wanted}


def metadata_of(book: Book, isbn: Isbn13) -> EditionMetadata:
    """The metadata of an edition under one of its ISBNs."""
    title = book.any_title or ""
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn,
        title=title,
        subtitle=_subtitle(title, book.title_long),
        contributors=contributors(book.authors, split_names=True),
        publisher=book.publisher,
        published=book.published,
        pages=book.pages or None,
        language=book.effective_language,
        description=book.synopsis or book.overview,
        subjects=book.topics,
        covers=covers_of(book),
        format=book.effective_format,
    )


def covers_of(book: Book) -> tuple[Cover, ...]:
    """The cover in `image`. The address in `image_original` expires after two hours, so it is not used."""
    return (Cover(NAME, book.image),) if book.image else ()


def rating_of(book: Book) -> Rating | NotFound:
    """The rating, if it is a number from 0 to 5."""
    if book.rating is None or not 0 < book.rating <= 5:
        return NotFound()
    return Rating(NAME, book.rating, book.ratings or 0)


def subjects_of(book: Book) -> Subjects | NotFound:
    """The subjects, if there are any."""
    return Subjects(NAME, book.topics) if book.topics else NotFound()


def variants_of(book: Book, isbn: Isbn13) -> list[EditionVariant]:
    """The other editions of the work. The service gives no title for them, so they have the title of this one."""
    others = {other: form for other, form in book.other_isbns if other != isbn}
    return [EditionVariant(NAME, other, book.any_title or "", form) for other, form in others.items()]


def _candidate(book: Book, isbn: Isbn13, rank: int) -> Candidate:
    title = book.any_title or ""
    return Candidate(
        provider=NAME,
        isbn13=isbn,
        title=title,
        subtitle=_subtitle(title, book.title_long),
        contributors=contributors(book.authors, split_names=True),
        published=book.published,
        language=book.effective_language,
        publisher=book.publisher,
        format=book.effective_format,
        pages=book.pages or None,
        subjects=book.topics,
        rank=rank,
    )


def _subtitle(title: str, long_title: str | None) -> str | None:
    """What the long title adds to the title after a colon or dash; None if it adds nothing or is another title."""
    if long_title is None or not long_title.lower().startswith(title.lower()):
        return None
    match = re.fullmatch(r"\s*(?:[:;–—]|\s-{1,2}\s)\s*(.*\w.*)", long_title[len(title) :])
    return match[1].strip() if match else None


def _no_books(response: JsonResponse) -> NotFound | Failed | None:
    """The answer for a response without books: a definite no or unreadable; None if there are books."""
    if is_empty(response):
        return NotFound()
    has_books = response.status != 404 and isinstance(response.data, dict) and listed(response.data)
    return None if has_books else UNREADABLE
