"""Wikidata's rows as domain records: candidates, editions, translations, awards, subjects, identifiers. Pure functions.

`models.py` reads rows, and `editions.py` gathers the rows of an edition. docs/services/wikidata.md has the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import Award, EditionMetadata, EditionVariant, Translation, WorkSummary
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.languages import language
from alexandria_pipeline.providers.common.text_fields import whole_number
from alexandria_pipeline.providers.wikidata.declaration import NAME
from alexandria_pipeline.providers.wikidata.editions import Edition, editions
from alexandria_pipeline.providers.wikidata.errors import UNREADABLE
from alexandria_pipeline.providers.wikidata.models import SparqlRow, bindings, first, read_row
from alexandria_pipeline.providers.wikidata.queries import MAX_PUBLISHED_ROWS

if TYPE_CHECKING:
    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.providers.transport.types import JsonResponse

# The last letter of an Open Library key shows its kind: OL1M is an edition, OL1W a work.
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


def parse_rows(response: JsonResponse, needed: Iterable[str]) -> tuple[SparqlRow, ...] | NotFound | Failed:
    """The rows that have at least one of the `needed` variables. Rows without any of them belong to another query."""
    found = bindings(response.data)
    if found is None:
        return UNREADABLE
    rows = tuple(read_row(binding) for binding in found[:MAX_PUBLISHED_ROWS] if isinstance(binding, dict))
    usable = tuple(row for row in rows if any(name in row.terms for name in needed))
    if found and not usable:
        return UNREADABLE
    return usable or NotFound()


def rows_about(rows: Sequence[SparqlRow], isbn13: Isbn13) -> tuple[SparqlRow, ...] | NotFound:
    """The rows whose requested ISBN (`isbn`) is this one. Rows without it are about the editions whose ISBNs they have."""
    return tuple(row for row in rows if isbn13 in (_requested(row) or row.isbns())) or NotFound()


def _requested(row: SparqlRow) -> tuple[Isbn13, ...]:
    isbn = row.isbn("isbn")
    return (isbn,) if isbn else ()


def candidates(rows: Sequence[SparqlRow], query: BookQuery) -> tuple[Candidate, ...]:
    """One candidate for each ISBN of each edition that has a title."""
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


def parse_edition(rows: Sequence[SparqlRow], isbn13: Isbn13) -> Edition | NotFound:
    """The edition that has the requested ISBN."""
    return next((edition for edition in editions(rows) if isbn13 in edition.isbns), NotFound())


def edition_metadata(edition: Edition, isbn13: Isbn13) -> EditionMetadata | NotFound:
    """The metadata of an edition that has a title, under one of its ISBNs."""
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
        first_published=edition.first_published(),
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
    """The editions in another language than the requested one; if that is unknown, the editions with a translator."""
    known = {code for row in rows if (code := language(row.literal("askedLanguageCode")))}
    found: list[Translation] = []
    for edition in editions(rows):
        code = edition.language()
        translators = tuple(dict.fromkeys(name for row in edition.rows if (name := row.label("translator"))))
        if code and isbn13 not in edition.isbns and (code not in known if known else translators):
            isbns = edition.isbns or (None,)
            found += [Translation(NAME, code, edition.title(), isbn, translators) for isbn in isbns]
    return tuple(dict.fromkeys(found))


def parse_identifiers(rows: Sequence[SparqlRow]) -> tuple[tuple[str, str], ...]:
    """The (scheme, value) pairs of the edition and its work, each once."""
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
    """The genres and then the subjects of the work, each once."""
    labels = (row.label(name) for name in ("genre", "subject") for row in rows)
    return tuple(dict.fromkeys(subject for subject in labels if subject))


def parse_awards(rows: Sequence[SparqlRow]) -> tuple[Award, ...]:
    """The awards and nominations in order of year, each once for a year. A winner is not listed as nominated too."""
    found: dict[tuple[str, int | None], Award] = {}
    for variable, won in (("award", True), ("nomination", False)):
        for row in rows:
            if name := row.label(variable):
                date = row.date("date")
                year = date.year if date else None
                found.setdefault((name, year), Award(NAME, name, year, won))
    return tuple(sorted(found.values(), key=lambda award: (award.year or 9999, award.name)))


def parse_works(rows: Sequence[SparqlRow], limit: int) -> tuple[WorkSummary, ...]:
    """The works of a subject in the order of the result, at most `limit`."""
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
    """The title of the author's article in the English Wikipedia; None if several people have the name."""
    people = {row.item("person") for row in rows if row.item("person")}
    return first(row.literal("articleTitle") for row in rows) if len(people) == 1 else None
