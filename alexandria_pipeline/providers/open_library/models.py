"""Open Library's wire models: records and search hits.

A record has the same shape whether it is fetched alone or read from the monthly dump.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import Contributor, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.providers.common.contributors import contributor, role_of
from alexandria_pipeline.providers.common.fields import (
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
    wires,
)
from alexandria_pipeline.providers.transport.types import Json

_SCHEMES: Final = {
    "goodreads": "goodreads", "librarything": "librarything", "google": "google_books", "amazon": "amazon",
    "wikidata": "wikidata", "oclc": "oclc", "oclc_numbers": "oclc", "lccn": "lccn", "viaf": "viaf", "isni": "isni",
    "project_gutenberg": "project_gutenberg", "storygraph": "storygraph", "isfdb": "isfdb",
}  # fmt: skip


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
