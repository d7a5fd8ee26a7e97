"""What a provider is: its capabilities, its kind, and one small Protocol for each capability.

A provider answers with domain records and outcomes. It does not judge whether an answer fits (that is
`domain.matching`), does not choose who is asked (`registry`) and does not know the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from alexandria_pipeline.domain.outcomes import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.records import BookQuery, Candidate, GenerationRequest, ParsedReply, RawReply


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


class Provider(Protocol):
    """What the registry needs of every provider."""

    info: ProviderInfo

    def unavailable_because(self) -> str | None:
        """Why it cannot be asked now, in words for a person; None when it can."""
        ...


@runtime_checkable
class IsbnResolver(Provider, Protocol):
    """Offers editions for a title and an author."""

    def revision(self) -> str:
        """Changes when a book that had no answer is worth asking for again."""
        ...

    async def resolve(self, query: BookQuery) -> Sequence[Candidate] | NotFound | Unavailable | Failed:
        """The editions on offer (at least one), or why there are none."""
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

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        """Field by field; a bad book is set aside with its reason, the others stay. Raises SourceError for a refusal."""
        ...
