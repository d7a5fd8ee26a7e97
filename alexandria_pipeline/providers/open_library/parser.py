"""Open Library's records and search results as domain records. Pure functions.

`models.py` reads records, and `records.py` and `search.py` make the requests. docs/services/open_library.md has the facts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.matching.edition_facts import group_language
from alexandria_pipeline.domain.metadata import EditionVariant, ExternalIds, Rating, SeriesInfo, Subjects, WorkSummary
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.text_fields import text
from alexandria_pipeline.providers.common.wire_models import read_model, read_models
from alexandria_pipeline.providers.open_library.declaration import NAME
from alexandria_pipeline.providers.open_library.errors import UNREADABLE, is_empty
from alexandria_pipeline.providers.open_library.models import (
    Author,
    Edition,
    RatedWork,
    RatingSummary,
    SearchWork,
    SubjectWork,
    Work,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.providers.transport.types import Json, JsonResponse

# A work's list mixes the ISBNs of all its editions. More than this many only add unrelated editions.
MAX_WORK_ISBNS: Final = 20
_SERIES_NUMBER: Final = re.compile(
    r"(?:#|\b(?:no|nr|v|vol|volume|bk|book|bd|band|pt|part|t)\b\.?|--|;)\s*+"
    r"(?P<number>\d++(?:\.\d++)?|[ivxlc]++)\W*+\Z",
    re.IGNORECASE,
)
# "nyt:trade-fiction-paperback=2021-11-07" and "award:hugo_award=1966" are written by programs and are not subjects.
_MACHINE_TAG: Final = re.compile(r"\w+:\S+")


def parse_works(response: JsonResponse) -> tuple[SearchWork, ...] | NotFound | Failed:
    """The works of a search result that have a title, in the service's order."""
    if response.status == 200 and is_empty(response):
        return NotFound()
    return tuple(work for work in read_models(SearchWork, _member(response, "docs")) if work.title) or UNREADABLE


@dataclass(frozen=True, slots=True)
class EditionsPage:
    """A page of the editions of a work; `next`: the offset of the page that follows, None for the last."""

    editions: tuple[Edition, ...]
    next: int | None = None


def parse_editions(response: JsonResponse) -> EditionsPage | NotFound | Failed:
    """A page of the editions of a work."""
    if response.status == 404:
        return NotFound() if is_empty(response) else UNREADABLE
    entries = _member(response, "entries")
    if entries == [] and not response.data.get("size"):
        return NotFound()
    found = tuple(edition for edition in read_models(Edition, entries) if edition.key or edition.isbns)
    links = response.data.get("links") if isinstance(response.data, dict) else None
    link = text(links.get("next")) if isinstance(links, dict) else None
    offset = re.search(r"[?&]offset=(\d{1,6})(?!\d)", link or "")
    return EditionsPage(found, int(offset[1]) if offset else None) if found else UNREADABLE


def parse_books(response: JsonResponse) -> dict[str, Json] | Failed:
    """The edition records of a request for many, by its keys ("ISBN:978…"). Keys that the service does not know are missing.

    An empty object is no answer: the service sends it, too, when the request has failed (docs/services/open_library.md).
    """
    data = response.data
    if response.status != 200 or not isinstance(data, dict):
        return UNREADABLE
    found = {key: entry["details"] for key, entry in data.items() if isinstance(entry, dict) and "details" in entry}
    if len(found) < len(data):
        return UNREADABLE
    return found or Failed("Open Library returned nothing for a request for many editions", transient=False)


def parse_records(response: JsonResponse) -> dict[str, Json] | Failed:
    """The records of a request for many, by their paths. Records that do not exist are missing; so is all after an error."""
    data = response.data
    found = data.get("result") if response.status == 200 and isinstance(data, dict) else None
    records = {path: each for path, each in found.items() if isinstance(each, dict)} if isinstance(found, dict) else {}
    return records or Failed("Open Library returned nothing for a request for many records", transient=False)


def parse_ratings(response: JsonResponse) -> dict[str, Rating | NotFound] | Failed:
    """The ratings of the works of a search result, by their keys. A work without ratings has no average there."""
    found: dict[str, Rating | NotFound] = {}
    for work in read_models(RatedWork, _member(response, "docs")):
        if work.key and not work.ratings_count:
            found[work.key] = NotFound()
        elif work.key and work.ratings_average is not None and 0 < work.ratings_average <= 5:
            found[work.key] = Rating(NAME, work.ratings_average, work.ratings_count or 0)
    return found or Failed("Open Library returned nothing for a request for many ratings", transient=False)


def parse_subject(response: JsonResponse) -> list[WorkSummary] | NotFound | Failed:
    """The works of a subject."""
    if is_empty(response):
        return NotFound()
    works = read_models(SubjectWork, _member(response, "works"))
    return [_summary(work) for work in works if work.title] or UNREADABLE


def _summary(work: SubjectWork) -> WorkSummary:
    return WorkSummary(
        NAME,
        work.title or "",
        tuple(author.name for author in work.authors if author.name),
        work.first_publish_year,
        identifiers=(("openlibrary_work", work.key),) if work.key else (),
    )


def parse_authors(response: JsonResponse) -> tuple[Author, ...] | NotFound | Failed:
    """The authors of a search result."""
    if response.status == 200 and is_empty(response):
        return NotFound()
    authors = read_models(Author, _member(response, "docs"))
    return tuple(author for author in authors if author.key and author.name) or UNREADABLE


def parse_rating(response: JsonResponse) -> Rating | NotFound | Failed:
    """The average rating. A work without ratings has the average null."""
    if response.status == 404:
        return NotFound() if is_empty(response) else UNREADABLE
    members = _member(response, "summary")
    if not isinstance(members, dict) or "average" not in members:
        return UNREADABLE
    summary = read_model(RatingSummary, members)
    if members["average"] is None or summary.count == 0:
        return NotFound()
    if summary.average is None or not 0 < summary.average <= 5:
        return UNREADABLE
    return Rating(NAME, summary.average, summary.count or 0)


def _member(response: JsonResponse, name: str) -> Json:
    """A member of a JSON object with status 200; None for other responses."""
    return response.data.get(name) if response.status == 200 and isinstance(response.data, dict) else None


def candidates_of_search(work: SearchWork, rank: int) -> list[Candidate]:
    """The editions that the search result shows for a work."""
    return [
        Candidate(
            provider=NAME,
            isbn13=isbn,
            title=edition.title or work.title or "",
            subtitle=edition.subtitle if edition.title else work.subtitle,
            contributors=work.contributors,
            published=edition.publish_date,
            first_published=work.first_publish_year,
            language=edition.language,
            publisher=next(iter(edition.publisher), None),
            format=edition.format,
            pages=edition.number_of_pages or None,
            identifiers=_work_ids(work, edition.key),
            rank=rank,
        )
        for edition in work.editions
        for isbn in edition.isbn
    ]


def candidates_of_editions(work: SearchWork, editions: Sequence[Edition], rank: int) -> list[Candidate]:
    """The editions of a work, each with its own language and format."""
    return [
        Candidate(
            provider=NAME,
            isbn13=isbn,
            title=edition.title or work.title or "",
            subtitle=edition.subtitle,
            contributors=(*work.contributors, *edition.contributors, *edition.contributions),
            published=edition.publish_date,
            first_published=work.first_publish_year,
            language=edition.languages,
            publisher=next(iter(edition.publishers), None),
            format=edition.physical_format,
            pages=edition.number_of_pages or None,
            identifiers=_work_ids(work, edition.key),
            rank=rank,
        )
        for edition in editions
        for isbn in edition.isbns
    ]


def candidates_of_isbn_list(work: SearchWork, query: BookQuery, rank: int) -> list[Candidate]:
    """The ISBNs in a work's list, those of the query's language first; the language is known if the work has only one."""
    ordered = sorted(work.isbn, key=lambda isbn: group_language(isbn) != query.language)
    return [
        Candidate(
            provider=NAME,
            isbn13=isbn,
            title=work.title or "",
            subtitle=work.subtitle,
            contributors=work.contributors,
            first_published=work.first_publish_year,
            language=work.language,
            identifiers=_work_ids(work, None),
            rank=rank,
        )
        for isbn in ordered[:MAX_WORK_ISBNS]
    ]


def _work_ids(work: SearchWork, edition: str | None) -> tuple[tuple[str, str], ...]:
    pairs = (("openlibrary_work", work.key), ("openlibrary_edition", edition))
    return tuple((scheme, key) for scheme, key in pairs if key)


def variants_of(editions: Sequence[Edition], excluded: Isbn13) -> list[EditionVariant]:
    """The other editions of a work that have a title, each ISBN once."""
    found: dict[Isbn13, EditionVariant] = {}
    for edition in editions:
        for isbn in edition.isbns if edition.title else ():
            variant = EditionVariant(
                NAME,
                isbn,
                edition.title or "",
                edition.physical_format,
                edition.languages,
                next(iter(edition.publishers), None),
                edition.publish_date,
            )
            found.setdefault(isbn, variant)
    found.pop(excluded, None)
    return list(found.values())


def series_of(lines: Sequence[str]) -> SeriesInfo | None:
    """The series of the first line that has a number ("Cyberspace -- 1", "Leo Demidov, #3"), else the first line.

    Lines without a number are mostly publishers' lists.
    """
    for line in lines:
        match = _SERIES_NUMBER.search(line)
        if match and any(map(str.isalnum, name := line[: match.start()].strip(" \t\n,;:([-"))):
            return SeriesInfo(NAME, name, match["number"])
    return SeriesInfo(NAME, lines[0]) if lines else None


def external_ids_of(found: tuple[Edition, Work]) -> ExternalIds | NotFound:
    """The identifiers of an edition and its work."""
    edition, work = found
    pairs = tuple(dict.fromkeys((*edition.all_identifiers, *work.identifiers)))
    return ExternalIds(NAME, pairs) if pairs else NotFound()


def subjects_of(found: tuple[Edition, Work]) -> Subjects | NotFound:
    """The subjects of an edition and its work."""
    edition, work = found
    names = topics(work.subjects, edition.subjects)
    return Subjects(NAME, names) if names else NotFound()


def topics(*lists: Sequence[str]) -> tuple[str, ...]:
    """The subjects of several lists, each once without regard to case, without machine tags."""
    found: dict[str, str] = {}
    for subject in (each for listed in lists for each in listed):
        if not _MACHINE_TAG.fullmatch(subject):
            found.setdefault(subject.rstrip(".").lower(), subject)
    return tuple(found.values())
