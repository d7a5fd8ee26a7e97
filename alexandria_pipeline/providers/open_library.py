"""Open Library: which of its addresses is asked for what. Records and answers are read in `open_library_wire`.

Records point to each other by keys; following them, and stopping where one cannot be had, is what this file is about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from alexandria_pipeline.domain.agreement import TitleAgreement, compare_titles
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
)  # fmt: skip
from alexandria_pipeline.domain.names import NameAgreement, compare_names, people
from alexandria_pipeline.domain.outcomes import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor, ContributorRole
from alexandria_pipeline.domain.text import normalise
from alexandria_pipeline.domain.titles import dissect, main_title
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.fields import Wire, text, wire
from alexandria_pipeline.providers.http import Reply, ServiceHttp, ServiceSpec
from alexandria_pipeline.providers.open_library_wire import (
    NAME,
    Author,
    Edition,
    FoundWork,
    Work,
    candidates_of_editions,
    candidates_of_isbn_list,
    candidates_of_search,
    explain,
    is_empty,
    parse_authors,
    parse_editions,
    parse_rating,
    parse_subject,
    parse_works,
    series_of,
    topics,
    unreadable,
    variants_of,
)  # fmt: skip
from alexandria_pipeline.providers.queries import path_segment, surname, title_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13

COVERS_URL: Final = "https://covers.openlibrary.org"
SEARCH_FIELDS: Final = (
    "key,title,subtitle,author_name,author_key,author_alternative_name,first_publish_year,isbn,language,edition_count,"
    "cover_i,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.language,"
    "editions.publish_date,editions.publisher,editions.format,editions.number_of_pages"
)
MOST_WORKS: Final = 20
MOST_WORKS_OF_AUTHOR: Final = 100
MOST_EDITIONS: Final = 300
MOST_AUTHORS: Final = 5
# A merged record points to its successor, which may itself have been merged.
MOST_REDIRECTS: Final = 2
_RECORD: Final = re.compile(r"/(?:authors|works|books)/OL\d{1,12}[AWM]")

SPEC: Final = ServiceSpec(name="open_library", explain=explain, empty=is_empty, cache_days=7, negative_cache_days=7)

R = TypeVar("R", bound=Wire)
NoRecord = NotFound | Unavailable | Failed


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
        self._covers_url = covers_url.rstrip("/")

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "2"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """The editions that the search shows; a second call where it shows none of the best work in the asked language.

        Where title and author together find nothing, one of them may be misspelt: then the author's works that are
        called something like it, or else works by that title; three calls at most.
        """
        title, author = title_words(query.title), surname(query.author)
        if not title:
            return NotFound()
        works = await self._search(query, title=title, author=author)
        if isinstance(works, NotFound) and author:
            works = await self._search_otherwise(query, title, author)
            return _all_offered(works, query) if isinstance(works, tuple) else works
        if not isinstance(works, tuple):
            return works
        closer = _to_look_closer(works, query)
        found: dict[Isbn13, Candidate] = {}
        for rank, work in enumerate(works):
            offered = await self._closer(work, query, rank) if work is closer else _offered(work, query, rank)
            for candidate in offered:
                found.setdefault(candidate.isbn13, candidate)
        return list(found.values()) or NotFound()

    async def _search(
        self, query: BookQuery, *, title: str = "", author: str = "", limit: int = MOST_WORKS
    ) -> tuple[FoundWork, ...] | NoRecord:
        words = {name: text for name, text in (("title", title), ("author", author)) if text}
        params: dict[str, str | int] = {**words, "fields": SEARCH_FIELDS, "limit": limit, "lang": query.language}
        reply = await self._http.get("/search.json", params)
        return parse_works(reply) if isinstance(reply, Reply) else reply

    async def _search_otherwise(self, query: BookQuery, title: str, author: str) -> tuple[FoundWork, ...] | NoRecord:
        """Works found by the author alone or by the title alone, if any is called something like the book."""
        for words, limit in (({"author": author}, MOST_WORKS_OF_AUTHOR), ({"title": title}, MOST_WORKS)):
            works = await self._search(query, **words, limit=limit)
            if isinstance(works, (Unavailable, Failed)):
                return works
            alike = tuple(work for work in works if _is_alike(work, query)) if isinstance(works, tuple) else ()
            if alike:
                return alike
        return NotFound()

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        """Edition, work and authors: three calls or more, of which the cache keeps what editions share."""
        edition = await self._edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        work = await self._work_of(edition)
        if isinstance(work, (Unavailable, Failed)):
            return work
        told = work if isinstance(work, Work) else Work()
        authors = await self._authors(told.authors or edition.authors)
        if isinstance(authors, (Unavailable, Failed)):
            return authors
        return self._metadata(isbn13, edition, told, authors)

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        edition = await self._edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        if edition.covers:
            return self._covers(edition.covers)
        work = await self._work_of(edition)
        return (self._covers(work.covers) or NotFound()) if isinstance(work, Work) else work

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        key = await self._work_key(isbn13)
        if not isinstance(key, str):
            return key
        reply = await self._http.get(f"/works/{key}/ratings.json")
        rated = parse_rating(reply) if isinstance(reply, Reply) else reply
        if isinstance(rated, (NotFound, Unavailable, Failed)):
            return rated
        return Rating(NAME, rated.average or 0.0, rated.count or 0)

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        key = await self._work_key(isbn13)
        if not isinstance(key, str):
            return key
        editions = await self._editions(key)
        return (variants_of(editions, isbn13) or NotFound()) if isinstance(editions, tuple) else editions

    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]:
        edition = await self._edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        work = await self._work_of(edition)
        if isinstance(work, (Unavailable, Failed)):
            return work
        of_work = work.identifiers if isinstance(work, Work) else ()
        found = tuple(dict.fromkeys((*edition.ids, *of_work)))
        return ExternalIds(NAME, found) if found else NotFound()

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        edition = await self._edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        work = await self._work_of(edition)
        if isinstance(work, (Unavailable, Failed)):
            return work
        found = topics(work.subjects if isinstance(work, Work) else (), edition.subjects)
        return Subjects(NAME, found) if found else NotFound()

    async def series(self, isbn13: Isbn13) -> Answer[SeriesInfo]:
        """As the edition's own record says it."""
        edition = await self._edition(isbn13)
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
        reply = await self._http.get("/search/authors.json", {"q": " ".join(asked.words), "limit": MOST_WORKS})
        hits = parse_authors(reply) if isinstance(reply, Reply) else reply
        if not isinstance(hits, tuple):
            return hits
        namesakes = [hit for hit in hits if _is_named(hit, author)]
        if not namesakes:
            return NotFound()
        best = max(namesakes, key=lambda hit: hit.work_count or 0)
        record = await self._record(f"/authors/{best.key}", Author)
        return self._biography(record) if isinstance(record, Author) else record

    async def _closer(self, work: FoundWork, query: BookQuery, rank: int) -> list[Candidate]:
        """A work's editions one by one; the work's own list where they cannot be had."""
        editions = await self._editions(work.key or "")
        if not isinstance(editions, tuple):
            return _offered(work, query, rank)
        return [*candidates_of_search(work, rank), *candidates_of_editions(work, editions, rank)]

    async def _editions(self, key: str) -> tuple[Edition, ...] | NoRecord:
        reply = await self._http.get(f"/works/{key}/editions.json", {"limit": MOST_EDITIONS})
        return parse_editions(reply) if isinstance(reply, Reply) else reply

    async def _edition(self, isbn13: Isbn13) -> Edition | NoRecord:
        """The edition with this ISBN; the transport follows the service's 302 to its record."""
        edition = await self._record(f"/isbn/{isbn13}", Edition)
        if not isinstance(edition, Edition):
            return edition
        if not edition.title:
            return unreadable()
        return (
            edition if isbn13 in edition.isbns else Failed("Open Library answered about another ISBN", transient=False)
        )

    async def _work_key(self, isbn13: Isbn13) -> str | NoRecord:
        edition = await self._edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        return next(iter(edition.works), None) or NotFound()

    async def _work_of(self, edition: Edition) -> Work | NoRecord:
        return await self._record(f"/works/{edition.works[0]}", Work) if edition.works else NotFound()

    async def _authors(self, keys: Sequence[str]) -> tuple[Author, ...] | Unavailable | Failed:
        """The authors whose records exist, in the order of the title page; a deleted one is left out."""
        found: list[Author] = []
        for key in keys[:MOST_AUTHORS]:
            author = await self._record(f"/authors/{key}", Author)
            if isinstance(author, (Unavailable, Failed)):
                return author
            if isinstance(author, Author) and author.name:
                found.append(author)
        return tuple(found)

    async def _record(self, path: str, model: type[R]) -> R | NoRecord:
        """A record, past those that were merged into another one."""
        for _ in range(MOST_REDIRECTS + 1):
            reply = await self._http.get(f"{path}.json")
            if not isinstance(reply, Reply):
                return reply
            if reply.status == 404 and is_empty(reply):
                return NotFound()
            if reply.status != 200 or not isinstance(reply.data, dict):
                return unreadable()
            kind = reply.data.get("type")
            kind = kind.get("key") if isinstance(kind, dict) else kind
            if kind == "/type/delete":
                return NotFound()
            if kind != "/type/redirect":
                return wire(model, reply.data) if "key" in reply.data else unreadable()
            path = _successor(reply) or path
        return unreadable()

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


def _is_alike(work: FoundWork, query: BookQuery) -> bool:
    """Whether a work is worth the matcher's look: its title is not another one."""
    return compare_titles(dissect(work.title or ""), dissect(query.title)) is not TitleAgreement.DIFFERENT


def _all_offered(works: Sequence[FoundWork], query: BookQuery) -> Answer[Sequence[Candidate]]:
    found: dict[Isbn13, Candidate] = {}
    for rank, work in enumerate(works):
        for candidate in _offered(work, query, rank):
            found.setdefault(candidate.isbn13, candidate)
    return list(found.values()) or NotFound()


def _offered(work: FoundWork, query: BookQuery, rank: int) -> list[Candidate]:
    """A work's editions as the search shows them, or else its mixed list of ISBNs."""
    return candidates_of_search(work, rank) or candidates_of_isbn_list(work, query, rank)


def _to_look_closer(works: Sequence[FoundWork], query: BookQuery) -> FoundWork | None:
    """The work by the asked title, or else the first, if the search shows no edition of it in the asked language."""
    wanted = main_title(query.title)
    best = next((work for work in works if main_title(work.title or "") == wanted), works[0])
    shown = any(edition.isbn and edition.language == query.language for edition in best.editions)
    return None if shown or not best.key or not (best.isbn or best.edition_count) else best


def _is_named(hit: Author, author: str) -> bool:
    asked = people(author)[:1]
    told = [person for name in (hit.name or "", *hit.alternate_names) for person in people(name)[:1]]
    return any(compare_names(one, other) is NameAgreement.FULL for one in asked for other in told)


def _successor(reply: Reply) -> str | None:
    location = text(reply.data.get("location"))
    return location if location and _RECORD.fullmatch(location) else None
