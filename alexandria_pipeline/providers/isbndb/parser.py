"""ISBNdb's responses as domain records. Pure functions; docs/services/isbndb.md has the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, EditionVariant, Rating
from alexandria_pipeline.domain.records import Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.fields import (
    subtitle_of,
    wire,
    wires,
)
from alexandria_pipeline.providers.isbndb.declaration import NAME
from alexandria_pipeline.providers.isbndb.errors import NOT_FOUND, error_text, unreadable
from alexandria_pipeline.providers.isbndb.models import Book, PlanLimit
from alexandria_pipeline.providers.transport.types import Json, JsonResponse

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_empty(reply: JsonResponse) -> bool:
    """A definite no: the vendor's own 404, or a search without hits."""
    if reply.status == 404:
        return NOT_FOUND.search(error_text(reply.data)) is not None
    return isinstance(reply.data, dict) and _listed(reply.data) == [] and not reply.data.get("total")


def parse_spent(reply: JsonResponse) -> int | NotFound | Failed:
    """The account's calls of today (GET /key); older answers may leave out `spent`, which the two others give."""
    if reply.status == 404:
        return NotFound()
    plan = wire(PlanLimit, reply.data.get("plan_limit") if isinstance(reply.data, dict) else None)
    if plan.spent is not None:
        return plan.spent
    return max(0, plan.total - plan.left) if plan.total is not None and plan.left is not None else unreadable()


def parse_search(reply: JsonResponse) -> list[Candidate] | NotFound | Failed:
    """Every edition of the page with an ISBN, in the service's order."""
    if (end := _without_books(reply)) is not None:
        return end
    books = wires(Book, _listed(reply.data))
    if not any(book.main or book.isbns for book in books):
        return unreadable()
    found: dict[Isbn13, Candidate] = {}
    for rank, book in enumerate(books):
        isbn = next(iter(book.isbns), None)
        if isbn is not None and isbn not in found and book.main:
            found[isbn] = _candidate(book, isbn, rank)
    return list(found.values()) or NotFound()


def parse_book(reply: JsonResponse, isbn: Isbn13) -> Book | NotFound | Failed:
    """The asked edition; a record of another ISBN is not an answer."""
    if reply.status == 404:
        return NotFound() if is_empty(reply) else unreadable()
    told = reply.data.get("book") if isinstance(reply.data, dict) else None
    book = wire(Book, told)
    if not isinstance(told, dict) or not book.isbns or not book.main:
        return unreadable()
    return book if isbn in book.isbns else Failed("ISBNdb answered about another ISBN", transient=False)


def parse_batch(reply: JsonResponse, asked: Sequence[Isbn13]) -> dict[Isbn13, EditionMetadata] | Failed:
    """The asked editions among those of a batch answer; the others are unknown to the service."""
    end = _without_books(reply)
    if end is not None:
        return {} if isinstance(end, NotFound) else end
    books = wires(Book, _listed(reply.data))
    if not any(book.isbns for book in books):
        return unreadable()
    wanted = set(asked)
    return {isbn: metadata_of(book, isbn) for book in books if book.main for isbn in book.isbns if isbn in wanted}


def metadata_of(book: Book, isbn: Isbn13) -> EditionMetadata:
    title = book.main or ""
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn,
        title=title,
        subtitle=subtitle_of(title, book.title_long),
        contributors=contributors(book.authors, halves=True),
        publisher=book.publisher,
        published=book.published,
        pages=book.pages or None,
        language=book.told_language,
        description=book.synopsis or book.overview,
        subjects=book.topics,
        covers=covers_of(book),
        format=book.told_format,
    )


def covers_of(book: Book) -> tuple[Cover, ...]:
    """`image` stays; `image_original` is not read because its address expires after two hours."""
    return (Cover(NAME, book.image),) if book.image else ()


def rating_of(book: Book) -> Rating | NotFound:
    """The rating, if it is a number from 0 to 5."""
    if book.rating is None or not 0 < book.rating <= 5:
        return NotFound()
    return Rating(NAME, book.rating, book.ratings or 0)


def variants_of(book: Book, isbn: Isbn13) -> list[EditionVariant]:
    """The other editions of the work, under the title of this one."""
    others = {other: form for other, form in book.other_isbns if other != isbn}
    return [EditionVariant(NAME, other, book.main or "", form) for other, form in others.items()]


def _candidate(book: Book, isbn: Isbn13, rank: int) -> Candidate:
    title = book.main or ""
    return Candidate(
        provider=NAME,
        isbn13=isbn,
        title=title,
        subtitle=subtitle_of(title, book.title_long),
        contributors=contributors(book.authors, halves=True),
        published=book.published,
        language=book.told_language,
        publisher=book.publisher,
        format=book.told_format,
        pages=book.pages or None,
        subjects=book.topics,
        rank=rank,
    )


def _without_books(reply: JsonResponse) -> NotFound | Failed | None:
    """How an answer with a list ends that has none: a definite no, or nothing that can be read."""
    if is_empty(reply):
        return NotFound()
    return None if reply.status != 404 and isinstance(reply.data, dict) and _listed(reply.data) else unreadable()


def _listed(data: dict[str, Json]) -> list[Json] | None:
    """GET /books answers with `books`, POST /books with `data`; the vendor's specification says `data` for both."""
    lists = [data[name] for name in ("books", "data") if isinstance(data.get(name), list)]
    return next((listed for listed in lists if listed), lists[0] if lists else None)
