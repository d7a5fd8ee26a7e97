"""ISBNdb v2: search, single books and batches of up to 1,000 ISBNs. Paid: every attempt counts.

What is asked for what belongs here, and `isbndb_wire` reads the answers; quota, pace, retries and the key are the
transport's business. Facts about the service: PROVIDERS, "ISBNdb v2", and its own OpenAPI 2.7.0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, EditionVariant, Rating, Subjects
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.common.search_terms import path_segment, surname, title_words
from alexandria_pipeline.providers.isbndb.parser import (
    NAME,
    Book,
    covers_of,
    explain,
    is_empty,
    metadata_of,
    parse_batch,
    parse_book,
    parse_search,
    parse_spent,
)
from alexandria_pipeline.providers.transport.types import KeyPlace, Reply, ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.records import BookQuery, Candidate

PAGE_SIZE: Final = 20
BATCH_SIZE: Final = 1_000
# "Max length: 150 characters" (OpenAPI, GET /books/{query}).
MAX_QUERY_LENGTH: Final = 150
NEGATIVE_CACHE_DAYS: Final = 1.0  # a missing book may be added within 24 hours

SPEC: Final = ServiceSpec(
    name="isbndb",
    explain=explain,
    empty=is_empty,
    cache_days=30,
    negative_cache_days=NEGATIVE_CACHE_DAYS,
    key=KeyPlace(header="Authorization"),
)
# The account's own counter changes with every call: the same service, pace and ledger, but nothing is kept.
COUNTER_SPEC: Final = replace(SPEC, cache_days=0, negative_cache_days=0)


class IsbnDb:
    """The client. `batch_size` is the plan's: 10, 100 or 1,000 ISBNs per request. `counter` keeps no answers."""

    info = ProviderInfo(
        NAME,
        ProviderKind.PAID,
        frozenset(
            {
                Capability.ISBN_RESOLUTION, Capability.METADATA_ENRICHMENT, Capability.COVER_IMAGES, Capability.RATINGS,
                Capability.EDITION_VARIANTS, Capability.SUBJECT_ENRICHMENT,
            }
        ),
        "ISBNdb",
    )  # fmt: skip

    def __init__(self, http: ServiceHttp, batch_size: int = BATCH_SIZE, counter: ServiceHttp | None = None) -> None:
        self._http = http
        self._counter = counter or http
        self.batch_size = batch_size

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """One call: words of the title and the surname, in every column.

        Without `shouldMatchAll`, which wants all words within the title or all within the author, and forgives no slip.
        """
        words = search_query(query)
        if not words:
            return NotFound()
        reply = await self._http.get(f"/books/{path_segment(words)}", {"page": 1, "pageSize": PAGE_SIZE})
        return parse_search(reply) if isinstance(reply, Reply) else reply

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        book = await self._book(isbn13)
        return metadata_of(book, isbn13) if isinstance(book, Book) else book

    async def metadata_batch(self, isbns: Sequence[Isbn13]) -> Answer[dict[Isbn13, EditionMetadata]]:
        asked = list(dict.fromkeys(isbns))
        if not asked:
            return {}
        if len(asked) > self.batch_size:
            return Failed(f"ISBNdb takes at most {self.batch_size} ISBNs a request", transient=False)
        reply = await self._http.post("/books", {"isbns": [str(isbn) for isbn in asked]})
        return parse_batch(reply, asked) if isinstance(reply, Reply) else reply

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        book = await self._book(isbn13)
        return (covers_of(book) or NotFound()) if isinstance(book, Book) else book

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        """Only where a record carries one, which the vendor's specification does not promise."""
        book = await self._book(isbn13)
        if not isinstance(book, Book):
            return book
        if book.rating is None or not 0 < book.rating <= 5:
            return NotFound()
        return Rating(NAME, book.rating, book.ratings or 0)

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        book = await self._book(isbn13)
        if not isinstance(book, Book):
            return book
        others = {isbn: form for isbn, form in book.other_isbns if isbn != isbn13}
        return [EditionVariant(NAME, isbn, book.main or "", form) for isbn, form in others.items()] or NotFound()

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        book = await self._book(isbn13)
        if not isinstance(book, Book):
            return book
        return Subjects(NAME, book.topics) if book.topics else NotFound()

    async def spent(self) -> Answer[int]:
        """By the account's own counter, asked anew each time; the service does not charge for it."""
        reply = await self._counter.get("/key")
        return parse_spent(reply) if isinstance(reply, Reply) else reply

    async def _book(self, isbn13: Isbn13) -> Book | NotFound | Unavailable | Failed:
        reply = await self._http.get(f"/book/{isbn13}")
        return parse_book(reply, isbn13) if isinstance(reply, Reply) else reply


def search_query(query: BookQuery) -> str:
    """Title words and surname, cut at a word to the longest query the service takes; the surname is kept."""
    author = surname(query.author)[:MAX_QUERY_LENGTH]
    room = MAX_QUERY_LENGTH - len(author) - 1
    words = title_words(query.title)
    if len(words) > room:
        words = words[: room + 1].rpartition(" ")[0] or words[:room]
    return f"{words} {author}".strip()
