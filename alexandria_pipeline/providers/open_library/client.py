"""The Open Library client: editions, works, subjects and authors.

`records.py` fetches records and `search.py` searches for books; `models.py` and `parser.py` read the responses.
docs/services/open_library.md has the facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import (
    AuthorBiography,
    Cover,
    EditionMetadata,
    EditionVariant,
    ExternalIds,
    Identifiers,
    Rating,
    SeriesInfo,
    Subjects,
    WorkSummary,
)
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor, ContributorRole
from alexandria_pipeline.domain.service_answers import Answer, NotFound, Unavailable, then, then_call
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import NameAgreement, compare_names, people
from alexandria_pipeline.providers.base import Capability, ProviderKit
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.open_library.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.open_library.errors import explain
from alexandria_pipeline.providers.open_library.models import Author, Edition, Work
from alexandria_pipeline.providers.open_library.parser import (
    external_ids_of,
    parse_authors,
    parse_subject,
    series_of,
    subjects_of,
    topics,
    variants_of,
)
from alexandria_pipeline.providers.open_library.records import PREFETCH_SIZE, Records
from alexandria_pipeline.providers.open_library.search import Search
from alexandria_pipeline.providers.transport.types import ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13

COVERS_URL: Final = "https://covers.openlibrary.org"
# The results of an author search; of several authors with the same name, the one with the most works is used.
MAX_NAMESAKES: Final = 20
AUTHOR_SCHEME: Final = "openlibrary_author"
_AUTHOR_KEY: Final = re.compile(r"OL\d{1,12}A")
# What is read from the work's record, too.
_FROM_WORKS: Final = frozenset(
    {
        Capability.METADATA_ENRICHMENT,
        Capability.COVER_IMAGES,
        Capability.EXTERNAL_IDS,
        Capability.SUBJECT_ENRICHMENT,
    }
)

SPEC: Final = ServiceSpec(name=NAME, explain=explain, cache_days=7, negative_cache_days=7)


class OpenLibrary:
    """The client. `covers_url`: the site in the addresses of covers; the client does not fetch from it."""

    declaration = DECLARATION
    prefetch_size = PREFETCH_SIZE

    def __init__(self, http: ServiceHttp, covers_url: str = COVERS_URL) -> None:
        self._http = http
        self._records = Records(http)
        self._search = Search(http, self._records)
        self._covers_url = covers_url.rstrip("/")

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "2"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """The editions of the works that the search finds; at most three calls."""
        return await self._search.editions(query)

    async def prefetch(self, capability: Capability, isbns: Sequence[Isbn13]) -> None:
        """Editions in one call; then ratings in one, or works and authors in one each."""
        await self._records.prefetch(isbns)
        if capability is Capability.RATINGS:
            await self._records.prefetch_ratings(isbns)
        elif capability in _FROM_WORKS:
            await self._records.prefetch_works(isbns)

    async def prefetch_authors(self, identifiers: Sequence[Identifiers]) -> None:
        """The records of authors whose keys are known, in one call for 50."""
        await self._records.prefetch_records(f"/authors/{key}" for each in identifiers if (key := _author_key(each)))

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        """Edition, work and authors: one call for each; none for an edition that was prefetched."""
        found = await self._records.edition_and_work(isbn13)
        return await then_call(found, lambda records: self._with_authors(isbn13, *records))

    async def _with_authors(self, isbn13: Isbn13, edition: Edition, work: Work) -> Answer[EditionMetadata]:
        authors = await self._records.authors(work.authors or edition.authors)
        return then(authors, lambda found: self._metadata(isbn13, edition, work, found))

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        """The covers of the edition, else those of its work."""
        return await then_call(await self._records.edition(isbn13), self._edition_covers)

    async def _edition_covers(self, edition: Edition) -> Answer[Sequence[Cover]]:
        if edition.covers:
            return self._covers(edition.covers)
        return then(await self._records.work_of(edition), lambda work: self._covers(work.covers) or NotFound())

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        return await then_call(await self._records.work_key(isbn13), self._records.rating)

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        editions = await then_call(await self._records.work_key(isbn13), self._records.editions)
        return then(editions, lambda found: variants_of(found, isbn13) or NotFound())

    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]:
        return then(await self._records.edition_and_work(isbn13), external_ids_of)

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        return then(await self._records.edition_and_work(isbn13), subjects_of)

    async def series(self, isbn13: Isbn13) -> Answer[SeriesInfo]:
        """The series in the edition's record."""
        return then(await self._records.edition(isbn13), lambda edition: series_of(edition.series) or NotFound())

    async def browse(self, subject: str, limit: int = 20) -> Answer[Sequence[WorkSummary]]:
        slug = normalise(subject).replace(" ", "_")
        if not slug:
            return NotFound()
        found = await self._http.get(f"/subjects/{path_segment(slug)}.json", parse_subject, {"limit": limit})
        return then(found, lambda works: works[:limit])

    async def biography(self, author: str, identifiers: Identifiers = ()) -> Answer[AuthorBiography]:
        """The biography of the author with this key, else of the one with exactly this name; of several, with the most works."""
        if key := _author_key(identifiers):
            return then(await self._records.record(f"/authors/{key}", Author), self._biography)
        person = next(iter(people(author)), None)
        if person is None:
            return NotFound()
        params: dict[str, str | int] = {"q": " ".join(person.words), "limit": MAX_NAMESAKES}
        hits = await self._http.get("/search/authors.json", parse_authors, params)
        record = await then_call(hits, lambda found: self._author_record(found, author))
        return then(record, self._biography)

    async def _author_record(self, hits: Sequence[Author], author: str) -> Answer[Author]:
        namesakes = [hit for hit in hits if _has_name(hit, author)]
        if not namesakes:
            return NotFound()
        best = max(namesakes, key=lambda hit: hit.work_count or 0)
        return await self._records.record(f"/authors/{best.key}", Author)

    def _metadata(self, isbn13: Isbn13, edition: Edition, work: Work, authors: Sequence[Author]) -> EditionMetadata:
        series = series_of(edition.series)
        writers = [
            Contributor(author.name or "", ContributorRole.AUTHOR, author.alternate_names, _author_ids(author))
            for author in authors
        ]
        return EditionMetadata(
            provider=NAME,
            isbn13=isbn13,
            title=edition.title or "",
            subtitle=edition.subtitle,
            contributors=tuple(dict.fromkeys((*writers, *edition.contributors, *edition.contributions))),
            publisher=next(iter(edition.publishers), None),
            published=edition.publish_date,
            pages=edition.number_of_pages or None,
            language=edition.languages,
            description=edition.description or work.description,
            subjects=topics(work.subjects, edition.subjects),
            covers=tuple(self._covers(edition.covers or work.covers)),
            identifiers=tuple(dict.fromkeys((*edition.all_identifiers, *work.identifiers))),
            format=edition.physical_format,
            series=series.series if series else None,
            volume=series.position if series else None,
            first_published=work.first_publish_date.year if work.first_publish_date else None,
        )

    def _biography(self, author: Author) -> AuthorBiography | NotFound:
        if not author.bio or not author.name:
            return NotFound()
        portrait = f"{self._covers_url}/a/id/{author.photos[0]}-L.jpg" if author.photos else None
        return AuthorBiography(
            NAME, author.name, author.bio, author.birth_date, author.death_date, portrait, _author_ids(author)
        )

    def _covers(self, numbers: Sequence[int]) -> list[Cover]:
        return [Cover(NAME, f"{self._covers_url}/b/id/{number}-L.jpg") for number in numbers]


def _author_key(identifiers: Identifiers) -> str | None:
    """The author's key here; its form is checked, because it becomes a path."""
    return next(
        (value for scheme, value in identifiers if scheme == AUTHOR_SCHEME and _AUTHOR_KEY.fullmatch(value)), None
    )


def _author_ids(author: Author) -> Identifiers:
    key = ((AUTHOR_SCHEME, author.key),) if author.key else ()
    return (*key, *author.remote_ids)


def _has_name(hit: Author, author: str) -> bool:
    wanted = people(author)[:1]
    names = [person for name in (hit.name or "", *hit.alternate_names) for person in people(name)[:1]]
    return any(compare_names(one, other) is NameAgreement.FULL for one in wanted for other in names)


def build(kit: ProviderKit) -> OpenLibrary:
    """The provider with its transport."""
    return OpenLibrary(kit.service(SPEC))
