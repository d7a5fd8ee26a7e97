"""The catalogue on this machine: no network, no quota, and asked first where it is in the cascade."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.outcomes import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.records import BookQuery, Candidate, CatalogEntry, Contributor, ContributorRole
from alexandria_pipeline.providers.base import Capability, ProviderInfo, ProviderKind

NAME = "local-catalog"


class CatalogSearch(Protocol):
    """The tables of the catalogue, as far as this provider needs them."""

    def revision(self) -> str: ...

    def search(self, title: str, author: str, isbns: Sequence[Isbn13]) -> Sequence[CatalogEntry]: ...


class LocalCatalog:
    """Editions from the tables that `alexandria catalog load` fills."""

    info = ProviderInfo(
        NAME,
        ProviderKind.LOCAL,
        frozenset({Capability.ISBN_RESOLUTION, Capability.METADATA_ENRICHMENT}),
        "Local catalogue",
    )

    def __init__(self, catalog: CatalogSearch) -> None:
        self._catalog = catalog

    def unavailable(self) -> Unavailable | None:
        return None

    def revision(self) -> str:
        return self._catalog.revision()

    async def resolve(self, query: BookQuery) -> Sequence[Candidate] | NotFound | Unavailable | Failed:
        entries = await asyncio.to_thread(self._catalog.search, query.title, query.author, query.isbns)
        return [_candidate(entry, rank) for rank, entry in enumerate(entries)] or NotFound()


def _candidate(entry: CatalogEntry, rank: int) -> Candidate:
    return Candidate(
        provider=NAME,
        isbn13=entry.isbn13,
        title=entry.title,
        contributors=(Contributor(entry.author, ContributorRole.AUTHOR),) if entry.author else (),
        published=entry.published,
        language=entry.language,
        publisher=entry.publisher,
        identifiers=((entry.source, entry.source_id),) if entry.source_id else (),
        rank=rank,
    )
