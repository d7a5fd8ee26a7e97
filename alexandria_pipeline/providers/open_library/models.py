"""Open Library's wire models: records and search results.

A record has the same shape whether it is fetched alone or read from the monthly dump.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import Contributor, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.providers.common.contributors import contributor, role_of
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.text_fields import plain_text, text, texts, whole_number
from alexandria_pipeline.providers.common.wire_models import (
    Date,
    Decimal,
    Format,
    Isbns,
    Language,
    Number,
    Text,
    Texts,
    WireModel,
    many,
    read_models,
)

# Schemes of identifiers that are used, by the names that Open Library has for them.
_SCHEMES: Final = {
    "goodreads": "goodreads",
    "librarything": "librarything",
    "google": "google_books",
    "amazon": "amazon",
    "wikidata": "wikidata",
    "oclc": "oclc",
    "oclc_numbers": "oclc",
    "lccn": "lccn",
    "viaf": "viaf",
    "isni": "isni",
    "project_gutenberg": "project_gutenberg",
    "storygraph": "storygraph",
    "isfdb": "isfdb",
}


def _key(value: object) -> str | None:
    """ "OL1W" from "/works/OL1W", {"key": …} or {"author": {"key": …}}. Its form is checked, because it becomes a path."""
    if isinstance(value, dict):
        return _key(value.get("key", value.get("author", value.get("series"))))
    match = re.fullmatch(r"(?:/\w+/)?(OL\d{1,12}[AWML])", value) if isinstance(value, str) else None
    return match[1] if match else None


def _keys(value: object) -> tuple[str, ...]:
    found = (_key(each) for each in value) if isinstance(value, list) else ()
    return tuple(dict.fromkeys(key for key in found if key))


def _images(value: object) -> tuple[int, ...]:
    """Image numbers. The place of a removed image has -1."""
    found = (whole_number(each) for each in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(number for number in found if number))


def _typed_text(value: object) -> str | None:
    """The text of a string or of a typed value: {"type": "/type/text", "value": …}."""
    return plain_text(value.get("value") if isinstance(value, dict) else value)


def _first_date(value: object) -> PartialDate | None:
    dates = (partial_date(each) for each in (value if isinstance(value, list) else [value]))
    return next((date for date in dates if date is not None), None)


def _contributors(value: object) -> tuple[Contributor, ...]:
    """`contributors` are objects {role, name}; the older `contributions` are lines such as "Tim Curry (Narrator)"."""
    found: list[Contributor | None] = []
    for each in value if isinstance(value, list) else []:
        name = text(each.get("name")) if isinstance(each, dict) else text(each)
        role = role_of(text(each.get("role")) or "") if isinstance(each, dict) else None
        found.append(contributor(name, role or ContributorRole.OTHER) if name else None)
    return tuple(dict.fromkeys(person for person in found if person))


def _identifiers(value: object) -> tuple[tuple[str, str], ...]:
    pairs = value.items() if isinstance(value, dict) else ()
    return tuple((_SCHEMES[name], number) for name, numbers in pairs if name in _SCHEMES for number in texts(numbers))


_Key = Annotated[str | None, PlainValidator(_key)]
_Keys = Annotated[tuple[str, ...], PlainValidator(_keys)]
_Images = Annotated[tuple[int, ...], PlainValidator(_images)]
_TypedText = Annotated[str | None, PlainValidator(_typed_text)]
_FirstDate = Annotated[PartialDate | None, PlainValidator(_first_date)]
_Contributors = Annotated[tuple[Contributor, ...], PlainValidator(_contributors)]
_Identifiers = Annotated[tuple[tuple[str, str], ...], PlainValidator(_identifiers)]


def _title(value: object) -> str | None:
    """The title; "" for "Book 9781803132174" or an ISBN alone, which programs write before a book comes out."""
    title = text(value)
    match = _PLACEHOLDER.fullmatch(title) if title else None
    return "" if match and (match["book"] or Isbn13.find(match["isbn"])) else title


_PLACEHOLDER: Final = re.compile(r"(?P<book>Book )?(?P<isbn>(?:97[89])?\d{9}[\dX])", re.IGNORECASE)
_Title = Annotated[str | None, PlainValidator(_title)]


class Edition(WireModel):
    """An edition record: `/books/OL…M.json`, the target of `/isbn/….json`, or an entry of a work's editions."""

    key: _Key = None
    title: _Title = None
    subtitle: Text = None
    works: _Keys = ()
    authors: _Keys = ()
    contributors: _Contributors = ()
    contributions: _Contributors = ()
    isbn_13: Isbns = ()
    isbn_10: Isbns = ()
    publishers: Texts = ()
    publish_date: _FirstDate = None
    languages: Language = None
    physical_format: Format = EditionFormat.UNKNOWN
    number_of_pages: Number = None
    description: _TypedText = None
    subjects: Texts = ()
    covers: _Images = ()
    series: Texts = ()
    identifiers: _Identifiers = ()
    oclc_numbers: Texts = ()
    lccn: Texts = ()
    ocaid: Text = None

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        """The ISBNs of both lengths, as ISBN-13, each once."""
        return tuple(dict.fromkeys((*self.isbn_13, *self.isbn_10)))

    @property
    def all_identifiers(self) -> tuple[tuple[str, str], ...]:
        """(scheme, value) pairs from all members that hold identifiers; `ocaid` is the Internet Archive's."""
        pairs = [("openlibrary_edition", self.key)] if self.key else []
        pairs += [("openlibrary_work", key) for key in self.works]
        pairs += [("oclc", number) for number in self.oclc_numbers] + [("lccn", number) for number in self.lccn]
        pairs += [("internet_archive", self.ocaid)] if self.ocaid else []
        return tuple(dict.fromkeys((*pairs, *self.identifiers)))


class Work(WireModel):
    """A work record: `/works/OL…W.json`."""

    key: _Key = None
    title: _Title = None
    authors: _Keys = ()
    description: _TypedText = None
    subjects: Texts = ()
    covers: _Images = ()
    identifiers: _Identifiers = ()
    first_publish_date: Date = None


class Author(WireModel):
    """An author record, `/authors/OL…A.json`, or a result of the author search."""

    key: _Key = None
    name: Text = None
    alternate_names: Texts = ()
    bio: _TypedText = None
    birth_date: Date = None
    death_date: Date = None
    photos: _Images = ()
    remote_ids: _Identifiers = ()
    work_count: Number = None


class SearchEdition(WireModel):
    """The edition that a search result shows for a work."""

    key: _Key = None
    title: _Title = None
    subtitle: Text = None
    isbn: Isbns = ()
    language: Language = None
    publisher: Texts = ()
    publish_date: _FirstDate = None
    format: Format = EditionFormat.UNKNOWN
    number_of_pages: Number = None


def _search_editions(value: object) -> tuple[SearchEdition, ...]:
    return read_models(SearchEdition, value.get("docs") if isinstance(value, dict) else value)


class SearchWork(WireModel):
    """A work in a search result. `isbn` has the ISBNs of all its editions."""

    key: _Key = None
    title: _Title = None
    subtitle: Text = None
    author_name: Texts = ()
    author_alternative_name: Texts = ()
    first_publish_year: Number = None
    isbn: Isbns = ()
    language: Language = None
    edition_count: Number = None
    editions: Annotated[tuple[SearchEdition, ...], PlainValidator(_search_editions)] = ()

    @property
    def contributors(self) -> tuple[Contributor, ...]:
        """The authors. Alternative names are used only for a single author, because the list does not assign them."""
        people = [contributor(name, ContributorRole.AUTHOR) for name in self.author_name]
        authors = tuple(dict.fromkeys(person for person in people if person))
        if len(authors) != 1:
            return authors
        return (Contributor(authors[0].name, authors[0].role, self.author_alternative_name),)


class RatingSummary(WireModel):
    """The `summary` of `/works/OL…W/ratings.json`."""

    average: Decimal = None
    count: Number = None


class _SubjectAuthor(WireModel):
    name: Text = None


class RatedWork(WireModel):
    """A work in a search result with its ratings."""

    key: _Key = None
    ratings_average: Decimal = None
    ratings_count: Number = None


class SubjectWork(WireModel):
    """A work in `/subjects/….json`."""

    key: _Key = None
    title: _Title = None
    authors: Annotated[tuple[_SubjectAuthor, ...], many(_SubjectAuthor)] = ()
    first_publish_year: Number = None
