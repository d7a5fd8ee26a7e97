"""Wikidata: editions and their ISBNs, and what the work they are of belongs to: series, prizes, subjects, translations.

Here are the service's errors and the client. The SPARQL text is `wikidata_queries`, the reading of rows `wikidata_rows`,
and what is made of them `wikidata_answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

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
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.transport.types import Json, Reply, ServiceHttp, ServiceSpec
from alexandria_pipeline.providers.wikidata import queries
from alexandria_pipeline.providers.wikidata.models import NAME, Edition, SparqlRow, about, bindings, parse_rows
from alexandria_pipeline.providers.wikidata.parser import (
    candidates,
    edition_metadata,
    parse_article,
    parse_awards,
    parse_edition,
    parse_identifiers,
    parse_subjects,
    parse_translations,
    parse_variants,
    parse_works,
)

if TYPE_CHECKING:
    from alexandria_pipeline.domain.isbn import Isbn13


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The query service's errors; most of its error bodies are plain text. A 403 is a ban for not slowing down."""
    if status in {401, 403}:
        return Unavailable(f"Wikidata refuses this client for now (HTTP {status})", temporary=True)
    if status != 200:
        transient = status >= 500 or status in {408, 425, 429}
        return Failed(f"Wikidata's query service answered HTTP {status}", transient=transient)
    if body is None or bindings(body) is not None:
        return None  # without JSON, the transport knows better why
    return Failed("Wikidata's query service answered without a list of results")


def empty(reply: Reply) -> bool:
    """A result without rows."""
    return bindings(reply.data) == []


SPEC: Final = ServiceSpec(name="wikidata", explain=explain, empty=empty, cache_days=30, negative_cache_days=3)


class Wikidata:
    """Answers from the query service: one query for each question, and one for all that is told of an edition."""

    info = ProviderInfo(
        NAME,
        ProviderKind.FREE,
        frozenset(
            {
                Capability.ISBN_RESOLUTION,
                Capability.METADATA_ENRICHMENT,
                Capability.COVER_IMAGES,
                Capability.EDITION_VARIANTS,
                Capability.EXTERNAL_IDS,
                Capability.SUBJECT_ENRICHMENT,
                Capability.SUBJECT_BROWSING,
                Capability.SERIES_INFO,
                Capability.AWARDS,
                Capability.TRANSLATIONS,
            }
        ),
        "Wikidata",
    )

    def __init__(self, http: ServiceHttp) -> None:
        self._http = http

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        rows = await self._rows(queries.by_title(query), ("isbn13", "isbn10"))
        return candidates(rows, query) or NotFound() if isinstance(rows, tuple) else rows

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        edition = await self._edition(isbn13)
        return edition_metadata(edition, isbn13) if isinstance(edition, Edition) else edition

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        edition = await self._edition(isbn13)
        return edition.covers() or NotFound() if isinstance(edition, Edition) else edition

    async def series(self, isbn13: Isbn13) -> Answer[SeriesInfo]:
        edition = await self._edition(isbn13)
        return edition.series() or NotFound() if isinstance(edition, Edition) else edition

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        rows = await self._rows_about(queries.siblings(isbn13), isbn13)
        return parse_variants(rows, isbn13) or NotFound() if isinstance(rows, tuple) else rows

    async def translations(self, isbn13: Isbn13) -> Answer[Sequence[Translation]]:
        rows = await self._rows_about(queries.siblings(isbn13), isbn13)
        return parse_translations(rows, isbn13) or NotFound() if isinstance(rows, tuple) else rows

    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]:
        rows = await self._rows_about(queries.identifiers(isbn13), isbn13)
        if not isinstance(rows, tuple):
            return rows
        found = parse_identifiers(rows)
        return ExternalIds(NAME, found) if found else NotFound()

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        rows = await self._rows_about(queries.subjects(isbn13), isbn13)
        if not isinstance(rows, tuple):
            return rows
        found = parse_subjects(rows)
        return Subjects(NAME, found) if found else NotFound()

    async def awards(self, isbn13: Isbn13) -> Answer[Sequence[Award]]:
        rows = await self._rows_about(queries.awards(isbn13), isbn13)
        return parse_awards(rows) or NotFound() if isinstance(rows, tuple) else rows

    async def browse(self, subject: str, limit: int = 20) -> Answer[Sequence[WorkSummary]]:
        rows = await self._rows(queries.browse(subject, limit), ("work",))
        return parse_works(rows, limit) or NotFound() if isinstance(rows, tuple) else rows

    async def article(self, author: str) -> str | None:
        """The title of the author's article in the English Wikipedia, where it can be told."""
        rows = await self._rows(queries.author(author), ("person",))
        return parse_article(rows) if isinstance(rows, tuple) else None

    async def _edition(self, isbn13: Isbn13) -> Answer[Edition]:
        rows = await self._rows(queries.edition(isbn13), ("isbn", "isbn13", "isbn10"))
        if not isinstance(rows, tuple):
            return rows
        return parse_edition(rows, isbn13) or NotFound()

    async def _rows_about(self, query: str, isbn13: Isbn13) -> Answer[tuple[SparqlRow, ...]]:
        rows = await self._rows(query, ("isbn",))
        return about(rows, isbn13) or NotFound() if isinstance(rows, tuple) else rows

    async def _rows(self, query: str, needed: Iterable[str]) -> Answer[tuple[SparqlRow, ...]]:
        reply = await self._http.get("/sparql", {"query": query, "format": "json"})
        return parse_rows(reply.data, needed) if isinstance(reply, Reply) else reply
