"""What is made of Open Library's answers: hits and records that can be read, candidates, series, subjects. Pure functions.

The records themselves are `open_library_wire`; which address is asked, `open_library_records` and `open_library_search`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import EditionVariant, ExternalIds, Rating, SeriesInfo, Subjects, WorkSummary
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.fields import wire, wires
from alexandria_pipeline.providers.open_library.declaration import NAME
from alexandria_pipeline.providers.open_library.errors import is_empty, unreadable
from alexandria_pipeline.providers.open_library.models import Author, Edition, FoundWork, ListedWork, Rated, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.providers.transport.types import JsonResponse

# A work's own list mixes every edition's numbers; more of them than this only add strangers.
MAX_WORK_ISBNS: Final = 20
# The registration groups of a language: where a work's list does not say what is what, they tell most of it.
_GROUPS: Final = {
    "en": ("9780", "9781"), "fr": ("9782", "97910"), "de": ("9783",), "ja": ("9784",), "ru": ("9785",), "zh": ("9787",),
}  # fmt: skip
_SERIES_NUMBER: Final = re.compile(
    r"(?P<name>.*?\w.*?)[\s,;:(\[-]*(?:#|\b(?:no|nr|v|vol|volume|bk|book|bd|band|pt|part|t)\b\.?|--|;)\s*"
    r"(?P<number>\d+(?:\.\d+)?|[ivxlc]+)\W*", re.IGNORECASE
)  # fmt: skip
# "nyt:trade-fiction-paperback=2021-11-07", "award:hugo_award=1966": notes of programs, no subjects.
_MACHINE_TAG: Final = re.compile(r"\w+:\S+")


def parse_works(reply: JsonResponse) -> tuple[FoundWork, ...] | NotFound | Failed:
    """The hits that can be read, in the service's order."""
    if reply.status == 200 and is_empty(reply):
        return NotFound()
    docs = reply.data.get("docs") if reply.status == 200 and isinstance(reply.data, dict) else None
    return tuple(work for work in wires(FoundWork, docs) if work.title) or unreadable()


def parse_editions(reply: JsonResponse) -> tuple[Edition, ...] | NotFound | Failed:
    """The entries of a work's editions."""
    if reply.status == 404:
        return NotFound() if is_empty(reply) else unreadable()
    listed = reply.data.get("entries") if isinstance(reply.data, dict) else None
    if listed == [] and not reply.data.get("size"):
        return NotFound()
    return tuple(edition for edition in wires(Edition, listed) if edition.key or edition.isbns) or unreadable()


def parse_subject(reply: JsonResponse) -> list[WorkSummary] | NotFound | Failed:
    if is_empty(reply):
        return NotFound()
    listed = reply.data.get("works") if reply.status == 200 and isinstance(reply.data, dict) else None
    found = [
        WorkSummary(
            NAME,
            work.title,
            tuple(author.name for author in work.authors if author.name),
            work.first_publish_year,
            identifiers=(("openlibrary_work", work.key),) if work.key else (),
        )
        for work in wires(ListedWork, listed)
        if work.title
    ]
    return found or unreadable()


def parse_authors(reply: JsonResponse) -> tuple[Author, ...] | NotFound | Failed:
    if reply.status == 200 and is_empty(reply):
        return NotFound()
    docs = reply.data.get("docs") if reply.status == 200 and isinstance(reply.data, dict) else None
    return tuple(author for author in wires(Author, docs) if author.key and author.name) or unreadable()


def parse_rating(reply: JsonResponse) -> Rating | NotFound | Failed:
    """The summary of ratings; the average of no ratings is null."""
    if reply.status == 404:
        return NotFound() if is_empty(reply) else unreadable()
    told = reply.data.get("summary") if isinstance(reply.data, dict) else None
    if not isinstance(told, dict) or "average" not in told:
        return unreadable()
    rated = wire(Rated, told)
    if told["average"] is None or rated.count == 0:
        return NotFound()
    if rated.average is None or not 0 < rated.average <= 5:
        return unreadable()
    return Rating(NAME, rated.average, rated.count or 0)


def candidates_of_search(work: FoundWork, rank: int) -> list[Candidate]:
    """The editions that the search itself shows for a work."""
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


def candidates_of_editions(work: FoundWork, editions: Sequence[Edition], rank: int) -> list[Candidate]:
    """A work's editions, each with its own language and format."""
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


def candidates_of_isbn_list(work: FoundWork, query: BookQuery, rank: int) -> list[Candidate]:
    """A work's mixed list, format unknown: language only where the work has a single one, the asked groups first."""
    groups = _GROUPS.get(query.language, ())
    ordered = sorted(work.isbn, key=lambda isbn: not isbn.startswith(groups)) if groups else list(work.isbn)
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


def _work_ids(work: FoundWork, edition: str | None) -> tuple[tuple[str, str], ...]:
    named = (("openlibrary_work", work.key), ("openlibrary_edition", edition))
    return tuple((scheme, key) for scheme, key in named if key)


def variants_of(editions: Sequence[Edition], but: Isbn13) -> list[EditionVariant]:
    """The other editions of a work, each ISBN once."""
    found: dict[Isbn13, EditionVariant] = {}
    for edition in editions:
        for isbn in edition.isbns if edition.title else ():
            variant = EditionVariant(
                NAME, isbn, edition.title or "", edition.physical_format, edition.languages,
                next(iter(edition.publishers), None), edition.publish_date,
            )  # fmt: skip
            found.setdefault(isbn, variant)
    found.pop(but, None)
    return list(found.values())


def series_of(lines: Sequence[str]) -> SeriesInfo | None:
    """The first line that numbers its book: "Cyberspace -- 1", "Leo Demidov, #3"; the others are publishers' lists."""
    for line in lines:
        if match := _SERIES_NUMBER.fullmatch(line):
            return SeriesInfo(NAME, match["name"].strip(" ,;:-"), match["number"])
    return SeriesInfo(NAME, lines[0]) if lines else None


def external_ids_of(found: tuple[Edition, Work]) -> ExternalIds | NotFound:
    """The identifiers of an edition and its work."""
    edition, work = found
    pairs = tuple(dict.fromkeys((*edition.ids, *work.identifiers)))
    return ExternalIds(NAME, pairs) if pairs else NotFound()


def subjects_of(found: tuple[Edition, Work]) -> Subjects | NotFound:
    """The subjects of an edition and its work."""
    edition, work = found
    names = topics(work.subjects, edition.subjects)
    return Subjects(NAME, names) if names else NotFound()


def topics(*lists: Sequence[str]) -> tuple[str, ...]:
    """Subjects of work and edition, each once whatever its case, without the notes of programs."""
    found: dict[str, str] = {}
    for subject in (each for listed in lists for each in listed):
        if not _MACHINE_TAG.fullmatch(subject):
            found.setdefault(subject.rstrip(".").lower(), subject)
    return tuple(found.values())
