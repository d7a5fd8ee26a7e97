"""Editions: the rows of one edition in a SPARQL result, and what they state together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import Cover, SeriesInfo
from alexandria_pipeline.domain.records import Contributor, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.providers.common.edition_formats import edition_format
from alexandria_pipeline.providers.common.languages import language
from alexandria_pipeline.providers.wikidata.declaration import NAME
from alexandria_pipeline.providers.wikidata.models import SparqlRow, first

if TYPE_CHECKING:
    from alexandria_pipeline.domain.isbn import Isbn13

_ROLES: Final = (
    ("author", ContributorRole.AUTHOR),
    ("editor", ContributorRole.EDITOR),
    ("translator", ContributorRole.TRANSLATOR),
    ("illustrator", ContributorRole.ILLUSTRATOR),
)


@dataclass(frozen=True, slots=True)
class Edition:
    """All rows of one edition. Some items are work and edition at once."""

    rows: tuple[SparqlRow, ...]

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        """The ISBNs of the edition, each once."""
        return tuple(dict.fromkeys(isbn for row in self.rows for isbn in row.isbns()))

    @property
    def item(self) -> str | None:
        """The item of the edition."""
        return first(row.item("edition") for row in self.rows)

    @property
    def work(self) -> str | None:
        """The item of the work."""
        return first(row.item("work") for row in self.rows)

    def literal(self, name: str) -> str | None:
        """The first literal of this name."""
        return first(row.literal(name) for row in self.rows)

    def label(self, name: str) -> str | None:
        """The first label of this name."""
        return first(row.label(name) for row in self.rows)

    def title(self, preferred: str | None = None) -> str | None:
        """The title of the edition, in the preferred language if there are several; else the label of edition or work."""
        titled = [row for row in self.rows if row.literal("title")]
        titled.sort(key=lambda row: row.literal_language("title") != preferred)
        title = first(row.literal("title") for row in titled)
        return title or self.label("edition") or self.label("work")

    def language(self, preferred: str | None = None) -> str | None:
        """The stated language, else the language of the title.

        None if one item stands for editions in several languages: it has several ISBNs and no work, or titles in several
        languages.
        """
        if self.work is None and len(self.isbns) > 1:
            return None
        stated = [row.literal("languageCode") or row.label("language") for row in self.rows]
        codes = dict.fromkeys(code for words in stated if (code := language(words)))
        if not codes and not any(row.terms.get("language") for row in self.rows):
            codes = dict.fromkeys(code for row in self.rows if (code := row.literal_language("title")))
            if len(codes) > 1:
                return None
        return preferred if preferred in codes else next(iter(codes), None)

    def published(self) -> PartialDate | None:
        """The earliest year, with the most precise date of that year."""
        dates = [date for row in self.rows if (date := row.date("date"))]
        return min(dates, key=lambda date: (date.year, date.month is None, str(date)), default=None)

    def first_published(self) -> int | None:
        """The earliest year of publication of the work."""
        years = [date.year for row in self.rows if row.item("work") and (date := row.date("firstDate"))]
        return min(years, default=None)

    def format(self) -> EditionFormat:
        """The format; audio if any of the stated formats is audio, because then the item is not a printed book."""
        stated = [edition_format(row.label("format")) for row in self.rows]
        if EditionFormat.AUDIO in stated:
            return EditionFormat.AUDIO
        return next((form for form in stated if form is not EditionFormat.UNKNOWN), EditionFormat.UNKNOWN)

    def contributors(self) -> tuple[Contributor, ...]:
        """Authors, editors, translators and illustrators, each person once for each role, with the aliases of all rows."""
        aliases: dict[tuple[str, ContributorRole], dict[str, None]] = {}
        for variable, role in _ROLES:
            for row in self.rows:
                if name := row.label(variable):
                    listed = _aliases(row.literal(f"{variable}AltLabel"), name)
                    aliases.setdefault((name, role), {}).update(dict.fromkeys(listed))
        for row in self.rows:
            if name := row.literal("authorName"):
                aliases.setdefault((name, ContributorRole.AUTHOR), {})
        return tuple(Contributor(name, role, tuple(others)) for (name, role), others in aliases.items())

    def series(self) -> SeriesInfo | None:
        """The first series that states the position of the work, else the first series."""
        found = [
            (row.literal("ordinal"), name, row.item("series")) for row in self.rows if (name := row.label("series"))
        ]
        if not found:
            return None
        ordinal, name, item = min(found, key=lambda each: each[0] is None)
        return SeriesInfo(NAME, name, ordinal, (("wikidata", item),) if item else ())

    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """(scheme, value) pairs: the items of work and edition."""
        pairs = (("wikidata_edition", self.item if self.work else None), ("wikidata", self.work or self.item))
        return tuple((scheme, item) for scheme, item in pairs if item)

    def covers(self) -> tuple[Cover, ...]:
        """The images of the edition, each once."""
        images = dict.fromkeys(image for row in self.rows if (image := row.address("image")))
        return tuple(Cover(NAME, image) for image in images)


def _aliases(listed: str | None, name: str) -> tuple[str, ...]:
    """The other names in a list with commas. Single words are left out, because they may be half of "Last, First"."""
    names = (alias.strip() for alias in (listed or "").split(","))
    return tuple(dict.fromkeys(alias for alias in names if " " in alias and alias != name))


def editions(rows: Sequence[SparqlRow]) -> tuple[Edition, ...]:
    """The editions of the rows, in order of appearance. Rows without an item are grouped by their ISBNs."""
    gathered: dict[object, list[SparqlRow]] = {}
    for row in rows:
        gathered.setdefault(row.item("edition") or row.isbns(), []).append(row)
    return tuple(Edition(tuple(group)) for group in gathered.values())
