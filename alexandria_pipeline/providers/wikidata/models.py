"""Rows of a SPARQL answer from Wikidata, read cell by cell, and gathered into the editions that they tell of.

One thing comes in several rows, one for each combination of its values; any variable may be missing, or be a blank node
for "some value, unknown". Reading that is the business of this file; which query gave the rows is `wikidata.py`, and
what is made of an edition `wikidata_answers.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.domain.metadata import Cover, SeriesInfo
from alexandria_pipeline.domain.records import Contributor, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.fields import (
    Language,
    Text,
    Wire,
    edition_format,
    language,
    partial_date,
    text,
    web_address,
    whole_number,
)
from alexandria_pipeline.providers.transport.types import Json
from alexandria_pipeline.providers.wikidata.declaration import NAME

_ENTITY: Final = re.compile(r"https?://www\.wikidata\.org/entity/(Q[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"Q[1-9][0-9]*")
_TIME: Final = re.compile(r"\+?([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?(?:T.*)?")
# Precisions of a Wikidata time; anything coarser is a decade or a century.
_YEAR, _MONTH, _DAY = 9, 10, 11

_ROLES: Final = (
    ("author", ContributorRole.AUTHOR),
    ("editor", ContributorRole.EDITOR),
    ("translator", ContributorRole.TRANSLATOR),
    ("illustrator", ContributorRole.ILLUSTRATOR),
)


class SparqlTerm(Wire):
    """One variable's value in one row."""

    kind: Annotated[str, PlainValidator(lambda value: text(value) or "")] = Field(default="", alias="type")
    value: Text = None
    language: Language = Field(default=None, alias="xml:lang")


@dataclass(frozen=True, slots=True)
class SparqlRow:
    """One solution; every question has an answer, None where the row has none."""

    cells: dict[str, SparqlTerm]

    def literal(self, name: str) -> str | None:
        cell = self.cells.get(name)
        return cell.value if cell and cell.kind in {"literal", "typed-literal"} else None

    def address(self, name: str) -> str | None:
        """An address, which is a URI or, from some endpoints, a literal."""
        cell = self.cells.get(name)
        return web_address(cell.value) if cell and cell.kind in {"uri", "literal"} else None

    def item(self, name: str) -> str | None:
        """The number of an item; None for a blank node and for the addresses (".well-known/genid") that stand for one."""
        cell = self.cells.get(name)
        match = _ENTITY.fullmatch(cell.value) if cell and cell.kind == "uri" and cell.value else None
        return match[1] if match else None

    def label(self, name: str) -> str | None:
        """What a thing is called; None for an unknown thing, and where the label service gave only its number."""
        told = self.literal(f"{name}Label") or self.literal(name)
        known = name not in self.cells or self.item(name) is not None or self.literal(name) is not None
        return told if known and told and not _NUMBER.fullmatch(told) else None

    def tag(self, name: str) -> str | None:
        """The language of a literal, ISO 639-1."""
        cell = self.cells.get(name)
        return cell.language if cell and cell.kind == "literal" else None

    def isbn(self, name: str) -> Isbn13 | None:
        found = Isbn13.find(self.literal(name))
        return found if found and not is_placeholder(found) else None

    def isbns(self) -> tuple[Isbn13, ...]:
        """The edition's own, as ISBN-13."""
        found = (self.isbn(name) for name in ("isbn13", "isbn10"))
        return tuple(dict.fromkeys(isbn for isbn in found if isbn))

    def date(self, name: str) -> PartialDate | None:
        return wikidata_date(self.literal(name), whole_number(self.literal(f"{name}Precision")))


def wikidata_date(value: str | None, precision: int | None = None) -> PartialDate | None:
    """A time as precise as it is known; where the precision is not told, a first of January says only the year."""
    match = _TIME.fullmatch(value) if value else None
    if match is None or (precision is not None and precision < _YEAR):
        return None
    year, month, day = (part or "00" for part in match.groups())
    if precision is None:
        precision = _DAY if day > "01" else _MONTH if month > "01" else _YEAR
    return partial_date("-".join((year, month, day)[: min(precision, _DAY) - _YEAR + 1]))


def bindings(data: Json) -> list[Any] | None:
    results = data.get("results") if isinstance(data, dict) else None
    rows = results.get("bindings") if isinstance(results, dict) else None
    return rows if isinstance(rows, list) else None


def parse_rows(data: Json, needed: Iterable[str]) -> tuple[SparqlRow, ...] | NotFound | Failed:
    """The rows that bind one of the `needed` variables at least; rows that all lack them answer another question."""
    answered = bindings(data)
    if answered is None:
        return Failed("Wikidata's query service answered without a list of results")
    rows = tuple(SparqlRow(_cells(binding)) for binding in answered if isinstance(binding, dict))
    usable = tuple(row for row in rows if any(name in row.cells for name in needed))
    if answered and not usable:
        return Failed("Wikidata's query service answered with rows that cannot be read")
    return usable or NotFound()


def _cells(binding: dict[Any, Any]) -> dict[str, SparqlTerm]:
    cells = {str(name): SparqlTerm.model_validate(value) for name, value in binding.items() if isinstance(value, dict)}
    return {name: cell for name, cell in cells.items() if cell.kind and cell.value is not None}


def about(rows: Sequence[SparqlRow], isbn13: Isbn13) -> tuple[SparqlRow, ...]:
    """The rows that answer for the ISBN asked for."""
    return tuple(row for row in rows if row.isbn("isbn") == isbn13)


@dataclass(frozen=True, slots=True)
class Edition:
    """All rows of one edition."""

    rows: tuple[SparqlRow, ...]

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        return tuple(dict.fromkeys(isbn for row in self.rows for isbn in row.isbns()))

    @property
    def item(self) -> str | None:
        return first(row.item("edition") for row in self.rows)

    @property
    def work(self) -> str | None:
        return first(row.item("work") for row in self.rows)

    def literal(self, name: str) -> str | None:
        return first(row.literal(name) for row in self.rows)

    def label(self, name: str) -> str | None:
        return first(row.label(name) for row in self.rows)

    def title(self, preferred: str | None = None) -> str | None:
        """The title as printed, in the preferred language where there are several; else what the item is called."""
        printed = [row for row in self.rows if row.literal("title")]
        printed.sort(key=lambda row: row.tag("title") != preferred)
        told = first(row.literal("title") for row in printed)
        return told or self.label("edition") or self.label("work")

    def language(self, preferred: str | None = None) -> str | None:
        """As stated, else that of the title as printed; nothing where one item stands for editions in several."""
        if self.work is None and len(self.isbns) > 1:
            return None
        stated = [row.literal("languageCode") or row.label("language") for row in self.rows]
        codes = dict.fromkeys(code for words in stated if (code := language(words)))
        if not codes and not any(row.cells.get("language") for row in self.rows):
            codes = dict.fromkeys(tag for row in self.rows if (tag := row.tag("title")))
            if len(codes) > 1:
                return None
        return preferred if preferred in codes else next(iter(codes), None)

    def published(self) -> PartialDate | None:
        """The earliest date, the most precise one of that year."""
        dates = [date for row in self.rows if (date := row.date("date"))]
        return min(dates, key=lambda date: (date.year, date.month is None, str(date)), default=None)

    def first_published(self) -> int | None:
        years = [date.year for row in self.rows if row.item("work") and (date := row.date("firstDate"))]
        return min(years, default=None)

    def format(self) -> EditionFormat:
        """Audio where any of the stated formats is audio, for such an item is no printed book."""
        formats = [
            found for row in self.rows if (found := edition_format(row.label("format"))) != EditionFormat.UNKNOWN
        ]
        return EditionFormat.AUDIO if EditionFormat.AUDIO in formats else next(iter(formats), EditionFormat.UNKNOWN)

    def contributors(self) -> tuple[Contributor, ...]:
        found = [
            Contributor(name, role, _aliases(row.literal(f"{variable}AltLabel"), name))
            for variable, role in _ROLES
            for row in self.rows
            if (name := row.label(variable))
        ]
        found += [Contributor(name, ContributorRole.AUTHOR) for row in self.rows if (name := row.literal("authorName"))]
        return tuple({(person.name, person.role): person for person in reversed(found)}.values())[::-1]

    def series(self) -> SeriesInfo | None:
        """The series that gives the work a place, else the first one."""
        told = [
            (row.literal("ordinal"), name, row.item("series")) for row in self.rows if (name := row.label("series"))
        ]
        told.sort(key=lambda place: place[0] is None)
        if not told:
            return None
        ordinal, name, item = told[0]
        return SeriesInfo(NAME, name, ordinal, (("wikidata", item),) if item else ())

    def identifiers(self) -> tuple[tuple[str, str], ...]:
        pairs = (("wikidata_edition", self.item if self.work else None), ("wikidata", self.work or self.item))
        return tuple((scheme, item) for scheme, item in pairs if item)

    def covers(self) -> tuple[Cover, ...]:
        images = dict.fromkeys(image for row in self.rows if (image := row.address("image")))
        return tuple(Cover(NAME, image) for image in images)


def first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _aliases(listed: str | None, name: str) -> tuple[str, ...]:
    """Other names from a list with commas; single words are left out, for they may be half of "Last, First"."""
    names = (alias.strip() for alias in (listed or "").split(","))
    return tuple(dict.fromkeys(alias for alias in names if " " in alias and alias != name))


def editions(rows: Sequence[SparqlRow]) -> tuple[Edition, ...]:
    """Rows gathered by edition, in order of appearance; where an item is unknown its ISBN tells editions apart."""
    gathered: dict[object, list[SparqlRow]] = {}
    for row in rows:
        gathered.setdefault(row.item("edition") or row.isbns(), []).append(row)
    return tuple(Edition(tuple(group)) for group in gathered.values())
