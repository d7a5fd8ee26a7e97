"""The Wikidata client: editions and their ISBNs, series, awards, subjects, translations and identifiers.

`queries.py` builds the SPARQL queries, and `parser.py` reads the rows. docs/services/wikidata.md has the facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from alexandria_pipeline.domain.metadata import (
    Award,
    Cover,
    EditionMetadata,
    EditionVariant,
    ExternalIds,
    SeriesInfo,
    Subjects,
    Translation,
    WorkSummary,
)
from alexandria_pipeline.domain.records import (
    BookQuery,
    Candidate,
    GenerationRequest,
    ParsedReply,
    RawReply,
    SkippedRow,
)
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable, then
from alexandria_pipeline.providers.base import Capability, ProviderKit
from alexandria_pipeline.providers.common.ai_replies import successful
from alexandria_pipeline.providers.common.fetched import Fetched
from alexandria_pipeline.providers.common.gathering import Gatherer
from alexandria_pipeline.providers.transport.types import JsonResponse, ServiceHttp, ServiceSpec
from alexandria_pipeline.providers.wikidata import generator, queries
from alexandria_pipeline.providers.wikidata.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.wikidata.editions import Edition
from alexandria_pipeline.providers.wikidata.errors import UNREADABLE, explain
from alexandria_pipeline.providers.wikidata.models import SparqlRow, bindings
from alexandria_pipeline.providers.wikidata.parser import (
    candidates,
    edition_metadata,
    parse_article,
    parse_awards,
    parse_edition,
    parse_identifiers,
    parse_rows,
    parse_subjects,
    parse_translations,
    parse_variants,
    parse_works,
    rows_about,
)
from alexandria_pipeline.providers.wikidata.together import Rows, rows_of_each

if TYPE_CHECKING:
    from alexandria_pipeline.domain.isbn import Isbn13


ROWS_INLINE: Final = 50  # a result of at most this many rows is read in the event loop
SPEC: Final = ServiceSpec(name=NAME, explain=explain, cache_days=30, negative_cache_days=3)

T = TypeVar("T")
_Query = Callable[..., str]
_QUERIES: Final[Mapping[Capability, _Query]] = {
    Capability.METADATA_ENRICHMENT: queries.edition,
    Capability.COVER_IMAGES: queries.edition,
    Capability.SERIES_INFO: queries.edition,
    Capability.EDITION_VARIANTS: queries.siblings,
    Capability.TRANSLATIONS: queries.siblings,
    Capability.EXTERNAL_IDS: queries.identifiers,
    Capability.SUBJECT_ENRICHMENT: queries.subjects,
    Capability.AWARDS: queries.awards,
}
_NEEDED: Final = ("isbn", "isbn13", "isbn10")


class Wikidata:
    """The client. Each capability makes one query; metadata, covers and series share one. `today`: default the real one.

    Titles and names of authors that are asked for at the same time are one query.
    """

    declaration = DECLARATION
    prefetch_size = queries.MAX_EDITIONS

    def __init__(self, http: ServiceHttp, today: date | None = None) -> None:
        self._http = http
        self._fetched: Fetched[tuple[_Query, Isbn13], tuple[SparqlRow, ...] | NotFound] = Fetched()
        self._today = today or datetime.now(UTC).date()
        self._titles: Gatherer[BookQuery, Rows] = Gatherer(self._by_titles, queries.titles_that_fit)
        self._authors: Gatherer[str, Rows] = Gatherer(self._by_names, queries.names_that_fit)

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def model(self, request: GenerationRequest) -> str:
        """The version of the query, with the day for a recent month, whose list still grows."""
        return generator.model(request.month, self._today)

    async def generate(self, request: GenerationRequest) -> RawReply:
        """Makes one query. Raises SourceError if the service cannot be called or returns no result."""
        query = queries.published(request.month, request.limit * generator.SPARE_WORKS)
        answer = await self._http.get("/sparql", _sparql_result, {"query": query, "format": "json"})
        response = successful(answer, DECLARATION.title)
        return RawReply(NAME, self.model(request), response.text)

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return generator.parse_works(reply, request)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        return ()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        return await _made(await self._titles(query), lambda found: candidates(found, query) or NotFound())

    async def prefetch(self, capability: Capability, isbns: Sequence[Isbn13]) -> None:
        """Makes one query about all editions. A result that may be cut is not used."""
        query = _QUERIES.get(capability)
        if query is None:
            return
        wanted = sorted(isbn for isbn in dict.fromkeys(isbns) if (query, isbn) not in self._fetched)
        if len(wanted) < 2:
            return
        rows = await self._rows(query(*wanted), _NEEDED)
        if isinstance(rows, Unavailable | Failed) or (isinstance(rows, tuple) and len(rows) >= queries.MAX_ROWS):
            return
        for isbn in wanted:
            about = rows if isinstance(rows, NotFound) else rows_about(rows, isbn)
            self._fetched.add((query, isbn), about)

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        return await self._edition(isbn13, lambda edition: edition_metadata(edition, isbn13))

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        return await self._edition(isbn13, lambda edition: edition.covers() or NotFound())

    async def series(self, isbn13: Isbn13) -> Answer[SeriesInfo]:
        return await self._edition(isbn13, lambda edition: edition.series() or NotFound())

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        rows = await self._about(queries.siblings, isbn13)
        return await _made(rows, lambda found: parse_variants(found, isbn13) or NotFound())

    async def translations(self, isbn13: Isbn13) -> Answer[Sequence[Translation]]:
        rows = await self._about(queries.siblings, isbn13)
        return await _made(rows, lambda found: parse_translations(found, isbn13) or NotFound())

    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]:
        rows = await self._about(queries.identifiers, isbn13)
        identifiers = await _made(rows, lambda found: parse_identifiers(found) or NotFound())
        return then(identifiers, lambda pairs: ExternalIds(NAME, pairs))

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        rows = await self._about(queries.subjects, isbn13)
        names = await _made(rows, lambda found: parse_subjects(found) or NotFound())
        return then(names, lambda subjects: Subjects(NAME, subjects))

    async def awards(self, isbn13: Isbn13) -> Answer[Sequence[Award]]:
        rows = await self._about(queries.awards, isbn13)
        return await _made(rows, lambda found: parse_awards(found) or NotFound())

    async def browse(self, subject: str, limit: int = 20) -> Answer[Sequence[WorkSummary]]:
        rows = await self._rows(queries.browse(subject, limit), ("work",))
        return await _made(rows, lambda found: parse_works(found, limit) or NotFound())

    async def article(self, author: str) -> str | None:
        """The title of the author's article in the English Wikipedia; None if it is unknown or ambiguous."""
        rows = await self._authors(author)
        return parse_article(rows) if isinstance(rows, tuple) else None

    async def _by_titles(self, books: Sequence[BookQuery]) -> Sequence[Rows]:
        def ask(some: Sequence[BookQuery]) -> Awaitable[Rows]:
            return self._rows(queries.by_title(*some), ("isbn13", "isbn10"))

        return await rows_of_each(books, ask, lambda book: queries.title_forms(book.title), queries.MAX_ROWS)

    async def _by_names(self, names: Sequence[str]) -> Sequence[Rows]:
        def ask(some: Sequence[str]) -> Awaitable[Rows]:
            return self._rows(queries.author(*some), ("person",))

        limit = queries.MAX_PEOPLE * len(names)
        return await rows_of_each(names, ask, lambda name: (queries.author_name(name),), limit)

    async def _edition(self, isbn13: Isbn13, make: Callable[[Edition], Answer[T]]) -> Answer[T]:
        rows = await self._about(queries.edition, isbn13)
        return await _made(rows, lambda found: then(parse_edition(found, isbn13), make))

    async def _about(self, query: _Query, isbn13: Isbn13) -> Answer[tuple[SparqlRow, ...]]:
        """The rows of a query about one edition."""
        fetched = self._fetched.get((query, isbn13))
        if fetched is not None:
            return fetched
        rows = await self._rows(query(isbn13), _NEEDED)
        return await _made(rows, lambda found: rows_about(found, isbn13))

    async def _rows(self, query: str, needed: Iterable[str]) -> Answer[tuple[SparqlRow, ...]]:
        params = {"query": query, "format": "json"}
        return await self._http.get("/sparql", lambda response: parse_rows(response, needed), params)


async def _made(rows: Rows, make: Callable[[tuple[SparqlRow, ...]], Answer[T]]) -> Answer[T]:
    """`make` applied to rows; to many in a thread, because each takes 0.1 ms, in which other requests would miss their send slots."""
    if isinstance(rows, tuple) and len(rows) > ROWS_INLINE:
        return await asyncio.to_thread(make, rows)
    return then(rows, make)


def _sparql_result(response: JsonResponse) -> JsonResponse | Failed:
    """Accepts a SPARQL result, also one without rows."""
    return UNREADABLE if bindings(response.data) is None else response


def build(kit: ProviderKit) -> Wikidata:
    """The provider with its transport."""
    return Wikidata(kit.service(SPEC), kit.today)
