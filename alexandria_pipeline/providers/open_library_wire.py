"""Open Library's records and search answers, as models and pure parse functions; the client is in `open_library`.

Records are the same whether fetched one by one or found in the monthly dumps. Facts: PROVIDERS, "Open Library".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import EditionVariant, SeriesInfo, WorkSummary
from alexandria_pipeline.domain.outcomes import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.records import (
    BookQuery,
    Candidate,
    Contributor,
    ContributorRole,
    EditionFormat,
    PartialDate,
)
from alexandria_pipeline.providers.credits import contributor, role_of
from alexandria_pipeline.providers.fields import (
    Date,
    Decimal,
    Format,
    Isbns,
    Language,
    Number,
    Text,
    Texts,
    Wire,
    partial_date,
    plain_text,
    text,
    texts,
    whole_number,
    wire,
    wires,
)  # fmt: skip
from alexandria_pipeline.providers.http import Json, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "open-library"
# A work's own list mixes every edition's numbers; more of them than this only add strangers.
MOST_WORK_ISBNS: Final = 20
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
_SCHEMES: Final = {
    "goodreads": "goodreads", "librarything": "librarything", "google": "google_books", "amazon": "amazon",
    "wikidata": "wikidata", "oclc": "oclc", "oclc_numbers": "oclc", "lccn": "lccn", "viaf": "viaf", "isni": "isni",
    "project_gutenberg": "project_gutenberg", "storygraph": "storygraph", "isfdb": "isfdb",
}  # fmt: skip


def explain(status: int, body: Json) -> Unavailable | Failed | None:  # noqa: ARG001 - the body says nothing more
    """Open Library's errors: 429 comes as JSON, 503 as HTML; a 404 of a record is an answer."""
    if status in {200, 404}:
        return None
    if status == 429:
        return Failed("Open Library asks to slow down (429)")
    if status == 403:
        return Failed("Open Library refuses this address (403)")
    return Failed(f"Open Library answered {status}", transient=status in {408, 425} or status >= 500)


def is_empty(reply: Reply) -> bool:
    """A definite no: a record that does not exist, or a list of nothing that counts nothing."""
    data = reply.data
    if not isinstance(data, dict):
        return False
    if reply.status == 404:
        return str(data.get("error")).replace(" ", "").lower() == "notfound"
    counts = [data[name] for name in ("numFound", "num_found", "work_count") if name in data]
    lists = [data[name] for name in ("docs", "works") if isinstance(data.get(name), list)]
    return not data.get("error") and len(lists) == 1 and lists[0] == [] and not any(counts)


def unreadable() -> Failed:
    return Failed("Open Library's answer has an unexpected shape")


def _key(value: object) -> str | None:
    """ "OL1W" of "/works/OL1W", {"key": …} or {"author": {"key": …}}; the shape decides, for it becomes part of a path."""
    if isinstance(value, dict):
        return _key(value.get("key", value.get("author", value.get("series"))))
    match = re.fullmatch(r"(?:/\w+/)?(OL\d{1,12}[AWML])", value) if isinstance(value, str) else None
    return match[1] if match else None


def _keys(value: object) -> tuple[str, ...]:
    found = (_key(each) for each in value) if isinstance(value, list) else ()
    return tuple(dict.fromkeys(key for key in found if key))


def _images(value: object) -> tuple[int, ...]:
    """Image numbers; -1 stands where one was removed."""
    found = (whole_number(each) for each in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(number for number in found if number))


def _prose(value: object) -> str | None:
    return plain_text(value.get("value") if isinstance(value, dict) else value)


def _first_date(value: object) -> PartialDate | None:
    dates = (partial_date(each) for each in (value if isinstance(value, list) else [value]))
    return next((date for date in dates if date is not None), None)


def _people(value: object) -> tuple[Contributor, ...]:
    """`contributors` are {role, name}, the older `contributions` lines such as "Tim Curry (Narrator)"."""
    found: list[Contributor | None] = []
    for each in value if isinstance(value, list) else []:
        name = text(each.get("name")) if isinstance(each, dict) else text(each)
        role = role_of(text(each.get("role")) or "") if isinstance(each, dict) else None
        found.append(contributor(name, role or ContributorRole.OTHER) if name else None)
    return tuple(dict.fromkeys(person for person in found if person))


def _identifiers(value: object) -> tuple[tuple[str, str], ...]:
    pairs = value.items() if isinstance(value, dict) else ()
    return tuple((_SCHEMES[name], number) for name, numbers in pairs if name in _SCHEMES for number in texts(numbers))


def _entries(value: object) -> tuple[Json, ...]:
    return tuple(value) if isinstance(value, list) else ()


Key = Annotated[str | None, PlainValidator(_key)]
Keys = Annotated[tuple[str, ...], PlainValidator(_keys)]
Images = Annotated[tuple[int, ...], PlainValidator(_images)]
LooseProse = Annotated[str | None, PlainValidator(_prose)]
FirstDate = Annotated[PartialDate | None, PlainValidator(_first_date)]
People = Annotated[tuple[Contributor, ...], PlainValidator(_people)]
Pairs = Annotated[tuple[tuple[str, str], ...], PlainValidator(_identifiers)]
Entries = Annotated[tuple[Any, ...], PlainValidator(_entries)]


class Edition(Wire):
    """/books/OL…M.json, an entry of a work's editions, and what /isbn/….json leads to."""

    key: Key = None
    title: Text = None
    subtitle: Text = None
    works: Keys = ()
    authors: Keys = ()
    contributors: People = ()
    contributions: People = ()
    isbn_13: Isbns = ()
    isbn_10: Isbns = ()
    publishers: Texts = ()
    publish_date: FirstDate = None
    languages: Language = None
    physical_format: Format = EditionFormat.UNKNOWN
    number_of_pages: Number = None
    description: LooseProse = None
    subjects: Texts = ()
    covers: Images = ()
    series: Texts = ()
    identifiers: Pairs = ()
    oclc_numbers: Texts = ()
    lccn: Texts = ()
    ocaid: Text = None

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        return tuple(dict.fromkeys((*self.isbn_13, *self.isbn_10)))

    @property
    def ids(self) -> tuple[tuple[str, str], ...]:
        named = [("openlibrary_edition", self.key)] if self.key else []
        named += [("openlibrary_work", key) for key in self.works]
        named += [("oclc", number) for number in self.oclc_numbers] + [("lccn", number) for number in self.lccn]
        named += [("internet_archive", self.ocaid)] if self.ocaid else []
        return tuple(dict.fromkeys((*named, *self.identifiers)))


class Work(Wire):
    """/works/OL…W.json."""

    key: Key = None
    title: Text = None
    authors: Keys = ()
    description: LooseProse = None
    subjects: Texts = ()
    covers: Images = ()
    series: Entries = ()
    identifiers: Pairs = ()


class Author(Wire):
    """/authors/OL…A.json, and a hit of the search for authors."""

    key: Key = None
    name: Text = None
    alternate_names: Texts = ()
    bio: LooseProse = None
    birth_date: Date = None
    death_date: Date = None
    photos: Images = ()
    remote_ids: Pairs = ()
    work_count: Number = None


class FoundEdition(Wire):
    """The edition that a search shows for a work."""

    key: Key = None
    title: Text = None
    subtitle: Text = None
    isbn: Isbns = ()
    language: Language = None
    publisher: Texts = ()
    publish_date: FirstDate = None
    format: Format = EditionFormat.UNKNOWN
    number_of_pages: Number = None


class FoundWork(Wire):
    """A hit of the search for works."""

    key: Key = None
    title: Text = None
    subtitle: Text = None
    author_name: Texts = ()
    author_alternative_name: Texts = ()
    first_publish_year: Number = None
    isbn: Isbns = ()
    language: Language = None
    edition_count: Number = None
    editions: Annotated[
        tuple[FoundEdition, ...],
        PlainValidator(lambda value: wires(FoundEdition, value.get("docs") if isinstance(value, dict) else value)),
    ] = ()

    @property
    def contributors(self) -> tuple[Contributor, ...]:
        """The authors; other names belong to one of them, and only where there is one author is it known to whom."""
        people = [contributor(name, ContributorRole.AUTHOR) for name in self.author_name]
        named = tuple(dict.fromkeys(person for person in people if person))
        if len(named) != 1:
            return named
        return (Contributor(named[0].name, named[0].role, self.author_alternative_name),)


class Rated(Wire):
    """The summary of /works/OL…W/ratings.json."""

    average: Decimal = None
    count: Number = None


class _ListedAuthor(Wire):
    name: Text = None


class ListedWork(Wire):
    """A work of /subjects/….json."""

    key: Key = None
    title: Text = None
    authors: Annotated[tuple[_ListedAuthor, ...], PlainValidator(lambda value: wires(_ListedAuthor, value))] = ()
    first_publish_year: Number = None


def parse_works(reply: Reply) -> tuple[FoundWork, ...] | NotFound | Failed:
    """The hits that can be read, in the service's order."""
    if reply.status == 200 and is_empty(reply):
        return NotFound()
    docs = reply.data.get("docs") if reply.status == 200 and isinstance(reply.data, dict) else None
    return tuple(work for work in wires(FoundWork, docs) if work.title) or unreadable()


def parse_editions(reply: Reply) -> tuple[Edition, ...] | NotFound | Failed:
    """The entries of a work's editions."""
    if reply.status == 404:
        return NotFound() if is_empty(reply) else unreadable()
    listed = reply.data.get("entries") if isinstance(reply.data, dict) else None
    if listed == [] and not reply.data.get("size"):
        return NotFound()
    return tuple(edition for edition in wires(Edition, listed) if edition.key or edition.isbns) or unreadable()


def parse_subject(reply: Reply) -> list[WorkSummary] | NotFound | Failed:
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


def parse_authors(reply: Reply) -> tuple[Author, ...] | NotFound | Failed:
    if reply.status == 200 and is_empty(reply):
        return NotFound()
    docs = reply.data.get("docs") if reply.status == 200 and isinstance(reply.data, dict) else None
    return tuple(author for author in wires(Author, docs) if author.key and author.name) or unreadable()


def parse_rating(reply: Reply) -> Rated | NotFound | Failed:
    """The summary; an average of nobody's ratings is null."""
    if reply.status == 404:
        return NotFound() if is_empty(reply) else unreadable()
    told = reply.data.get("summary") if isinstance(reply.data, dict) else None
    if not isinstance(told, dict) or "average" not in told:
        return unreadable()
    rated = wire(Rated, told)
    if told["average"] is None or rated.count == 0:
        return NotFound()
    return rated if rated.average is not None and 0 < rated.average <= 5 else unreadable()


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
        for isbn in ordered[:MOST_WORK_ISBNS]
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


def topics(*lists: Sequence[str]) -> tuple[str, ...]:
    """Subjects of work and edition, each once whatever its case, without the notes of programs."""
    found: dict[str, str] = {}
    for subject in (each for listed in lists for each in listed):
        if not _MACHINE_TAG.fullmatch(subject):
            found.setdefault(subject.rstrip(".").lower(), subject)
    return tuple(found.values())
