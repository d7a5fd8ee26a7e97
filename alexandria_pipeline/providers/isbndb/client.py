"""The ISBNdb client: search, single books, and batches of up to 1,000 ISBNs. The service is paid and counts every call.

This module chooses the endpoint for each capability. `parser.py` reads the responses; quota, rate limit, retries and the
key belong to the transport. docs/services/isbndb.md has the facts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, EditionVariant, Rating, Subjects
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable, then
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.search_terms import path_segment, surname, title_words
from alexandria_pipeline.providers.isbndb.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.isbndb.errors import RATE_LIMIT, explain, explain_account
from alexandria_pipeline.providers.isbndb.models import Book
from alexandria_pipeline.providers.isbndb.parser import (
    covers_of,
    metadata_of,
    parse_batch,
    parse_book,
    parse_plan,
    parse_search,
    parse_spent,
    rating_of,
    subjects_of,
    variants_of,
)
from alexandria_pipeline.providers.transport.types import KeyPlace, Params, Parse, ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.quota import ServicePlan
    from alexandria_pipeline.domain.records import BookQuery, Candidate

T = TypeVar("T")

# A page of 100 costs what a page of 20 does, and the ranking is poor.
PAGE_SIZE: Final = 100
BATCH_SIZE: Final = 1_000
# "Max length: 150 characters" (OpenAPI, GET /books/{query}).
MAX_QUERY_LENGTH: Final = 150
NEGATIVE_CACHE_DAYS: Final = 1.0  # a missing book may be added within 24 hours

SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
    cache_days=30,
    negative_cache_days=NEGATIVE_CACHE_DAYS,
    key=KeyPlace(header="Authorization"),
)
# The account's counter changes with every call, so its responses are not cached.
COUNTER_SPEC: Final = replace(SPEC, cache_days=0, negative_cache_days=0)
# A 429 may mean the second or the day; one request for the counter tells, and closes the service for the day.
CHECK_SPEC: Final = replace(COUNTER_SPEC, explain=explain_account, max_attempts=1)


class IsbnDb:
    """The client. `batch_size`: ISBNs in one request (10, 100 or 1,000 by plan). `counter`: a transport without cache.

    `check`: a transport that reports a used-up quota; it is used after a 429 that does not say what it means.
    """

    declaration = DECLARATION

    def __init__(
        self,
        http: ServiceHttp,
        batch_size: int = BATCH_SIZE,
        counter: ServiceHttp | None = None,
        check: ServiceHttp | None = None,
    ) -> None:
        self._http = http
        self._check = check
        self._counter = counter or http
        self.batch_size = batch_size

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """Makes one call: a search for title words and surname in all columns.

        `shouldMatchAll` is not used, because it needs all words in one column and finds no misspelt title.
        """
        words = search_query(query)
        if not words:
            return NotFound()
        path = f"/books/{path_segment(words)}"
        return await self._get(path, parse_search, {"page": 1, "pageSize": PAGE_SIZE})

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        return then(await self._book(isbn13), lambda book: metadata_of(book, isbn13))

    async def metadata_batch(self, isbns: Sequence[Isbn13]) -> Answer[dict[Isbn13, EditionMetadata]]:
        wanted = list(dict.fromkeys(isbns))
        if not wanted:
            return {}
        if len(wanted) > self.batch_size:
            return Failed(f"ISBNdb accepts at most {self.batch_size:,} ISBNs in one request", transient=False)
        body = {"isbns": [str(isbn) for isbn in wanted]}
        return await self._http.post("/books", body, lambda response: parse_batch(response, wanted))

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        return then(await self._book(isbn13), lambda book: covers_of(book) or NotFound())

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        """The rating, if the record has one. The service's specification does not mention ratings."""
        return then(await self._book(isbn13), rating_of)

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        return then(await self._book(isbn13), lambda book: variants_of(book, isbn13) or NotFound())

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        return then(await self._book(isbn13), subjects_of)

    async def spent(self) -> Answer[int]:
        """The calls of the account today, by the service's own counter. The service does not count this call."""
        return await self._counter.get("/key", parse_spent)

    async def plan(self) -> Answer[ServicePlan]:
        """The plan of the key. The service does not count this call."""
        return await self._counter.get("/key", parse_plan)

    async def _get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        answer = await self._http.get(path, parse, params)
        if answer == RATE_LIMIT and self._check is not None:
            left = await self._check.get("/key", parse_spent)
            return left if isinstance(left, Unavailable) else answer
        return answer

    async def _book(self, isbn13: Isbn13) -> Answer[Book]:
        return await self._get(f"/book/{isbn13}", lambda response: parse_book(response, isbn13))


def search_query(query: BookQuery) -> str:
    """Title words and surname, at most `MAX_QUERY_LENGTH` characters. The title is cut at a word boundary if necessary."""
    author = surname(query.author)[:MAX_QUERY_LENGTH]
    space = MAX_QUERY_LENGTH - len(author) - 1
    words = title_words(query.title)
    if len(words) > space:
        words = words[: space + 1].rpartition(" ")[0] or words[:space]
    return f"{words} {author}".strip()


def build(kit: ProviderKit) -> IsbnDb:
    """The provider with its transport."""
    return IsbnDb(kit.service(SPEC), counter=kit.service(COUNTER_SPEC), check=kit.service(CHECK_SPEC))
