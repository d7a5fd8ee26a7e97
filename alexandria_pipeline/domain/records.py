"""What travels between rooms: frozen records, free of behaviour.

A *listing* is one row of one generator's list. A *generated book* is what several listings of a month agree to be one
book. A *work* is the book as an abstract thing, an *edition* one ISBN of it. A *candidate* is an edition that a service
offers as the answer to a question.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month


class BookOutcome(StrEnum):
    """Where a generated book stands (docs/behaviour.md, "Resolution")."""

    PENDING = "pending"  # not yet sent down the cascade
    RESOLVED = "resolved"  # has the ISBN of an edition of this very work
    NOT_FOUND = "not_found"  # every available service gave a definite no
    DEFERRED = "deferred"  # some service could not answer: a later run asks again


class ContributorRole(StrEnum):
    """What a contributor did; services that do not say leave `UNKNOWN`, which matching treats as a possible author."""

    AUTHOR = "author"
    EDITOR = "editor"
    TRANSLATOR = "translator"
    ILLUSTRATOR = "illustrator"
    NARRATOR = "narrator"
    OTHER = "other"
    UNKNOWN = "unknown"


class EditionFormat(StrEnum):
    """How an edition is made, as far as the service tells."""

    HARDCOVER = "hardcover"
    PAPERBACK = "paperback"
    EBOOK = "ebook"
    AUDIO = "audio"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Contributor:
    """A name as the service spells it ("Last, First" included), what that person did, other names, and identifiers.

    `identifiers` are (scheme, value) pairs such as ("openlibrary_author", "OL26320A").
    """

    name: str
    role: ContributorRole = ContributorRole.UNKNOWN
    aliases: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A date as precise as its source: a year, a year and a month, or a day."""

    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        parts = [f"{self.year:04d}", *(f"{part:02d}" for part in (self.month, self.day) if part is not None)]
        return "-".join(parts)


@dataclass(frozen=True, slots=True)
class BookQuery:
    """The question put to a service: which edition is this book?

    `year` is the year of listing, `language` ISO 639-1, `isbns` what the list states (checked in catalogues, `domain/matching/listed_isbns.py`).
    """

    title: str
    author: str
    year: int | None = None
    language: str = "en"
    isbns: tuple[Isbn13, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An edition offered by a service; nothing here has been judged. `rank` is its place in the answer, from 0.

    `language` is ISO 639-1 if it is known; `first_published` belongs to the work, `published` to the edition.
    `identifiers` are (scheme, value) pairs such as ("openlibrary_work", "OL1W").
    """

    provider: str
    isbn13: Isbn13
    title: str
    contributors: tuple[Contributor, ...] = ()
    subtitle: str | None = None
    published: PartialDate | None = None
    first_published: int | None = None
    language: str | None = None
    publisher: str | None = None
    format: EditionFormat = EditionFormat.UNKNOWN
    pages: int | None = None
    series: str | None = None
    volume: str | None = None
    subjects: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    rank: int = 0

    def __hash__(self) -> int:
        return hash((self.isbn13, self.title))  # the other fields seldom differ, and take ten times as long

    def completed(self, same_isbn: Candidate | None) -> Candidate:
        """With format, language and publisher of another service's record of the same ISBN, where this one has none."""
        if same_isbn is None:
            return self
        return replace(
            self,
            format=same_isbn.format if self.format is EditionFormat.UNKNOWN else self.format,
            language=self.language or same_isbn.language,
            publisher=self.publisher or same_isbn.publisher,
        )


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a generator is asked for: the notable books of a month, at most `limit` where the generator can choose."""

    month: Month
    limit: int
    prompt_variant: str


@dataclass(frozen=True, slots=True)
class RawReply:
    """A generator's answer as it arrived, with what it cost; kept before anyone tries to read it.

    `model` names what would have to change for a new answer to be expected: an AI model, or the digest of a list.
    `receipt`: the key of the cached copy of the response, "" if there is none.
    """

    provider: str
    model: str
    body: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    source: str = ""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One book as one generator listed it. `position` is its line or index in the source, for people to find it.

    `details` is what else the generator stated, as (name, text) pairs: publisher, genre, significance.
    """

    provider: str
    position: int
    title: str
    author: str
    isbns: tuple[Isbn13, ...] = ()
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that could not be used: where it stands, why, and enough of it to recognise it.

    `part` "isbn": only the ISBN of the row could not be used; its book is kept.
    """

    source: str
    position: int
    reason: str
    excerpt: str
    month: Month | None = None
    part: Literal["row", "isbn"] = "row"


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """What a reply held: usable listings, and rows skipped with their reasons."""

    listings: tuple[Listing, ...]
    skipped: tuple[SkippedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratedBook:
    """Listings of one month that are one book; title and author are those of the first listing."""

    month: Month
    title: str
    author: str
    listings: tuple[Listing, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The generators that listed it, in order of first mention."""
        return tuple(dict.fromkeys(listing.provider for listing in self.listings))


@dataclass(frozen=True, slots=True)
class OpenBook:
    """A kept book that still lacks an ISBN, and its work, which another month may have resolved meanwhile.

    `closed`: a person decided that no service knows the work; no service is asked.
    """

    book_id: int
    work_id: int
    work_key: str
    month: Month
    title: str
    author: str
    outcome: BookOutcome
    reason: str = ""
    isbns: tuple[Isbn13, ...] = ()
    known: KnownIsbn | None = None
    closed: bool = False

    def query(self, language: str) -> BookQuery:
        return BookQuery(self.title, self.author, self.month.year, language, self.isbns)


@dataclass(frozen=True, slots=True)
class KnownIsbn:
    """What an already resolved work answers without a call."""

    isbn13: Isbn13
    confidence: int
    provider: str


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One reason for or against a candidate, as it is stored and shown."""

    name: str
    detail: str
    points: int


@dataclass(frozen=True, slots=True)
class ResolutionAttempt:
    """One service's part in resolving one book; a row of `resolution_attempt`."""

    provider: str
    provider_revision: str
    outcome: str
    isbn13: Isbn13 | None = None
    confidence: int | None = None
    reason: str = ""
    evidence: tuple[EvidenceLine, ...] = ()
    candidate: Candidate | None = None
    runner_up: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """How one book left the cascade, with every attempt on the way; `candidate` is the accepted edition.

    `again`: the services whose failure may pass within the run, so that they are worth another question.
    """

    outcome: BookOutcome
    attempts: tuple[ResolutionAttempt, ...] = ()
    candidate: Candidate | None = None
    confidence: int | None = None
    evidence: tuple[EvidenceLine, ...] = ()
    reason: str = ""
    again: tuple[str, ...] = ()

    def noes(self) -> dict[str, tuple[str, str]]:
        """The definite noes: service → (revision, reason; "" for not found)."""
        return {
            each.provider: (each.provider_revision, each.reason)
            for each in self.attempts
            if each.outcome in {"not_found", "rejected"}
        }

    def after(self, earlier: Resolution) -> Resolution:
        """This second search of the same book, with the attempts of the first at the services that it did not ask."""
        asked = {each.provider for each in self.attempts}
        kept = tuple(each for each in earlier.attempts if each.provider not in asked)
        return replace(self, attempts=(*kept, *self.attempts))


@dataclass(frozen=True, slots=True)
class CatalogWork:
    """One work of the local catalogue. `key` is Open Library's, such as "OL7W"; `first_year`: of the work or its oldest edition."""

    key: str
    title: str
    contributors: tuple[Contributor, ...] = ()
    first_year: int | None = None
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One edition of the local catalogue. `author` is the first author; `contributors` are all people, if the source lists them.

    `covers` are numbers of Open Library's cover service, `cover` is the address of a picture; `work` is a key such as "OL7W",
    "" if unknown.
    """

    isbn13: Isbn13
    title: str
    author: str
    published: PartialDate | None = None
    language: str | None = None
    publisher: str | None = None
    source: str = ""
    source_id: str = ""
    subtitle: str | None = None
    contributors: tuple[Contributor, ...] = ()
    format: EditionFormat = EditionFormat.UNKNOWN
    pages: int | None = None
    series: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    covers: tuple[int, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    work: str = ""
    first_year: int | None = None
    cover: str = ""


@dataclass(frozen=True, slots=True)
class TsvFile:
    """A tab-separated file, read whole: `digest` identifies its content, `columns` its header."""

    name: str
    digest: str
    rows: tuple[tuple[int, dict[str, str]], ...]
    skipped: tuple[SkippedRow, ...] = field(default=())
