"""Records of what services state about an edition, a work or an author, apart from its ISBN. One record per capability."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import Contributor, EditionFormat, PartialDate

Identifiers = tuple[tuple[str, str], ...]
"""(scheme, value) pairs, for example ("openlibrary_work", "OL45804W") or ("wikidata", "Q8337"); schemes are lower-case."""


@dataclass(frozen=True, slots=True)
class EditionMetadata:
    """Facts about one edition from one service. An unknown value is None or empty."""

    provider: str
    isbn13: Isbn13
    title: str
    subtitle: str | None = None
    contributors: tuple[Contributor, ...] = ()
    publisher: str | None = None
    published: PartialDate | None = None
    pages: int | None = None
    language: str | None = None
    description: str | None = None
    subjects: tuple[str, ...] = ()
    covers: tuple[Cover, ...] = ()
    identifiers: Identifiers = ()
    format: EditionFormat = EditionFormat.UNKNOWN
    series: str | None = None
    volume: str | None = None
    first_published: int | None = None
    """The year in which the work was first published."""


@dataclass(frozen=True, slots=True)
class Cover:
    """The address of a cover image. Width and height are in pixels, if the service states them."""

    provider: str
    url: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """The average of readers' ratings, from 0 to 5, and their number."""

    provider: str
    average: float
    count: int


@dataclass(frozen=True, slots=True)
class EditionVariant:
    """Another edition of the same work."""

    provider: str
    isbn13: Isbn13
    title: str
    format: EditionFormat = EditionFormat.UNKNOWN
    language: str | None = None
    publisher: str | None = None
    published: PartialDate | None = None


class PublicDomainStatus(StrEnum):
    """Whether the text is in the public domain, as far as the service states it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PublicDomain:
    """The copyright status that a service states, and its basis."""

    provider: str
    status: PublicDomainStatus
    basis: str


@dataclass(frozen=True, slots=True)
class ExternalIds:
    """The identifiers of the same book in other catalogues."""

    provider: str
    identifiers: Identifiers


@dataclass(frozen=True, slots=True)
class Subjects:
    """What a book is about, in the words of the service."""

    provider: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkSummary:
    """A work found while browsing a subject."""

    provider: str
    title: str
    authors: tuple[str, ...] = ()
    first_published: int | None = None
    isbn13: Isbn13 | None = None
    identifiers: Identifiers = ()


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """The series a work belongs to; `position` as written ("3", "2.5", "III")."""

    provider: str
    series: str
    position: str | None = None
    identifiers: Identifiers = ()


@dataclass(frozen=True, slots=True)
class Award:
    """An award, or a nomination for one (`won` is False)."""

    provider: str
    name: str
    year: int | None = None
    won: bool = True


@dataclass(frozen=True, slots=True)
class Translation:
    """An edition of the work in another language."""

    provider: str
    language: str
    title: str | None = None
    isbn13: Isbn13 | None = None
    translators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorBiography:
    """A biography of an author. Dates are as precise as the source."""

    provider: str
    name: str
    biography: str
    born: PartialDate | None = None
    died: PartialDate | None = None
    portrait_url: str | None = None
    identifiers: Identifiers = ()
