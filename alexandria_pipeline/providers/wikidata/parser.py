"""What is made of Wikidata's rows: candidates, editions, translations, prizes, subjects, identifiers. Pure functions.

Cells and rows, and the editions they are gathered into, are `wikidata_rows`; which query gave the rows, `wikidata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import Award, EditionMetadata, EditionVariant, Translation, WorkSummary
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import NotFound
from alexandria_pipeline.providers.common.fields import language, whole_number
from alexandria_pipeline.providers.wikidata.declaration import NAME
from alexandria_pipeline.providers.wikidata.models import Edition, SparqlRow, editions, first

if TYPE_CHECKING:
    from alexandria_pipeline.domain.isbn import Isbn13

# Open Library's numbers say what they are of: OL1M an edition, OL1W a work.
_OPEN_LIBRARY: Final = (
    ("openLibrary", "M", "openlibrary_edition"),
    ("openLibrary", "W", "openlibrary_work"),
    ("workOpenLibrary", "W", "openlibrary_work"),
)
_SCHEMES: Final = (
    ("googleBooks", "google_books"),
    ("libraryThing", "librarything"),
    ("goodreadsWork", "goodreads_work"),
    ("goodreadsEdition", "goodreads"),
    ("oclc", "oclc"),
    ("lccn", "lccn"),
)


def candidates(rows: Sequence[SparqlRow], query: BookQuery) -> tuple[Candidate, ...]:
    """One candidate for each ISBN of each edition that is called something."""
    found: dict[Isbn13, Candidate] = {}
    for rank, edition in enumerate(editions(rows)):
        title = edition.title(query.language)
        for isbn13 in edition.isbns if title else ():
            found.setdefault(isbn13, _candidate(edition, isbn13, title or "", query.language, rank))
    return tuple(found.values())


def _candidate(edition: Edition, isbn13: Isbn13, title: str, preferred: str, rank: int) -> Candidate:
    series = edition.series()
    return Candidate(
        provider=NAME,
        isbn13=isbn13,
        title=title,
        contributors=edition.contributors(),
        subtitle=edition.literal("subtitle"),
        published=edition.published(),
        first_published=edition.first_published(),
        language=edition.language(preferred),
        publisher=edition.label("publisher"),
        format=edition.format(),
        pages=whole_number(edition.literal("pages")),
        series=series.series if series else None,
        volume=series.position if series else None,
        identifiers=edition.identifiers(),
        rank=rank,
    )


def parse_edition(rows: Sequence[SparqlRow], isbn13: Isbn13) -> Edition | None:
    """The edition that carries the ISBN asked for."""
    return next((edition for edition in editions(rows) if isbn13 in edition.isbns), None)


def edition_metadata(edition: Edition, isbn13: Isbn13) -> EditionMetadata | NotFound:
    title = edition.title()
    if title is None:
        return NotFound()
    series = edition.series()
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn13,
        title=title,
        subtitle=edition.literal("subtitle"),
        contributors=edition.contributors(),
        publisher=edition.label("publisher"),
        published=edition.published(),
        pages=whole_number(edition.literal("pages")),
        language=edition.language(),
        covers=edition.covers(),
        identifiers=edition.identifiers(),
        format=edition.format(),
        series=series.series if series else None,
        volume=series.position if series else None,
    )


def parse_variants(rows: Sequence[SparqlRow], isbn13: Isbn13) -> tuple[EditionVariant, ...]:
    """The other editions of the work that have an ISBN."""
    found: dict[Isbn13, EditionVariant] = {}
    for edition in editions(rows):
        title = edition.title()
        for isbn in edition.isbns if title and isbn13 not in edition.isbns else ():
            variant = EditionVariant(
                NAME,
                isbn,
                title or "",
                edition.format(),
                edition.language(),
                edition.label("publisher"),
                edition.published(),
            )
            found.setdefault(isbn, variant)
    return tuple(found.values())


def parse_translations(rows: Sequence[SparqlRow], isbn13: Isbn13) -> tuple[Translation, ...]:
    """Editions in another language than the one asked about; where that is unknown, those that name a translator."""
    asked = {code for row in rows if (code := language(row.literal("askedLanguageCode")))}
    found: list[Translation] = []
    for edition in editions(rows):
        spoken = edition.language()
        translators = tuple(dict.fromkeys(name for row in edition.rows if (name := row.label("translator"))))
        if spoken and isbn13 not in edition.isbns and (spoken not in asked if asked else translators):
            isbns = edition.isbns or (None,)
            found += [Translation(NAME, spoken, edition.title(), isbn, translators) for isbn in isbns]
    return tuple(dict.fromkeys(found))


def parse_identifiers(rows: Sequence[SparqlRow]) -> tuple[tuple[str, str], ...]:
    """(scheme, value) pairs of the edition and its work, each once."""
    found: list[tuple[str, str | None]] = []
    for edition in editions(rows):
        found += edition.identifiers()
        found += [("isbn13", isbn) for isbn in edition.isbns]
        found += [("isbn10", isbn.isbn10) for isbn in edition.isbns]
        for row in edition.rows:
            keyed = ((scheme, row.literal(variable), kind) for variable, kind, scheme in _OPEN_LIBRARY)
            found += [(scheme, key) for scheme, key, kind in keyed if key and key.endswith(kind)]
            found += [(scheme, row.literal(variable)) for variable, scheme in _SCHEMES]
    return tuple(dict.fromkeys((scheme, value) for scheme, value in found if value))


def parse_subjects(rows: Sequence[SparqlRow]) -> tuple[str, ...]:
    told = (row.label(name) for name in ("genre", "subject") for row in rows)
    return tuple(dict.fromkeys(subject for subject in told if subject))


def parse_awards(rows: Sequence[SparqlRow]) -> tuple[Award, ...]:
    """Each prize and year once, by year; who won is not listed as nominated too."""
    told: dict[tuple[str, int | None], Award] = {}
    for variable, won in (("award", True), ("nomination", False)):
        for row in rows:
            if name := row.label(variable):
                date = row.date("date")
                year = date.year if date else None
                told.setdefault((name, year), Award(NAME, name, year, won))
    return tuple(sorted(told.values(), key=lambda award: (award.year or 9999, award.name)))


def parse_works(rows: Sequence[SparqlRow], limit: int) -> tuple[WorkSummary, ...]:
    """The works of a subject in the order of the answer, at most `limit`."""
    gathered: dict[str, list[SparqlRow]] = {}
    for row in rows:
        if item := row.item("work"):
            gathered.setdefault(item, []).append(row)
    works = (_work(item, group) for item, group in gathered.items())
    return tuple(work for work in works if work is not None)[: max(limit, 0)]


def _work(item: str, rows: Sequence[SparqlRow]) -> WorkSummary | None:
    title = first(row.label("work") for row in rows)
    if title is None:
        return None
    authors = dict.fromkeys(name for row in rows if (name := row.label("author")))
    years = [date.year for row in rows if (date := row.date("date"))]
    isbn13 = next((isbn for row in rows if (isbn := row.isbn("isbn13"))), None)
    keys = dict.fromkeys(key for row in rows if (key := row.literal("openLibrary")) and key.endswith("W"))
    identifiers = (("wikidata", item), *(("openlibrary_work", key) for key in keys))
    return WorkSummary(NAME, title, tuple(authors), min(years, default=None), isbn13, identifiers)


def parse_article(rows: Sequence[SparqlRow]) -> str | None:
    """The English Wikipedia's article on the author, where the name means one person only."""
    people = {row.item("person") for row in rows if row.item("person")}
    return first(row.literal("articleTitle") for row in rows) if len(people) == 1 else None
