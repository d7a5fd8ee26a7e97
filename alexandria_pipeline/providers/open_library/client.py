"""Open Library: the client, and what it tells of an edition, a subject or an author.

Records are fetched by `open_library_records` and books looked for by `open_library_search`; what the service's answers
say is read in `open_library_wire` and `open_library_answers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import (
    AuthorBiography,
    Cover,
    EditionMetadata,
    EditionVariant,
    ExternalIds,
    Rating,
    SeriesInfo,
    Subjects,
    WorkSummary,
)
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor, ContributorRole
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import NameAgreement, compare_names, people
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.open_library.models import NAME, Author, Edition, Work, explain, is_empty
from alexandria_pipeline.providers.open_library.parser import (
    parse_authors,
    parse_rating,
    parse_subject,
    series_of,
    topics,
    variants_of,
)
from alexandria_pipeline.providers.open_library.records import Records
from alexandria_pipeline.providers.open_library.search import Search
from alexandria_pipeline.providers.transport.types import Reply, ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13

COVERS_URL: Final = "https://covers.openlibrary.org"
# Namesakes among whom the author with the most works is looked for.
MAX_NAMESAKES: Final = 20

SPEC: Final = ServiceSpec(name="open_library", explain=explain, empty=is_empty, cache_days=7, negative_cache_days=7)


class OpenLibrary:
    """The client. `covers_url` is where images are shown to people; nothing is fetched from it."""

    info = ProviderInfo(
        NAME,
        ProviderKind.FREE,
        frozenset(
            {
                Capability.ISBN_RESOLUTION, Capability.METADATA_ENRICHMENT, Capability.COVER_IMAGES, Capability.RATINGS,
                Capability.EDITION_VARIANTS, Capability.EXTERNAL_IDS, Capability.SUBJECT_ENRICHMENT,
                Capability.SUBJECT_BROWSING, Capability.SERIES_INFO, Capability.AUTHOR_BIOGRAPHY,
            }
        ),
        "Open Library",
    )  # fmt: skip

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
        """The editions of the works that the search finds; three calls at most."""
        return await self._search.editions(query)

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        """Edition, work and authors: three calls or more, of which the cache keeps what editions share."""
        told = await self._records.edition_and_work(isbn13)
        if not isinstance(told, tuple):
            return told
        edition, work = told
        authors = await self._records.authors(work.authors or edition.authors)
        if isinstance(authors, (Unavailable, Failed)):
            return authors
        return self._metadata(isbn13, edition, work, authors)

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        edition = await self._records.edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        if edition.covers:
            return self._covers(edition.covers)
        work = await self._records.work_of(edition)
        return (self._covers(work.covers) or NotFound()) if isinstance(work, Work) else work

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        key = await self._records.work_key(isbn13)
        if not isinstance(key, str):
            return key
        reply = await self._http.get(f"/works/{key}/ratings.json")
        rated = parse_rating(reply) if isinstance(reply, Reply) else reply
        if isinstance(rated, (NotFound, Unavailable, Failed)):
            return rated
        return Rating(NAME, rated.average or 0.0, rated.count or 0)

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        key = await self._records.work_key(isbn13)
        if not isinstance(key, str):
            return key
        editions = await self._records.editions(key)
        return (variants_of(editions, isbn13) or NotFound()) if isinstance(editions, tuple) else editions

    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]:
        told = await self._records.edition_and_work(isbn13)
        if not isinstance(told, tuple):
            return told
        edition, work = told
        found = tuple(dict.fromkeys((*edition.ids, *work.identifiers)))
        return ExternalIds(NAME, found) if found else NotFound()

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        told = await self._records.edition_and_work(isbn13)
        if not isinstance(told, tuple):
            return told
        edition, work = told
        found = topics(work.subjects, edition.subjects)
        return Subjects(NAME, found) if found else NotFound()

    async def series(self, isbn13: Isbn13) -> Answer[SeriesInfo]:
        """As the edition's own record says it."""
        edition = await self._records.edition(isbn13)
        return (series_of(edition.series) or NotFound()) if isinstance(edition, Edition) else edition

    async def browse(self, subject: str, limit: int = 20) -> Answer[Sequence[WorkSummary]]:
        slug = normalise(subject).replace(" ", "_")
        if not slug:
            return NotFound()
        reply = await self._http.get(f"/subjects/{path_segment(slug)}.json", {"limit": limit})
        found = parse_subject(reply) if isinstance(reply, Reply) else reply
        return found[:limit] if isinstance(found, list) else found

    async def biography(self, author: str) -> Answer[AuthorBiography]:
        """Of the author by that very name with the most works: Open Library tells namesakes apart, a name does not."""
        asked = next(iter(people(author)), None)
        if asked is None:
            return NotFound()
        reply = await self._http.get("/search/authors.json", {"q": " ".join(asked.words), "limit": MAX_NAMESAKES})
        hits = parse_authors(reply) if isinstance(reply, Reply) else reply
        if not isinstance(hits, tuple):
            return hits
        namesakes = [hit for hit in hits if _is_named(hit, author)]
        if not namesakes:
            return NotFound()
        best = max(namesakes, key=lambda hit: hit.work_count or 0)
        record = await self._records.record(f"/authors/{best.key}", Author)
        return self._biography(record) if isinstance(record, Author) else record

    def _metadata(self, isbn13: Isbn13, edition: Edition, work: Work, authors: Sequence[Author]) -> EditionMetadata:
        series = series_of(edition.series)
        writers = [Contributor(author.name or "", ContributorRole.AUTHOR, author.alternate_names) for author in authors]
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
            identifiers=tuple(dict.fromkeys((*edition.ids, *work.identifiers))),
            format=edition.physical_format,
            series=series.series if series else None,
            volume=series.position if series else None,
        )

    def _biography(self, author: Author) -> AuthorBiography | NotFound:
        if not author.bio or not author.name:
            return NotFound()
        portrait = f"{self._covers_url}/a/id/{author.photos[0]}-L.jpg" if author.photos else None
        own = (("openlibrary_author", author.key),) if author.key else ()
        return AuthorBiography(
            NAME, author.name, author.bio, author.birth_date, author.death_date, portrait, (*own, *author.remote_ids)
        )

    def _covers(self, numbers: Sequence[int]) -> list[Cover]:
        return [Cover(NAME, f"{self._covers_url}/b/id/{number}-L.jpg") for number in numbers]


def _is_named(hit: Author, author: str) -> bool:
    asked = people(author)[:1]
    told = [person for name in (hit.name or "", *hit.alternate_names) for person in people(name)[:1]]
    return any(compare_names(one, other) is NameAgreement.FULL for one in asked for other in told)
