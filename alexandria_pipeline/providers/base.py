"""What a provider is: its declaration, its capabilities, and one small Protocol per capability.

A provider returns domain records and service answers. It does not decide whether a candidate is the wanted book
(`domain.matching`), does not choose which provider is called (`registry`), and does not know the database. Its methods do
not raise for what a service does: that is an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.metadata import (
        AuthorBiography,
        Award,
        Cover,
        EditionMetadata,
        EditionVariant,
        ExternalIds,
        Identifiers,
        PublicDomain,
        Rating,
        SeriesInfo,
        Subjects,
        Translation,
        WorkSummary,
    )
    from alexandria_pipeline.domain.quota import ServicePlan
    from alexandria_pipeline.domain.records import (
        BookQuery,
        Candidate,
        CatalogEntry,
        GenerationRequest,
        ParsedReply,
        RawReply,
        SkippedRow,
    )
    from alexandria_pipeline.domain.service_answers import Answer, Unavailable
    from alexandria_pipeline.providers.transport.types import ServiceHttp, ServiceSpec


class Capability(StrEnum):
    """The fourteen capabilities (docs/services/README.md has the table of capabilities and services)."""

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
    """Whether calls cost money, tokens, or nothing."""

    FREE = "free"
    PAID = "paid"
    AI = "ai"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class SharedAllowance:
    """A rate that several services keep together, without and with a contact."""

    name: str
    requests_per_second: float
    with_contact: float


@dataclass(frozen=True, slots=True)
class HttpDefaults:
    """The default settings of one HTTP service; every field can be overridden by `ALEXANDRIA_<prefix>_<FIELD>`.

    `requests_per_second_with_contact` applies when a contact is set. `shared`: an allowance that it shares with other services.
    `needs_contact`: the service rejects clients that name no contact. `daily_limit`: calls per day that the service publishes
    (None: no limit); `unused_share` of it stays unused. `quota_zone`: the time zone in which its quota day ends; the SQL
    function `quota_zone` has it, too. `parallel`: requests of one process at the same time. `key_variable`: the environment
    variable of the key.
    """

    prefix: str
    base_url: str
    key_variable: str | None = None
    requests_per_second: float = 1.0
    requests_per_second_with_contact: float | None = None
    shared: SharedAllowance | None = None
    needs_contact: bool = False
    timeout_seconds: float = 15.0
    daily_limit: int | None = None
    unused_share: Fraction = Fraction(0)
    quota_zone: str = "UTC"
    parallel: int = 32
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is fixed about a provider. `name` is its one name: settings, tables, metrics and commands use it.

    `module` holds `build(kit)`, which makes the provider; it is imported when the provider is first built.
    `http` is None for a provider that needs no network. `reports_plan`: it is a `PlanSource`.
    `terms`: why its facts may not be passed on to others, with the place in its terms; empty: they may.
    """

    name: str
    title: str
    kind: ProviderKind
    capabilities: frozenset[Capability]
    module: str
    http: HttpDefaults | None = None
    reports_plan: bool = False
    terms: str = ""

    def build(self, kit: ProviderKit) -> Provider:
        """The provider, built from `kit`."""
        provider: Provider = import_module(self.module).build(kit)
        return provider


class ProviderKit(Protocol):
    """What providers are built from; the composition implements it."""

    @property
    def curated_list(self) -> Path:
        """The list that the curated list provider reads."""
        ...

    @property
    def catalog(self) -> CatalogSearch:
        """The local catalogue."""
        ...

    @property
    def today(self) -> date: ...

    def service(self, spec: ServiceSpec) -> ServiceHttp:
        """The transport for one service."""
        ...

    def model(self, name: str) -> str:
        """The AI models that are set for a service ("a,b"), or its default."""
        ...

    def effort(self, name: str) -> str | None:
        """The reasoning effort that is set for the models of a service."""
        ...

    def country(self, name: str) -> str | None:
        """The country that is set for a service (ISO 3166-1, two letters)."""
        ...

    def provider(self, name: str) -> Provider:
        """Another provider, built once."""
        ...


class CatalogSearch(Protocol):
    """The tables of the local catalogue, as far as its provider needs them."""

    def revision(self) -> str: ...

    def search(self, title: str, author: str, isbns: Sequence[Isbn13]) -> Sequence[CatalogEntry]: ...

    def edition(self, isbn13: Isbn13) -> CatalogEntry | None: ...


class Provider(Protocol):
    """What every provider has."""

    declaration: Declaration

    def unavailable(self) -> Unavailable | None:
        """Why it cannot be called now, in a sentence for people; None if it can."""
        ...


class ArticleFinder(Provider, Protocol):
    """Knows the encyclopedia article about an author."""

    async def article(self, author: str) -> str | None:
        """The title of the article; None when it is unknown or ambiguous."""
        ...


@runtime_checkable
class IsbnResolver(Provider, Protocol):
    """Offers editions for a title and an author."""

    def revision(self) -> str:
        """A version of the provider's answers. When it changes, books without an answer are asked for again."""
        ...

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """The offered editions (at least one), or why there are none."""
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
        """At most `batch_size` ISBNs; ISBNs that the service does not know are missing from the result."""
        ...


@runtime_checkable
class Prefetcher(Provider, Protocol):
    """Fetches the records of many editions in one call, so that the questions about them that follow make fewer calls."""

    prefetch_size: int

    async def prefetch(self, capability: Capability, isbns: Sequence[Isbn13]) -> None:
        """Fetches what questions of this capability need, for at most `prefetch_size` ISBNs.

        What it could not fetch, or what the response leaves open, is fetched by the question itself.
        """
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
    async def biography(self, author: str, identifiers: Identifiers = ()) -> Answer[AuthorBiography]:
        """The biography of the author with one of these identifiers, or with this name."""
        ...


@runtime_checkable
class AuthorPrefetcher(BiographySource, Protocol):
    """Fetches the records of many authors in one call, so that `biography` makes fewer."""

    async def prefetch_authors(self, identifiers: Sequence[Identifiers]) -> None:
        """What it could not fetch is fetched by the question itself."""
        ...


@runtime_checkable
class CallCounter(Provider, Protocol):
    """A service that reports how many calls of the account it has counted. The ledger has the same service name."""

    async def spent(self) -> Answer[int]:
        """The calls of today by the service's own count; never from the cache."""
        ...


@runtime_checkable
class PlanSource(Provider, Protocol):
    """A service that reports the plan of the key."""

    async def plan(self) -> Answer[ServicePlan]:
        """The plan; never from the cache."""
        ...


@runtime_checkable
class BookGenerator(Provider, Protocol):
    """Lists the notable books of a month. Calling and parsing are separate, so that a reply is stored before it is parsed."""

    def model(self, request: GenerationRequest) -> str:
        """The model (or digest of a list) whose stored reply can answer this request again; see `RawReply.model`."""
        ...

    async def generate(self, request: GenerationRequest) -> RawReply:
        """The reply as received. Raises SourceError when there is none to store."""
        ...

    def refused_rows(self) -> Sequence[SkippedRow]:
        """Rows of a list that belong to no month; an AI service has none. May raise SourceError."""
        ...

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        """The listings of a reply. A bad entry is skipped with its reason, the others stay. Raises SourceError for a refusal."""
        ...
