"""The local catalogue: editions in this database. It makes no calls and has no quota."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Cover, EditionMetadata
from alexandria_pipeline.domain.records import BookQuery, Candidate, CatalogEntry, Contributor, ContributorRole
from alexandria_pipeline.domain.service_answers import Answer, NotFound, Unavailable
from alexandria_pipeline.providers.base import CatalogSearch, ProviderKit
from alexandria_pipeline.providers.local_catalog.declaration import DECLARATION, NAME

COVER_ADDRESS: Final = "https://covers.openlibrary.org/b/id/{}-L.jpg"
"""The address of a cover by its number (https://openlibrary.org/dev/docs/api/covers)."""


class LocalCatalog:
    """The resolver for the editions that `alexandria catalog load` and `import` store."""

    declaration = DECLARATION

    def __init__(self, catalog: CatalogSearch) -> None:
        self._catalog = catalog

    def unavailable(self) -> Unavailable | None:
        return None

    def revision(self) -> str:
        return self._catalog.revision()

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        entries = await asyncio.to_thread(self._catalog.search, query.title, query.author, query.isbns)
        return [candidate(entry, rank) for rank, entry in enumerate(entries)] or NotFound()

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        entry = await asyncio.to_thread(self._catalog.edition, isbn13)
        return _metadata(entry) if entry else NotFound()


def _metadata(entry: CatalogEntry) -> EditionMetadata:
    return EditionMetadata(
        provider=NAME,
        isbn13=entry.isbn13,
        title=entry.title,
        subtitle=entry.subtitle,
        contributors=_contributors(entry),
        publisher=entry.publisher,
        published=entry.published,
        pages=entry.pages,
        language=entry.language,
        subjects=entry.subjects,
        covers=tuple(Cover(NAME, COVER_ADDRESS.format(number)) for number in entry.covers),
        identifiers=_identifiers(entry),
        format=entry.format,
        series=next(iter(entry.series), None),
    )


def _contributors(entry: CatalogEntry) -> tuple[Contributor, ...]:
    if entry.contributors:
        return entry.contributors
    return (Contributor(entry.author, ContributorRole.AUTHOR),) if entry.author else ()


def _identifiers(entry: CatalogEntry) -> tuple[tuple[str, str], ...]:
    own = ((entry.source, entry.source_id),) if entry.source_id else ()
    work = (("openlibrary_work", entry.work),) if entry.work else ()
    return (*own, *work, *entry.identifiers)


def candidate(entry: CatalogEntry, rank: int) -> Candidate:
    """An edition as the matcher judges it."""
    return Candidate(
        provider=NAME,
        isbn13=entry.isbn13,
        title=entry.title,
        contributors=_contributors(entry),
        subtitle=entry.subtitle,
        published=entry.published,
        first_published=entry.first_year,
        language=entry.language,
        publisher=entry.publisher,
        format=entry.format,
        pages=entry.pages,
        series=next(iter(entry.series), None),
        subjects=entry.subjects,
        identifiers=_identifiers(entry),
        rank=rank,
    )


def build(kit: ProviderKit) -> LocalCatalog:
    """The provider of the catalogue in this database."""
    return LocalCatalog(kit.catalog)
