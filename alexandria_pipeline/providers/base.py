"""What a provider is: its capabilities, its kind, and one small Protocol for each capability.

A provider answers with domain records and outcomes. It does not judge whether an answer fits (that is
`domain.matching`), does not choose who is asked (`registry`) and does not know the database. No method raises for what
a service says or fails to say: that is an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import (
    AuthorBiography,
    Award,
    Cover,
    EditionMetadata,
    EditionVariant,
    ExternalIds,
    PublicDomain,
    Rating,
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
    RejectedRow,
)
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable


class Capability(StrEnum):
    """The fourteen things a service can be asked for (PROVIDERS, "Capabilities × services")."""

    ISBN_RESOLUTION = "isbn-resolution"
    METADATA_ENRICHMENT = "metadata-enrichment"
    COVER_IMAGES = "cover-images"
    RATINGS = "ratings"
    EDITION_VARIANTS = "edition-variants"
    PUBLIC_DOMAIN = "public-domain"
    EXTERNAL_IDS = "enhanced-external-ids"
    SUBJECT_ENRICHMENT = "subject-enrichment"
    SUBJECT_BROWSING = "subject-browsing"
    SERIES_INFO = "series-info"
    AWARDS = "awards"
    TRANSLATIONS = "translations"
    AUTHOR_BIOGRAPHY = "author-biography"
    BOOK_GENERATION = "book-generation"


class ProviderKind(StrEnum):
    """What asking costs."""

    FREE = "free"
    PAID = "paid"
    AI = "ai"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """Who a provider is. `name` is used in settings, tables and the command line."""

    name: str
    kind: ProviderKind
    capabilities: frozenset[Capability]
    title: str


T = TypeVar("T")
Answer: TypeAlias = T | NotFound | Unavailable | Failed


class Provider(Protocol):
    """What the registry needs of every provider."""

    info: ProviderInfo

    def unavailable(self) -> Unavailable | None:
        """Why it cannot be asked now, in words for a person; None when it can."""
        ...


@runtime_checkable
class IsbnResolver(Provider, Protocol):
    """Offers editions for a title and an author."""

    def revision(self) -> str:
        """Changes when a book that had no answer is worth asking for again."""
        ...

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """The editions on offer (at least one), or why there are none."""
        ...


@runtime_checkable
class MetadataSource(Provider, Protocol):
    """Knows the facts of an edition."""

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]: ...


@runtime_checkable
class BatchMetadataSource(MetadataSource, Protocol):
    """Knows the facts of many editions in one call."""

    batch_size: int

    async def metadata_batch(self, isbns: Sequence[Isbn13]) -> Answer[dict[Isbn13, EditionMetadata]]:
        """At most `batch_size` ISBNs; those the service does not know are missing from the answer."""
        ...


@runtime_checkable
class CoverSource(Provider, Protocol):
    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]: ...


@runtime_checkable
class RatingSource(Provider, Protocol):
    async def rating(self, isbn13: Isbn13) -> Answer[Rating]: ...


@runtime_checkable
class VariantSource(Provider, Protocol):
    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]: ...


@runtime_checkable
class PublicDomainSource(Provider, Protocol):
    async def public_domain(self, isbn13: Isbn13) -> Answer[PublicDomain]: ...


@runtime_checkable
class ExternalIdSource(Provider, Protocol):
    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]: ...


@runtime_checkable
class SubjectSource(Provider, Protocol):
    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]: ...


@runtime_checkable
class SubjectBrowser(Provider, Protocol):
    async def browse(self, subject: str, limit: int = 20) -> Answer[Sequence[WorkSummary]]: ...


@runtime_checkable
class SeriesSource(Provider, Protocol):
    async def series(self, isbn13: Isbn13) -> Answer[SeriesInfo]: ...


@runtime_checkable
class AwardSource(Provider, Protocol):
    async def awards(self, isbn13: Isbn13) -> Answer[Sequence[Award]]: ...


@runtime_checkable
class TranslationSource(Provider, Protocol):
    async def translations(self, isbn13: Isbn13) -> Answer[Sequence[Translation]]: ...


@runtime_checkable
class BiographySource(Provider, Protocol):
    async def biography(self, author: str) -> Answer[AuthorBiography]: ...


@runtime_checkable
class CallCounter(Provider, Protocol):
    """Counts our calls itself, and tells. Its `info.name` is the service's name in the ledger."""

    async def spent(self) -> Answer[int]:
        """Calls of today by the service's own count; never from a cache."""
        ...


@runtime_checkable
class BookGenerator(Provider, Protocol):
    """Lists the notable books of a month. Asking and reading are apart, so that an answer is kept before it is read."""

    def model(self, request: GenerationRequest) -> str:
        """What a stored reply must have come from to serve this request again; see `RawReply.model`."""
        ...

    async def generate(self, request: GenerationRequest) -> RawReply:
        """Raises SourceError when there is no answer worth keeping."""
        ...

    def refused_rows(self) -> Sequence[RejectedRow]:
        """Rows of a list that belong to no month; a service that is asked by the month has none. May raise SourceError."""
        ...

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        """Field by field; a bad book is set aside with its reason, the others stay. Raises SourceError for a refusal."""
        ...
